//! Where a simulated exchange's market data come from: a random walk, a recording or a test.

use super::{
    VenueConfig,
    schedule::Schedule,
    stage::{Order, Stage, lock},
    subscriptions::{Channel, Delivery},
    tick::Tick,
    walk::Walk,
};
use crate::recording::Frame;
use std::{
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tickcast_shared::clock::Micros;
use tokio::sync::{mpsc, oneshot};

/// Where the market data come from.
#[derive(Debug)]
pub enum Source {
    /// Nothing by itself: only what [`VenueControl`](super::VenueControl) pushes.
    Idle,
    /// A random walk of each symbol.
    Walk {
        /// Updates per symbol and second.
        rate: u32,
        /// Same seed, same prices.
        seed: u64,
    },
    /// The ticker messages of a recorded session, verbatim. The symbols are the recording's.
    Recording {
        /// The `session.ndjson`.
        file: PathBuf,
        /// Times the speed of the recording; 0: as fast as the subscribers' sockets take it.
        speed: f64,
        /// When it begins.
        start: ReplayStart,
    },
    /// Whatever a test sends.
    Script(mpsc::Receiver<Tick>),
}

/// When a recording begins to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplayStart {
    /// Once something is subscribed to and no more has been added for a while.
    #[default]
    Settled,
    /// When [`VenueControl::play`](super::VenueControl::play) is called.
    OnPlay,
}

/// What became of a recording that was played to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Messages of the file that were written to at least one subscriber.
    pub sent: usize,
    /// Messages that nobody had subscribed to.
    pub unwanted: usize,
}

/// No new subscription in this time: the client has said all it wants.
const SETTLED: Duration = Duration::from_millis(300);
/// How often a waiting walk looks whether it shall end.
const CANCEL_CHECK: Duration = Duration::from_millis(50);

/// How the random walk was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walking {
    /// Updates per symbol and second.
    pub(super) rate: u32,
    pub(super) seed: u64,
    /// Whether bids carry their due times.
    pub(super) stamp: bool,
}

impl Walking {
    pub(super) fn of(config: &VenueConfig) -> Option<Self> {
        let Source::Walk { rate, seed } = config.source else { return None };
        Some(Self { rate, seed, stamp: config.stamp })
    }
}

/// Runs the walks on a thread of their own: an event loop's timer is only exact to a millisecond,
/// which would show in every latency measured against the due times.
pub(super) fn start_walk(stage: Arc<Stage>, walks: Vec<Walk>, walking: Walking) -> io::Result<()> {
    let run = move || walk(&stage, walks, walking);
    std::thread::Builder::new().name("venue-walk".to_owned()).spawn(run).map(|_| ())
}

fn walk(stage: &Stage, mut walks: Vec<Walk>, walking: Walking) {
    if walks.is_empty() {
        return;
    }
    let start = Instant::now();
    let quotes = Schedule::new(walks.len(), walking.rate, Duration::from_secs(1));
    let summaries =
        stage.exchange.summary_period().map(|period| Schedule::new(walks.len(), 1, period));
    let (mut quote, mut summary) = (0, 0);
    loop {
        let quote_due = quotes.due(quote);
        let summary_due = summaries.as_ref().map(|schedule| schedule.due(summary));
        let (lane, due, channel) = match (summaries.as_ref(), summary_due) {
            (Some(schedule), Some(due)) if due < quote_due => {
                summary += 1;
                (schedule.lane(summary - 1), due, Channel::Summary)
            }
            _ => {
                quote += 1;
                (quotes.lane(quote - 1), quote_due, Channel::Quote)
            }
        };
        if !wait_until(stage, start + due) {
            return;
        }
        let Some(walk) = walks.get_mut(lane) else { return };
        let level = lock(&stage.level).parts_per_million(start + due);
        let due = stage.clock.at(start + due);
        let mut tick = walk.step(due.0 / 1000, level);
        if walking.stamp {
            tick.bid_qty = Some(stamp_text(due));
        }
        stage.publish(tick, &[channel]);
    }
}

/// False when the exchange is being stopped.
fn wait_until(stage: &Stage, due: Instant) -> bool {
    loop {
        if stage.stop.is_cancelled() {
            return false;
        }
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::park_timeout(left.min(CANCEL_CHECK));
    }
}

/// A due time as it is carried in a bid's size: Unix seconds modulo 100 000, six decimals.
#[must_use]
pub fn stamp_text(due: Micros) -> String {
    let micros = due.0.rem_euclid(100_000_000_000);
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// Plays the ticks of a test until it drops its sender.
pub(super) async fn script(stage: Arc<Stage>, mut ticks: mpsc::Receiver<Tick>) {
    loop {
        tokio::select! {
            () = stage.stop.cancelled() => return,
            tick = ticks.recv() => match tick {
                Some(tick) => _ = push(&stage, tick),
                None => return,
            }
        }
    }
}

/// Publishes one tick on the channels that it has something for. Returns to how many connections.
pub(super) fn push(stage: &Stage, tick: Tick) -> usize {
    let channels = stage.exchange.channels(&tick);
    stage.publish(tick, &channels)
}

/// Plays a recording to its end, then waits until all of it has been written.
pub(super) async fn replay(stage: Arc<Stage>, frames: Vec<Frame>, speed: f64, start: ReplayStart) {
    let begun = async {
        match start {
            ReplayStart::OnPlay => stage.play.cancelled().await,
            ReplayStart::Settled => settled(&stage).await,
        }
    };
    tokio::select! {
        () = stage.stop.cancelled() => return,
        () = begun => {}
    }
    tokio::select! {
        () = stage.stop.cancelled() => {}
        done = play(&stage, &frames, speed) => {
            stage.replayed.send_replace(Some(done));
        }
    }
}

async fn settled(stage: &Stage) {
    let mut changes = stage.changes();
    let mut before = stage.subscribed();
    loop {
        let quiet = tokio::time::timeout(SETTLED, changes.changed()).await.is_err();
        let now = stage.subscribed();
        if quiet && !now.is_empty() && now == before {
            return;
        }
        before = now;
    }
}

async fn play(stage: &Stage, frames: &[Frame], speed: f64) -> Replayed {
    let mut replayed = Replayed::default();
    let begun = tokio::time::Instant::now();
    let first = frames.first().map_or(Micros::default(), |frame| frame.received);
    for frame in frames {
        if speed > 0.0 {
            let after = frame.received.since(first).div_f64(speed);
            tokio::time::sleep_until(begun + after).await;
        }
        let delivery = Delivery {
            channel: frame.channel,
            name: frame.name.clone(),
            text: frame.text.as_str().into(),
        };
        match stage.hand_out_patiently(&delivery).await {
            0 => replayed.unwanted += 1,
            _ => replayed.sent += 1,
        }
    }
    for link in stage.links() {
        let (done, written) = oneshot::channel();
        if link.queue.send(Order::Flushed(done)).await.is_ok() {
            // An error means that the connection has ended: nothing more will be written.
            let _ = written.await;
        }
    }
    replayed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_seconds_modulo_a_day_and_a_bit() {
        assert_eq!(stamp_text(Micros(1_729_745_296_123_456)), "45296.123456");
        assert_eq!(stamp_text(Micros(1_729_700_000_000_001)), "0.000001");
    }
}
