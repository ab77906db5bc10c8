//! KuCoin's side of one connection.

use super::wire;
use crate::venue::{
    exchange::Timings,
    session::{Action, Budget, Context, Dial, Listing},
    subscriptions::{Channel, Subscriptions},
};
use serde::Deserialize;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Messages a client may send in ten seconds.
const UPLINK_LIMIT: usize = 100;
/// The window of that limit.
const UPLINK_WINDOW: Duration = Duration::from_secs(10);
/// Symbols in one subscribe request.
const MAX_SYMBOLS_PER_REQUEST: usize = 100;
/// Topics of one connection.
const MAX_TOPICS: usize = 400;
/// Prefix of the quote topics.
const TICKER: &str = "/market/ticker:";
/// Prefix of the summary topics.
const SNAPSHOT: &str = "/market/snapshot:";

/// The state of a connection.
#[derive(Debug)]
pub(in crate::venue) struct Session {
    last_ping: Instant,
    uplink: Budget,
}

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    id: Value,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    topic: String,
    #[serde(default)]
    response: bool,
}

impl Session {
    pub(in crate::venue) fn open(dial: &Dial, context: &Context) -> (Self, Vec<Action>) {
        let id = dial.query.get("connectId").map_or("", String::as_str);
        let actions = if dial.token_accepted {
            vec![Action::Send(wire::welcome(id))]
        } else {
            vec![
                Action::Send(wire::error(&id.into(), 401, "token is expired")),
                Action::Close(1000, "token is expired"),
            ]
        };
        let uplink = Budget::new(UPLINK_LIMIT, UPLINK_WINDOW);
        (Self { last_ping: context.now, uplink }, actions)
    }

    pub(in crate::venue) fn deadline(&self, timings: Timings) -> Instant {
        self.last_ping + timings.ping_interval + timings.patience
    }

    pub(in crate::venue) fn text(
        &mut self,
        text: &str,
        context: &Context,
        subscriptions: &mut Subscriptions,
    ) -> Vec<Action> {
        let Ok(request) = serde_json::from_str::<Request>(text) else {
            return refuse(&Value::Null, 400, "message is not understood");
        };
        if !self.uplink.spend(context.now) {
            return refuse(&request.id, 509, "exceed max permits per second");
        }
        match request.kind.as_str() {
            "ping" => {
                self.last_ping = context.now;
                let pong = Action::Send(wire::pong(&request.id));
                let answer = (!context.faults.ignore_pings).then_some(pong);
                [Action::Heartbeat].into_iter().chain(answer).collect()
            }
            "subscribe" => {
                let mut actions = vec![Action::Subscribed];
                actions.extend(subscribe(&request, context, subscriptions));
                actions
            }
            "unsubscribe" => unsubscribe(&request, subscriptions),
            _ => refuse(&request.id, 400, "type is not supported"),
        }
    }
}

/// All symbols of a request, or none: KuCoin has one answer for the whole of it.
fn subscribe(
    request: &Request,
    context: &Context,
    subscriptions: &mut Subscriptions,
) -> Vec<Action> {
    if request.topic == "/market/ticker:all" {
        subscriptions.all = true;
        return acknowledge(request);
    }
    let Some((channel, prefix, names)) = split(&request.topic) else {
        return refuse(&request.id, 404, &format!("topic {} is not found", request.topic));
    };
    if names.len() > MAX_SYMBOLS_PER_REQUEST {
        return refuse(&request.id, 509, "exceed max symbol count limitation of 100 per topic");
    }
    if subscriptions.len() + names.len() > MAX_TOPICS {
        let data = "exceed max subscription count limitation of 400 per session";
        return refuse(&request.id, 509, data);
    }
    for name in &names {
        if context.listing(name) != Listing::Listed {
            return refuse(&request.id, 404, &format!("topic {prefix}{name} is not found"));
        }
    }
    names.iter().for_each(|name| subscriptions.add(channel, name));
    acknowledge(request)
}

fn unsubscribe(request: &Request, subscriptions: &mut Subscriptions) -> Vec<Action> {
    match split(&request.topic) {
        Some((_, TICKER, names)) if names == ["all"] => subscriptions.all = false,
        Some((channel, _, names)) => {
            names.iter().for_each(|name| subscriptions.remove(channel, name));
        }
        None => {
            return refuse(&request.id, 404, &format!("topic {} is not found", request.topic));
        }
    }
    acknowledge(request)
}

fn split(topic: &str) -> Option<(Channel, &'static str, Vec<&str>)> {
    let (channel, prefix, rest) = match topic.strip_prefix(TICKER) {
        Some(rest) => (Channel::Quote, TICKER, rest),
        None => (Channel::Summary, SNAPSHOT, topic.strip_prefix(SNAPSHOT)?),
    };
    Some((channel, prefix, rest.split(',').collect()))
}

fn acknowledge(request: &Request) -> Vec<Action> {
    if request.response { vec![Action::Send(wire::ack(&request.id))] } else { Vec::new() }
}

fn refuse(id: &Value, code: u32, data: &str) -> Vec<Action> {
    vec![Action::Send(wire::error(id, code, data))]
}
