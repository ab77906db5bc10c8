//! What all parts of one simulated exchange share: its connections, faults, tokens and counters.

use super::{
    VenueConfig,
    bars::Bars,
    exchange::{Exchange, Timings},
    faults::{Counters, Counts, Faults},
    instrument::Catalogue,
    kucoin::tokens::Tokens,
    level::Level,
    source::{Replayed, Walking},
    subscriptions::{Delivery, Subscriptions},
    tick::Tick,
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tickcast_shared::clock::Clock;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_util::sync::CancellationToken;

/// Messages that may wait for one connection's socket ("venue-connection"): a second of a very
/// lively exchange. A replay waits for room; the random walk drops, counted as `dropped`.
const CONNECTION_QUEUE: usize = 4096;

/// Locks whatever happened to other holders: the data are plain values that cannot be half done.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a connection's task is asked to do.
#[derive(Debug)]
pub(super) enum Order {
    /// Send market data, counted.
    Data(Delivery),
    /// Send this, whatever it is.
    Raw(Utf8Bytes),
    /// Say that the token has expired, then close.
    Expire,
    /// Tell when everything before this has been written.
    Flushed(oneshot::Sender<()>),
}

/// A connection as the rest of the exchange sees it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) queue: mpsc::Sender<Order>,
    pub(super) subscriptions: Mutex<Subscriptions>,
    pub(super) cut: CancellationToken,
}

/// The last tick of an instrument.
#[derive(Debug, Clone)]
pub(super) struct Latest {
    pub(super) tick: Tick,
    /// When its quote was last told.
    pub(super) told: Instant,
}

/// The shared state.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) exchange: Exchange,
    pub(super) timings: Timings,
    pub(super) clock: Clock,
    pub(super) stop: CancellationToken,
    pub(super) counters: Counters,
    pub(super) tokens: Mutex<Tokens>,
    pub(super) replayed: watch::Sender<Option<Replayed>>,
    pub(super) play: CancellationToken,
    /// How the random walk was asked for, if it was.
    pub(super) walking: Option<Walking>,
    pub(super) level: Mutex<Level>,
    pub(super) bars: Mutex<Bars>,
    /// By the exchange's name.
    pub(super) latest: Mutex<HashMap<Arc<str>, Latest>>,
    pub(super) sequence: AtomicU64,
    /// Ticks published so far.
    pub(super) ticks: AtomicU64,
    catalogue: Mutex<Arc<Catalogue>>,
    faults: watch::Sender<Faults>,
    links: Mutex<Vec<Arc<Link>>>,
    changes: watch::Sender<u64>,
}

impl Stage {
    pub(super) fn new(config: &VenueConfig, catalogue: Catalogue, stop: CancellationToken) -> Self {
        Self {
            exchange: config.exchange,
            timings: config.timings,
            clock: Clock::start(),
            stop,
            counters: Counters::default(),
            tokens: Mutex::new(Tokens::new(config.tokens)),
            replayed: watch::Sender::new(None),
            play: CancellationToken::new(),
            walking: Walking::of(config),
            level: Mutex::default(),
            bars: Mutex::default(),
            latest: Mutex::default(),
            sequence: AtomicU64::new(1),
            ticks: AtomicU64::new(0),
            catalogue: Mutex::new(catalogue.into()),
            faults: watch::Sender::new(config.faults.clone()),
            links: Mutex::default(),
            changes: watch::Sender::new(0),
        }
    }

    /// Adds one to a counter and wakes whoever waits for a count.
    pub(super) fn count(&self, counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
        self.changed();
    }

    pub(super) fn changed(&self) {
        self.changes.send_modify(|version| *version = version.wrapping_add(1));
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counters.read(lock(&self.links).len() as u64)
    }

    /// The faults in force; not to be held for long.
    pub(super) fn faults(&self) -> watch::Ref<'_, Faults> {
        self.faults.borrow()
    }

    /// The same, for whoever has to notice a change.
    pub(super) fn watch_faults(&self) -> watch::Receiver<Faults> {
        self.faults.subscribe()
    }

    pub(super) fn change_faults(&self, change: impl FnOnce(&mut Faults)) {
        self.faults.send_modify(change);
    }

    /// What is listed now.
    pub(super) fn catalogue(&self) -> Arc<Catalogue> {
        lock(&self.catalogue).clone()
    }

    pub(super) fn change_catalogue(&self, change: impl FnOnce(&Catalogue) -> Catalogue) {
        let mut catalogue = lock(&self.catalogue);
        *catalogue = Arc::new(change(&catalogue));
    }

    /// A new connection and the orders for it.
    pub(super) fn join(&self) -> (Arc<Link>, mpsc::Receiver<Order>) {
        let (queue, orders) = mpsc::channel(CONNECTION_QUEUE);
        let cut = self.stop.child_token();
        let link = Arc::new(Link { queue, subscriptions: Mutex::default(), cut });
        lock(&self.links).push(link.clone());
        self.changed();
        (link, orders)
    }

    pub(super) fn leave(&self, link: &Arc<Link>) {
        lock(&self.links).retain(|other| !Arc::ptr_eq(other, link));
        self.changed();
    }

    pub(super) fn links(&self) -> Vec<Arc<Link>> {
        lock(&self.links).clone()
    }

    /// Symbols subscribed to by any connection, in our spelling.
    pub(super) fn subscribed(&self) -> BTreeSet<String> {
        let catalogue = self.catalogue();
        let mut symbols = BTreeSet::new();
        for link in self.links() {
            for name in lock(&link.subscriptions).names() {
                let known = catalogue.by_name(name);
                symbols.insert(known.map_or(name, |found| &found.symbol).to_string());
            }
        }
        symbols
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now().0 / 1000
    }

    /// To each subscriber that has room; the others lose it, which is counted.
    pub(super) fn hand_out(&self, delivery: &Delivery) -> usize {
        let wanting = self.wanting(delivery);
        for link in &wanting {
            if link.queue.try_send(Order::Data(delivery.clone())).is_err() {
                self.count(&self.counters.dropped, 1);
            }
        }
        wanting.len()
    }

    /// To each subscriber, waiting for room.
    pub(super) async fn hand_out_patiently(&self, delivery: &Delivery) -> usize {
        let wanting = self.wanting(delivery);
        for link in &wanting {
            if link.queue.send(Order::Data(delivery.clone())).await.is_err() {
                self.count(&self.counters.dropped, 1);
            }
        }
        wanting.len()
    }

    fn wanting(&self, delivery: &Delivery) -> Vec<Arc<Link>> {
        if self.withholds(&delivery.name) {
            return Vec::new();
        }
        let wants =
            |link: &&Arc<Link>| lock(&link.subscriptions).wants(delivery.channel, &delivery.name);
        let wanting: Vec<Arc<Link>> = lock(&self.links).iter().filter(wants).cloned().collect();
        if wanting.is_empty() {
            self.count(&self.counters.unwanted, 1);
        }
        wanting
    }

    fn withholds(&self, name: &str) -> bool {
        let faults = self.faults();
        if faults.mute || faults.muted.is_empty() {
            return faults.mute;
        }
        let catalogue = self.catalogue();
        catalogue.by_name(name).is_some_and(|found| faults.withholds(&found.symbol))
    }
}
