//! Whether a connection still lives: pings when it is quiet, and a verdict when it is silent.

use super::Loss;
use crate::exchange::Keepalive;
use std::time::{Duration, Instant};

/// The signs of life of one connection.
#[derive(Debug, Clone)]
pub struct Pulse {
    keepalive: Keepalive,
    /// A connection may go this long without a ticker message.
    idle: Duration,
    frame: Instant,
    data: Instant,
    ping: Instant,
}

/// What is to be done about a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beat {
    /// Nothing.
    Fine,
    /// Ask for a sign of life.
    Ping,
    /// Give it up.
    Lost(Loss),
}

impl Pulse {
    /// A connection that has just opened.
    #[must_use]
    pub fn new(keepalive: Keepalive, idle: Duration, now: Instant) -> Self {
        Self { keepalive, idle, frame: now, data: now, ping: now }
    }

    /// Any frame at all: the peer lives.
    pub fn frame(&mut self, now: Instant) {
        self.frame = now;
    }

    /// A sound ticker message: the subscription lives.
    pub fn data(&mut self, now: Instant) {
        self.data = now;
    }

    /// When the last frame came.
    #[must_use]
    pub fn proven(&self) -> Instant {
        self.frame
    }

    /// Looks at the time. After [`Beat::Ping`] a ping is taken for sent.
    pub fn check(&mut self, now: Instant) -> Beat {
        let quiet = now.duration_since(self.frame);
        let mute = now.duration_since(self.data);
        let unasked = now.duration_since(self.ping);
        if quiet >= self.keepalive.proof {
            return Beat::Lost(Loss::NoProof { silent: quiet });
        }
        if mute >= self.idle {
            return Beat::Lost(Loss::Mute { silent: mute });
        }
        let doubtful = quiet >= self.keepalive.quiet && unasked >= self.keepalive.quiet;
        if doubtful || self.keepalive.demanded.is_some_and(|every| unasked >= every) {
            self.ping = now;
            return Beat::Ping;
        }
        Beat::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Probe;

    const SECOND: Duration = Duration::from_secs(1);
    const KEEPALIVE: Keepalive = Keepalive {
        probe: Probe::Text,
        demanded: Some(Duration::from_secs(14)),
        quiet: Duration::from_secs(4),
        proof: Duration::from_secs(10),
        welcome: false,
    };

    #[test]
    fn asks_when_quiet_and_gives_up_when_silent() {
        let start = Instant::now();
        let mut pulse = Pulse::new(KEEPALIVE, 60 * SECOND, start);
        let beats: Vec<Beat> = (1..=10).map(|at| pulse.check(start + at * SECOND)).collect();
        let pings: Vec<usize> =
            (0..10).filter(|at| beats[*at] == Beat::Ping).map(|at| at + 1).collect();
        assert_eq!(pings, [4, 8]);
        assert_eq!(beats[9], Beat::Lost(Loss::NoProof { silent: 10 * SECOND }));
    }

    #[test]
    fn pongs_do_not_stand_for_data() {
        let start = Instant::now();
        let mut pulse = Pulse::new(KEEPALIVE, 30 * SECOND, start);
        for at in 1..30 {
            pulse.frame(start + at * SECOND);
            assert!(!matches!(pulse.check(start + at * SECOND), Beat::Lost(_)));
        }
        let verdict = pulse.check(start + 30 * SECOND);
        assert_eq!(verdict, Beat::Lost(Loss::Mute { silent: 30 * SECOND }));
    }

    #[test]
    fn a_busy_connection_is_pinged_only_as_often_as_the_venue_demands() {
        let start = Instant::now();
        let mut pulse = Pulse::new(KEEPALIVE, 60 * SECOND, start);
        let mut pings = Vec::new();
        for at in 1..=30 {
            pulse.frame(start + at * SECOND);
            pulse.data(start + at * SECOND);
            if pulse.check(start + at * SECOND) == Beat::Ping {
                pings.push(at);
            }
        }
        assert_eq!(pings, [14, 28]);
    }
}
