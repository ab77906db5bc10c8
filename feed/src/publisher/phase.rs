//! Where a publisher stands with its group's lease, as a value.

use std::time::Duration;
use tickcast_shared::bus::{Error, HEARTBEAT_EVERY, LEASE_TTL};
use tokio::time::Instant;

/// A link's change of state does not wait for the next regular heartbeat; but a link that flaps
/// shall not cost more than this.
const NEWS_EVERY: Duration = Duration::from_millis(100);

/// A lease that was won, as far as its holder can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub epoch: u64,
    /// When the last successful renewal was sent: from then on the lease runs, at the latest.
    pub renewed: Instant,
    /// When the next heartbeat is due.
    pub beat: Instant,
}

impl Held {
    /// A lease that was asked for at `sent`.
    pub(super) fn new(epoch: u64, sent: Instant) -> Self {
        Self { epoch, renewed: sent, beat: sent }
    }

    /// The same lease, renewed by a heartbeat sent then.
    pub(super) fn renewed(self, sent: Instant) -> Self {
        Self { renewed: sent, beat: sent + HEARTBEAT_EVERY, ..self }
    }

    /// The same lease, when the next heartbeat carries news.
    pub(super) fn with_news(self) -> Self {
        Self { beat: self.beat.min(self.renewed + NEWS_EVERY), ..self }
    }

    /// Whether another writer may hold the group by now: nothing must be written any more.
    pub(super) fn has_expired(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.renewed) >= LEASE_TTL
    }
}

/// What the publisher is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The lease is to be acquired at that time; until then nothing may be written.
    Waiting { until: Instant },
    /// The lease is won; fences are to be raised and the cache is to be taken over.
    TakingOver(Held),
    /// Publishing.
    Live(Held),
    /// A call failed: whether the lease still holds is to be asked at that time, before anything
    /// else is written.
    Doubtful { held: Held, until: Instant },
}

impl Phase {
    /// What follows when a call of this phase fails, after a wait of `delay`.
    pub(super) fn after(self, error: &Error, delay: Duration, now: Instant) -> Self {
        let until = now + delay;
        match (self, error) {
            (Self::Live(held) | Self::Doubtful { held, .. }, error)
                if !matches!(error, Error::Fenced) && !held.has_expired(now) =>
            {
                Self::Doubtful { held, until }
            }
            _ => Self::Waiting { until },
        }
    }

    /// Whether the lease may be ours, so that it should be given back at the end.
    pub(super) fn may_hold(&self) -> bool {
        !matches!(self, Self::Waiting { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_millis(40);

    fn link() -> Error {
        Error::Link("gone".into())
    }

    #[test]
    fn a_lost_link_leaves_a_doubt_until_the_lease_has_run_out() {
        let start = Instant::now();
        let held = Held::new(7, start);
        let soon = start + Duration::from_secs(1);
        let doubt = Phase::Live(held).after(&link(), DELAY, soon);
        assert_eq!(doubt, Phase::Doubtful { held, until: soon + DELAY });
        let late = start + LEASE_TTL;
        assert_eq!(doubt.after(&link(), DELAY, late), Phase::Waiting { until: late + DELAY });
    }

    #[test]
    fn being_fenced_ends_it_at_once() {
        let now = Instant::now();
        let held = Held::new(7, now);
        for phase in [Phase::Live(held), Phase::TakingOver(held)] {
            let next = phase.after(&Error::Fenced, DELAY, now);
            assert_eq!(next, Phase::Waiting { until: now + DELAY });
            assert!(phase.may_hold() && !next.may_hold());
        }
    }

    #[test]
    fn a_takeover_that_fails_starts_from_the_lease() {
        let now = Instant::now();
        let next = Phase::TakingOver(Held::new(7, now)).after(&link(), DELAY, now);
        assert_eq!(next, Phase::Waiting { until: now + DELAY });
    }

    #[test]
    fn a_renewal_counts_from_when_it_was_sent() {
        let sent = Instant::now();
        let held = Held::new(7, sent).renewed(sent + Duration::from_secs(1));
        assert!(!held.has_expired(sent + LEASE_TTL));
        assert!(held.has_expired(sent + LEASE_TTL + Duration::from_secs(1)));
        assert_eq!(held.beat, sent + Duration::from_secs(2));
    }

    #[test]
    fn news_of_a_link_hasten_a_heartbeat_and_never_delay_one() {
        let sent = Instant::now();
        let held = Held::new(7, sent).renewed(sent);
        assert_eq!(held.with_news().beat, sent + NEWS_EVERY);
        assert_eq!(held.with_news().with_news(), held.with_news());
        assert_eq!(Held::new(7, sent).with_news().beat, sent);
    }
}
