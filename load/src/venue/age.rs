//! How old a connection may become.

use super::{exchange::Exchange, faults::Faults};
use std::time::Instant;

/// What comes with age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aged {
    /// The exchange says that it will close the connection.
    Notice,
    /// It does.
    Cut,
}

/// The age of a connection.
#[derive(Debug)]
pub(super) struct Age {
    born: Instant,
    /// Whether a notice is still to come.
    announces: bool,
}

impl Age {
    pub(super) fn new(now: Instant, exchange: Exchange) -> Self {
        Self { born: now, announces: exchange.notice(0).is_some() }
    }

    pub(super) fn noticed(&mut self) {
        self.announces = false;
    }

    /// What comes next, and when.
    pub(super) fn next(&self, faults: &Faults) -> Option<(Instant, Aged)> {
        let limit = faults.age_limit?;
        let notice = faults.notice.filter(|_| self.announces);
        Some(match notice {
            Some(before) => (self.born + limit.saturating_sub(before), Aged::Notice),
            None => (self.born + limit, Aged::Cut),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_cut_is_announced_where_the_exchange_does_so() {
        let now = Instant::now();
        let at = |secs| now + Duration::from_secs(secs);
        let mut faults = Faults::default();
        let mut age = Age::new(now, Exchange::Binance);
        assert_eq!(age.next(&faults), None);
        faults.age_limit = Some(Duration::from_secs(30));
        assert_eq!(age.next(&faults), Some((at(30), Aged::Cut)));
        faults.notice = Some(Duration::from_secs(10));
        assert_eq!(age.next(&faults), Some((at(20), Aged::Notice)));
        assert_eq!(Age::new(now, Exchange::Kucoin).next(&faults), Some((at(30), Aged::Cut)));
        age.noticed();
        assert_eq!(age.next(&faults), Some((at(30), Aged::Cut)));
    }
}
