//! Redis lives and does not take values: what it does not keep, nobody gets.

use super::{hold, seconds};
use crate::faults::{
    FaultsConfig, FaultsError,
    figure::Figure,
    market::{Heard, Market, SYMBOLS, until},
};
use std::{collections::HashMap, time::Duration};
use tickcast_shared::bus::{Bus, Event, redis::Redis};
use tokio::time::{sleep, timeout};

/// How long it refuses.
const REFUSING: Duration = Duration::from_secs(5);
/// For what was accepted before.
const SETTLE: Duration = Duration::from_millis(100);
/// At most.
const PATIENCE: Duration = Duration::from_secs(20);

/// A way to refuse: its name, how it begins and ends.
type Way = (&'static str, &'static [&'static str], &'static [&'static str]);

/// All of them. A replica of nobody that answers is read-only.
const WAYS: [Way; 3] = [
    ("out of memory", &["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"]),
    ("read-only", &["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"]),
    (
        "short of replicas",
        &["CONFIG", "SET", "min-replicas-to-write", "1"],
        &["CONFIG", "SET", "min-replicas-to-write", "0"],
    ),
];

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let mut figures = Vec::new();
    for way in WAYS {
        figures.extend(refuse(config, way).await?);
    }
    Ok(figures)
}

async fn refuse(
    config: &FaultsConfig,
    (name, begin, end): Way,
) -> Result<Vec<Figure>, FaultsError> {
    let mut market = Market::open(config).await?;
    let (_gateway, witness) = market.usual().await?;
    let failed = |error: tickcast_shared::bus::Error| FaultsError::Attack(error.to_string());
    let bus = Bus::Redis(Redis::open(&market.redis.url()).map_err(failed)?);
    let Some(feed) = market.feeds.first() else { return Ok(Vec::new()) };
    market.redis.command(begin).await?;
    let errors = async || feed.metric("tickcast_feed_bus_errors_total", "refused").await;
    let alarm = until(PATIENCE, async || errors().await.is_ok_and(|count| count > 0.0)).await;
    sleep(SETTLE).await;
    let (before, span) = (kept(&market).await?, hold(config, REFUSING));
    let sent = messages(&bus, span).await;
    let after = kept(&market).await?;
    let stamps = stamps(&witness.heard());
    market.redis.command(end).await?;
    let live =
        witness.until(PATIENCE, |heard| heard.live() == SYMBOLS && all_newer(heard, &stamps));
    let live = live.await;
    let heard = witness.heard();
    let figure = |what: &str| format!("{name}: {what}");
    Ok(vec![
        Figure::at_most(figure("the alarm came after, s"), 2.0, seconds(alarm)),
        Figure::at_most(figure("messages sent meanwhile"), 0.0, Some(sent as f64)),
        Figure::at_most(figure("messages kept meanwhile"), 0.0, Some((after - before) as f64)),
        Figure::told(figure("every price live after it takes values, s"), seconds(live)),
        Figure::at_most(figure("tickers older than before"), 0.0, Some(heard.steps_back as f64)),
        Figure::holds(figure("the client stayed connected"), heard.closed.is_none()),
    ])
}

/// Each topic's place in the order.
fn stamps(heard: &Heard) -> HashMap<String, (u64, u64)> {
    heard.newest.iter().map(|(topic, it)| (topic.clone(), (it.epoch, it.seq))).collect()
}

fn all_newer(heard: &Heard, than: &HashMap<String, (u64, u64)>) -> bool {
    heard.newest.iter().all(|(topic, it)| than.get(topic) < Some(&(it.epoch, it.seq)))
}

/// Messages of all shards so far, by their counters.
async fn kept(market: &Market) -> Result<i64, FaultsError> {
    let mut sum = 0;
    for shard in 0..tickcast_shared::bus::SHARDS {
        let counter = format!("tc:{{{shard}}}:n");
        sum += market.redis.command(&["GET", &counter]).await?.parse::<i64>().unwrap_or(0);
    }
    Ok(sum)
}

/// What comes on the channels in that time.
async fn messages(bus: &Bus, span: Duration) -> u64 {
    let (mut subscriber, mut count) = (bus.subscriber(), 0);
    let listening = async {
        loop {
            count += u64::from(matches!(subscriber.next().await, Event::Message(..)));
        }
    };
    // It never ends by itself.
    let _: Result<(), _> = timeout(span, listening).await;
    count
}
