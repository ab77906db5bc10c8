//! Kraken's side of one connection.

use super::wire;
use crate::venue::{
    exchange::Timings,
    session::{Action, Context, Listing},
    subscriptions::{Channel, Delivery, Subscriptions},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Instant;

/// The state of a connection.
#[derive(Debug)]
pub(in crate::venue) struct Session {
    opened: Instant,
    /// When a channel last said something; nothing before the first subscription.
    busy: Option<Instant>,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    #[serde(default)]
    params: Parameters,
    #[serde(default)]
    req_id: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    channel: String,
    symbol: Vec<String>,
    event_trigger: Option<String>,
    snapshot: Option<bool>,
}

impl Session {
    pub(in crate::venue) fn open(context: &Context) -> (Self, Vec<Action>) {
        (Self { opened: context.now, busy: None }, vec![Action::Send(wire::status("online"))])
    }

    pub(in crate::venue) fn deadline(&self, timings: Timings) -> Instant {
        self.busy.map_or(self.opened + timings.patience, |busy| busy + timings.ping_interval)
    }

    pub(in crate::venue) fn pushed(&mut self, now: Instant) {
        self.busy = self.busy.map(|_| now);
    }

    pub(in crate::venue) fn due(&mut self, context: &Context) -> Vec<Action> {
        if self.busy.is_none() {
            return vec![Action::Close(1000, "no subscription")];
        }
        self.busy = Some(context.now);
        let heartbeat = Action::Send(wire::HEARTBEAT.to_owned());
        if context.faults.ignore_pings { Vec::new() } else { vec![heartbeat] }
    }

    pub(in crate::venue) fn text(
        &mut self,
        text: &str,
        context: &Context,
        subscriptions: &mut Subscriptions,
    ) -> Vec<Action> {
        let Ok(request) = serde_json::from_str::<Request>(text) else {
            let error = json!({"error": "Malformed request", "success": false});
            return vec![Action::Send(wire::answer(error, &Value::Null, context.time_ms))];
        };
        match request.method.as_str() {
            "ping" => {
                let pong =
                    wire::answer(json!({"method": "pong"}), &request.req_id, context.time_ms);
                let pong = (!context.faults.ignore_pings).then_some(Action::Send(pong));
                [Action::Heartbeat].into_iter().chain(pong).collect()
            }
            "subscribe" => {
                let mut actions = vec![Action::Subscribed];
                for name in &request.params.symbol {
                    actions.extend(self.subscribe(name, &request, context, subscriptions));
                }
                actions
            }
            "unsubscribe" => {
                let names = request.params.symbol.iter();
                names.map(|name| unsubscribe(name, &request, context, subscriptions)).collect()
            }
            _ => vec![refuse(&request, "", "Unsupported method", context)],
        }
    }

    /// One symbol of a request: the answer, then the present state.
    fn subscribe(
        &mut self,
        name: &str,
        request: &Request,
        context: &Context,
        subscriptions: &mut Subscriptions,
    ) -> Vec<Action> {
        let Some(channel) = request.channel() else {
            return vec![refuse(request, name, "Unsupported channel", context)];
        };
        if context.listing(name) != Listing::Listed {
            let error = format!("Currency pair not supported {name}");
            return vec![refuse(request, name, &error, context)];
        }
        if subscriptions.has(channel, name) {
            return vec![refuse(request, name, "Already subscribed", context)];
        }
        subscriptions.add(channel, name);
        self.busy.get_or_insert(context.now);
        let wants_state = request.params.snapshot.unwrap_or(true);
        let mut result = json!({
            "channel": request.params.channel, "snapshot": wants_state, "symbol": name,
        });
        if channel == Channel::Quote {
            let trigger = request.params.event_trigger.as_deref().unwrap_or("trades");
            result["event_trigger"] = trigger.into();
        }
        let answer = json!({"method": "subscribe", "result": result, "success": true});
        let answer = Action::Send(wire::answer(answer, &request.req_id, context.time_ms));
        let state = wants_state.then(|| snapshot(channel, name, context)).flatten();
        [answer].into_iter().chain(state).collect()
    }
}

impl Request {
    fn channel(&self) -> Option<Channel> {
        match self.params.channel.as_str() {
            "ticker" => Some(Channel::Quote),
            "trade" => Some(Channel::Summary),
            _ => None,
        }
    }
}

fn unsubscribe(
    name: &str,
    request: &Request,
    context: &Context,
    subscriptions: &mut Subscriptions,
) -> Action {
    match request.channel() {
        Some(channel) if subscriptions.has(channel, name) => {
            subscriptions.remove(channel, name);
            let result = json!({"channel": request.params.channel, "symbol": name});
            let answer = json!({"method": "unsubscribe", "result": result, "success": true});
            Action::Send(wire::answer(answer, &request.req_id, context.time_ms))
        }
        _ => refuse(request, name, "Subscription Not Found", context),
    }
}

fn snapshot(channel: Channel, name: &str, context: &Context) -> Option<Action> {
    let tick = context.latest(name)?;
    let text = match channel {
        Channel::Quote => wire::ticker(name, &tick, wire::SNAPSHOT),
        Channel::Summary => {
            tick.last.as_ref()?;
            wire::trade(name, &tick, wire::SNAPSHOT)
        }
    };
    Some(Action::Data(Delivery { channel, name: name.into(), text: text.into() }))
}

fn refuse(request: &Request, name: &str, error: &str, context: &Context) -> Action {
    let answer =
        json!({"error": error, "method": request.method, "success": false, "symbol": name});
    Action::Send(wire::answer(answer, &request.req_id, context.time_ms))
}
