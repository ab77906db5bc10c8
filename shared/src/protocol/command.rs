//! What a client may say, read strictly: every error names what is wrong.

use super::{Asked, ErrorCode};
use crate::{bus::Stamp, secret::Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use std::collections::BTreeMap;

/// Most topics a `topics` request may ask for at once.
pub const MAX_TOPICS_PAGE: usize = 1000;
/// How many topics a `topics` request gets when it does not say.
pub const DEFAULT_TOPICS_PAGE: usize = 500;

/// A request's `id`, a JSON string or number, echoed as it was written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Id(#[schemars(with = "IdText")] Box<RawValue>);

/// What an [`Id`] may be.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
#[allow(dead_code, reason = "only its schema is of use")]
enum IdText {
    Text(String),
    Number(f64),
}

/// One message of a client.
#[derive(Debug, Clone)]
pub struct Request {
    /// Echoed in the answer.
    pub id: Option<Id>,
    /// What is asked.
    pub command: Command,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Answered with `pong`.
    Ping,
    /// Wants topics or patterns.
    Subscribe(Subscribe),
    /// No longer wants them; `["*"]` means all.
    Unsubscribe {
        /// Topics and patterns as the client wrote them.
        topics: Vec<String>,
    },
    /// Asks what it is subscribed to.
    List,
    /// Asks which topics there are.
    Topics {
        /// A pattern, a topic, or everything.
        matching: Option<String>,
        /// Most topics to return.
        limit: usize,
        /// Where the last page ended.
        cursor: Option<String>,
    },
    /// Presents a token.
    Auth {
        /// The token.
        token: Secret,
    },
}

/// A subscription as the client wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// Topics and patterns.
    pub topics: Vec<String>,
    /// How often and on which moves the client wants to hear of them.
    pub asked: Asked,
    /// What the client has already, by topic as it wrote it.
    pub since: BTreeMap<String, Stamp>,
}

/// Why a client's message was not understood.
#[derive(Debug, Clone)]
pub struct RequestError {
    /// The request's `id`, where it could be read.
    pub id: Option<Id>,
    /// What kind of mistake.
    pub code: ErrorCode,
    /// What to change, for a human.
    pub message: String,
    /// The key that is wrong.
    pub field: Option<String>,
}

/// The place of the newest message that a client has of a topic. (As a [`Stamp`], but a misspelled key
/// is not taken for zero.)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "The place of the newest message that the client has of a topic.")]
pub struct Since {
    /// As in the topic's newest message.
    #[schemars(range(max = u64::MAX))]
    epoch: u64,
    /// As there.
    #[schemars(range(max = u64::MAX))]
    seq: u64,
}

impl Request {
    /// Reads a text message.
    ///
    /// # Errors
    /// [`RequestError`] with the code, the field and the `id` as far as they could be read.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        let mut fields = Fields::parse(text)?;
        let op: String = fields.required("op")?;
        let command = match op.as_str() {
            "ping" => Command::Ping,
            "subscribe" => Command::Subscribe(fields.subscription()?),
            "unsubscribe" => Command::Unsubscribe { topics: fields.required("topics")? },
            "list" => Command::List,
            "topics" => Command::Topics {
                matching: fields.optional("match")?,
                limit: fields.page_limit()?,
                cursor: fields.optional("cursor")?,
            },
            "auth" => Command::Auth { token: fields.required("token")? },
            _ => return Err(fields.error(ErrorCode::UnknownOp, unknown_op(&op), Some("op"))),
        };
        fields.finish(&op)?;
        Ok(Self { id: fields.id, command })
    }
}

fn unknown_op(op: &str) -> String {
    let shown: String = op.chars().take(32).collect();
    format!("unknown op {shown:?}; there are ping, subscribe, unsubscribe, list, topics and auth")
}

/// Whether an `id` can be echoed in every encoding: a string of whole characters or a number that
/// has a value, not merely something with the looks of one (`"\ud800"`, `1e999`).
fn echoes(id: &RawValue) -> bool {
    matches!(serde_json::from_str(id.get()), Ok(Value::String(_) | Value::Number(_)))
}

