//! How the exchanges are, for `/metrics`: their connections, their silence, their prices beside the
//! others'.

use crate::{
    connector::Venue,
    lineup::{self, AtWork},
    metrics,
    quality::Board,
};
use rust_decimal::prelude::ToPrimitive;
use std::{convert::Infallible, time::Duration};
use tickcast_shared::{
    bus::{LinkState, LinkStatus},
    clock::{Clock, Micros},
    market::ExchangeId,
};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How often it is measured. Prometheus seldom asks more often than every five seconds.
const MEASURE_EVERY: Duration = Duration::from_secs(1);
/// Every state of a connection, with its name in metrics.
const STATES: [(LinkState, &str); 4] = [
    (LinkState::Pending, "pending"),
    (LinkState::Live, "live"),
    (LinkState::Stale, "stale"),
    (LinkState::Halted, "halted"),
];

/// Measures until cancelled.
pub(crate) async fn measure(
    at_work: AtWork,
    board: Board,
    clock: Clock,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    let mut ticks = tokio::time::interval(MEASURE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shown: Vec<ExchangeId> = Vec::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        let now = clock.now();
        let deviations = board.deviations(now);
        let venues = lineup::lock(&at_work).clone();
        for gone in shown.iter().filter(|id| venues.iter().all(|it| it.id() != *id)) {
            forget(gone);
        }
        shown = venues.iter().map(|venue| venue.id().clone()).collect();
        for venue in &venues {
            show(venue, now);
            let apart = deviations.get(venue.id()).and_then(ToPrimitive::to_f64);
            // Nobody to compare with: no number, so that no alarm compares it.
            metrics::VENUE_DEVIATION.of([venue.id().as_str()]).set(apart.unwrap_or(f64::NAN));
        }
    }
}

/// An exchange that is no longer configured has no connections, and nothing else to be measured.
fn forget(exchange: &ExchangeId) {
    for (_, state) in STATES {
        metrics::CONNECTIONS.of([exchange.as_str(), state]).set(0.0);
    }
    metrics::SILENCE.of([exchange.as_str()]).set(f64::NAN);
    metrics::LINK_LIVE.of([exchange.as_str()]).set(f64::NAN);
    metrics::VENUE_DEVIATION.of([exchange.as_str()]).set(f64::NAN);
}

fn show(venue: &Venue, now: Micros) {
    let (exchange, connections) = (venue.id().as_str(), venue.connections());
    for (state, name) in STATES {
        let count = connections.iter().filter(|it| it.state == state).count();
        metrics::CONNECTIONS.of([exchange, name]).set(count as f64);
    }
    let silence = silence(&connections, now).map_or(f64::NAN, |it| it.as_secs_f64());
    metrics::SILENCE.of([exchange]).set(silence);
}

/// How long the most silent connection has not given a sign of life; one that never has, since it
/// is in its state. Halted ones are not waited for.
fn silence(connections: &[LinkStatus], now: Micros) -> Option<Duration> {
    let awaited = connections.iter().filter(|it| it.state != LinkState::Halted);
    awaited.map(|it| now.since(it.proven.unwrap_or(it.since))).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tickcast_shared::market::{Reason, Source};

    #[test]
    fn the_most_silent_connection_counts() {
        let connection = |state, since, proven: Option<i64>| LinkStatus {
            exchange: "okx".parse().unwrap(),
            state,
            reason: Reason::NONE,
            since: Micros(since),
            proven: proven.map(Micros),
            reconnects: 0,
            source: Source::Stream,
        };
        let (now, of) = (Micros(9_000_000), Duration::from_secs);
        let live = connection(LinkState::Live, 0, Some(8_000_000));
        let halted = connection(LinkState::Halted, 0, None);
        assert_eq!(silence(&[], now), None);
        assert_eq!(silence(std::slice::from_ref(&halted), now), None);
        assert_eq!(silence(&[live.clone(), halted], now), Some(of(1)));
        let lost = connection(LinkState::Stale, 8_500_000, Some(3_000_000));
        assert_eq!(silence(&[live.clone(), lost], now), Some(of(6)));
        let never = connection(LinkState::Pending, 5_000_000, None);
        assert_eq!(silence(&[live, never], now), Some(of(4)));
    }
}
