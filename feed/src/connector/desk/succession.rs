//! Connections come, replace each other and go.

use super::{Book, Successor};
use crate::{connector::Loss, metrics, quality::Generation};
use std::time::{Duration, Instant};
use tickcast_shared::{
    bus::LinkState,
    market::{Reason, Source, State},
};
use tracing::{info, warn};

impl Book {
    /// The number of a connection that has just been opened.
    fn next(&mut self) -> Generation {
        self.opened += 1;
        Generation(self.opened)
    }

    /// The only connection there is has been opened.
    pub(in crate::connector) fn begin(&mut self, simulated: bool, now: Instant) -> Generation {
        let generation = self.next();
        self.begin_as(generation, simulated, now);
        generation
    }

    fn begin_as(&mut self, generation: Generation, simulated: bool, now: Instant) {
        self.present = generation;
        self.successor = None;
        self.announced = None;
        self.resubscribe.clear();
        self.course.opened(now);
        let names: Vec<Option<String>> =
            self.roll.iter().map(|entry| entry.name(now).map(str::to_owned)).collect();
        self.quality.begin(generation, simulated, &names);
        for (at, entry) in self.roll.iter_mut().enumerate() {
            let ticker = self.quality.topic(at).map(|(_, ticker)| ticker);
            let polled = |it: &tickcast_shared::market::Ticker| {
                it.source == Source::Poll && it.state == State::Live
            };
            entry.watch.begin(ticker.is_some_and(polled), now);
        }
    }

    /// A connection has been opened beside the present one, to replace it.
    pub(in crate::connector) fn offer(&mut self, simulated: bool) -> Generation {
        let generation = self.next();
        self.quality.offer(generation, simulated);
        self.successor = Some(Successor { generation, live: None });
        generation
    }

    /// Whether the replacement can do alone: it has delivered every symbol that is live, or has had
    /// enough time for it.
    pub(in crate::connector) fn has_moved(&self, now: Instant) -> bool {
        let patience = Duration::from_millis(self.venue.timing.rotate_patience_ms);
        let live = self.successor.as_ref().and_then(|it| it.live);
        live.is_some_and(|at| self.quality.has_moved() || now.duration_since(at) >= patience)
    }

    /// The replacement is the present connection from now on. What it has not delivered yet is
    /// confirmed by REST.
    pub(in crate::connector) fn succeed(&mut self, now: Instant) {
        let Some(successor) = self.successor.take() else { return };
        self.present = successor.generation;
        self.announced = None;
        let silent = self.quality.succeed();
        for at in &silent {
            if let Some(entry) = self.roll.get_mut(*at).filter(|it| it.watch.has_heard()) {
                entry.watch.orphan(now);
            }
        }
        self.count_rotation("done");
        let exchange = self.venue.exchange.name();
        info!(exchange, connection = self.place, silent = silent.len(), "connection replaced");
    }

    /// The present connection is gone before its replacement was ready. If that delivers, it goes
    /// on; otherwise it begins like any other, and prices are stale meanwhile.
    pub(in crate::connector) fn succeed_early(&mut self, loss: &Loss, now: Instant) {
        let Some(Successor { generation, live }) = self.successor else { return };
        if live.is_some() {
            self.succeed(now);
            return;
        }
        self.count_rotation("too_late");
        let simulated = self.quality.successor_is_simulated();
        self.lose(loss, now);
        self.begin_as(generation, simulated, now);
    }

    /// No replacement could be had, or it is gone: the present connection goes on.
    pub(in crate::connector) fn withdraw(&mut self, loss: &Loss) {
        self.successor = None;
        self.quality.withdraw();
        self.count_rotation("failed");
        if let Some(unlogged) = self.venue.admit_log("rotation_failed") {
            warn!(
                exchange = self.venue.exchange.name(),
                connection = self.place,
                cause = loss.cause(),
                error = %loss,
                action = loss.advice(&self.venue.others()),
                unlogged,
                "no connection to replace this one; it goes on"
            );
        }
    }

    /// The venue has announced that it will close a connection.
    pub(in crate::connector) fn announce(&mut self, generation: Generation, words: &str) {
        if generation != self.present || self.announced == Some(generation) {
            return;
        }
        self.announced = Some(generation);
        self.count("closing_announced");
        info!(
            exchange = self.venue.exchange.name(),
            connection = self.place,
            words,
            "the venue will close the connection; another one is opened"
        );
        self.stir.notify_one();
    }

    /// Whether the venue has announced to close the present connection.
    pub(in crate::connector) fn is_announced(&self) -> bool {
        self.announced == Some(self.present)
    }

    /// The next attempt begins.
    pub(in crate::connector) fn dial(&mut self) {
        self.course.dial();
    }

    /// A connection's limit of silence; see [`crate::connector::Course::idle_limit`].
    pub(in crate::connector) fn idle_limit(&self, limit: Duration) -> Duration {
        self.course.idle_limit(limit)
    }

    /// There is no connection. Returns when to dial again.
    pub(in crate::connector) fn lose(&mut self, loss: &Loss, now: Instant) -> Instant {
        let at = self.venue.clock.at(now);
        let lost = match loss {
            Loss::Maintenance(_) => self.quality.pause(at),
            _ => self.quality.lose_stream(at),
        };
        self.put(lost);
        let until = self.course.lost(loss, rand::random(), now);
        // Without a symbol there is nothing to be connected for.
        self.down = match self.has_names() {
            true => loss.link_state(),
            false => (LinkState::Halted, Reason::NOT_LISTED),
        };
        self.venue.links.count(self.place, self.course.reconnects());
        if self.polled.is_none() {
            let (state, reason) = self.down.clone();
            self.venue.links.enter(self.place, state, reason, at);
        }
        if loss.concerns_address() {
            self.venue.close_until(until);
        }
        self.log_loss(loss, until);
        until
    }

    fn log_loss(&self, loss: &Loss, until: Instant) {
        let exchange = self.venue.exchange.name();
        metrics::LINK_LOSSES.of([exchange, loss.cause()]).increment(1);
        if let Some(unlogged) = self.venue.admit_log(loss.cause()) {
            let retry_in = until.saturating_duration_since(Instant::now());
            warn!(
                exchange,
                connection = self.place,
                cause = loss.cause(),
                error = %loss,
                failures = self.course.failures(),
                retry_ms = retry_in.as_millis(),
                action = loss.advice(&self.venue.others()),
                unlogged,
                "link is down"
            );
        }
    }

    fn count_rotation(&self, outcome: &'static str) {
        let exchange = self.venue.exchange.name();
        metrics::ROTATIONS.of([exchange, outcome]).increment(1);
    }
}
