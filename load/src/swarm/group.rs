//! What the clients of a swarm want: groups of equal clients.

use rand::{SeedableRng, rngs::SmallRng, seq::index};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// The extension offered by clients that want deflate: each message is to stand for itself, as the
/// bytes of a broadcast are shared (RFC 7692 section 7.1).
pub(super) const DEFLATE: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Clients that differ only in which of the topics they want.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// How reports call it.
    pub name: String,
    /// How many clients.
    pub clients: usize,
    /// All topics; none: idle connections.
    pub topics: Vec<String>,
    /// How many of them each client wants, chosen at random; `None`: all.
    pub per_client: Option<usize>,
    /// Encoding of the messages.
    pub format: Format,
    /// Offer permessage-deflate.
    pub deflate: bool,
    /// How much of what comes is read.
    pub reading: Reading,
    /// How a client says what it wants.
    pub ask: Ask,
}

/// Encoding of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text frames.
    #[default]
    Json,
    /// Binary frames.
    Msgpack,
}

/// How much of what comes a client reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// All of it at once.
    #[default]
    All,
    /// Nothing after the handshake.
    Nothing,
    /// So many bytes a second.
    BytesPerSecond(u32),
}

/// How a client says what it wants, and what it gets for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Tickcast, or what looks like it: topics in the address, and nothing is waited for.
    Url,
    /// Tickcast: a subscription with these settings, by message if the format allows; a client is
    /// in when it is `synced`.
    Tickcast(Settings),
    /// Another server: every stamp in what it sends is a delivery.
    Other(Dialect),
}

/// Settings of a subscribe message; absent ones are not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// At most one message per topic in this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_ms: Option<u64>,
    /// Skip smaller changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_change_bps: Option<u64>,
    /// At least one message per topic in this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_silence_ms: Option<u64>,
}

/// How another server is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dialect {
    /// Messages after connecting; one with `{topic}` is sent for each topic.
    pub hello: Vec<String>,
    /// Text of the message after which the subscription stands; `None`: it stands at once.
    pub subscribed: Option<String>,
    /// Messages that are answered at once.
    pub replies: BTreeMap<String, String>,
    /// The WebSocket subprotocol to ask for.
    pub subprotocol: Option<String>,
}

impl Settings {
    /// Those that are set.
    fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let all = [
            ("interval_ms", self.interval_ms),
            ("min_change_bps", self.min_change_bps),
            ("max_silence_ms", self.max_silence_ms),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value?)))
    }
}

impl Group {
    /// Idle clients.
    #[must_use]
    pub fn new(name: impl Into<String>, clients: usize) -> Self {
        Self {
            name: name.into(),
            clients,
            topics: Vec::new(),
            per_client: None,
            format: Format::Json,
            deflate: false,
            reading: Reading::All,
            ask: Ask::Url,
        }
    }

    /// How many topics a client wants.
    #[must_use]
    pub fn wanted(&self) -> usize {
        self.per_client.unwrap_or(usize::MAX).min(self.topics.len())
    }

    /// The topics of one client, the same in every run.
    pub(super) fn topics_of(&self, client: usize) -> Vec<&str> {
        let all = || self.topics.iter().map(String::as_str).collect();
        let Some(count) = self.per_client.filter(|count| *count < self.topics.len()) else {
            return all();
        };
        let mut random = SmallRng::seed_from_u64(client as u64);
        index::sample(&mut random, self.topics.len(), count)
            .into_iter()
            .filter_map(|at| self.topics.get(at).map(String::as_str))
            .collect()
    }

    /// What a client sends after its handshake.
    pub(super) fn hello(&self, topics: &[&str]) -> Vec<String> {
        match &self.ask {
            Ask::Url => Vec::new(),
            Ask::Tickcast(_) if topics.is_empty() || self.format == Format::Msgpack => Vec::new(),
            Ask::Tickcast(settings) => {
                let mut message = json!({"op": "subscribe", "id": 1, "topics": topics});
                settings.each().for_each(|(key, value)| message[key] = value.into());
                vec![message.to_string()]
            }
            Ask::Other(dialect) => {
                let for_topics = |text: &String| match text.contains("{topic}") {
                    true => topics.iter().map(|topic| text.replace("{topic}", topic)).collect(),
                    false => vec![text.clone()],
                };
                dialect.hello.iter().flat_map(for_topics).collect()
            }
        }
    }

    /// What a client adds to the address's query.
    pub(super) fn query(&self, topics: &[&str]) -> Vec<(&'static str, String)> {
        let mut query = Vec::new();
        let in_address = match self.ask {
            Ask::Url => true,
            Ask::Tickcast(_) => self.format == Format::Msgpack,
            Ask::Other(_) => false,
        };
        if in_address && !topics.is_empty() {
            query.push(("topics", topics.join(",")));
        }
        if let (true, Ask::Tickcast(settings)) = (in_address, &self.ask) {
            query.extend(settings.each().map(|(key, value)| (key, value.to_string())));
        }
        query
    }

    /// The subprotocol that its clients ask for.
    pub(super) fn subprotocol(&self) -> Option<&str> {
        match (&self.ask, self.format) {
            (Ask::Other(dialect), _) => dialect.subprotocol.as_deref(),
            (_, Format::Json) => None,
            (_, Format::Msgpack) => Some("tickcast.v1.msgpack"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> Group {
        let topics = (0..500).map(|n| format!("ticker:bench:T{n}-USDT")).collect();
        Group { topics, per_client: Some(20), ..Group::new("random", 10) }
    }

    #[test]
    fn each_client_has_a_set_of_its_own_and_keeps_it() {
        let group = group();
        let (first, again, other) = (group.topics_of(1), group.topics_of(1), group.topics_of(2));
        assert_eq!((first.len(), group.wanted()), (20, 20));
        assert_eq!(first, again);
        assert_ne!(first, other);
        let different: std::collections::BTreeSet<_> = first.iter().collect();
        assert_eq!(different.len(), 20);
        assert_eq!(Group { per_client: None, ..group }.topics_of(1).len(), 500);
    }

    #[test]
    fn settings_go_into_the_message_only_if_set() {
        let settings = Settings { interval_ms: Some(100), ..Settings::default() };
        let group = Group { ask: Ask::Tickcast(settings), ..group() };
        let hello: serde_json::Value = serde_json::from_str(&group.hello(&["A-B"])[0]).unwrap();
        let expected = json!({"op": "subscribe", "id": 1, "topics": ["A-B"], "interval_ms": 100});
        assert_eq!(hello, expected);
        assert!(group.hello(&[]).is_empty() && group.query(&["A-B"]).is_empty());
        let packed = Group { format: Format::Msgpack, ..group };
        let query = [("topics", "A-B".to_owned()), ("interval_ms", "100".to_owned())];
        assert_eq!((packed.query(&["A-B"]), packed.hello(&["A-B"])), (query.to_vec(), vec![]));
    }

    #[test]
    fn another_server_gets_a_message_for_each_topic() {
        let dialect = Dialect {
            hello: vec!["connect".to_owned(), r#"{"sub":"{topic}"}"#.to_owned()],
            ..Dialect::default()
        };
        let group = Group { ask: Ask::Other(dialect), ..group() };
        assert_eq!(group.hello(&["A", "B"]), ["connect", r#"{"sub":"A"}"#, r#"{"sub":"B"}"#]);
    }
}
