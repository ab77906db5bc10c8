//! Bybit's side of one connection.

use super::wire;
use crate::venue::{
    exchange::Timings,
    session::{Action, Context, Dial, Listing},
    subscriptions::{Channel, Delivery, Subscriptions},
};
use serde::Deserialize;
use std::time::Instant;

/// Topics in one request on the spot market.
const MAX_ARGS: usize = 10;
/// Characters of all topics of a connection together.
const MAX_CHARACTERS: usize = 21_000;

/// The state of a connection.
#[derive(Debug)]
pub(in crate::venue) struct Session {
    /// Before the names of what this connection can subscribe to; empty on spot.
    market: &'static str,
    /// When the client last said something.
    heard: Instant,
    /// Characters of the topics so far.
    characters: usize,
}

#[derive(Deserialize)]
struct Request {
    req_id: Option<String>,
    op: String,
    #[serde(default)]
    args: Vec<String>,
}

impl Session {
    pub(in crate::venue) fn open(dial: &Dial, context: &Context) -> Self {
        let market = if dial.path.ends_with("/linear") { wire::LINEAR } else { "" };
        Self { market, heard: context.now, characters: 0 }
    }

    pub(in crate::venue) fn deadline(&self, timings: Timings) -> Instant {
        self.heard + timings.patience
    }

    pub(in crate::venue) fn text(
        &mut self,
        text: &str,
        context: &Context,
        subscriptions: &mut Subscriptions,
    ) -> Vec<Action> {
        self.heard = context.now;
        let Ok(request) = serde_json::from_str::<Request>(text) else {
            return vec![Action::Send(wire::answer("", None, false, "Invalid JSON"))];
        };
        let id = request.req_id.as_deref();
        match request.op.as_str() {
            "ping" => {
                let pong = match self.market {
                    "" => wire::answer("ping", id, true, "pong"),
                    _ => wire::linear_pong(id, context.time_ms),
                };
                let pong = (!context.faults.ignore_pings).then_some(Action::Send(pong));
                [Action::Heartbeat].into_iter().chain(pong).collect()
            }
            "subscribe" => {
                let answers = self.subscribe(&request, context, subscriptions);
                [Action::Subscribed].into_iter().chain(answers).collect()
            }
            "unsubscribe" => {
                for (channel, name) in request.args.iter().filter_map(|it| wire::parse_topic(it)) {
                    subscriptions.remove(channel, &format!("{}{name}", self.market));
                }
                vec![Action::Send(wire::answer("unsubscribe", id, true, ""))]
            }
            op => vec![Action::Send(wire::answer(op, id, false, "Invalid op"))],
        }
    }

    /// All topics of a request, or none.
    fn subscribe(
        &mut self,
        request: &Request,
        context: &Context,
        subscriptions: &mut Subscriptions,
    ) -> Vec<Action> {
        let id = request.req_id.as_deref();
        let topics = match self.topics(request, context, subscriptions) {
            Ok(topics) => topics,
            Err(message) => {
                return vec![Action::Send(wire::answer("subscribe", id, false, &message))];
            }
        };
        let mut actions = vec![Action::Send(wire::answer("subscribe", id, true, "subscribe"))];
        for (channel, name) in &topics {
            subscriptions.add(*channel, name);
            actions.extend(snapshot(*channel, name, context));
        }
        actions
    }

    /// Channels and instruments of a request, or why it is refused.
    fn topics(
        &mut self,
        request: &Request,
        context: &Context,
        subscriptions: &Subscriptions,
    ) -> Result<Vec<(Channel, String)>, String> {
        if self.market.is_empty() && request.args.len() > MAX_ARGS {
            return Err(format!("args size >{MAX_ARGS}"));
        }
        let characters: usize = request.args.iter().map(String::len).sum();
        if self.characters + characters > MAX_CHARACTERS {
            return Err("args length limit exceeded".to_owned());
        }
        let mut topics = Vec::new();
        for topic in &request.args {
            let Some((channel, name)) = wire::parse_topic(topic) else {
                return Err(format!("Invalid topic: {topic}"));
            };
            let name = format!("{}{name}", self.market);
            if context.listing(&name) != Listing::Listed {
                return Err(format!("Invalid symbol :[{topic}]"));
            }
            if subscriptions.has(channel, &name) {
                return Err(format!("error:already subscribed,topic:{topic}"));
            }
            topics.push((channel, name));
        }
        self.characters += characters;
        Ok(topics)
    }
}

/// The present state, which a new subscriber gets at once.
fn snapshot(channel: Channel, name: &str, context: &Context) -> Option<Action> {
    let tick = context.latest(name)?;
    let text = match channel {
        Channel::Quote => wire::book(name, &tick),
        Channel::Summary => wire::ticker(name, &tick),
    };
    Some(Action::Data(Delivery { channel, name: name.into(), text: text.into() }))
}
