//! How well the screen is connected to its gateway.

use crate::watch::message::Welcome;
use std::time::Duration;
use tickcast_shared::clock::Micros;

/// Shortest time that updates are counted over.
const COUNTED_OVER: Duration = Duration::from_secs(1);

/// Where a connection stands.
#[derive(Debug, PartialEq, Eq)]
pub enum State {
    /// It is being made.
    Dialling,
    /// It stands.
    Open,
    /// It is gone, and will be made again.
    Waiting {
        /// When, on our clock.
        until: Micros,
        /// Why it is gone.
        why: String,
    },
}

/// A connection and the ones before it.
#[derive(Debug)]
pub struct Connection {
    /// The gateway's address.
    pub url: String,
    /// Where it stands.
    pub state: State,
    /// How the gateway greeted.
    pub welcome: Option<Welcome>,
    /// The last round trip.
    pub trip: Option<Duration>,
    /// When anything last came, on our clock.
    pub heard: Option<Micros>,
    /// Whether the gateway finds this terminal slow.
    pub is_lagging: bool,
    /// Attempts in a row that did not reach a greeting.
    pub attempts: u32,
    updates: u64,
    counted_from: Option<Micros>,
    rate: Option<u64>,
}

impl Connection {
    /// Before the first attempt.
    pub fn new(url: String) -> Self {
        Self {
            url,
            state: State::Dialling,
            welcome: None,
            trip: None,
            heard: None,
            is_lagging: false,
            attempts: 0,
            updates: 0,
            counted_from: None,
            rate: None,
        }
    }

    /// Another attempt.
    pub fn dialling(&mut self) {
        self.attempts += 1;
        self.state = State::Dialling;
    }

    /// The gateway greeted at `now`: from here on updates are counted.
    pub fn greeted(&mut self, welcome: Welcome, now: Micros) {
        self.attempts = 0;
        (self.updates, self.counted_from) = (0, Some(now));
        self.welcome = Some(welcome);
    }

    /// It is gone, until `until`.
    pub fn lost(&mut self, why: String, until: Micros) {
        self.state = State::Waiting { until, why };
        (self.trip, self.heard, self.is_lagging) = (None, None, false);
        (self.rate, self.counted_from) = (None, None);
    }

    /// Counts updates.
    pub fn count(&mut self, updates: u64) {
        self.updates += updates;
    }

    /// Updates in a second, of late; none before there was one.
    pub fn rate(&mut self, now: Micros) -> Option<u64> {
        let span = now.since(self.counted_from?);
        if span >= COUNTED_OVER {
            let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
            self.rate = Some((self.updates * 1000 + millis / 2) / millis);
            (self.updates, self.counted_from) = (0, Some(now));
        }
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::welcome, *};

    #[test]
    fn updates_are_counted_by_the_second() {
        let mut connection = Connection::new("ws://h/ws".into());
        assert_eq!(connection.rate(Micros(-1)), None, "not connected");
        connection.greeted(welcome(), Micros(0));
        connection.count(30);
        assert_eq!(connection.rate(Micros(999_999)), None);
        assert_eq!(connection.rate(Micros(1_500_000)), Some(20));
        connection.count(1);
        assert_eq!(connection.rate(Micros(1_600_000)), Some(20), "until the next second");
        assert_eq!(connection.rate(Micros(2_500_000)), Some(1));
    }

    #[test]
    fn no_rate_counts_the_time_without_a_connection() {
        let mut connection = Connection::new("ws://h/ws".into());
        connection.greeted(welcome(), Micros(0));
        connection.count(5);
        assert_eq!(connection.rate(Micros(1_000_000)), Some(5));
        connection.count(7);
        connection.lost("gone".into(), Micros(5_000_000));
        assert_eq!(connection.rate(Micros(3_000_000)), None, "nothing comes");
        connection.dialling();
        assert_eq!(connection.rate(Micros(9_000_000)), None, "nor now");
        connection.greeted(welcome(), Micros(10_000_000));
        connection.count(20);
        assert_eq!(connection.rate(Micros(10_500_000)), None, "too early to tell");
        assert_eq!(connection.rate(Micros(11_000_000)), Some(20));
    }

    #[test]
    fn what_was_measured_goes_with_the_connection() {
        let mut connection = Connection::new("ws://h/ws".into());
        connection.dialling();
        (connection.trip, connection.is_lagging) = (Some(COUNTED_OVER), true);
        connection.lost("gone".into(), Micros(5));
        assert_eq!((connection.trip, connection.is_lagging, connection.attempts), (None, false, 1));
        connection.dialling();
        assert_eq!((&connection.state, connection.attempts), (&State::Dialling, 2));
        connection.greeted(welcome(), Micros(6));
        assert_eq!(connection.attempts, 0);
    }
}
