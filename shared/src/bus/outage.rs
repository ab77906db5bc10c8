//! Logging a fault once a cause instead of once an attempt.

use super::Error;
use std::time::{Duration, Instant};

/// A fault that lasts, seen from the one who keeps trying.
#[derive(Debug, Default)]
pub struct Outage {
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    cause: String,
    since: Instant,
    failures: u32,
}

impl Outage {
    /// Notes a failed attempt; true when its cause is news and should be reported.
    pub fn failed(&mut self, error: &Error, now: Instant) -> bool {
        let cause = error.to_string();
        if let Some(current) = &mut self.current {
            current.failures = current.failures.saturating_add(1);
            let news = current.cause != cause;
            current.cause = cause;
            news
        } else {
            self.current = Some(Current { cause, since: now, failures: 1 });
            true
        }
    }

    /// Notes that it works again; how long it did not, if it did not.
    pub fn recovered(&mut self, now: Instant) -> Option<Duration> {
        self.current.take().map(|current| now.saturating_duration_since(current.since))
    }

    /// Failed attempts since it last worked.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.current.as_ref().map_or(0, |current| current.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_news_once() {
        let start = Instant::now();
        let mut outage = Outage::default();
        let refused = Error::Link("connection refused".into());
        assert!(outage.failed(&refused, start));
        assert!(!outage.failed(&refused, start));
        assert!(outage.failed(&Error::Fenced, start));
        assert_eq!(outage.failures(), 3);
        let later = start + Duration::from_secs(2);
        assert_eq!(outage.recovered(later), Some(Duration::from_secs(2)));
        assert_eq!(outage.recovered(later), None);
        assert_eq!(outage.failures(), 0);
    }
}
