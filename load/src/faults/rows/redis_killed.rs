//! Redis dies and comes back empty: clients stay, prices turn stale and live.

use super::{hold, seconds};
use crate::faults::{
    FaultsConfig, FaultsError,
    figure::Figure,
    market::{Market, SYMBOLS},
};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long it is away.
const AWAY: Duration = Duration::from_secs(60);
/// At most.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let mut market = Market::open(config).await?;
    let (gateway, witness) = market.usual().await?;
    witness.heard().reset();
    let away = hold(config, AWAY);
    let back = Instant::now() + away;
    market.redis.kill();
    let stale = witness.until(PATIENCE, |heard| heard.live() == 0).await;
    let (status, price) = gateway.price("T0-USDT").await?;
    let ready = gateway.readiness().await;
    sleep_until(back).await;
    market.redis.restart().await?;
    let live = witness.until(PATIENCE, |heard| heard.live() == SYMBOLS).await;
    let heard = witness.heard();
    Ok(vec![
        Figure::told("Redis was away for, s", Some(away.as_secs_f64())),
        Figure::at_most("every price stale after, s", 3.0, seconds(stale)),
        Figure::holds("REST answers 200, stale", status == 200 && price["stale"] == true),
        Figure::holds("the gateway stays ready", ready.as_deref() == Some("ready\n")),
        Figure::at_most("every price live after its return, s", 3.0, seconds(live)),
        Figure::holds("the client stayed connected", heard.closed.is_none()),
        Figure::at_most("tickers older than the one before", 0.0, Some(heard.steps_back as f64)),
    ])
}
