//! A venue's bars of the past, asked for within the same limits as everything else by REST.

use super::{Loss, Venue};
use crate::exchange::{Exchange, Instrument, Listing};
use std::time::{Duration, Instant};
use tickcast_shared::{
    backoff::Backoff,
    clock::Micros,
    market::{Bar, Interval, Symbol, Topic},
};

impl Venue {
    /// Its protocol.
    pub(crate) fn exchange(&self) -> &'static dyn Exchange {
        self.exchange
    }

    /// The schedule of waits between attempts.
    pub(crate) fn backoff(&self) -> Backoff {
        self.timing.backoff()
    }

    /// Those of the ticker topics that are this venue's, each with what the venue lists for it.
    pub(crate) async fn instruments(&self, topics: &[Topic]) -> Vec<(Topic, Instrument)> {
        let own = topics.iter().filter(|topic| topic.exchange() == self.id().as_str());
        let listing = self.listing().await;
        own.filter_map(|topic| Some((topic.clone(), self.instrument(&listing, topic)?))).collect()
    }

    fn instrument(&self, listing: &Listing, topic: &Topic) -> Option<Instrument> {
        let symbol: Symbol = topic.symbol().parse().ok()?;
        listing.instrument(self.exchange, &symbol)
    }

    /// The bars that open at `from` or later and are over at `end`.
    ///
    /// # Errors
    /// [`Loss`] when the venue refuses, or does not answer in time.
    pub(crate) async fn bars(
        &self,
        instrument: &Instrument,
        interval: Interval,
        from: Micros,
        end: Micros,
    ) -> Result<Vec<Bar>, Loss> {
        self.may_request().await;
        let url = self.exchange.bars_url(&self.addresses, instrument, interval, from, end);
        let answer = self.rest.get(&url, Duration::from_millis(self.timing.list_ms)).await;
        let bars = answer.and_then(|it| it.read(|body| self.exchange.read_bars(body, interval)));
        bars.inspect_err(|loss| {
            if loss.asks_to_wait() {
                self.close_until(Instant::now() + loss.least_wait());
            }
        })
    }
}
