//! What a client's commands do.

use super::{
    conn::Phase,
    plan::Plan,
    session::{Ended, Session},
};
use crate::{hub::TopicId, wire::encode};
use std::collections::BTreeMap;
use tickcast_shared::{
    market::{ExchangeId, Pattern, Topic},
    protocol::{Command, ErrorCode, ErrorMessage, Id, InForce, Plain, Request, Subscribe},
};

/// The text that stands for every subscription in `unsubscribe`.
const EVERYTHING: &str = "*";

/// Answers one text message.
///
/// # Errors
/// [`Ended`] when the connection is over.
pub async fn handle(session: &Session, text: &str) -> Result<(), Ended> {
    session.shard.borrow().metrics.commands.increment(1);
    let request = match Request::parse(text) {
        Ok(request) => request,
        Err(error) => {
            let (message, field) = (error.message.as_str(), error.field.as_deref());
            return session.refuse(error.id.as_ref(), error.code, message, field);
        }
    };
    let id = request.id.as_ref();
    match request.command {
        Command::Ping => {
            let time = session.shard.borrow().clock.now();
            session.send(&encode::json(&Plain::Pong { id, time }))
        }
        Command::Subscribe(Subscribe { topics }) => Box::pin(session.subscribe(id, &topics)).await,
        Command::Unsubscribe { topics } => session.unsubscribe(id, &topics),
        Command::List => session.list(id),
        Command::Topics { matching, limit, cursor } => {
            session.topics(id, matching.as_deref(), limit, cursor.as_deref())
        }
        Command::Auth { .. } => {
            let message = "this server asks for no token";
            session.refuse(id, ErrorCode::BadField, message, Some("token"))
        }
    }
}

impl Session {
    fn refuse(
        &self,
        id: Option<&Id>,
        code: ErrorCode,
        message: &str,
        field: Option<&str>,
    ) -> Result<(), Ended> {
        let error = ErrorMessage { id, code, message, field, retry_after_ms: None };
        self.send(&encode::json(&Plain::Error(error)))
    }

    /// Adds topics and patterns: `subscribed`, the present values, `synced`.
    ///
    /// # Errors
    /// [`Ended`] when the connection is over.
    pub async fn subscribe(&self, id: Option<&Id>, texts: &[String]) -> Result<(), Ended> {
        if texts.len() > self.shard.borrow().config.limits.max_topics {
            let message = "topics has more entries than a connection may have topics";
            return self.refuse(id, ErrorCode::TooManyTopics, message, Some("topics"));
        }
        // What waits in the mailbox belongs to the old cohort and comes before the answer.
        crate::hub::worker::pass(&self.shard);
        if self.conn.phase() == Phase::Closing {
            return Ok(());
        }
        let (answer, due, table) = {
            let shard = self.shard.borrow();
            let plan = Plan::new(&shard, &shard.table(self.member), texts);
            let aliases: BTreeMap<&str, &str> =
                plan.aliases.iter().map(|(text, full)| (*text, full.as_str())).collect();
            let message = Plain::Subscribed {
                id,
                topics: in_force(plan.topics.iter().filter_map(|id| shard.topics.name(*id))),
                aliases,
                patterns: plan.patterns.iter().collect(),
                rejected: plan.rejected,
            };
            (encode::json(&message), plan.topics, plan.table)
        };
        self.catch_up(answer, due, table).await?;
        self.send(&encode::json(&Plain::Synced { id }))
    }

    fn unsubscribe(&self, id: Option<&Id>, texts: &[String]) -> Result<(), Ended> {
        let mut shard = self.shard.borrow_mut();
        let mut table = (*shard.table(self.member)).clone();
        let mut gone: Vec<String> = Vec::new();
        for text in texts {
            if text == EVERYTHING {
                let topics = std::mem::take(&mut table.topics);
                gone.extend(topics.iter().filter_map(|id| shard.topics.name(*id)).map(full));
                let patterns = std::mem::take(&mut table.patterns);
                gone.extend(patterns.iter().map(ToString::to_string));
                continue;
            }
            match Wanted::parse(text, &shard.config.default_exchange) {
                Ok(Wanted::Pattern(pattern)) if table.patterns.remove(&pattern) => {
                    gone.push(pattern.to_string());
                }
                Ok(Wanted::Topic(topic)) => {
                    if shard.topics.number(&topic).is_some_and(|id| table.topics.remove(&id)) {
                        gone.push(topic.to_string());
                    }
                }
                Ok(Wanted::Pattern(_)) => {}
                Err(message) => {
                    drop(shard);
                    return self.refuse(id, ErrorCode::BadTopic, &message, Some("topics"));
                }
            }
        }
        shard.attach(self.member, table.into());
        drop(shard);
        let topics = gone.iter().map(String::as_str).collect();
        self.send(&encode::json(&Plain::Unsubscribed { id, topics }))
    }

    fn list(&self, id: Option<&Id>) -> Result<(), Ended> {
        let frame = {
            let shard = self.shard.borrow();
            let table = shard.table(self.member);
            let topics: Vec<TopicId> = shard.subscribed(self.member);
            encode::json(&Plain::Subscriptions {
                id,
                topics: in_force(topics.iter().filter_map(|id| shard.topics.name(*id))),
                patterns: table.patterns.iter().collect(),
            })
        };
        self.send(&frame)
    }

    fn topics(
        &self,
        id: Option<&Id>,
        matching: Option<&str>,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<(), Ended> {
        let page = {
            let shard = self.shard.borrow();
            let present = shard.topics.present().map(|(_, topic)| topic);
            Wanted::filter(matching, &shard.config.default_exchange)
                .map(|wanted| crate::registry::page(present, wanted.as_ref(), limit, cursor))
        };
        match page {
            Err(message) => self.refuse(id, ErrorCode::BadTopic, &message, Some("match")),
            Ok((topics, next)) => {
                let cursor = next.as_deref();
                self.send(&encode::json(&Plain::Topics { id, topics: &topics, cursor }))
            }
        }
    }
}

fn full(topic: &Topic) -> String {
    topic.to_string()
}

fn in_force<'a>(topics: impl Iterator<Item = &'a Topic>) -> Vec<InForce<'a>> {
    topics.map(InForce::every_update).collect()
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
