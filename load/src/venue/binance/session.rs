//! Binance's side of one connection.

use super::wire;
use crate::venue::{
    exchange::Timings,
    session::{Action, Budget, Context, Dial, Listing},
    subscriptions::Subscriptions,
};
use serde::Deserialize;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Messages a client may send in a second, pongs included.
const UPLINK_LIMIT: usize = 5;
/// The window of that limit.
const UPLINK_WINDOW: Duration = Duration::from_secs(1);
/// Streams of one connection.
const MAX_STREAMS: usize = 1024;

/// The state of a connection.
#[derive(Debug)]
pub(in crate::venue) struct Session {
    next_ping: Instant,
    /// When the oldest ping without an answer was sent.
    unanswered: Option<Instant>,
    uplink: Budget,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    #[serde(default)]
    params: Vec<String>,
    #[serde(default)]
    id: Value,
}

impl Session {
    pub(in crate::venue) fn open(
        dial: &Dial,
        context: &Context,
        subscriptions: &mut Subscriptions,
    ) -> (Self, Vec<Action>) {
        let session = Self {
            next_ping: context.now + context.timings.ping_interval,
            unanswered: None,
            uplink: Budget::new(UPLINK_LIMIT, UPLINK_WINDOW),
        };
        let mut actions = Vec::new();
        if let Some(streams) = dial.query.get("streams") {
            actions.push(Action::Subscribed);
            // What the address asks for and does not exist is passed over in silence.
            for stream in streams.split('/') {
                subscribe(stream, context, subscriptions);
            }
        }
        (session, actions)
    }

    pub(in crate::venue) fn deadline(&self, timings: Timings) -> Instant {
        self.unanswered.map_or(self.next_ping, |sent| (sent + timings.patience).min(self.next_ping))
    }

    pub(in crate::venue) fn due(&mut self, context: &Context) -> Vec<Action> {
        if self.unanswered.is_some_and(|sent| context.now >= sent + context.timings.patience) {
            return vec![Action::Close(1008, "no pong")];
        }
        self.next_ping = context.now + context.timings.ping_interval;
        self.unanswered.get_or_insert(context.now);
        vec![Action::Ping(context.time_ms.to_string().into_bytes())]
    }

    pub(in crate::venue) fn pong(&mut self, context: &Context) -> Vec<Action> {
        self.unanswered = None;
        self.spend(context).unwrap_or_else(|| vec![Action::Heartbeat])
    }

    pub(in crate::venue) fn text(
        &mut self,
        text: &str,
        context: &Context,
        subscriptions: &mut Subscriptions,
    ) -> Vec<Action> {
        if let Some(excess) = self.spend(context) {
            return excess;
        }
        let Ok(request) = serde_json::from_str::<Request>(text) else {
            return vec![Action::Send(wire::error(&Value::Null, 3, "Invalid JSON"))];
        };
        match request.method.as_str() {
            "SUBSCRIBE" => {
                let answer = subscribe_all(&request, context, subscriptions);
                vec![Action::Subscribed, Action::Send(answer)]
            }
            "UNSUBSCRIBE" => {
                for stream in &request.params {
                    if let Some((channel, name)) = wire::parse_stream(stream) {
                        subscriptions.remove(channel, &name);
                    }
                }
                vec![Action::Send(wire::result(&request.id))]
            }
            _ => vec![Action::Send(wire::error(&request.id, 2, "Invalid request: unknown method"))],
        }
    }

    /// What to do when the client has sent too much.
    fn spend(&mut self, context: &Context) -> Option<Vec<Action>> {
        let excess = || vec![Action::Close(1008, "Too many requests")];
        (!self.uplink.spend(context.now)).then(excess)
    }
}

fn subscribe_all(
    request: &Request,
    context: &Context,
    subscriptions: &mut Subscriptions,
) -> String {
    if subscriptions.len() + request.params.len() > MAX_STREAMS {
        return wire::error(&request.id, 2, "Invalid request: too many streams");
    }
    for stream in &request.params {
        let refused = match wire::parse_stream(stream) {
            Some((_, name)) => context.listing(&name) == Listing::Rejected,
            None => !stream.contains('@'),
        };
        if refused {
            return wire::error(&request.id, 2, &format!("Invalid request: stream {stream}"));
        }
    }
    for stream in &request.params {
        subscribe(stream, context, subscriptions);
    }
    wire::result(&request.id)
}

/// A stream that does not exist is accepted and stays silent, as at the real exchange.
fn subscribe(stream: &str, context: &Context, subscriptions: &mut Subscriptions) {
    if let Some((channel, name)) = wire::parse_stream(stream)
        && context.listing(&name) == Listing::Listed
    {
        subscriptions.add(channel, &name);
    }
}
