//! How often clients may ask: a bucket for what is served, and one for what they are told about it.

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::HashMapStateStore,
};
use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

/// What a connection may ask for: messages and pings a second, and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allowance {
    /// A second; 0 = any number.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is served.
    Served,
    /// It is refused; the next one is served after this time.
    TooFast(Duration),
    /// The client went on and on after it was told: it has to go.
    Enough,
}

/// The buckets of a shard's connections, by their number. A connection that asks for nothing has
/// none, and one that has been quiet for a while loses its own.
#[derive(Debug, Default)]
pub struct Paces(BTreeMap<Allowance, Buckets>);

type Limiter = RateLimiter<u64, HashMapStateStore<u64>, DefaultClock>;

#[derive(Debug)]
struct Buckets {
    served: Limiter,
    /// Refusals have the same rate again: a client at twice its rate is only told, one above that
    /// does not read what it is told.
    refused: Limiter,
}

impl Paces {
    /// Counts a message of the connection with this number.
    pub fn count(&mut self, connection: u64, allowance: Allowance) -> Verdict {
        let Some(quota) = allowance.quota() else { return Verdict::Served };
        let buckets = self.0.entry(allowance).or_insert_with(|| Buckets {
            served: RateLimiter::hashmap(quota),
            refused: RateLimiter::hashmap(quota),
        });
        match buckets.served.check_key(&connection) {
            Ok(()) => Verdict::Served,
            Err(until) if buckets.refused.check_key(&connection).is_ok() => {
                Verdict::TooFast(until.wait_time_from(DefaultClock::default().now()))
            }
            Err(_) => Verdict::Enough,
        }
    }

    /// Forgets connections whose buckets are full again.
    pub fn forget_quiet(&mut self) {
        for Buckets { served, refused } in self.0.values() {
            for limiter in [served, refused] {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
        }
        // Allowances come and go with the settings.
        self.0.retain(|_, it| !(it.served.is_empty() && it.refused.is_empty()));
    }
}

impl Allowance {
    fn quota(self) -> Option<Quota> {
        let rate = NonZeroU32::new(self.per_second)?;
        Some(Quota::per_second(rate).allow_burst(NonZeroU32::new(self.burst)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Allowance = Allowance { per_second: 1, burst: 3 };

    #[test]
    fn a_burst_is_served_then_refused_then_it_is_enough() {
        let mut paces = Paces::default();
        let verdicts: Vec<Verdict> = (0..7).map(|_| paces.count(1, SLOW)).collect();
        assert_eq!(verdicts[..3], [Verdict::Served; 3]);
        for verdict in &verdicts[3..6] {
            let Verdict::TooFast(wait) = verdict else { panic!("{verdicts:?}") };
            assert!(*wait <= Duration::from_secs(1), "{verdicts:?}");
        }
        assert_eq!(verdicts[6], Verdict::Enough);
        assert_eq!(paces.count(2, SLOW), Verdict::Served, "others have buckets of their own");
    }

    #[test]
    fn without_a_limit_everything_is_served_and_nothing_kept() {
        let mut paces = Paces::default();
        let endless = Allowance { per_second: 0, burst: 0 };
        assert!((0..1000).all(|_| paces.count(1, endless) == Verdict::Served));
        assert!(paces.0.is_empty());
    }

    #[test]
    fn quiet_connections_are_forgotten() {
        let mut paces = Paces::default();
        let quick = Allowance { per_second: 1_000_000_000, burst: 1 };
        paces.count(1, quick);
        paces.count(1, SLOW);
        // A nanosecond fills the quick one's bucket; the slow one's takes a second.
        std::thread::yield_now();
        paces.forget_quiet();
        assert!(!paces.0.contains_key(&quick));
        assert_eq!(paces.0[&SLOW].served.len(), 1);
    }
}
