//! A gateway's link to Redis dies without a word while prices move.

use super::seconds;
use crate::{
    faults::{
        FaultsConfig, FaultsError,
        figure::Figure,
        market::{Heard, Market, SYMBOLS, until},
    },
    proxy::{Fault, Proxy},
};
use std::{collections::HashMap, time::Duration};
use tickcast_shared::bus::{Bus, Group, Stamp, redis::Redis};
use tokio::time::{Instant, sleep, timeout};

/// For the proxy to see what it is told, before new connections get through again.
const SETTLE: Duration = Duration::from_millis(100);
/// At most.
const PATIENCE: Duration = Duration::from_secs(20);
/// For updates that are under way.
const QUIET: Duration = Duration::from_millis(500);

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let mut market = Market::open(config).await?;
    market.add_feed().await?;
    let proxy = Proxy::start(market.redis.address).await?;
    let gateway = market.gateway(proxy.address).await?;
    let witness = market.witness(&gateway).await?;
    witness.heard().reset();
    let begun = Instant::now();
    proxy.set(Fault::HalfOpen);
    sleep(SETTLE).await;
    // The connections that are there stay dead; the gateway's next ones are good.
    proxy.set(Fault::None);
    let noticed = witness.until(PATIENCE, |heard| heard.not_live > 0).await;
    let noticed = noticed.map(|_| begun.elapsed());
    let then = cached(&market).await?;
    let caught_up = witness.until(PATIENCE, |heard| heard.live() == SYMBOLS && has(heard, &then));
    let caught_up = caught_up.await;
    market.venue.control.mute(true);
    sleep(QUIET).await;
    let last = cached(&market).await?;
    let equal = timeout(PATIENCE, async {
        until(PATIENCE, async || equals(&witness.heard(), &last)).await.is_some()
    });
    let equal = equal.await.unwrap_or(false);
    let heard = witness.heard();
    Ok(vec![
        Figure::at_most("noticed after, s", 3.0, seconds(noticed)),
        Figure::at_most(
            "every topic live and as new as the cache after, s",
            2.0,
            seconds(caught_up),
        ),
        Figure::holds("at the end every topic equals the cache", equal),
        Figure::at_most("tickers older than the one before", 0.0, Some(heard.steps_back as f64)),
        Figure::holds("the client stayed connected", heard.closed.is_none()),
    ])
}

/// Number and price of every topic in the cache.
async fn cached(market: &Market) -> Result<HashMap<String, (Stamp, Option<String>)>, FaultsError> {
    let failed = |error: tickcast_shared::bus::Error| FaultsError::Attack(error.to_string());
    let bus = Bus::Redis(Redis::open(&market.redis.url()).map_err(failed)?);
    let cached = bus.publisher(Group::new("main")).cached().await.map_err(failed)?;
    let of_ticker = cached.into_iter().filter_map(|(topic, record)| {
        let price = record.body.ticker()?.last_price.map(|price| price.to_string());
        Some((topic.as_str().to_owned(), (record.stamp, price)))
    });
    Ok(of_ticker.collect())
}

/// Whether all that was cached then has been heard, or something newer.
fn has(heard: &Heard, cached: &HashMap<String, (Stamp, Option<String>)>) -> bool {
    cached.iter().all(|(topic, (stamp, _))| {
        heard.newest.get(topic).is_some_and(|it| (it.epoch, it.seq) >= (stamp.epoch, stamp.seq))
    })
}

fn equals(heard: &Heard, cached: &HashMap<String, (Stamp, Option<String>)>) -> bool {
    heard.newest.len() == cached.len()
        && cached.iter().all(|(topic, (stamp, price))| {
            heard.newest.get(topic).is_some_and(|it| {
                (it.epoch, it.seq) == (stamp.epoch, stamp.seq) && it.last_price == *price
            })
        })
}
