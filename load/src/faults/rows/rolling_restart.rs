//! All gateways are restarted one after the other: everybody is told, and back at once.

use crate::{
    faults::{
        FaultsConfig, FaultsError,
        figure::Figure,
        market::{Fleet, Market, Rolled, SHARDS, WINDOW},
    },
    regulars::{Book, Regulars, RegularsConfig, book::quantile},
};
use std::time::{Duration, Instant};

/// Topics of each client.
const TOPICS: usize = 2;
/// First dials a second.
const CONNECT_RATE: u32 = 300;
/// How long all may take to have values.
pub(super) const SETTLE: Duration = Duration::from_secs(60);
/// How long a value may take to everybody in the end.
const LAST_VALUES: Duration = Duration::from_secs(10);
/// Closes of one shard a second, at least: what the gateway promises for few clients.
const CLOSES_PER_SECOND: u32 = 100;

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let mut market = Market::open(config).await?;
    market.add_feed().await?;
    let mut fleet = market.fleet(config.clients, "").await?;
    let regulars = clients(&fleet, config).await?;
    let (rolled, from) = roll(&mut fleet, &regulars).await?;
    figures(config, &regulars, &rolled, from).await
}

/// Clients of the fleet that have values.
pub(super) async fn clients(fleet: &Fleet, config: &FaultsConfig) -> Result<Regulars, FaultsError> {
    let regulars = Regulars::start(RegularsConfig {
        url: fleet.balancer.ws(),
        clients: config.clients,
        topics: (0..TOPICS).map(|number| format!("ticker:kucoin:T{number}-USDT")).collect(),
        connect_rate: CONNECT_RATE,
        source: None,
    });
    let regulars = regulars.await?;
    match regulars.all_served(SETTLE).await {
        true => Ok(regulars),
        false => Err(FaultsError::Attack(format!(
            "{} clients have no values after {} s; dials refused: {:?}",
            regulars.book().unserved(),
            SETTLE.as_secs(),
            regulars.book().refused
        ))),
    }
}

/// Restarts all; with it comes the number of the first absence since.
pub(super) async fn roll(
    fleet: &mut Fleet,
    regulars: &Regulars,
) -> Result<(Rolled, usize), FaultsError> {
    let from = regulars.book().absences.len();
    let rolled = fleet.roll().await?;
    regulars.all_served(SETTLE).await;
    match &rolled.trouble {
        None => Ok((rolled, from)),
        Some(trouble) => Err(FaultsError::Attack(trouble.clone())),
    }
}

/// What a restart of all is judged by.
pub(super) async fn figures(
    config: &FaultsConfig,
    regulars: &Regulars,
    rolled: &Rolled,
    from: usize,
) -> Result<Vec<Figure>, FaultsError> {
    let behind = regulars.behind(LAST_VALUES).await;
    let book = regulars.book();
    let gaps = book.gaps(from);
    let gap = |share| quantile(&gaps, share).map(|gap| gap.as_secs_f64());
    let closed: u64 = book.closes.values().sum();
    Ok(vec![
        Figure::told("clients", Some(config.clients as f64)),
        Figure::told("all gateways restarted within, s", Some(rolled.took.as_secs_f64())),
        Figure::at_least("fewest gateways ready at a time", 2.0, Some(rolled.least_ready as f64)),
        Figure::told("connections that were closed", Some(closed as f64)),
        Figure::at_least(
            "share of the closes that were announced",
            1.0,
            Some(book.announced as f64 / closed.max(1) as f64),
        ),
        Figure::at_most(
            "connections that ended without a close (1006)",
            0.0,
            Some(book.abnormal() as f64),
        ),
        Figure::told("time without values, median, s", gap(0.5)),
        Figure::at_most("time without values, p99, s", 2.0, gap(0.99)),
        Figure::told("time without values, most, s", gap(1.0)),
        Figure::at_most(
            "most closes of a gateway in a second, times an even spread",
            2.0,
            peak(&book, from, &rolled.told),
        ),
        Figure::told("dials that were refused", Some(book.refused.values().sum::<u64>() as f64)),
        Figure::at_most("dials without an answer", 0.0, Some(book.unanswered as f64)),
        Figure::at_most("clients without values in the end", 0.0, Some(book.unserved() as f64)),
        Figure::at_most(
            "clients with an older value than others in the end",
            0.0,
            Some(behind as f64),
        ),
        Figure::at_most("values older than the one before", 0.0, Some(book.steps_back as f64)),
        Figure::told("values older than on the connection before", Some(book.dropped as f64)),
    ])
}

/// Of the gateways, the largest part of its closes that fell into one second, times that of an even
/// spread.
fn peak(book: &Book, from: usize, told: &[Instant]) -> Option<f64> {
    let mut lost: Vec<Instant> = book.absences.iter().skip(from).map(|it| it.lost).collect();
    lost.sort();
    let of_gateway = |number: usize| {
        let (begun, end) = (told[number], told.get(number + 1).copied());
        let own = lost.iter().filter(|at| **at >= begun && end.is_none_or(|end| **at < end));
        most_in_a_second(&own.copied().collect::<Vec<_>>())
    };
    (0..told.len()).filter_map(of_gateway).max_by(f64::total_cmp)
}

fn most_in_a_second(sorted: &[Instant]) -> Option<f64> {
    let count = u32::try_from(sorted.len()).unwrap_or(u32::MAX);
    let most = (0..sorted.len()).map(|first| {
        let end = sorted[first] + Duration::from_secs(1);
        sorted[first..].partition_point(|at| *at < end)
    });
    let window = WINDOW.as_secs_f64().min(f64::from(count) / f64::from(SHARDS * CLOSES_PER_SECOND));
    // Within a second, all that there are may fall into it.
    let even = f64::from(count) / window.max(1.0);
    most.max().map(|most| most as f64 / even)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_spread_is_one_and_all_at_once_is_the_window() {
        let begun = Instant::now();
        let spread = |every: Duration| -> Vec<Instant> {
            (0..1000).map(|nth| begun + every * nth).collect()
        };
        let even = most_in_a_second(&spread(Duration::from_millis(5))).unwrap();
        assert!((0.99..1.01).contains(&even), "{even}");
        assert_eq!(most_in_a_second(&spread(Duration::ZERO)), Some(5.0));
        assert_eq!(most_in_a_second(&[begun, begun]), Some(1.0));
        assert_eq!(most_in_a_second(&[]), None);
    }
}