/// The keys of a message that have not been used yet.
struct Fields {
    id: Option<Id>,
    left: BTreeMap<String, Box<RawValue>>,
}

impl Fields {
    fn parse(text: &str) -> Result<Self, RequestError> {
        let left = serde_json::from_str(text).map_err(|error| RequestError {
            id: None,
            code: ErrorCode::BadJson,
            message: format!("a message is the text ping or a JSON object: {error}"),
            field: None,
        })?;
        let mut fields = Self { id: None, left };
        if let Some(id) = fields.left.remove("id") {
            if !echoes(&id) {
                let message = "id must be a JSON string or number".into();
                return Err(fields.error(ErrorCode::BadField, message, Some("id")));
            }
            fields.id = Some(Id(id));
        }
        Ok(fields)
    }

    fn error(&self, code: ErrorCode, message: String, field: Option<&str>) -> RequestError {
        RequestError { id: self.id.clone(), code, message, field: field.map(str::to_owned) }
    }

    fn optional<T: for<'a> Deserialize<'a>>(
        &mut self,
        key: &str,
    ) -> Result<Option<T>, RequestError> {
        let Some(raw) = self.left.remove(key) else { return Ok(None) };
        serde_json::from_str(raw.get())
            .map_err(|error| self.error(ErrorCode::BadField, format!("{key}: {error}"), Some(key)))
    }

    fn required<T: for<'a> Deserialize<'a>>(&mut self, key: &str) -> Result<T, RequestError> {
        self.optional::<Option<T>>(key)?
            .flatten()
            .ok_or_else(|| self.error(ErrorCode::BadField, format!("{key} is missing"), Some(key)))
    }

    fn subscription(&mut self) -> Result<Subscribe, RequestError> {
        let topics: Vec<String> = self.required("topics")?;
        if topics.is_empty() {
            let message = "topics is empty; name at least one".into();
            return Err(self.error(ErrorCode::BadField, message, Some("topics")));
        }
        Ok(Subscribe { topics, asked: self.asked()?, since: self.since()? })
    }

    fn asked(&mut self) -> Result<Asked, RequestError> {
        let mut asked = Asked::default();
        for key in Asked::FIELDS {
            if let Some(raw) = self.left.remove(key) {
                asked
                    .field(key, raw.get())
                    .map_err(|message| self.error(ErrorCode::BadField, message, Some(key)))?;
            }
        }
        Ok(asked)
    }

    fn since(&mut self) -> Result<BTreeMap<String, Stamp>, RequestError> {
        let since = self.optional::<Option<BTreeMap<String, Since>>>("since")?.flatten();
        let stamps = since.unwrap_or_default().into_iter();
        Ok(stamps.map(|(topic, Since { epoch, seq })| (topic, Stamp { epoch, seq })).collect())
    }

    fn page_limit(&mut self) -> Result<usize, RequestError> {
        match self.optional::<Option<usize>>("limit")?.flatten() {
            None => Ok(DEFAULT_TOPICS_PAGE),
            Some(limit @ 1..=MAX_TOPICS_PAGE) => Ok(limit),
            Some(_) => {
                let message = format!("limit must be 1 to {MAX_TOPICS_PAGE}");
                Err(self.error(ErrorCode::BadField, message, Some("limit")))
            }
        }
    }

