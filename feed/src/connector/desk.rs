//! The symbols of one connector and what is known of them, whichever connection that came by.
//!
//! Sessions, the reader of REST and the roster write in the same book, one at a time and never for
//! longer than a message takes.

mod membership;
mod reading;
mod succession;

use super::{Course, Venue, log_limit::LogLimit, watch::Patience, watch::Watch};
use crate::{
    exchange::{Instrument, Part, Update},
    metrics,
    quality::{Change, Generation, Quality, Refusal, Verdict},
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tickcast_shared::{
    admin::{Queue, Queues},
    bus::LinkState,
    market::{Reason, Source, Symbol},
};
use tokio::sync::Notify;
use tracing::info;

/// A connector's symbols, shared by everything that works for them.
pub(super) struct Desk {
    pub(super) venue: Arc<Venue>,
    /// Which of the venue's connections it is.
    pub(super) place: usize,
    pub(super) uplink_queue: Arc<Queue>,
    /// Told when there is something for the connector to do.
    pub(super) stir: Arc<Notify>,
    book: Mutex<Book>,
}

/// What is known.
pub(super) struct Book {
    venue: Arc<Venue>,
    place: usize,
    stir: Arc<Notify>,
    patience: Patience,
    quality: Quality,
    /// The symbols, in the order of [`Quality`]'s positions.
    roll: Vec<Entry>,
    course: Course,
    /// Connections opened so far.
    opened: u64,
    present: Generation,
    successor: Option<Successor>,
    /// The connection that the venue has announced to close.
    announced: Option<Generation>,
    /// Counts the changes of what is to be subscribed to.
    version: u64,
    /// Venue symbols whose subscriptions are to be made anew.
    resubscribe: Vec<String>,
    /// What the link is without REST.
    down: (LinkState, Reason),
    /// When REST last delivered in the place of the socket.
    polled: Option<Instant>,
    /// When REST was last asked.
    read: Option<Instant>,
    live_log: LogLimit,
}

/// One symbol.
struct Entry {
    symbol: Symbol,
    /// As its venue lists it; `None` if it does not, or does not trade it.
    instrument: Option<Instrument>,
    /// The venue refused it: left alone until then.
    quarantine: Option<Instant>,
    watch: Watch,
}

/// A connection that is to replace the present one.
struct Successor {
    generation: Generation,
    /// Its first data.
    live: Option<Instant>,
}

impl Desk {
    /// A desk without symbols, at another connection of the venue.
    pub(super) fn new(venue: Arc<Venue>, queues: &Queues) -> Self {
        let place = venue.links.join();
        let limits = venue.exchange.limits();
        // Every symbol and channel once, and once more to be made anew.
        let bound = limits.symbols_per_connection * venue.exchange.channels().len() * 2;
        let queue = queues.register(format!("feed_uplink_{}_{place}", venue.id()), bound);
        let stir = Arc::new(Notify::new());
        let book = Mutex::new(Book::new(venue.clone(), place, stir.clone()));
        Self { venue, place, uplink_queue: queue, stir, book }
    }

    /// The book, alone.
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is something to subscribe to.
    pub(super) async fn named(&self) {
        loop {
            if self.book().has_names() {
                return;
            }
            self.stir.notified().await;
        }
    }
}

impl Book {
    fn new(venue: Arc<Venue>, place: usize, stir: Arc<Notify>) -> Self {
        let (accounting, letters) = (venue.accounting.clone(), venue.dead_letters.clone());
        let quality = Quality::new(accounting, letters, &[], venue.simulated, venue.clock.now())
            .at(&venue.board)
            .with_quotes_good_for(venue.exchange.limits().quotes_good_for);
        let good = Duration::from_millis(venue.timing.good_ms);
        Self {
            course: Course::new(venue.timing.backoff(), good),
            patience: Patience::from(&venue.timing),
            venue,
            place,
            stir,
            quality,
            roll: Vec::new(),
            opened: 0,
            present: Generation::default(),
            successor: None,
            announced: None,
            version: 0,
            resubscribe: Vec::new(),
            down: (LinkState::Pending, Reason::AWAITING_DATA),
            polled: None,
            read: None,
            live_log: LogLimit::default(),
        }
    }

    /// Judges a message of a connection; true if it is sound.
    pub(super) fn update(
        &mut self,
        generation: Generation,
        update: &Update<'_>,
        frame: &str,
        now: Instant,
    ) -> bool {
        let at = self.venue.clock.at(now);
        match self.quality.update(generation, update, frame, at) {
            Verdict::Refused => return false,
            Verdict::Publish(change) => self.put([*change]),
            Verdict::Quiet => {}
        }
        let at = self.quality.position(update.symbol);
        // Figures of 24 hours come whether or not prices do.
        if update.part != Part::Statistics
            && let Some(entry) = at.and_then(|at| self.roll.get_mut(at))
        {
            entry.watch.heard(now);
        }
        self.data(generation, now);
        true
    }

    /// A sound message has come by a connection.
    fn data(&mut self, generation: Generation, now: Instant) {
        if let Some(successor) = &mut self.successor
            && successor.generation == generation
        {
            successor.live.get_or_insert(now);
        } else if self.course.data(now) {
            self.polled = None;
            let at = self.venue.clock.at(now);
            self.venue.links.prove(self.place, at);
            self.venue.links.set_source(self.place, Source::Stream);
            self.venue.links.enter(self.place, LinkState::Live, Reason::NONE, at);
            if let Some(unlogged) = self.live_log.admit("live", now) {
                let symbols = self.names().count();
                info!(exchange = %self.venue.id(), connection = self.place, symbols, unlogged, "link is live");
            }
        }
    }

    /// Counts a frame as refused.
    pub(super) fn refuse(&self, reason: Refusal, frame: &str) {
        self.quality.refuse(reason, frame, self.venue.clock.now());
    }

    /// What time alone changes on a connection whose last frame came at `proven`.
    pub(super) fn pass_time(&mut self, generation: Generation, proven: Instant, now: Instant) {
        if generation != self.present {
            return;
        }
        let changes = self.quality.pass_time(self.venue.clock.at(now));
        self.put(changes);
        self.venue.links.prove(self.place, self.venue.clock.at(proven));
        self.give_up_silent(now);
    }

    /// Takes back the prices that neither subscription nor REST vouch for.
    fn give_up_silent(&mut self, now: Instant) {
        let lost = |entry: &Entry| entry.watch.is_lost(&self.patience, now);
        let lost: Vec<usize> = (0..self.roll.len()).filter(|at| lost(&self.roll[*at])).collect();
        for at in lost {
            let doubted = self.quality.doubt(at, self.venue.clock.at(now));
            if doubted.is_some() {
                self.count("subscription_lost");
            }
            self.put(doubted);
            self.roll[at].watch.begin(false, now);
            self.resubscribe(at);
        }
    }

    /// The symbol's subscription is to be made anew.
    fn resubscribe(&mut self, at: usize) {
        let name = self.roll.get(at).and_then(|entry| entry.name(Instant::now()));
        let Some(name) = name.map(str::to_owned) else { return };
        self.count("resubscribed");
        if let Some(unlogged) = self.venue.admit_log("subscription_lost") {
            info!(
                exchange = %self.venue.id(),
                symbol = name,
                action = "nothing to do: the symbol is subscribed to anew",
                unlogged,
                "a subscription does not tell what REST tells"
            );
        }
        if !self.resubscribe.contains(&name) {
            self.resubscribe.push(name);
        }
    }

    /// The venue symbols to subscribe to anew, once, on the present connection.
    pub(super) fn take_resubscriptions(&mut self, generation: Generation) -> Vec<String> {
        if generation != self.present || self.resubscribe.is_empty() {
            return Vec::new();
        }
        std::mem::take(&mut self.resubscribe)
    }

    fn count(&self, event: &'static str) {
        let exchange = self.venue.exchange.name();
        metrics::LINK_EVENTS.of([exchange, event]).increment(1);
    }

    fn put(&self, changes: impl IntoIterator<Item = Change>) {
        for (topic, ticker) in changes {
            self.venue.outbox.put(topic, ticker);
        }
    }
}
