//! What a client's commands do.

use super::{authorize, plan::Plan, session::Session};
use crate::{
    hub::{Change, Table},
    metrics::Metrics,
    wire::encode,
};
use std::{collections::BTreeMap, fmt::Display, time::Duration};
use tickcast_shared::{
    market::{ExchangeId, Pattern, Topic},
    protocol::{
        Command, DEFAULT_HISTORY, ErrorCode, ErrorMessage, Id, Plain, Rejected, Request, Subscribe,
    },
};

/// The text that stands for every subscription in `unsubscribe`.
const EVERYTHING: &str = "*";

/// Answers one text message.
pub async fn handle(session: &Session, text: &str) {
    session.shard.borrow().metrics.commands.increment(1);
    #[cfg(feature = "testing")]
    assert_ne!(text, "panic", "a client asked for it");
    let request = match Request::parse(text) {
        Ok(request) => request,
        Err(error) => {
            let (message, field) = (error.message.as_str(), error.field.as_deref());
            return refuse(session, error.id.as_ref(), error.code, message, field);
        }
    };
    let id = request.id.as_ref();
    let is_open_to_all = matches!(request.command, Command::Ping | Command::Auth { .. });
    if !is_open_to_all && !authorize::is_let_in(session, id) {
        return;
    }
    match request.command {
        Command::Ping => {
            let time = session.shard.borrow().clock.now();
            session.tell(&Plain::Pong { id, time });
        }
        Command::Subscribe(wanted) => {
            session.pass_over().await;
            subscribe(session, id, &wanted);
        }
        Command::Unsubscribe { topics } => {
            session.pass_over().await;
            unsubscribe(session, id, &topics);
        }
        Command::List => list(session, id),
        Command::Topics { matching, limit, cursor } => {
            topics(session, id, matching.as_deref(), limit, cursor.as_deref());
        }
        Command::Auth { token } => Box::pin(authorize::renew(session, id, &token)).await,
    }
}

/// Says why a message could not be served.
pub fn refuse(
    session: &Session,
    id: Option<&Id>,
    code: ErrorCode,
    message: &str,
    field: Option<&str>,
) {
    session.shard.borrow().metrics.rejected(code, 1);
    session.tell(&Plain::Error(ErrorMessage { id, code, message, field, retry_after_ms: None }));
}

/// Says that a message was not looked at, and when the next one will be.
pub fn slow_down(session: &Session, wait: Duration) {
    session.shard.borrow().metrics.rejected(ErrorCode::RateLimited, 1);
    let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
    session.tell(&Plain::Error(ErrorMessage {
        id: None,
        code: ErrorCode::RateLimited,
        message: "too many messages; this one was ignored, and who goes on is disconnected",
        field: None,
        retry_after_ms: Some(wait),
    }));
}

/// Says why a binary message is no command.
pub fn refuse_unreadable(session: &Session, error: &impl Display) {
    let message = format!("a binary message is a MessagePack map: {error}");
    refuse(session, None, ErrorCode::BadJson, &message, None);
}

/// Adds topics and patterns: `subscribed`, the present values, `synced`. Not while a pass runs.
pub fn subscribe(session: &Session, id: Option<&Id>, wanted: &Subscribe) {
    let mut shard = session.shard.borrow_mut();
    let access = shard.access(session.member);
    let most = access.limits(&shard.config).max_topics;
    let list = [("topics", wanted.topics.len()), ("since", wanted.since.len())];
    if let Some((field, _)) = list.into_iter().find(|(_, count)| *count > most) {
        shard.metrics.limited("topics");
        drop(shard);
        let message = format!("{field} has more entries than a connection may have topics");
        return refuse(session, id, ErrorCode::TooManyTopics, &message, Some(field));
    }
    let table = shard.fan.table(session.member);
    let mut plan = Plan::new(&shard, &table, wanted, &access);
    // A topic may have been announced just now: REST knows it already.
    if plan.depends_on_news() && shard.has_news() {
        shard.pass_now();
        plan = Plan::new(&shard, &table, wanted, &access);
    }
    if plan.rejected.iter().any(|it| it.code == ErrorCode::TooManyTopics) {
        shard.metrics.limited("topics");
    }
    count_rejected(&shard.metrics, &plan.rejected);
    let (due, held) = plan.due_and_held(&shard, &wanted.since);
    let aliases: BTreeMap<&str, &str> =
        plan.aliases.iter().map(|(text, full)| (*text, full.as_str())).collect();
    let names = plan.topics.iter().filter_map(|id| shard.fan.topics.name(*id));
    let message = Plain::Subscribed {
        id,
        topics: names.map(|topic| plan.settings.of(topic)).collect(),
        aliases,
        patterns: plan.patterns.iter().collect(),
        rejected: plan.rejected,
    };
    let answer = encode::message(&message, table.encoding());
    let last = encode::message(&Plain::Synced { id }, table.encoding());
    let history = wanted.asked.history.unwrap_or(DEFAULT_HISTORY) as usize;
    shard.change(session.member, plan.table, Change { answer, due, held, history, last });
}

