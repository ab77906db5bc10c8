//! The strings a test pulls while a simulated exchange runs.

use super::{
    faults::{Counts, Faults},
    source::{Replayed, push},
    stage::{Order, Stage, lock},
    tick::Tick,
};
use std::{collections::BTreeSet, sync::Arc};

/// Controls a running exchange. Cheap to clone.
#[derive(Debug, Clone)]
pub struct VenueControl {
    pub(super) stage: Arc<Stage>,
}

impl VenueControl {
    /// Changes the faults in force.
    pub fn change(&self, change: impl FnOnce(&mut Faults)) {
        self.stage.change_faults(change);
    }

    /// The faults in force.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.stage.faults().clone()
    }

    /// Answers WebSocket handshakes with an HTTP status, or accepts them again.
    pub fn refuse_dials(&self, status: Option<u16>) {
        self.change(|faults| faults.refuse_dials = status);
    }

    /// Withholds market data, or sends them again.
    pub fn mute(&self, mute: bool) {
        self.change(|faults| faults.mute = mute);
    }

    /// Withholds market data of these symbols (our spelling), and of no others.
    pub fn mute_symbols(&self, symbols: &[&str]) {
        self.change(|faults| faults.muted = symbols.iter().map(ToString::to_string).collect());
    }

    /// Refuses subscriptions of these symbols (our spelling), and of no others.
    pub fn reject(&self, symbols: &[&str]) {
        self.change(|faults| faults.rejected = symbols.iter().map(ToString::to_string).collect());
    }

    /// KuCoin: makes all tokens issued so far bad and tells the connections that use one, which
    /// then end.
    pub fn expire_tokens(&self) {
        lock(&self.stage.tokens).expire();
        for link in self.stage.links() {
            self.order(&link, Order::Expire);
        }
    }

    /// KuCoin: the next tokens are expired when they are issued.
    pub fn expire_next_tokens(&self, count: u32) {
        self.change(|faults| faults.expired_tokens = count);
    }

    /// Tells all connections that they will be closed soon, or that there is maintenance, the way
    /// the exchange itself does. Returns how many there are; 0 where it tells nothing.
    pub fn announce(&self) -> usize {
        let notice = self.stage.exchange.notice(self.stage.now_ms());
        notice.map_or(0, |text| self.push_frame(&text))
    }

    /// Cuts all connections without a close frame. Returns how many there were.
    pub fn drop_connections(&self) -> usize {
        let links = self.stage.links();
        links.iter().for_each(|link| link.cut.cancel());
        links.len()
    }

    /// Sends a text to all connections, whatever they subscribed to. Returns how many there are.
    pub fn push_frame(&self, text: &str) -> usize {
        let links = self.stage.links();
        for link in &links {
            self.order(link, Order::Raw(text.into()));
        }
        links.len()
    }

    /// Publishes one tick to its subscribers. Returns how many messages were handed out (most
    /// exchanges have two channels for what is in a tick).
    pub fn push_tick(&self, tick: Tick) -> usize {
        push(&self.stage, tick)
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.stage.counts()
    }

    /// Symbols that any connection has subscribed to, in our spelling.
    #[must_use]
    pub fn subscribed(&self) -> BTreeSet<String> {
        self.stage.subscribed()
    }

    /// Waits until the counts are as wished. Has no deadline of its own.
    pub async fn until(&self, wished: impl Fn(&Counts) -> bool) {
        self.when(|| wished(&self.counts())).await;
    }

    /// Waits until all these symbols are subscribed to. Has no deadline of its own.
    pub async fn until_subscribed(&self, symbols: &[&str]) {
        let all = || {
            let subscribed = self.subscribed();
            symbols.iter().all(|symbol| subscribed.contains(*symbol))
        };
        self.when(all).await;
    }

    /// Starts a recording that waits for it.
    pub fn play(&self) {
        self.stage.play.cancel();
    }

    /// Waits until the recording has been played and written; for ever without one.
    pub async fn finished(&self) -> Replayed {
        let mut replayed = self.stage.replayed.subscribe();
        match replayed.wait_for(Option::is_some).await {
            Ok(done) => done.unwrap_or_default(),
            // The sender lives in the stage that we hold.
            Err(_) => Replayed::default(),
        }
    }

    async fn when(&self, condition: impl Fn() -> bool) {
        let mut changes = self.stage.changes();
        while !condition() {
            // The sender lives in the stage that we hold.
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn order(&self, link: &super::stage::Link, order: Order) {
        if link.queue.try_send(order).is_err() {
            self.stage.count(&self.stage.counters.dropped, 1);
        }
    }
}
