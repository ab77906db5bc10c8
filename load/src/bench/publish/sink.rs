//! Where updates go, and in what form.

use super::{BusSink, HttpSink, NatsSink, Plan, PublishError, RedisSink, Update};
use crate::{limit, venue::source::stamp_text};
use std::{io::Write, process::ChildStdin};
use tickcast_shared::clock::Clock;

/// Where updates go.
#[derive(Debug)]
pub enum Sink {
    /// Tickcast's bus.
    Bus(Box<BusSink>),
    /// HTTP requests.
    Http(HttpSink),
    /// `PUBLISH` of Redis.
    Redis(RedisSink),
    /// `PUB` of NATS.
    Nats(NatsSink),
    /// Lines into a pipe.
    Pipe(ChildStdin, String),
    /// Lines into a connection.
    Tcp(std::net::TcpStream, String),
}

impl Sink {
    pub(super) fn send(
        &mut self,
        plan: &Plan,
        clock: &Clock,
        updates: &[Update],
    ) -> Result<(), PublishError> {
        if let Self::Bus(bus) = self {
            return bus.send(clock, updates);
        }
        for update in updates {
            let topic = &plan.topics[update.topic];
            let text = Payload::new(plan, clock, update);
            match self {
                Self::Bus(_) => {}
                Self::Http(http) => http.send(topic, &text)?,
                Self::Redis(redis) => redis.send(topic, &text)?,
                Self::Nats(nats) => nats.send(topic, &text)?,
                Self::Pipe(pipe, line) => pipe.write_all(text.line(line, topic).as_bytes())?,
                Self::Tcp(stream, line) => stream.write_all(text.line(line, topic).as_bytes())?,
            }
        }
        Ok(())
    }

    /// Does what has to be done without updates, and says when again.
    pub(super) fn idle(&mut self, clock: &Clock) -> Result<(), PublishError> {
        match self {
            Self::Bus(bus) => bus.beat_if_due(clock),
            _ => Ok(()),
        }
    }
}

/// An update's JSON, and where it stands in what is sent.
#[derive(Debug)]
pub struct Payload(pub(super) String);

impl Payload {
    fn new(plan: &Plan, clock: &Clock, update: &Update) -> Self {
        let (stamp, published) = (stamp_text(update.due), clock.now().0);
        let topic = &plan.topics[update.topic];
        Self(limit::payload(topic, &stamp, published, 1, update.seq, plan.size))
    }

    /// A text in which `{topic}`, `{payload}` and `{payload_text}` are replaced.
    #[must_use]
    pub fn fill(&self, text: &str, topic: &str) -> String {
        let escaped = || self.0.replace('\\', "\\\\").replace('"', "\\\"");
        let mut filled = text.replace("{topic}", topic);
        if filled.contains("{payload_text}") {
            filled = filled.replace("{payload_text}", &escaped());
        }
        filled.replace("{payload}", &self.0)
    }

    fn line(&self, text: &str, topic: &str) -> String {
        self.fill(text, topic) + "\n"
    }
}