    fn finish(&self, op: &str) -> Result<(), RequestError> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(key) => {
                let shown: String = key.chars().take(64).collect();
                let message = format!("{op} has no field {shown:?}");
                Err(self.error(ErrorCode::UnknownField, message, Some(&shown)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(text: &str) -> (ErrorCode, Option<String>) {
        let error = Request::parse(text).unwrap_err();
        (error.code, error.field)
    }

    #[test]
    fn reads_every_operation() {
        let request = Request::parse(r#"{"op":"subscribe","id":"a","topics":["BTC-USDT"]}"#);
        let request = request.unwrap();
        assert_eq!(serde_json::to_string(&request.id).unwrap(), r#""a""#);
        let topics = vec!["BTC-USDT".to_owned()];
        let (asked, since) = (Asked::default(), BTreeMap::new());
        assert_eq!(request.command, Command::Subscribe(Subscribe { topics, asked, since }));
        for op in ["ping", "list", "topics"] {
            assert!(Request::parse(&format!(r#"{{"op":"{op}"}}"#)).is_ok(), "{op}");
        }
        let all = Request::parse(r#"{"op":"topics","match":null,"limit":5,"cursor":null}"#);
        let wanted = Command::Topics { matching: None, limit: 5, cursor: None };
        assert_eq!(all.unwrap().command, wanted);
    }

    #[test]
    fn names_what_is_wrong() {
        assert_eq!(refused("hello"), (ErrorCode::BadJson, None));
        assert_eq!(refused("[1]"), (ErrorCode::BadJson, None));
        assert_eq!(refused("{}"), (ErrorCode::BadField, Some("op".into())));
        assert_eq!(refused(r#"{"op":"fly"}"#), (ErrorCode::UnknownOp, Some("op".into())));
        assert_eq!(refused(r#"{"op":"ping","x":1}"#), (ErrorCode::UnknownField, Some("x".into())));
        let field = |name: &str| (ErrorCode::BadField, Some(name.to_owned()));
        assert_eq!(refused(r#"{"op":"subscribe"}"#), field("topics"));
        assert_eq!(refused(r#"{"op":"subscribe","topics":"A"}"#), field("topics"));
        assert_eq!(refused(r#"{"op":"subscribe","topics":[]}"#), field("topics"));
        assert_eq!(refused(r#"{"op":"subscribe","topics":["A"],"history":501}"#), field("history"));
        assert_eq!(refused(r#"{"op":"topics","limit":0}"#), field("limit"));
        for id in ["[1]", "null", r#""\ud800""#, "1e999"] {
            assert_eq!(refused(&format!(r#"{{"op":"ping","id":{id}}}"#)), field("id"), "{id}");
        }
    }

    fn subscribe(settings: &str) -> Result<Subscribe, RequestError> {
        let text = format!(r#"{{"op":"subscribe","topics":["A"],{settings}}}"#);
        Request::parse(&text).map(|request| match request.command {
            Command::Subscribe(subscribe) => subscribe,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn reads_the_settings_of_a_subscription() {
        let all = r#""interval_ms":0,"min_change_bps":5,"max_silence_ms":null,
            "history":20,"since":{"ticker:okx:A-B":{"epoch":7,"seq":1042}}"#;
        let read = subscribe(all).unwrap();
        let wanted = Asked {
            interval_ms: Some(0),
            min_change_bps: Some(5),
            history: Some(20),
            max_silence_ms: None,
        };
        assert_eq!(read.asked, wanted);
        let since = [("ticker:okx:A-B".to_owned(), Stamp { epoch: 7, seq: 1042 })];
        assert_eq!(read.since, BTreeMap::from(since));
        assert_eq!(subscribe(r#""since":null"#).unwrap().since, BTreeMap::new());
    }

    #[test]
    fn refuses_settings_by_name() {
        for (field, value) in [
            ("interval_ms", "3600001"),
            ("interval_ms", "-1"),
            ("min_change_bps", "10001"),
            ("min_change_bps", "1.5"),
            ("max_silence_ms", "99"),
            ("max_silence_ms", r#""1000""#),
            ("since", "[]"),
            ("since", r#"{"A":{"epoch":1}}"#),
            ("since", r#"{"A":{"epoch":1,"seq":2,"x":3}}"#),
            ("since", r#"{"A":{"epoch":-1,"seq":2}}"#),
        ] {
            let error = subscribe(&format!(r#""{field}":{value}"#)).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field), "{value}");
            assert_eq!(error.code, ErrorCode::BadField);
            assert!(error.message.contains(field), "{}", error.message);
        }
    }

    #[test]
    fn keeps_the_id_of_a_wrong_message() {
        let error = Request::parse(r#"{"id":12345678901234567890123,"op":"fly"}"#).unwrap_err();
        assert_eq!(serde_json::to_string(&error.id).unwrap(), "12345678901234567890123");
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_a_panic(text in "\\PC{0,80}") {
            let _ = Request::parse(&text);
        }
    }
}
