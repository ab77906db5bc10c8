//! The active feed stops in its tracks and goes on when another has taken its place.

use super::{hold, seconds};
use crate::faults::{
    FaultsConfig, FaultsError,
    figure::Figure,
    market::{Market, SYMBOLS, until},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tickcast_shared::bus::{Bus, Event, redis::Redis};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// How long it is frozen.
const FROZEN: Duration = Duration::from_secs(10);
/// The standby needs the lease to run out.
const LEAST: Duration = Duration::from_secs(5);
/// How long late writes are waited for.
const AFTER: Duration = Duration::from_secs(3);
/// At most.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let mut market = Market::open(config).await?;
    let (_gateway, witness) = market.usual().await?;
    market.add_feed().await?;
    let failed = |error: tickcast_shared::bus::Error| FaultsError::Attack(error.to_string());
    let bus = Bus::Redis(Redis::open(&market.redis.url()).map_err(failed)?);
    let (late, stop) = (Arc::<AtomicU64>::default(), CancellationToken::new());
    let _stop = stop.clone().drop_guard();
    tokio::spawn(stop.run_until_cancelled_owned(count_late(bus, late.clone())));
    let (epochs, before) = {
        let mut heard = witness.heard();
        heard.reset();
        (heard.epochs.len(), heard.epoch())
    };
    let [active, standby] = &market.feeds[..] else { return Ok(Vec::new()) };
    let begun = Instant::now();
    active.freeze()?;
    let taken = witness.until(PATIENCE, |heard| heard.epoch() > before && heard.live() == SYMBOLS);
    let taken = taken.await;
    sleep_until(begun + hold(config, FROZEN).max(LEAST)).await;
    let rejected = async || active.metric("tickcast_feed_bus_errors_total", "fenced").await;
    active.thaw()?;
    let stepped_down =
        until(PATIENCE, async || active.readiness().await.as_deref() == Some("standby\n")).await;
    let was_told = rejected().await?;
    sleep(AFTER).await;
    let is_active = standby.metric("tickcast_feed_active", "").await?;
    let heard = witness.heard();
    Ok(vec![
        Figure::at_most("the standby had taken over after, s", 5.0, seconds(taken)),
        Figure::at_most("the feed that went on stepped down after, s", 1.0, seconds(stepped_down)),
        Figure::at_least("times that it found itself fenced", 1.0, Some(was_told)),
        Figure::at_most(
            "messages of its epoch accepted after a newer one",
            0.0,
            Some(late.load(Ordering::Relaxed) as f64),
        ),
        Figure::holds("its successor goes on", is_active > 0.0),
        Figure::at_most("epochs", 1.0, Some((heard.epochs.len() - epochs) as f64)),
        Figure::at_most("tickers older than the one before", 0.0, Some(heard.steps_back as f64)),
        Figure::holds("the client stayed connected", heard.closed.is_none()),
    ])
}

/// Counts messages of the bus whose epoch is older than one that came before.
async fn count_late(bus: Bus, late: Arc<AtomicU64>) {
    let (mut subscriber, mut newest) =
        (bus.subscriber(), [0; tickcast_shared::bus::SHARDS as usize]);
    loop {
        let Event::Message(shard, message) = subscriber.next().await else { continue };
        let newest = &mut newest[shard.index()];
        if message.epoch < *newest {
            late.fetch_add(1, Ordering::Relaxed);
        }
        *newest = message.epoch.max(*newest);
    }
}
