//! Coinbase's side of one connection.

use super::wire;
use crate::venue::{
    exchange::Timings,
    session::{Action, Context, Listing},
    subscriptions::{Channel, Delivery, Subscriptions},
};
use serde::Deserialize;
use std::{collections::BTreeSet, time::Instant};

/// The state of a connection.
#[derive(Debug)]
pub(in crate::venue) struct Session {
    opened: Instant,
    /// When the next heartbeats are due; nothing before the first subscription.
    next_heartbeat: Option<Instant>,
    /// Products with heartbeats.
    heartbeats: BTreeSet<String>,
    /// Answers of the Advanced Trade form so far.
    answers: u64,
}

#[derive(Deserialize)]
struct Request {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    product_ids: Vec<String>,
    #[serde(default)]
    channels: Vec<Wish>,
    /// Advanced Trade has one channel a request.
    channel: Option<String>,
}

/// A channel by its name, or with products of its own.
#[derive(Deserialize)]
#[serde(untagged)]
enum Wish {
    Name(String),
    Own { name: String, product_ids: Vec<String> },
}

impl Session {
    pub(in crate::venue) fn open(context: &Context) -> Self {
        let heartbeats = BTreeSet::new();
        Self { opened: context.now, next_heartbeat: None, heartbeats, answers: 0 }
    }

    pub(in crate::venue) fn deadline(&self, timings: Timings) -> Instant {
        self.next_heartbeat.unwrap_or(self.opened + timings.patience)
    }

    pub(in crate::venue) fn due(&mut self, context: &Context) -> Vec<Action> {
        if self.next_heartbeat.is_none() {
            return vec![Action::Close(1008, "no subscription in time")];
        }
        self.next_heartbeat = Some(context.now + context.timings.ping_interval);
        if context.faults.ignore_pings {
            return Vec::new();
        }
        let heartbeat = |product: &String| {
            let sequence = context.latest(product).and_then(|tick| tick.sequence);
            Action::Send(wire::heartbeat(product, sequence.unwrap_or_default(), context.time_ms))
        };
        self.heartbeats.iter().map(heartbeat).collect()
    }

    pub(in crate::venue) fn text(
        &mut self,
        text: &str,
        context: &Context,
        subscriptions: &mut Subscriptions,
    ) -> Vec<Action> {
        let refuse = |reason: &str| vec![Action::Send(wire::error("Failed to subscribe", reason))];
        let Ok(request) = serde_json::from_str::<Request>(text) else {
            return vec![Action::Send(wire::error("Malformed JSON", text))];
        };
        let is_subscribe = match request.kind.as_str() {
            "subscribe" => true,
            "unsubscribe" => false,
            other => return refuse(&format!("{other} is not a valid type")),
        };
        let wishes = match request.wishes(context) {
            Ok(wishes) => wishes,
            Err(reason) => return refuse(&reason),
        };
        let mut actions = Vec::new();
        if is_subscribe {
            actions.push(Action::Subscribed);
            self.next_heartbeat.get_or_insert(context.now + context.timings.ping_interval);
        }
        let new = self.change(is_subscribe, wishes, subscriptions);
        actions.push(Action::Send(self.list(&request, context, subscriptions)));
        actions.extend(new.iter().filter_map(|name| snapshot(name, context)));
        actions
    }

    /// Takes over what was asked for; the products whose tickers are new.
    fn change(
        &mut self,
        is_subscribe: bool,
        wishes: Vec<(String, String)>,
        subscriptions: &mut Subscriptions,
    ) -> Vec<String> {
        let mut new = Vec::new();
        for (channel, product) in wishes {
            match (channel.as_str(), is_subscribe) {
                ("ticker", true) if !subscriptions.has(Channel::Quote, &product) => {
                    subscriptions.add(Channel::Quote, &product);
                    new.push(product);
                }
                ("ticker", true) => {}
                ("ticker", false) => subscriptions.remove(Channel::Quote, &product),
                (_, true) => _ = self.heartbeats.insert(product),
                (_, false) => _ = self.heartbeats.remove(&product),
            }
        }
        new
    }

    fn list(
        &mut self,
        request: &Request,
        context: &Context,
        subscriptions: &Subscriptions,
    ) -> String {
        let tickers = subscriptions.sorted(Channel::Quote);
        if request.channel.is_some() {
            self.answers += 1;
            return wire::advanced_subscriptions(&tickers, context.time_ms, self.answers);
        }
        let heartbeats: Vec<&str> = self.heartbeats.iter().map(String::as_str).collect();
        wire::subscriptions(&tickers, &heartbeats)
    }
}

impl Request {
    /// Channel and product of all that is asked for, or why all of it is refused.
    fn wishes(&self, context: &Context) -> Result<Vec<(String, String)>, String> {
        let single = self.channel.iter().map(|name| (name.as_str(), &self.product_ids));
        let several = self.channels.iter().map(|wish| match wish {
            Wish::Name(name) => (name.as_str(), &self.product_ids),
            Wish::Own { name, product_ids } => (name.as_str(), product_ids),
        });
        let mut wishes = Vec::new();
        for (channel, products) in single.chain(several) {
            if !["ticker", "heartbeat", "heartbeats"].contains(&channel) {
                return Err(format!("{channel} is not a valid channel"));
            }
            for product in products {
                wishes.push((channel.to_owned(), served(product, context)?));
            }
        }
        if wishes.is_empty() && self.channel.as_deref() != Some("heartbeats") {
            return Err("no channels or products provided".to_owned());
        }
        Ok(wishes)
    }
}

/// The product that is told about when this one is asked for: a `-USDC` product that is not listed
/// itself is answered with the `-USD` one.
fn served(product: &str, context: &Context) -> Result<String, String> {
    let stand_in = product.strip_suffix("-USDC").map(|base| format!("{base}-USD"));
    let known = |name: &String| context.listing(name) == Listing::Listed;
    let own = Some(product.to_owned()).filter(known);
    own.or_else(|| stand_in.filter(known))
        .ok_or_else(|| format!("{product} is not a valid product"))
}

/// The present ticker, which a new subscriber gets at once.
fn snapshot(name: &str, context: &Context) -> Option<Action> {
    let text = wire::ticker(name, &context.latest(name)?).into();
    Some(Action::Data(Delivery { channel: Channel::Quote, name: name.into(), text }))
}
