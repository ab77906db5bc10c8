//! Redis stops answering without closing anything: nobody waits for it.

use super::{hold, seconds};
use crate::faults::{
    FaultsConfig, FaultsError,
    figure::Figure,
    market::{Market, Role, SYMBOLS, Witness, until},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long it is frozen.
const FROZEN: Duration = Duration::from_secs(30);
/// To compare with.
const BEFORE: Duration = Duration::from_secs(5);
/// At most.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// Milliseconds of a second.
const MILLIS: f64 = 1000.0;

/// The longest that the loops took to answer, and the most memory.
#[derive(Debug, Default)]
struct Loops {
    /// Of a gateway's shard, which its client asks.
    pong: Duration,
    gateway: Duration,
    feed: Duration,
    gateway_kib: f64,
    feed_kib: f64,
}

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let mut market = Market::open(config).await?;
    let (gateway, witness) = market.usual().await?;
    let span = hold(config, FROZEN);
    let Some(feed) = market.feeds.first() else { return Ok(Vec::new()) };
    let before = watch(&witness, &gateway, feed, BEFORE.min(span)).await?;
    let link_errors = async || feed.metric("tickcast_feed_bus_errors_total", "link").await;
    market.redis.freeze()?;
    let gave_up = until(PATIENCE, async || link_errors().await.is_ok_and(|count| count > 0.0));
    let (gave_up, frozen) = tokio::join!(gave_up, watch(&witness, &gateway, feed, span));
    let (frozen, stale) = (frozen?, SYMBOLS - witness.heard().live());
    market.redis.thaw()?;
    let live = witness.until(PATIENCE, |heard| heard.live() == SYMBOLS).await;
    let heard = witness.heard();
    let millis = |span: Duration| Some(span.as_secs_f64() * MILLIS);
    let slowest = frozen.pong.max(frozen.gateway).max(frozen.feed);
    let slowest_before = before.pong.max(before.gateway).max(before.feed);
    Ok(vec![
        Figure::told("Redis was frozen for, s", Some(span.as_secs_f64())),
        Figure::told("slowest answer of any loop before, ms", millis(slowest_before)),
        Figure::at_most("slowest answer of any loop meanwhile, ms", 50.0, millis(slowest)),
        Figure::told("of these: a shard to its client, ms", millis(frozen.pong)),
        Figure::told("of these: the gateway's admin listener, ms", millis(frozen.gateway)),
        Figure::told("of these: the feed's admin listener, ms", millis(frozen.feed)),
        // A little for the look at the metric.
        Figure::at_most("the first command was given up after, s", 0.6, seconds(gave_up)),
        Figure::at_most(
            "the gateway's memory, times that before",
            1.1,
            Some(frozen.gateway_kib / before.gateway_kib),
        ),
        Figure::at_most(
            "the feed's memory, times that before",
            1.1,
            Some(frozen.feed_kib / before.feed_kib),
        ),
        Figure::at_least("prices stale meanwhile", SYMBOLS as f64, Some(stale as f64)),
        Figure::at_most("every price live after it went on, s", 3.0, seconds(live)),
        Figure::holds("the client stayed connected", heard.closed.is_none()),
        Figure::at_most("tickers older than the one before", 0.0, Some(heard.steps_back as f64)),
    ])
}

async fn watch(
    witness: &Witness,
    gateway: &Role,
    feed: &Role,
    span: Duration,
) -> Result<Loops, FaultsError> {
    witness.heard().slowest_pong = Duration::ZERO;
    let (begun, mut loops) = (Instant::now(), Loops::default());
    while begun.elapsed() < span {
        loops.gateway = loops.gateway.max(gateway.answers_after().await?);
        loops.feed = loops.feed.max(feed.answers_after().await?);
        loops.gateway_kib = loops.gateway_kib.max(gateway.resident_kib()?);
        loops.feed_kib = loops.feed_kib.max(feed.resident_kib()?);
        sleep(LOOK).await;
    }
    loops.pong = witness.heard().slowest_pong;
    Ok(loops)
}
