//! What goes to the venue on one connection, within the venue's message limit.

use super::{outstanding::Set, venue::budget};
use crate::exchange::{Exchange, Probe};
use governor::DefaultDirectRateLimiter;
use std::{collections::VecDeque, sync::Arc};
use tickcast_shared::admin::Queue;
use tokio_tungstenite::tungstenite::Message;

/// Messages that wait to be sent: pings, and sets of symbols to subscribe to or not any longer. It
/// holds each symbol and channel about once, which bounds it.
pub(super) struct Uplink {
    exchange: &'static dyn Exchange,
    budget: DefaultDirectRateLimiter,
    ping: Option<Probe>,
    requests: VecDeque<Request>,
    number: u64,
    queue: Arc<Queue>,
}

enum Request {
    Subscribe(Set),
    Unsubscribe(Set),
}

/// A message to send now.
pub(super) struct Outgoing {
    pub(super) message: Message,
    /// The request's number and symbols, if it is a subscription.
    pub(super) subscription: Option<(u64, Set)>,
}

impl Uplink {
    pub(super) fn new(exchange: &'static dyn Exchange, queue: Arc<Queue>) -> Self {
        let budget = budget(exchange.limits().messages);
        queue.set_depth(0);
        Self { exchange, budget, ping: None, requests: VecDeque::new(), number: 0, queue }
    }

    /// Subscribes to every channel of these symbols, in frames as large as the venue takes: first to
    /// what gives them a price.
    pub(super) fn subscribe(&mut self, symbols: &[String]) {
        self.each(symbols, Request::Subscribe);
    }

    /// Ends the subscriptions to these symbols.
    pub(super) fn unsubscribe(&mut self, symbols: &[String]) {
        self.each(symbols, Request::Unsubscribe);
    }

    /// Subscribes to these symbols of one channel.
    pub(super) fn ask(&mut self, set: Set) {
        self.requests.push_back(Request::Subscribe(set));
        self.queue.set_depth(self.requests.len());
    }

    fn each(&mut self, symbols: &[String], request: impl Fn(Set) -> Request) {
        for &channel in self.exchange.channels() {
            for part in symbols.chunks(self.exchange.limits().symbols_per_request) {
                self.requests.push_back(request(Set { channel, symbols: part.to_vec() }));
            }
        }
        self.queue.set_depth(self.requests.len());
    }

    /// Asks for a sign of life.
    pub(super) fn ping(&mut self, probe: Probe) {
        self.ping = Some(probe);
    }

    /// The next message, if there is one and the budget allows it.
    pub(super) fn next(&mut self) -> Option<Outgoing> {
        if (self.ping.is_none() && self.requests.is_empty()) || self.budget.check().is_err() {
            return None;
        }
        self.number += 1;
        if let Some(probe) = self.ping.take() {
            let message = match probe {
                Probe::Text => Message::text(self.exchange.ping(self.number)),
                Probe::Frame => Message::Ping(Default::default()),
            };
            return Some(Outgoing { message, subscription: None });
        }
        let request = self.requests.pop_front()?;
        self.queue.set_depth(self.requests.len());
        let (Request::Subscribe(set) | Request::Unsubscribe(set)) = &request;
        let names: Vec<&str> = set.symbols.iter().map(String::as_str).collect();
        match &request {
            Request::Subscribe(set) => {
                let text = self.exchange.subscribe(set.channel, &names, self.number);
                let subscription = Some((self.number, set.clone()));
                Some(Outgoing { message: Message::text(text), subscription })
            }
            Request::Unsubscribe(set) => {
                let text = self.exchange.unsubscribe(set.channel, &names, self.number);
                // A venue without that request goes on sending; its messages are not listened to.
                if text.is_empty() {
                    return self.next();
                }
                Some(Outgoing { message: Message::text(text), subscription: None })
            }
        }
    }
}