/// Counts each code once: a client may name thousands of topics that do not exist.
fn count_rejected(metrics: &Metrics, rejected: &[Rejected<'_>]) {
    let mut rest = rejected;
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|it| it.code == first.code).count();
        metrics.rejected(first.code, run as u64);
        rest = &rest[run..];
    }
}

/// Takes topics and patterns out. Not while a pass runs.
fn unsubscribe(session: &Session, id: Option<&Id>, texts: &[String]) {
    let mut shard = session.shard.borrow_mut();
    let mut table = (*shard.fan.table(session.member)).clone();
    let encoding = table.encoding();
    let mut gone: Vec<String> = Vec::new();
    for text in texts {
        if text == EVERYTHING {
            gone.extend(table.topics().filter_map(|id| shard.fan.topics.name(id)).map(full));
            gone.extend(table.patterns().map(ToString::to_string));
            table = Table::empty(encoding);
            continue;
        }
        match Wanted::parse(text, &shard.config.default_exchange) {
            Ok(Wanted::Pattern(pattern)) if table.remove_pattern(&pattern) => {
                gone.push(pattern.to_string());
            }
            Ok(Wanted::Topic(topic)) => {
                if shard.fan.topics.number(&topic).is_some_and(|id| table.remove_topic(id)) {
                    gone.push(topic.to_string());
                }
            }
            Ok(Wanted::Pattern(_)) => {}
            Err(message) => {
                drop(shard);
                return refuse(session, id, ErrorCode::BadTopic, &message, Some("topics"));
            }
        }
    }
    let topics = gone.iter().map(String::as_str).collect();
    let answer = encode::message(&Plain::Unsubscribed { id, topics }, encoding);
    shard.change(session.member, table, Change { answer, ..Change::default() });
}

fn list(session: &Session, id: Option<&Id>) {
    let shard = session.shard.borrow();
    let table = shard.fan.table(session.member);
    let wants = shard.fan.wants(session.member);
    let named = wants
        .iter()
        .filter_map(|(id, settings)| shard.fan.topics.name(*id).map(|topic| settings.of(topic)));
    let message =
        Plain::Subscriptions { id, topics: named.collect(), patterns: table.patterns().collect() };
    let frame = encode::message(&message, table.encoding());
    drop(shard);
    session.shard.borrow_mut().answer(session.member, frame);
}

fn topics(
    session: &Session,
    id: Option<&Id>,
    matching: Option<&str>,
    limit: usize,
    cursor: Option<&str>,
) {
    let page = {
        let shard = session.shard.borrow();
        let access = shard.access(session.member);
        let present = shard.fan.topics.present().map(|(_, topic)| topic);
        let present = present.filter(|topic| access.allows(topic));
        Wanted::filter(matching, &shard.config.default_exchange)
            .map(|wanted| crate::registry::page(present, wanted.as_ref(), limit, cursor))
    };
    match page {
        Err(message) => refuse(session, id, ErrorCode::BadTopic, &message, Some("match")),
        Ok((topics, next)) => {
            session.tell(&Plain::Topics { id, topics: &topics, cursor: next.as_deref() });
        }
    }
}

fn full(topic: &Topic) -> String {
    topic.to_string()
}

/// A topic or a pattern, as a client may write it.
#[derive(Debug)]
pub enum Wanted {
    /// One topic.
    Topic(Topic),
    /// A family of topics.
    Pattern(Pattern),
}

impl Wanted {
    /// Reads a topic or a pattern.
    ///
    /// # Errors
    /// A line that says what would be right.
    pub fn parse(text: &str, default_exchange: &ExchangeId) -> Result<Self, String> {
        let parsed = if Pattern::is_meant(text) {
            Pattern::parse_client(text, default_exchange).map(Self::Pattern)
        } else {
            Topic::parse_client(text, default_exchange).map(Self::Topic)
        };
        parsed.map_err(|error| error.to_string())
    }

    /// The same; none where nothing or `*` asks for everything.
    ///
    /// # Errors
    /// A line that says what would be right.
    pub fn filter(
        text: Option<&str>,
        default_exchange: &ExchangeId,
    ) -> Result<Option<Self>, String> {
        match text {
            None | Some("" | EVERYTHING) => Ok(None),
            Some(text) => Self::parse(text, default_exchange).map(Some),
        }
    }

    /// Whether it covers the topic.
    #[must_use]
    pub fn covers(&self, topic: &Topic) -> bool {
        match self {
            Self::Topic(wanted) => wanted == topic,
            Self::Pattern(pattern) => pattern.matches(topic),
        }
    }
}
