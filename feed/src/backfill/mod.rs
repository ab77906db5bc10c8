//! Bars from before this feed's time, from its venues (`truth.md` 16).
//!
//! One task a venue, slowly and beside everything else: what is kept is read from the bus, what is
//! missing is asked of the venue, and what it tells goes to the publisher, which alone may write. The
//! bars are kept and not published; a complete bar of our own is never replaced.

mod gap;
mod progress;
#[cfg(test)]
mod tests;

use crate::{
    connector::{Loss, Venue, Wanted},
    exchange::Instrument,
    publisher::{NotKept, Shelf},
};
use gap::{Gap, Span};
use progress::Progress;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tickcast_shared::{
    backoff::Backoff,
    bus::{self, Bars, Bus},
    clock::Clock,
    market::{Bar, Interval, Topic},
};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

/// Attempts at one request before its topic is left for the next start.
const ATTEMPTS: u32 = 5;
/// Of what the venue allows, one request in so many is ours: prices come first.
const SHARE: u32 = 2;
/// Least time between two requests, so that nobody takes notice of a long back-fill.
const LEAST_PAUSE: Duration = Duration::from_millis(200);

/// What is to be filled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extent {
    /// The lengths of bars; none: nothing.
    pub intervals: Vec<Interval>,
    /// How many of the newest bars of each.
    pub bars: usize,
}

/// The filler of one venue's topics.
pub(crate) struct Backfill {
    venue: Arc<Venue>,
    extent: Extent,
    kept: Bars,
    shelf: Shelf,
    clock: Clock,
    backoff: Backoff,
    progress: Progress,
}

/// Why a topic is left as it is.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Venue(#[from] Loss),
    #[error("{0}")]
    Bus(#[from] bus::Error),
    #[error("{0}")]
    NotKept(#[from] NotKept),
}

impl Backfill {
    pub(crate) fn new(
        venue: Arc<Venue>,
        extent: Extent,
        bus: &Bus,
        shelf: Shelf,
        clock: Clock,
    ) -> Self {
        let (progress, backoff) = (Progress::of(venue.id()), venue.backoff());
        Self { venue, extent, kept: bus.bars(), shelf, clock, backoff, progress }
    }

    /// Fills the gaps of these topics once, when this feed holds its group, then of every topic that
    /// comes later, until the token is cancelled.
    ///
    /// # Errors
    /// Never: what cannot be had is left for the next start.
    pub(crate) async fn run(
        mut self,
        mut topics: watch::Receiver<Option<Vec<Topic>>>,
        wanted: Wanted,
        token: CancellationToken,
    ) -> Result<(), Infallible> {
        let fill = async {
            let topics = topics.wait_for(Option::is_some).await;
            // Where the publisher has ended, so does everything.
            let topics = topics.map(|found| found.clone().unwrap_or_default()).unwrap_or_default();
            self.fill(&topics).await;
            loop {
                self.fill(&wanted.late_topics().await).await;
            }
        };
        token.run_until_cancelled(fill).await;
        Ok(())
    }

    async fn fill(&mut self, topics: &[Topic]) {
        if self.extent.intervals.is_empty() || self.extent.bars == 0 {
            return;
        }
        self.shelf.held().await;
        let instruments = self.venue.instruments(topics).await;
        if instruments.is_empty() {
            return;
        }
        self.progress.begins(instruments.len(), &self.extent);
        // The shortest bars first: they are what charts show, and what goes first.
        for interval in self.extent.intervals.clone() {
            for (topic, instrument) in &instruments {
                let topic = topic.to_kline(interval);
                if let Err(failure) = self.fill_topic(&topic, interval, instrument).await {
                    self.progress.failed(&topic, &failure);
                }
                self.progress.topic_done();
            }
        }
        self.progress.ends();
    }

    async fn fill_topic(
        &mut self,
        topic: &Topic,
        interval: Interval,
        instrument: &Instrument,
    ) -> Result<(), Failure> {
        let range = gap::range(interval, self.extent.bars, self.clock.now());
        let kept = self.kept(topic, range).await?;
        let gap = Gap::find(interval, range, &kept);
        for span in gap.requests(self.bars_per_request(interval)) {
            let bars = self.ask(interval, instrument, span).await?;
            let bars = gap.pick(bars);
            self.progress.had(interval, bars.len());
            self.keep(topic, bars).await?;
        }
        Ok(())
    }

    /// How many bars of that interval one request can bring.
    fn bars_per_request(&self, interval: Interval) -> usize {
        let exchange = self.venue.exchange();
        let parts = interval.micros() / exchange.bars_from(interval).micros();
        exchange.limits().bars_per_request / usize::try_from(parts.max(1)).unwrap_or(1)
    }

    async fn kept(&mut self, topic: &Topic, range: Span) -> Result<Vec<Bar>, Failure> {
        let mut failures = 0;
        loop {
            match self.kept.read(topic, Some(range.end), self.extent.bars).await {
                Ok(bars) => return Ok(bars),
                Err(error) if failures >= ATTEMPTS => return Err(error.into()),
                Err(_) => failures += 1,
            }
            sleep(self.backoff.random_delay(failures)).await;
        }
    }

    async fn ask(
        &mut self,
        interval: Interval,
        instrument: &Instrument,
        span: Span,
    ) -> Result<Vec<Bar>, Failure> {
        let from = self.venue.exchange().bars_from(interval);
        let mut failures = 0;
        loop {
            self.pause().await;
            self.progress.asked();
            match self.venue.bars(instrument, from, span.from, span.end).await {
                Ok(bars) if from == interval => return Ok(bars),
                Ok(bars) => return Ok(gap::fold(bars, interval)),
                Err(loss) if failures >= ATTEMPTS => return Err(loss.into()),
                Err(_) => failures += 1,
            }
            sleep(self.backoff.random_delay(failures)).await;
        }
    }

    async fn keep(&mut self, topic: &Topic, bars: Vec<Bar>) -> Result<(), Failure> {
        let mut failures = 0;
        while let Err(error) = self.shelf.keep(topic, &bars).await {
            failures += 1;
            if failures > ATTEMPTS {
                return Err(error.into());
            }
            sleep(self.backoff.random_delay(failures)).await;
        }
        Ok(())
    }

    async fn pause(&self) {
        let every = self.venue.exchange().limits().requests.every;
        sleep((every * SHARE).max(LEAST_PAUSE)).await;
    }
}
