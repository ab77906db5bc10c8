//! From a tick to the exchange's messages.

use super::{
    instrument::Catalogue,
    stage::{Latest, Stage, lock},
    subscriptions::{Channel, Delivery},
    tick::Tick,
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

impl Stage {
    /// The last tick of an instrument, by the exchange's name: what is true, whatever faults made
    /// of it on the way out.
    pub(super) fn latest(&self, name: &str) -> Option<Tick> {
        lock(&self.latest).get(name).map(|latest| latest.tick.clone())
    }

    /// Turns a tick into the exchange's messages and hands them out, as well or as badly as the
    /// faults in force want it. Returns how many messages.
    pub(super) fn publish(&self, tick: Tick, channels: &[Channel]) -> usize {
        let catalogue = self.catalogue();
        if catalogue.is_delisted(&tick.symbol) {
            return 0;
        }
        let tick = self.numbered(tick);
        let name = match catalogue.by_symbol(&tick.symbol) {
            Some(instrument) => instrument.name.clone(),
            None => tick.symbol.as_str().into(),
        };
        let before = self.remember(&name, &tick, channels);
        let count = self.ticks.fetch_add(1, Ordering::Relaxed) + 1;
        let (odd, disorder) = {
            let faults = self.faults();
            (faults.odd_ticks, faults.disorder)
        };
        let tick = odd.map_or(tick.clone(), |odd| odd.spoil(tick, count));
        let echo = disorder.echo(&tick, before);
        let told = [Some(tick), echo].into_iter().flatten();
        told.map(|tick| self.tell(&catalogue, &name, &tick, channels)).sum()
    }

    /// Sends the quotes again that have not changed for so long, as Bybit does. Returns when the
    /// next ones are due.
    pub(super) fn tell_again(&self, quiet: Duration) -> Instant {
        let now = Instant::now();
        let catalogue = self.catalogue();
        let mut next = now + quiet;
        let mut again: Vec<(Arc<str>, Tick)> = Vec::new();
        for (name, latest) in lock(&self.latest).iter_mut() {
            if latest.tick.bid.is_none() && latest.tick.ask.is_none() {
                continue;
            }
            if latest.told + quiet <= now {
                latest.told = now;
                again.push((name.clone(), latest.tick.clone()));
            }
            next = next.min(latest.told + quiet);
        }
        for (name, mut tick) in again {
            tick.time_ms = Some(self.now_ms());
            self.tell(&catalogue, &name, &tick, &[Channel::Quote]);
        }
        next
    }

    /// Keeps a tick as the present state of its instrument and returns the one before it.
    fn remember(&self, name: &Arc<str>, tick: &Tick, channels: &[Channel]) -> Option<Tick> {
        let mut all = lock(&self.latest);
        let before = all.remove(name);
        let mut tick = tick.clone();
        let mut told = Instant::now();
        if let Some(before) = &before {
            if self.exchange.tells_apart() {
                tick.complete(&before.tick);
            }
            if !channels.contains(&Channel::Quote) {
                told = before.told;
            }
        }
        all.insert(name.clone(), Latest { tick, told });
        before.map(|latest| latest.tick)
    }

    fn numbered(&self, mut tick: Tick) -> Tick {
        match tick.sequence {
            // What is numbered later must lie above.
            Some(sequence) => _ = self.sequence.fetch_max(sequence, Ordering::Relaxed),
            None => tick.sequence = Some(self.sequence.fetch_add(1, Ordering::Relaxed) + 1),
        }
        tick.time_ms.get_or_insert_with(|| self.now_ms());
        tick
    }

    fn tell(
        &self,
        catalogue: &Catalogue,
        name: &Arc<str>,
        tick: &Tick,
        channels: &[Channel],
    ) -> usize {
        let mut receivers = 0;
        for channel in channels {
            let text = self.exchange.render(*channel, catalogue, name, tick);
            let Some(text) = text else { continue };
            let delivery = Delivery { channel: *channel, name: name.clone(), text: text.into() };
            receivers += self.hand_out(&delivery);
        }
        receivers
    }
}
