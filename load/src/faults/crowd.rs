//! Clients that behave, and what they notice of an attack.

use super::{FaultsConfig, FaultsError, attack::Attack, scene::Scene};
use crate::{
    bench::{
        crowd::{Crowd, configs},
        pairs::{self, Spread},
    },
    hostile::{HostileConfig, HostileReport},
};
use std::time::Duration;
use tokio::time::sleep;

/// Between the last connect and the window, and between an attack's start and the window.
const SETTLE: Duration = Duration::from_millis(500);

/// What clients that behave saw in a window.
#[derive(Debug, Clone, Default)]
pub(super) struct Watched {
    /// From an update's due time to its receipt, of 99 in 100, milliseconds.
    pub(super) p99_ms: Option<f64>,
    pub(super) deliveries_per_second: f64,
    /// Clients that were cut off.
    pub(super) cut_off: u64,
}

/// Windows without an attack and with it, in pairs.
#[derive(Debug, Default)]
pub(super) struct Compared {
    without: Vec<Watched>,
    with: Vec<Watched>,
    /// What the attackers saw.
    pub(super) attacks: Vec<HostileReport>,
}

impl Compared {
    /// Median over the pairs of how much larger the 99th percentile was with the attack.
    pub(super) fn p99_ratio(&self) -> Option<f64> {
        self.ratio(|window| window.p99_ms)
    }

    /// The same of deliveries a second.
    pub(super) fn goodput_ratio(&self) -> Option<f64> {
        self.ratio(|window| Some(window.deliveries_per_second))
    }

    fn ratio(&self, of: impl Fn(&Watched) -> Option<f64>) -> Option<f64> {
        let pairs = self.without.iter().zip(&self.with);
        let ratios = pairs.filter_map(|(without, with)| Some(of(with)? / of(without)?));
        Spread::of(ratios).map(|spread| spread.median)
    }

    /// Median of the 99th percentile without the attack.
    pub(super) fn p99_without(&self) -> Option<f64> {
        Spread::of(self.without.iter().filter_map(|it| it.p99_ms)).map(|spread| spread.median)
    }

    /// Clients that behaved and were cut off all the same.
    pub(super) fn cut_off(&self) -> f64 {
        self.with.iter().map(|window| window.cut_off).sum::<u64>() as f64
    }
}

/// Measures windows without the attacks and with them, in turns.
pub(super) async fn compare(
    scene: &Scene,
    config: &FaultsConfig,
    attacks: &[HostileConfig],
) -> Result<Compared, FaultsError> {
    let mut compared = Compared::default();
    for round in 0..config.pairs {
        for side in pairs::order(2, round) {
            match side {
                0 => compared.without.push(watch(scene, config.window, &[]).await?.0),
                _ => {
                    let (watched, seen) = watch(scene, config.window, attacks).await?;
                    compared.with.push(watched);
                    compared.attacks.extend(seen);
                }
            }
        }
    }
    Ok(compared)
}

/// One window, with whatever attacks in it.
pub(super) async fn watch(
    scene: &Scene,
    window: Duration,
    attacks: &[HostileConfig],
) -> Result<(Watched, Vec<HostileReport>), FaultsError> {
    let urls = [scene.url()];
    let configs = configs(&scene.side, &scene.rig().spec, &urls);
    let (own, load) = (&scene.workshop.own, &scene.layout.load);
    let mut crowd = Crowd::start(own, configs, scene.folder(), load)?;
    crowd.settle(|_| {}).await?;
    let started = attacks.iter().map(|config| Attack::start(scene, config));
    let started = started.collect::<Result<Vec<_>, _>>()?;
    sleep(SETTLE).await;
    crowd.open()?;
    sleep(window).await;
    crowd.close().await?;
    let mut reports = Vec::new();
    for attack in started {
        reports.push(attack.report().await?);
    }
    let part = crowd.finish().await?;
    let watched = Watched {
        p99_ms: part.due().summary().map(|latency| latency.p99 as f64 / 1000.0),
        deliveries_per_second: part.window().deliveries as f64 / part.seconds.max(0.001),
        cut_off: part.disconnects.total() + part.failures.total(),
    };
    Ok((watched, reports))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_pairs() {
        let window = |p99, deliveries| Watched {
            p99_ms: Some(p99),
            deliveries_per_second: deliveries,
            cut_off: 1,
        };
        let compared = Compared {
            without: vec![window(10.0, 100.0), window(20.0, 100.0), window(1.0, 100.0)],
            with: vec![window(11.0, 90.0), window(24.0, 95.0), window(1.0, 100.0)],
            attacks: Vec::new(),
        };
        assert_eq!((compared.p99_ratio(), compared.goodput_ratio()), (Some(1.1), Some(0.95)));
        assert_eq!((compared.p99_without(), compared.cut_off()), (Some(10.0), 3.0));
        assert_eq!(Compared::default().p99_ratio(), None);
    }
}
