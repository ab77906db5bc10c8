//! Where a connection stands, as a value: what happens to it and when it is dialled again.

use super::Loss;
use std::time::{Duration, Instant};
use tickcast_shared::backoff::Backoff;

/// The longest a mute venue is given, as a power of two of its idle limit: 16 minutes at 60 s. A
/// market that is really quiet must not be dialled again every minute for ever.
const MAX_DOUBLINGS: u32 = 4;

/// The states of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// On the way to the venue.
    Dialing,
    /// Connected, and nothing received yet.
    Subscribing {
        /// Since when.
        since: Instant,
    },
    /// Ticker messages arrive.
    Live {
        /// The first one.
        first: Instant,
        /// The last one.
        last: Instant,
    },
    /// Lost; dialled again later.
    Backoff {
        /// When.
        until: Instant,
    },
}

/// A link through all its connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    link: Link,
    backoff: Backoff,
    /// Good data for this long forgives earlier failures.
    good: Duration,
    failures: u32,
    /// Attempts since the last ticker message.
    fruitless: u32,
    mutes: u32,
    reconnects: u64,
}

impl Course {
    /// A link that has never been up.
    #[must_use]
    pub fn new(backoff: Backoff, good: Duration) -> Self {
        Self {
            link: Link::Dialing,
            backoff,
            good,
            failures: 0,
            fruitless: 0,
            mutes: 0,
            reconnects: 0,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn link(&self) -> Link {
        self.link
    }

    /// Losses since the last spell of good data.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Attempts in a row that have not brought a ticker message.
    #[must_use]
    pub fn fruitless(&self) -> u32 {
        self.fruitless
    }

    /// Whether a socket is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.link, Link::Subscribing { .. } | Link::Live { .. })
    }

    /// Losses of a connection that had been open.
    #[must_use]
    pub fn reconnects(&self) -> u64 {
        self.reconnects
    }

    /// The wait is over.
    pub fn dial(&mut self) {
        self.link = Link::Dialing;
    }

    /// The socket is open.
    pub fn opened(&mut self, now: Instant) {
        self.link = Link::Subscribing { since: now };
    }

    /// A sound ticker message has come; true if it is the first on this connection.
    pub fn data(&mut self, now: Instant) -> bool {
        let (first, became_live) = match self.link {
            Link::Live { first, .. } => (first, false),
            _ => (now, true),
        };
        self.link = Link::Live { first, last: now };
        became_live
    }

    /// How long this connection may go without a ticker message, where `limit` is the venue's: it
    /// doubles with every connection lost for being mute.
    #[must_use]
    pub fn idle_limit(&self, limit: Duration) -> Duration {
        limit.saturating_mul(1 << self.mutes.min(MAX_DOUBLINGS))
    }

    /// The connection is lost, or could not be had. Returns when to dial again; `jitter` is a
    /// random number in `0..1`.
    pub fn lost(&mut self, loss: &Loss, jitter: f64, now: Instant) -> Instant {
        if let Link::Live { first, last } = self.link
            && last.duration_since(first) >= self.good
        {
            self.failures = 0;
            self.mutes = 0;
        }
        if self.is_open() {
            self.reconnects += 1;
        }
        let live = matches!(self.link, Link::Live { .. });
        self.fruitless = if live { 0 } else { self.fruitless.saturating_add(1) };
        self.failures = self.failures.saturating_add(1);
        if matches!(loss, Loss::Mute { .. }) {
            self.mutes = self.mutes.saturating_add(1);
        }
        let wait = self.backoff.delay(self.failures, jitter).max(loss.least_wait());
        let until = now + wait;
        self.link = Link::Backoff { until };
        until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Duration = Duration::from_secs(60);
    const SECOND: Duration = Duration::from_secs(1);

    fn closed() -> Loss {
        Loss::Closed { code: None, reason: String::new() }
    }

    fn waited(course: &mut Course, loss: &Loss, now: Instant) -> Duration {
        course.lost(loss, 1.0, now) - now
    }

    #[test]
    fn accept_then_close_waits_longer_each_time() {
        let now = Instant::now();
        let mut course = Course::new(Backoff::VENUE, GOOD);
        let waits: Vec<u128> = (0..8)
            .map(|_| {
                course.opened(now);
                course.data(now);
                waited(&mut course, &closed(), now + SECOND).as_millis()
            })
            .collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(course.reconnects(), 8);
    }

    #[test]
    fn a_minute_of_good_data_forgives() {
        let now = Instant::now();
        let mut course = Course::new(Backoff::VENUE, GOOD);
        for _ in 0..5 {
            waited(&mut course, &closed(), now);
        }
        course.opened(now);
        course.data(now);
        course.data(now + GOOD - SECOND);
        assert!(waited(&mut course.clone(), &closed(), now + GOOD) > SECOND);
        course.data(now + GOOD);
        assert_eq!(waited(&mut course, &closed(), now + GOOD), Backoff::VENUE.base);
    }

    #[test]
    fn a_venues_own_wait_counts_when_it_is_longer() {
        let now = Instant::now();
        let mut course = Course::new(Backoff::VENUE, GOOD);
        let banned = Loss::Http { status: 418, retry_after: Some(SECOND) };
        assert_eq!(waited(&mut course, &banned, now), 120 * SECOND);
        let busy = Loss::Http { status: 429, retry_after: Some(77 * SECOND) };
        assert_eq!(waited(&mut course, &busy, now), 77 * SECOND);
    }

    #[test]
    fn a_quiet_market_is_given_more_time_but_not_for_ever() {
        let now = Instant::now();
        let mut course = Course::new(Backoff::VENUE, GOOD);
        let mut limits = Vec::new();
        for _ in 0..7 {
            limits.push(course.idle_limit(GOOD).as_secs());
            course.opened(now);
            course.lost(&Loss::Mute { silent: GOOD }, 0.5, now);
        }
        assert_eq!(limits, [60, 120, 240, 480, 960, 960, 960]);
    }

    #[test]
    fn only_the_first_message_of_a_connection_makes_it_live() {
        let now = Instant::now();
        let mut course = Course::new(Backoff::VENUE, GOOD);
        course.opened(now);
        assert!(course.data(now));
        assert!(!course.data(now + SECOND));
        course.lost(&closed(), 0.0, now);
        course.dial();
        assert_eq!(course.link(), Link::Dialing);
        course.opened(now);
        assert!(course.data(now));
    }
}
