//! One line per cause and minute: a venue in trouble must not fill the disk.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// A cause is logged at most this often.
const EVERY: Duration = Duration::from_secs(60);

/// When each cause was last logged, and how often it happened since. Causes are fixed names.
#[derive(Debug, Default)]
pub struct LogLimit(HashMap<&'static str, (Instant, u64)>);

impl LogLimit {
    /// Whether to log the cause now: then the number of times that it went unlogged.
    pub fn admit(&mut self, cause: &'static str, now: Instant) -> Option<u64> {
        let Some((last, unlogged)) = self.0.get_mut(cause) else {
            self.0.insert(cause, (now, 0));
            return Some(0);
        };
        if now.duration_since(*last) < EVERY {
            *unlogged += 1;
            return None;
        }
        *last = now;
        Some(std::mem::take(unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_own_minute() {
        let now = Instant::now();
        let mut limit = LogLimit::default();
        assert_eq!(limit.admit("mute", now), Some(0));
        assert_eq!(limit.admit("mute", now + EVERY / 2), None);
        assert_eq!(limit.admit("closed", now + EVERY / 2), Some(0));
        assert_eq!(limit.admit("mute", now + EVERY), Some(1));
        assert_eq!(limit.admit("mute", now + EVERY * 2), Some(0));
    }
}
