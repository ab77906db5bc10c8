//! What all parts of one simulated exchange share: its connections, faults, tokens and counters.

use super::{
    binance,
    exchange::{Exchange, Timings},
    faults::{Counters, Counts, Faults},
    instrument::Catalogue,
    kucoin,
    kucoin::tokens::{TokenRule, Tokens},
    okx,
    source::Replayed,
    subscriptions::{Channel, Delivery, Subscriptions},
    tick::Tick,
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
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

/// The shared state.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) exchange: Exchange,
    pub(super) catalogue: Catalogue,
    pub(super) timings: Timings,
    pub(super) clock: Clock,
    pub(super) stop: CancellationToken,
    pub(super) counters: Counters,
    pub(super) tokens: Mutex<Tokens>,
    pub(super) replayed: watch::Sender<Option<Replayed>>,
    pub(super) play: CancellationToken,
    faults: Mutex<Faults>,
    links: Mutex<Vec<Arc<Link>>>,
    latest: Mutex<HashMap<Arc<str>, Tick>>,
    sequence: AtomicU64,
    changes: watch::Sender<u64>,
}

impl Stage {
    pub(super) fn new(
        exchange: Exchange,
        catalogue: Catalogue,
        timings: Timings,
        token_rule: TokenRule,
        faults: Faults,
        stop: CancellationToken,
    ) -> Self {
        Self {
            exchange,
            catalogue,
            timings,
            clock: Clock::start(),
            stop,
            counters: Counters::default(),
            tokens: Mutex::new(Tokens::new(token_rule)),
            replayed: watch::Sender::new(None),
            play: CancellationToken::new(),
            faults: Mutex::new(faults),
            links: Mutex::default(),
            latest: Mutex::default(),
            sequence: AtomicU64::new(1),
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

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
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
        let mut symbols = BTreeSet::new();
        for link in self.links() {
            for name in lock(&link.subscriptions).names() {
                let known = self.catalogue.by_name(name);
                symbols.insert(known.map_or(name, |found| &found.symbol).to_string());
            }
        }
        symbols
    }

    /// The last tick of an instrument, by the exchange's name.
    pub(super) fn latest(&self, name: &str) -> Option<Tick> {
        lock(&self.latest).get(name).cloned()
    }

    /// Turns a tick into the exchange's messages and hands them out. Returns to how many
    /// connections.
    pub(super) fn publish(&self, mut tick: Tick, channels: &[Channel]) -> usize {
        match tick.sequence {
            // What is numbered later must lie above.
            Some(sequence) => _ = self.sequence.fetch_max(sequence, Ordering::Relaxed),
            None => tick.sequence = Some(self.sequence.fetch_add(1, Ordering::Relaxed) + 1),
        }
        tick.time_ms.get_or_insert_with(|| self.now_ms());
        let name = match self.catalogue.by_symbol(&tick.symbol) {
            Some(instrument) => instrument.name.clone(),
            None => tick.symbol.as_str().into(),
        };
        let mut receivers = 0;
        for channel in channels {
            let Some(text) = self.render(*channel, &name, &tick) else { continue };
            let delivery = Delivery { channel: *channel, name: name.clone(), text: text.into() };
            receivers += self.hand_out(&delivery);
        }
        lock(&self.latest).insert(name, tick);
        receivers
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now().0 / 1000
    }

    fn render(&self, channel: Channel, name: &str, tick: &Tick) -> Option<String> {
        match (self.exchange, channel) {
            (Exchange::Kucoin, Channel::Quote) => Some(kucoin::wire::ticker(name, tick)),
            (Exchange::Kucoin, Channel::Summary) => {
                Some(kucoin::wire::snapshot(self.catalogue.by_name(name), name, tick))
            }
            (Exchange::Binance, Channel::Quote) => Some(binance::wire::book_ticker(name, tick)),
            (Exchange::Binance, Channel::Summary) => Some(binance::wire::ticker(name, tick)),
            (Exchange::Okx, Channel::Quote) => Some(okx::wire::ticker(name, tick)),
            (Exchange::Okx, Channel::Summary) => None,
        }
    }

    /// To each subscriber that has room; the others lose it, which is counted.
    fn hand_out(&self, delivery: &Delivery) -> usize {
        if self.faults().mute {
            return 0;
        }
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
        if self.faults().mute {
            return 0;
        }
        let wanting = self.wanting(delivery);
        for link in &wanting {
            if link.queue.send(Order::Data(delivery.clone())).await.is_err() {
                self.count(&self.counters.dropped, 1);
            }
        }
        wanting.len()
    }

    fn wanting(&self, delivery: &Delivery) -> Vec<Arc<Link>> {
        let wants =
            |link: &&Arc<Link>| lock(&link.subscriptions).wants(delivery.channel, &delivery.name);
        let wanting: Vec<Arc<Link>> = lock(&self.links).iter().filter(wants).cloned().collect();
        if wanting.is_empty() {
            self.count(&self.counters.unwanted, 1);
        }
        wanting
    }
}
