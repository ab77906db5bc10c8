//! One of three gateways is killed: its clients come back through HAProxy, the others notice nothing.

use super::rolling_restart::{SETTLE, clients};
use crate::{
    balancer::GATEWAYS,
    bench::pairs::{self, Spread},
    faults::{
        FaultsConfig, FaultsError,
        figure::Figure,
        market::{Fleet, Market},
    },
    regulars::{Latency, Regulars, book::quantile},
};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long a client may take to have values again.
const BACK: Duration = Duration::from_secs(30);
/// Dials a second that a gateway takes, as a part of all clients: more than that come at once.
const DIALS_PART: usize = 12;

/// What kills led to.
#[derive(Default)]
struct Kills {
    /// From a kill to a client's first value, sorted.
    back: Vec<Duration>,
    /// Clients that lost their connection.
    lost: usize,
    /// 99th percentile of those who did not, in pairs without and with a kill, milliseconds.
    without: Vec<f64>,
    with: Vec<f64>,
}

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let mut market = Market::open(config).await?;
    market.add_feed().await?;
    let dials = (config.clients / DIALS_PART).max(1);
    let limits = format!("dials_per_second = {dials}\n");
    let mut fleet = market.fleet(config.clients, &limits).await?;
    let regulars = clients(&fleet, config).await?;
    let refused_before = regulars.book().refused.clone();
    let mut kills = Kills::default();
    for round in 0..config.pairs {
        for side in pairs::order(2, round) {
            regulars.book().open_window();
            match side {
                0 => {
                    sleep(config.window).await;
                    kills.without.extend(p99_ms(&regulars));
                }
                _ => {
                    kill(&mut fleet, &regulars, round % GATEWAYS, config.window, &mut kills).await?
                }
            }
        }
    }
    kills.back.sort();
    let book = regulars.book();
    let seen = |reason: &str| {
        let count = |of: &std::collections::BTreeMap<String, u64>| {
            of.iter().filter(|(it, _)| it.contains(reason)).map(|(_, count)| count).sum::<u64>()
        };
        Some((count(&book.refused) - count(&refused_before)) as f64)
    };
    let others = book.refused.keys().filter(|it| !["HTTP 503", "HTTP 429"].contains(&it.as_str()));
    let back = |share| quantile(&kills.back, share).map(|it| it.as_secs_f64());
    let in_time = kills.back.iter().filter(|it| **it <= BACK).count();
    let pairs = kills.without.iter().zip(&kills.with);
    let ratio = Spread::of(pairs.map(|(without, with)| with / without)).map(|it| it.median);
    let without = Spread::of(kills.without.iter().copied()).map(|it| it.median);
    Ok(vec![
        Figure::told("clients", Some(config.clients as f64)),
        Figure::told("kills", Some(kills.with.len() as f64)),
        Figure::at_least("clients that lost their gateway", 1.0, Some(kills.lost as f64)),
        Figure::told("values again after, median, s", back(0.5)),
        Figure::told("values again after, p99, s", back(0.99)),
        Figure::at_least(
            "share of them with values within 30 s",
            0.99,
            Some(in_time as f64 / kills.lost.max(1) as f64),
        ),
        Figure::told("dials refused with 503", seen("HTTP 503")),
        Figure::told("dials refused with 429", seen("HTTP 429")),
        Figure::at_most("other ways in which a dial failed", 0.0, Some(others.count() as f64)),
        Figure::at_most("dials without an answer", 0.0, Some(book.unanswered as f64)),
        Figure::told("others' p99 without a kill, ms", without),
        Figure::at_most("others' p99 with a kill, times that without", 2.0, ratio),
        Figure::at_most("values older than the one before", 0.0, Some(book.steps_back as f64)),
    ])
}

/// A window that begins with a kill, and everything as it was before.
async fn kill(
    fleet: &mut Fleet,
    regulars: &Regulars,
    number: usize,
    window: Duration,
    kills: &mut Kills,
) -> Result<(), FaultsError> {
    let from = regulars.book().absences.len();
    let begun = Instant::now();
    fleet.kill(number);
    sleep(window).await;
    kills.with.extend(p99_ms(regulars));
    regulars.all_served(BACK.saturating_sub(begun.elapsed())).await;
    {
        let book = regulars.book();
        let lost = &book.absences[from..];
        kills.lost += lost.len();
        let back = lost.iter().filter_map(|it| it.back);
        kills.back.extend(back.map(|back| back.saturating_duration_since(begun)));
    }
    fleet.revive(number).await?;
    match regulars.all_served(SETTLE).await {
        true => Ok(()),
        false => Err(FaultsError::Attack("some clients never came back".to_owned())),
    }
}

fn p99_ms(regulars: &Regulars) -> Option<f64> {
    regulars.book().close_window().map(|Latency { p99, .. }| p99 as f64 / 1000.0)
}
