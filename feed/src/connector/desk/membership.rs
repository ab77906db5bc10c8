//! Which symbols a desk has, and what their venue calls them.

use super::{Book, Entry};
use crate::{
    connector::watch::Watch,
    exchange::{Listing, Part},
    metrics,
    quality::Change,
};
use std::time::{Duration, Instant};
use tickcast_shared::{
    bus::LinkState,
    market::{Reason, Symbol},
};
use tracing::{info, warn};

/// A symbol that the venue refused is left alone for this long: lists of instruments change about
/// once an hour at most.
const QUARANTINE: Duration = Duration::from_secs(3600);
/// Symbols named in one log line.
const NAMED_IN_LOG: usize = 10;

impl Entry {
    /// The venue's name of it, if it is to be subscribed to.
    pub(super) fn name(&self, now: Instant) -> Option<&str> {
        let free = self.quarantine.is_none_or(|until| until <= now);
        self.instrument.as_ref().filter(|_| free).map(|it| it.venue_symbol.as_str())
    }
}

impl Book {
    /// How many symbols it has.
    pub(in crate::connector) fn len(&self) -> usize {
        self.roll.len()
    }

    /// Its symbols.
    pub(in crate::connector) fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.roll.iter().map(|entry| &entry.symbol)
    }

    /// The venue's names of what is to be subscribed to.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let now = Instant::now();
        self.roll.iter().filter_map(move |entry| entry.name(now))
    }

    pub(super) fn has_names(&self) -> bool {
        self.names().next().is_some()
    }

    /// What is to be subscribed to, if that has changed since `version`; and its own version.
    pub(in crate::connector) fn wanted_since(&self, version: u64) -> Option<(u64, Vec<String>)> {
        let names = || self.names().map(str::to_owned).collect();
        (version != self.version).then(|| (self.version, names()))
    }

    /// Another symbol, which [`Self::list`] names later. Returns its topic to be announced.
    pub(in crate::connector) fn add(&mut self, symbol: &Symbol) -> Change {
        let name = self.venue.exchange.name_by_rule(symbol);
        let watch = Watch::new(Instant::now());
        let (symbol, instrument) = (symbol.clone(), None);
        let announced = self.quality.add(&symbol, &name, self.venue.clock.now());
        self.roll.push(Entry { symbol, instrument, quarantine: None, watch });
        announced
    }

    /// The symbol is no longer wanted. Returns its topic's last state.
    pub(in crate::connector) fn dismiss(&mut self, symbol: &Symbol) -> Option<Change> {
        let at = self.roll.iter().position(|entry| entry.symbol == *symbol)?;
        self.roll.swap_remove(at);
        self.changed();
        self.quality.remove(at)
    }

    /// Names its symbols by the venue's list; those that it does not have, or does not trade, are
    /// halted.
    pub(in crate::connector) fn list(&mut self, listing: &Listing) {
        let now = Instant::now();
        let mut unlisted = Vec::new();
        for at in 0..self.roll.len() {
            let entry = &mut self.roll[at];
            let freed = entry.quarantine.take_if(|until| *until <= now).is_some();
            let found = listing.instrument(self.venue.exchange, &entry.symbol);
            if found.is_none() {
                unlisted.push(at);
            }
            let was = entry.instrument.as_ref().map(|it| &it.venue_symbol);
            let renamed = found.as_ref().map(|it| &it.venue_symbol) != was;
            entry.instrument = found;
            if renamed || freed {
                entry.watch.begin(false, now);
                let name = entry.name(now).map(str::to_owned);
                self.quality.rename(at, name.as_deref());
            }
        }
        self.changed();
        self.halt(&unlisted, "the venue's list of instruments does not have them, or not trading");
        if !self.has_names() {
            let at = self.venue.clock.now();
            self.venue.links.enter(self.place, LinkState::Halted, Reason::NOT_LISTED, at);
        }
    }

    /// Gives symbols up that the venue refused.
    pub(in crate::connector) fn quarantine(&mut self, names: &[String], why: &str) {
        let now = Instant::now();
        let named = |entry: &Entry| entry.name(now).is_some_and(|it| names.iter().any(|n| n == it));
        let places: Vec<usize> = (0..self.roll.len()).filter(|at| named(&self.roll[*at])).collect();
        for at in &places {
            self.roll[*at].quarantine = Some(now + QUARANTINE);
            self.quality.rename(*at, None);
        }
        self.changed();
        self.halt(&places, why);
    }

    /// The venue refuses a channel that completes these symbols: they live without its fields.
    pub(in crate::connector) fn lack(&self, channel: Part, names: &[String], why: &str) {
        let exchange = self.venue.exchange.name();
        metrics::CHANNELS_REFUSED.of([exchange]).increment(names.len() as u64);
        if let Some(unlogged) = self.venue.admit_log("channel_refused") {
            let named: Vec<&str> = names.iter().take(NAMED_IN_LOG).map(String::as_str).collect();
            warn!(
                exchange,
                channel = ?channel,
                count = names.len(),
                symbols = named.join(" "),
                error = why,
                action = "nothing to do: these symbols have their prices, and not this channel's fields",
                unlogged,
                "a channel is refused"
            );
        }
    }

    fn changed(&mut self) {
        self.version += 1;
        self.stir.notify_one();
    }

    fn halt(&mut self, places: &[usize], why: &str) {
        let halted = self.quality.halt(places, self.venue.clock.now());
        if !halted.is_empty() {
            let topics: Vec<&str> =
                halted.iter().take(NAMED_IN_LOG).map(|(topic, _)| topic.as_str()).collect();
            warn!(
                exchange = %self.venue.id(),
                count = halted.len(),
                topics = topics.join(" "),
                error = why,
                action = "check these symbols in the configuration; the others go on",
                "symbols are refused"
            );
        }
        self.put(halted);
    }

    /// A refusal that answers nothing we know of.
    pub(in crate::connector) fn log_unmatched(&self, words: &str) {
        if let Some(unlogged) = self.venue.admit_log("unmatched_error") {
            warn!(exchange = %self.venue.id(), error = words, unlogged, "the venue reports an error");
        }
    }

    /// Names what has no value although it is subscribed to.
    pub(in crate::connector) fn log_without_data(&self) {
        let waiting = self.quality.without_data();
        if !waiting.is_empty()
            && let Some(unlogged) = self.venue.admit_log("without_data")
        {
            let named: Vec<&str> =
                waiting.iter().take(NAMED_IN_LOG).map(|it| it.as_str()).collect();
            info!(
                exchange = %self.venue.id(),
                count = waiting.len(),
                topics = named.join(" "),
                unlogged,
                "subscribed, and no value yet; a quiet market, or a symbol that does not trade"
            );
        }
    }
}
