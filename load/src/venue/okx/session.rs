//! OKX's side of one connection.

use super::wire;
use crate::venue::{
    exchange::Timings,
    session::{Action, Budget, Context, Listing},
    subscriptions::{Channel, Subscriptions},
};
use serde::Deserialize;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Subscribe and unsubscribe requests of a connection in an hour.
const REQUEST_LIMIT: usize = 480;
/// The window of that limit.
const REQUEST_WINDOW: Duration = Duration::from_secs(3600);

/// The state of a connection.
#[derive(Debug)]
pub(in crate::venue) struct Session {
    /// When something last went either way.
    busy: Instant,
    requests: Budget,
}

#[derive(Deserialize)]
struct Request {
    id: Option<String>,
    op: String,
    args: Vec<Value>,
}

impl Session {
    pub(in crate::venue) fn open(context: &Context) -> Self {
        Self { busy: context.now, requests: Budget::new(REQUEST_LIMIT, REQUEST_WINDOW) }
    }

    pub(in crate::venue) fn deadline(&self, timings: Timings) -> Instant {
        self.busy + timings.patience
    }

    pub(in crate::venue) fn pushed(&mut self, now: Instant) {
        self.busy = now;
    }

    pub(in crate::venue) fn text(
        &mut self,
        text: &str,
        context: &Context,
        subscriptions: &mut Subscriptions,
    ) -> Vec<Action> {
        self.busy = context.now;
        if text == "ping" {
            let pong = (!context.faults.ignore_pings).then(|| Action::Send("pong".to_owned()));
            return [Action::Heartbeat].into_iter().chain(pong).collect();
        }
        let Ok(request) = serde_json::from_str::<Request>(text) else {
            return vec![Action::Send(wire::error(None, "60012", &invalid(text)))];
        };
        let id = request.id.as_deref();
        let event = match request.op.as_str() {
            "subscribe" => "subscribe",
            "unsubscribe" => "unsubscribe",
            _ => return vec![Action::Send(wire::error(id, "60012", &invalid(text)))],
        };
        if !self.requests.spend(context.now) {
            return vec![Action::Send(wire::error(id, "60014", "Requests too frequent"))];
        }
        let answers = request.args.iter().map(|argument| {
            Action::Send(match argument_of(argument, context) {
                Some(name) if event == "subscribe" => {
                    subscriptions.add(Channel::Quote, name);
                    wire::event(id, event, argument)
                }
                Some(name) => {
                    subscriptions.remove(Channel::Quote, name);
                    wire::event(id, event, argument)
                }
                None => wire::error(id, "60018", &wire::no_such(argument)),
            })
        });
        [Action::Subscribed].into_iter().chain(answers).collect()
    }
}

/// The instrument of an argument that can be served.
fn argument_of<'a>(argument: &'a Value, context: &Context) -> Option<&'a str> {
    if argument["channel"] != "tickers" {
        return None;
    }
    let name = argument["instId"].as_str()?;
    (context.listing(name) == Listing::Listed).then_some(name)
}

fn invalid(text: &str) -> String {
    format!("Invalid request: {text}")
}
