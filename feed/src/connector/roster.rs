//! Which symbols of a venue are wanted, and which connection has which.

use super::{Connector, Venue, Wanted, desk::Desk, venue::LIST_RETRY};
use crate::{
    config::{Selection, VenuePlan, selection::Expansion},
    exchange::Listing,
    metrics,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};
use tickcast_shared::{
    admin::Queues,
    market::{Reason, State, Symbol, Topic},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// For so long a symbol that is no longer configured is shown as halted before it is removed: long
/// enough for every gateway to pass it on.
const REMOVE_AFTER: Duration = Duration::from_secs(5);

/// Why a roster ends before it is asked to.
#[derive(Debug, thiserror::Error)]
#[error("a connection's task is gone: {0}")]
pub struct RosterError(#[from] tokio::task::JoinError);

/// The keeper of a venue's symbols and connections.
pub struct Roster {
    venue: Arc<Venue>,
    queues: Queues,
    wanted: Wanted,
    desks: Vec<Arc<Desk>>,
    /// How many of the desks have a connector.
    running: usize,
    listing: Arc<Listing>,
    /// Since when the venue has not listed a symbol that only a pattern names.
    vanished: HashMap<Symbol, Instant>,
    /// Topics that are shown as halted until then.
    leaving: Vec<(Instant, Topic)>,
}

impl Roster {
    /// A roster that has the symbols wanted by name, in as few connections as possible, and no
    /// connection yet.
    #[must_use]
    pub fn new(venue: Arc<Venue>, plan: &VenuePlan, queues: &Queues) -> Self {
        let mut roster = Self {
            venue,
            queues: queues.clone(),
            wanted: Wanted::new(plan.selection.clone(), plan.max_symbols),
            desks: Vec::new(),
            running: 0,
            listing: Arc::new(Listing::ByRule),
            vanished: HashMap::new(),
            leaving: Vec::new(),
        };
        roster.add(&plan.selection.symbols);
        roster
    }

    /// Its venue.
    #[must_use]
    pub fn venue(&self) -> &Arc<Venue> {
        &self.venue
    }

    /// What is wanted, to be changed and asked.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        self.wanted.clone()
    }

    /// Keeps symbols and connections until the token is cancelled, or nothing is left of a venue that
    /// is no longer wanted.
    ///
    /// # Errors
    /// [`RosterError`] when a connection's task has panicked.
    pub async fn run(mut self, token: CancellationToken) -> Result<(), RosterError> {
        let mut connectors = JoinSet::new();
        let ended = token.child_token();
        let mut due = Instant::now();
        let wanted = self.wanted.clone();
        while !token.is_cancelled() {
            if due <= Instant::now() {
                tokio::select! {
                    listed = self.read_list(self.wait(true) / 2) => due = Instant::now() + self.wait(listed),
                    // Whatever the venue is waited for, others come and go.
                    () = wanted.changed() => {}
                    () = token.cancelled() => break,
                }
            }
            self.follow();
            self.connect(&mut connectors, &ended);
            if self.is_done() {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep_until(self.wake(due).into()) => {}
                () = wanted.changed() => self.look_up_new(&token).await,
                Some(ended) = connectors.join_next() => ended?,
                () = token.cancelled() => break,
            }
        }
        ended.cancel();
        while let Some(ended) = connectors.join_next().await {
            ended?;
        }
        Ok(())
    }

    /// Whether nothing is left to do for a venue that is no longer wanted.
    fn is_done(&self) -> bool {
        self.wanted.is_retired() && self.leaving.is_empty() && self.present().is_empty()
    }

    /// A symbol that is wanted by its name and not listed may have been listed since the list was
    /// read. Everything else does not wait for that.
    async fn look_up_new(&mut self, token: &CancellationToken) {
        self.follow();
        let selection = self.wanted.selection();
        let is_listed = |it: &Symbol| self.listing.instrument(self.venue.exchange, it).is_some();
        if !selection.symbols.iter().all(is_listed) {
            let wanted = self.wanted.clone();
            let leaving = self.wake(Instant::now() + LIST_RETRY);
            tokio::select! {
                _ = self.read_list(LIST_RETRY) => {}
                // Looked at again at once: what came meanwhile is not to be lost.
                () = wanted.changed() => wanted.look_again(),
                () = tokio::time::sleep_until(leaving.into()) => {}
                () = token.cancelled() => {}
            }
        }
    }

    /// Reads the venue's list, unless it has one that is younger than `good`: whoever else needs the
    /// list may have read it a moment ago. The last one stays if it cannot be had.
    async fn read_list(&mut self, good: Duration) -> bool {
        let retry = self.wait(false) / 2;
        let listing = self.venue.listing_of(good, retry).await;
        let listed = matches!(*listing, Listing::Listed(_));
        if listed {
            self.listing = listing;
        }
        listed
    }

    fn wait(&self, listed: bool) -> Duration {
        let refresh = Duration::from_millis(self.venue.timing.refresh_ms);
        if listed { refresh } else { refresh.min(LIST_RETRY) }
    }

    /// Does what list and selection ask for.
    fn follow(&mut self) {
        let now = Instant::now();
        let selection = self.wanted.selection();
        let expansion = selection.expand(
            self.venue.exchange,
            self.venue.id(),
            &self.listing,
            self.wanted.most(),
        );
        self.report(&selection, &expansion);
        let wanted: HashSet<&Symbol> = expansion.symbols.iter().collect();
        let present = self.present();
        let gone: Vec<&Symbol> = present.iter().filter(|it| !wanted.contains(it)).collect();
        for symbol in gone {
            self.part_with(symbol, selection.covers(self.venue.id(), symbol), now);
        }
        let new = expansion.symbols.iter().filter(|it| !present.contains(*it)).cloned();
        self.add(&new.collect::<Vec<_>>());
        self.vanished.retain(|symbol, _| !wanted.contains(symbol));
        for desk in &self.desks {
            desk.book().list(&self.listing);
        }
        self.remove_left(now);
        if matches!(*self.listing, Listing::Listed(_)) {
            self.wanted.expanded();
        }
        let exchange = self.venue.exchange.name();
        metrics::SYMBOLS.of([exchange]).set(self.present().len() as f64);
    }

    /// When there is something to do again, the list at the latest.
    fn wake(&self, list: Instant) -> Instant {
        let vanished = self.vanished.values().map(|since| *since + self.vanished_patience());
        self.leaving.iter().map(|(at, _)| *at).chain(vanished).fold(list, Instant::min)
    }

    fn vanished_patience(&self) -> Duration {
        Duration::from_millis(self.venue.timing.vanished_ms)
    }

    fn present(&self) -> HashSet<Symbol> {
        self.desks
            .iter()
            .flat_map(|desk| desk.book().symbols().cloned().collect::<Vec<_>>())
            .collect()
    }

    /// A symbol is not wanted by its name, nor traded. One that a pattern still covers has vanished
    /// from the list: it stays, halted, for a while, for it may come back.
    fn part_with(&mut self, symbol: &Symbol, covered: bool, now: Instant) {
        if covered {
            let since = *self.vanished.entry(symbol.clone()).or_insert(now);
            if now.duration_since(since) < self.vanished_patience() {
                return;
            }
        }
        self.vanished.remove(symbol);
        let Some((topic, mut ticker)) =
            self.desks.iter().find_map(|desk| desk.book().dismiss(symbol))
        else {
            return;
        };
        if covered {
            self.venue.outbox.remove(topic);
            return;
        }
        ticker.enter(State::Halted, Reason::UNCONFIGURED, self.venue.clock.now());
        self.venue.outbox.put(topic.clone(), ticker);
        self.leaving.push((now + REMOVE_AFTER, topic));
    }

    /// Removes the topics that have been shown as halted for long enough, unless they are back.
    fn remove_left(&mut self, now: Instant) {
        let present: HashSet<Topic> =
            self.present().iter().map(|symbol| Topic::ticker(self.venue.id(), symbol)).collect();
        self.leaving.retain(|(at, topic)| {
            if *at <= now && !present.contains(topic) {
                self.venue.outbox.remove(topic.clone());
            }
            *at > now && !present.contains(topic)
        });
    }

    /// Adds symbols: to connections with room, then to new ones of nearly the same size.
    fn add(&mut self, symbols: &[Symbol]) {
        let most = self.venue.exchange.limits().symbols_per_connection.max(1);
        let mut rest = symbols;
        for desk in &self.desks {
            let room = most.saturating_sub(desk.book().len()).min(rest.len());
            let (fitting, others) = rest.split_at(room);
            rest = others;
            self.seat(desk, fitting);
        }
        for share in shares(rest, most) {
            let desk = Arc::new(Desk::new(self.venue.clone(), &self.queues));
            self.seat(&desk, &share);
            self.desks.push(desk);
        }
    }

    fn seat(&self, desk: &Desk, symbols: &[Symbol]) {
        for symbol in symbols {
            if let Some((topic, ticker)) = self.wanted.announce(desk.book().add(symbol)) {
                self.venue.outbox.put(topic, ticker);
            }
        }
    }

    /// Starts a connector for every desk without one.
    fn connect(&mut self, connectors: &mut JoinSet<()>, token: &CancellationToken) {
        for desk in &self.desks[self.running..] {
            connectors.spawn(Connector { desk: desk.clone() }.run(token.clone()));
        }
        self.running = self.desks.len();
    }

    fn report(&self, selection: &Selection, expansion: &Expansion) {
        let exchange = self.venue.id();
        let unlisted = matches!(*self.listing, Listing::ByRule);
        if selection.has_patterns()
            && unlisted
            && let Some(unlogged) = self.venue.admit_log("no_patterns")
        {
            let action = "see why the list of instruments cannot be had, or name the symbols; it is asked for again by itself";
            warn!(%exchange, action, unlogged, "patterns of symbols stand for nothing without a list of instruments");
        }
        if expansion.left_out > 0
            && let Some(unlogged) = self.venue.admit_log("too_many_symbols")
        {
            let (taken, left_out) = (self.wanted.most(), expansion.left_out);
            let action = "write narrower patterns, or raise feed.max_symbols";
            warn!(%exchange, taken, left_out, action, unlogged, "patterns match more symbols than are allowed");
        }
    }
}

/// The symbols in as few shares as possible of at most `most`, of nearly the same size.
fn shares(symbols: &[Symbol], most: usize) -> Vec<Vec<Symbol>> {
    let count = symbols.len().div_ceil(most.max(1));
    let mut shares = vec![Vec::new(); count];
    for (at, symbol) in symbols.iter().enumerate() {
        shares[at % count].push(symbol.clone());
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_split_evenly() {
        let symbols: Vec<Symbol> =
            (0..901).map(|n| format!("S{n}-USDT").parse().unwrap()).collect();
        let sizes: Vec<usize> = shares(&symbols, 400).iter().map(Vec::len).collect();
        assert_eq!(sizes, [301, 300, 300]);
        assert_eq!(shares(&symbols[..1], 400).len(), 1);
    }
}
