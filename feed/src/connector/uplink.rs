//! What goes to the venue on one connection, within the venue's message limit.

use super::venue::budget;
use crate::exchange::{Exchange, Part, Probe};
use governor::DefaultDirectRateLimiter;
use std::{collections::VecDeque, sync::Arc};
use tickcast_shared::admin::Queue;
use tokio_tungstenite::tungstenite::Message;

/// Messages that wait to be sent: pings, and sets of symbols to subscribe to. It holds each symbol
/// at most once, which bounds it.
pub(super) struct Uplink {
    exchange: &'static dyn Exchange,
    budget: DefaultDirectRateLimiter,
    ping: Option<Probe>,
    sets: VecDeque<Vec<String>>,
    request: u64,
    queue: Arc<Queue>,
}

/// A message to send now.
pub(super) struct Outgoing {
    pub(super) message: Message,
    /// The request's number and symbols, if it is a subscription.
    pub(super) subscription: Option<(u64, Vec<String>)>,
}

impl Uplink {
    pub(super) fn new(exchange: &'static dyn Exchange, queue: Arc<Queue>) -> Self {
        let budget = budget(exchange.limits().messages);
        queue.set_depth(0);
        Self { exchange, budget, ping: None, sets: VecDeque::new(), request: 0, queue }
    }

    /// Subscribes to these, in frames as large as the venue takes.
    pub(super) fn subscribe(&mut self, symbols: &[String]) {
        for set in symbols.chunks(self.exchange.limits().symbols_per_request) {
            self.sets.push_back(set.to_vec());
        }
        self.queue.set_depth(self.sets.len());
    }

    /// Asks for a sign of life.
    pub(super) fn ping(&mut self, probe: Probe) {
        self.ping = Some(probe);
    }

    /// The next message, if there is one and the budget allows it.
    pub(super) fn next(&mut self) -> Option<Outgoing> {
        if (self.ping.is_none() && self.sets.is_empty()) || self.budget.check().is_err() {
            return None;
        }
        self.request += 1;
        if let Some(probe) = self.ping.take() {
            let message = match probe {
                Probe::Text => Message::text(self.exchange.ping(self.request)),
                Probe::Frame => Message::Ping(Default::default()),
            };
            return Some(Outgoing { message, subscription: None });
        }
        let symbols = self.sets.pop_front()?;
        self.queue.set_depth(self.sets.len());
        let names: Vec<&str> = symbols.iter().map(String::as_str).collect();
        let message = Message::text(self.exchange.subscribe(Part::Main, &names, self.request));
        Some(Outgoing { message, subscription: Some((self.request, symbols)) })
    }
}
