//! The queue between connectors and publisher: it never makes a connector wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tickcast_shared::{
    admin::{Queue, Queues},
    bus::{Body, LinkStatus},
    conflate::Conflating,
    market::{ExchangeId, Ticker, Topic},
};
use tokio::{sync::Notify, time::Instant};

/// Changes kept in order while the bus is busy: more than a second of the busiest market. Past it
/// only the newest of each topic is kept.
const CAPACITY: usize = 8192;

/// What a connector wants to be published of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Its full state, boxed so that the queue moves pointers.
    Put(Box<Body>),
    /// It ceases to exist.
    Remove,
}

/// Where connectors leave what is to be published. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    link_changed: Notify,
    queue: Arc<Queue>,
}

#[derive(Debug)]
struct Waiting {
    changes: Conflating<Topic, Change>,
    links: Vec<LinkStatus>,
    /// Whether older states gave way since the last look.
    has_lost: bool,
    /// When the oldest change came.
    since: Option<Instant>,
}

/// What has come since the last look.
#[derive(Debug)]
pub(crate) struct Taken {
    /// In order.
    pub(crate) changes: Vec<(Topic, Change)>,
    /// Whether older states gave way among them.
    pub(crate) has_lost: bool,
    /// When the oldest of them came.
    pub(crate) since: Option<Instant>,
}

impl Outbox {
    /// An empty outbox, listed as `feed_outbox`.
    #[must_use]
    pub fn new(queues: &Queues) -> Self {
        let waiting = Waiting {
            changes: Conflating::new(CAPACITY),
            links: Vec::new(),
            has_lost: false,
            since: None,
        };
        Self(Arc::new(Inner {
            waiting: Mutex::new(waiting),
            arrived: Notify::new(),
            link_changed: Notify::new(),
            queue: queues.register("feed_outbox", CAPACITY),
        }))
    }

    /// Publishes a topic's new state as soon as possible. Never waits: when the outbox is full,
    /// older states give way, counted, and the newest of each topic stays.
    pub fn put(&self, topic: Topic, ticker: Ticker) {
        self.push(topic, Change::Put(Box::new(Body::Ticker(ticker))));
    }

    /// Publishes that a topic ceases to exist.
    pub fn remove(&self, topic: Topic) {
        self.push(topic, Change::Remove);
    }

    /// Sets a venue's link state, which the next heartbeat carries. A change is news that should
    /// not wait for it.
    pub fn set_link(&self, status: LinkStatus) {
        let mut waiting = self.waiting();
        let told = |link: &LinkStatus| (link.state, link.reason.clone(), link.source);
        let changed = match waiting.links.iter_mut().find(|it| it.exchange == status.exchange) {
            Some(link) => {
                let changed = told(link) != told(&status);
                *link = status;
                changed
            }
            None => {
                waiting.links.push(status);
                true
            }
        };
        drop(waiting);
        if changed {
            self.0.link_changed.notify_one();
        }
    }

    /// Forgets a venue's link: it is connected to no more.
    pub fn remove_link(&self, exchange: &ExchangeId) {
        self.waiting().links.retain(|it| it.exchange != *exchange);
        self.0.link_changed.notify_one();
    }

    /// All venues' link states.
    #[must_use]
    pub fn links(&self) -> Vec<LinkStatus> {
        self.waiting().links.clone()
    }

    /// Takes all changes, in order.
    #[cfg(test)]
    pub(crate) fn take(&self) -> Vec<(Topic, Change)> {
        self.take_all().changes
    }

    /// Takes all changes.
    pub(crate) fn take_all(&self) -> Taken {
        let mut waiting = self.waiting();
        let taken = Taken {
            changes: waiting.changes.take(),
            has_lost: std::mem::take(&mut waiting.has_lost),
            since: waiting.since.take(),
        };
        self.0.queue.set_depth(0);
        taken
    }

    /// Waits until something has come since the last wait.
    pub(crate) async fn arrived(&self) {
        self.0.arrived.notified().await;
    }

    /// Waits until a link's state has changed since the last wait.
    pub(crate) async fn link_changed(&self) {
        self.0.link_changed.notified().await;
    }

    fn push(&self, topic: Topic, change: Change) {
        let mut waiting = self.waiting();
        waiting.since.get_or_insert_with(Instant::now);
        let lost = waiting.changes.push(topic, change);
        waiting.has_lost |= lost > 0;
        self.0.queue.set_depth(waiting.changes.len());
        drop(waiting);
        if lost > 0 {
            self.0.queue.add_dropped(lost);
            crate::publisher::counters::conflated(lost);
        }
        self.0.arrived.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tickcast_shared::{
        bus::LinkState,
        clock::Micros,
        market::{Reason, Source},
    };

    fn topic(n: usize) -> Topic {
        format!("ticker:okx:T{n}-USDT").parse().unwrap()
    }

    fn ticker(seen: i64) -> Ticker {
        Ticker::pending("T", false, Micros(seen))
    }

    #[tokio::test]
    async fn keeps_order_until_it_is_full_and_then_the_newest() {
        let queues = Queues::default();
        let outbox = Outbox::new(&queues);
        for seen in 0..CAPACITY as i64 {
            outbox.put(topic(1), ticker(seen));
        }
        assert_eq!(queues.rows()[0].depth, CAPACITY);
        outbox.put(topic(2), ticker(1));
        outbox.put(topic(1), ticker(-1));
        outbox.remove(topic(2));
        outbox.arrived().await;
        let before = Instant::now();
        let taken = outbox.take_all();
        assert!(taken.has_lost && taken.since.is_some_and(|since| since <= before));
        let changes = taken.changes;
        let put = Change::Put(Box::new(Body::Ticker(ticker(-1))));
        assert_eq!(changes, [(topic(1), put), (topic(2), Change::Remove)]);
        let row = &queues.rows()[0];
        assert_eq!((row.depth, row.dropped), (0, CAPACITY as u64 + 1));
        let taken = outbox.take_all();
        assert!(!taken.has_lost && taken.since.is_none(), "told once");
    }

    #[test]
    fn a_venue_has_one_link() {
        let outbox = Outbox::new(&Queues::default());
        let status = |exchange: &str, state| LinkStatus {
            exchange: exchange.parse().unwrap(),
            state,
            reason: Reason::NONE,
            since: Micros(1),
            proven: None,
            reconnects: 0,
            source: Source::Stream,
        };
        outbox.set_link(status("okx", LinkState::Pending));
        outbox.set_link(status("kucoin", LinkState::Pending));
        outbox.set_link(status("okx", LinkState::Live));
        let links = outbox.links();
        assert_eq!(links.len(), 2);
        assert_eq!(links[0], status("okx", LinkState::Live));
        outbox.remove_link(&"okx".parse().unwrap());
        assert_eq!(outbox.links(), [status("kucoin", LinkState::Pending)]);
    }
}
