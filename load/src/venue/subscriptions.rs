//! What one connection of a simulated exchange has subscribed to.

use std::{collections::HashSet, sync::Arc};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The two kinds of market data a symbol can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Each change of the quote: KuCoin `/market/ticker`, Binance `@bookTicker`, OKX `tickers`,
    /// Coinbase and Kraken `ticker`, Bybit `orderbook.1`.
    Quote,
    /// Last price and volume at intervals: KuCoin `/market/snapshot`, Binance `@ticker`, Kraken
    /// `trade`, Bybit `tickers`.
    Summary,
}

/// A market data message on its way to whoever subscribed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) channel: Channel,
    /// The exchange's own name of the instrument.
    pub(super) name: Arc<str>,
    pub(super) text: Utf8Bytes,
}

/// The set of a connection.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    quotes: HashSet<Arc<str>>,
    summaries: HashSet<Arc<str>>,
    /// KuCoin's `/market/ticker:all`.
    pub(super) all: bool,
}

impl Subscriptions {
    pub(super) fn add(&mut self, channel: Channel, name: &str) {
        self.of(channel).insert(name.into());
    }

    pub(super) fn remove(&mut self, channel: Channel, name: &str) {
        self.of(channel).remove(name);
    }

    pub(super) fn wants(&self, channel: Channel, name: &str) -> bool {
        self.has(channel, name) || (self.all && channel == Channel::Quote)
    }

    /// Whether this very channel of this one has been subscribed to.
    pub(super) fn has(&self, channel: Channel, name: &str) -> bool {
        match channel {
            Channel::Quote => self.quotes.contains(name),
            Channel::Summary => self.summaries.contains(name),
        }
    }

    /// The names subscribed to on a channel, in alphabetical order.
    pub(super) fn sorted(&self, channel: Channel) -> Vec<&str> {
        let set = match channel {
            Channel::Quote => &self.quotes,
            Channel::Summary => &self.summaries,
        };
        let mut names: Vec<&str> = set.iter().map(|name| &**name).collect();
        names.sort_unstable();
        names
    }

    /// Whether the wish is for everything, not for this one.
    pub(super) fn only_as_all(&self, delivery: &Delivery) -> bool {
        self.all && delivery.channel == Channel::Quote && !self.quotes.contains(&delivery.name)
    }

    /// How many topics.
    pub(super) fn len(&self) -> usize {
        self.quotes.len() + self.summaries.len() + usize::from(self.all)
    }

    /// The names subscribed to on either channel.
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.quotes.iter().chain(&self.summaries)
    }

    fn of(&mut self, channel: Channel) -> &mut HashSet<Arc<str>> {
        match channel {
            Channel::Quote => &mut self.quotes,
            Channel::Summary => &mut self.summaries,
        }
    }
}
