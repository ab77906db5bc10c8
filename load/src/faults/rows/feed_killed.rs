//! The active feed is killed, again and again; its standby goes on.

use crate::{
    bench::pairs::Spread,
    faults::{
        FaultsConfig, FaultsError,
        figure::Figure,
        market::{Market, Role, SYMBOLS, Witness},
    },
};
use std::time::{Duration, Instant};

/// At most.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a kill led to.
struct Takeover {
    /// From the kill to the first live value of the new epoch.
    first: Option<Duration>,
    /// Until all topics were live under it.
    all: Option<Duration>,
    /// New epochs.
    steps: usize,
}

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let mut market = Market::open(config).await?;
    let (_gateway, witness) = market.usual().await?;
    market.add_feed().await?;
    let (mut takeovers, mut not_live) = (Vec::new(), 0);
    for _ in 0..config.kills {
        witness.heard().not_live = 0;
        takeovers.push(kill(&mut market, &witness).await);
        not_live += witness.heard().not_live;
        market.add_feed().await?;
    }
    let seconds = |of: fn(&Takeover) -> Option<Duration>| {
        Spread::of(takeovers.iter().filter_map(of).map(|span| span.as_secs_f64()))
    };
    let (first, all) = (seconds(|it| it.first), seconds(|it| it.all));
    let heard = witness.heard();
    let missed = takeovers.iter().filter(|it| it.first.is_none()).count();
    let steps = takeovers.iter().map(|it| it.steps).max();
    let (least, most) =
        (takeovers.iter().map(|it| it.steps).min().map(|it| it as f64), steps.map(|it| it as f64));
    Ok(vec![
        Figure::told("kills", Some(takeovers.len() as f64)),
        Figure::at_most("kills that nobody took over from", 0.0, Some(missed as f64)),
        Figure::told("first live value of the new epoch, least, s", first.map(|it| it.least)),
        Figure::told("first live value of the new epoch, median, s", first.map(|it| it.median)),
        Figure::at_most("first live value of the new epoch, most, s", 5.0, first.map(|it| it.most)),
        Figure::told("all topics live under it, median, s", all.map(|it| it.median)),
        Figure::at_most("all topics live under it, most, s", 5.0, all.map(|it| it.most)),
        Figure::at_most("most epochs a kill", 1.0, most),
        Figure::at_least("fewest epochs a kill", 1.0, least),
        Figure::told(
            "tickers that were not live, a kill and topic",
            Some(not_live as f64 / (takeovers.len().max(1) * SYMBOLS) as f64),
        ),
        Figure::at_most("tickers older than the one before", 0.0, Some(heard.steps_back as f64)),
        Figure::holds("the client stayed connected", heard.closed.is_none()),
    ])
}

/// Kills the first feed, which holds the lease; the second is the first afterwards.
async fn kill(market: &mut Market, witness: &Witness) -> Takeover {
    let (epochs, before) = {
        let heard = witness.heard();
        (heard.epochs.len(), heard.epoch())
    };
    let active: Role = market.feeds.remove(0);
    let begun = Instant::now();
    // Dropped, it is killed.
    drop(active);
    let is_new = |epoch: u64| epoch > before;
    let all = witness.until(PATIENCE, |heard| {
        let renewed = heard.newest.values().filter(|it| it.state == "live" && is_new(it.epoch));
        renewed.count() == SYMBOLS
    });
    let all = all.await.map(|_| begun.elapsed());
    let heard = witness.heard();
    let firsts = heard.first_live.iter().filter(|(epoch, _)| is_new(**epoch));
    let first = firsts.map(|(_, at)| at.saturating_duration_since(begun)).min();
    Takeover { first, all, steps: heard.epochs.len() - epochs }
}
