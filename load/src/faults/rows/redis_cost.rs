//! What an update costs Redis: its CPU time while updates are written in batches of several sizes.

use crate::{
    bench::publish::{BusSink, EXCHANGE, Plan, Publisher, Sink},
    faults::{FaultsConfig, FaultsError, figure::Figure, market::Market},
};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Updates a second: some thousands, as a busy market has.
const RATE: u32 = 4096;
/// Updates of one call.
const BATCHES: [u32; 5] = [1, 16, 64, 256, 1024];
/// Bytes of a ticker; the bus's publisher sends whole ones, whatever is asked for.
const BYTES: usize = 560;
/// Until the first calls are over.
const WARM: Duration = Duration::from_secs(1);
/// Microseconds of a second.
const MICROS: f64 = 1_000_000.0;

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let mut figures = Vec::new();
    for batch in BATCHES {
        let mut market = Market::open(config).await?;
        let publisher = publisher(&market, batch)?;
        // One reader, as one gateway is.
        let gateway = market.gateway(market.redis.address).await?;
        publisher.begin();
        sleep(WARM).await;
        publisher.reset();
        let (before, begun) = (market.redis.cpu_seconds()?, Instant::now());
        sleep(config.window).await;
        let used = market.redis.cpu_seconds()? - before;
        let seconds = begun.elapsed().as_secs_f64();
        let counts = publisher.counts().map_err(|error| FaultsError::Attack(error.to_string()))?;
        drop(gateway);
        let (updates, calls) = (counts.updates as f64, counts.calls as f64);
        let figure = |what: &str| format!("batches of {batch}: {what}");
        figures.extend([
            Figure::told(figure("updates/s"), Some(updates / seconds)),
            Figure::told(figure("updates a call"), Some(updates / calls.max(1.0))),
            Figure::told(figure("CPU of Redis, share of a core"), Some(used / seconds)),
            Figure::told(
                figure("CPU of Redis an update, us"),
                Some(used * MICROS / updates.max(1.0)),
            ),
        ]);
    }
    Ok(figures)
}

/// Writes that many topics at once, as often as the rate asks for.
fn publisher(market: &Market, batch: u32) -> Result<Publisher, FaultsError> {
    let topics: Vec<String> =
        (0..batch).map(|number| format!("ticker:{EXCHANGE}:T{number}-USDT")).collect();
    let plan = Plan { topics: topics.clone(), rate: RATE / batch, together: true, size: BYTES };
    let url = market.redis.url();
    let open = move |clock: &_| Ok(Sink::Bus(Box::new(BusSink::open(&url, &topics, clock)?)));
    Publisher::start(plan, open).map_err(|error| FaultsError::Attack(error.to_string()))
}
