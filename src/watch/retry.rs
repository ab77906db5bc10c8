//! Whether and when to dial again, decided from how a connection ended.

use super::message::Advice;
use std::time::Duration;
use tickcast_shared::backoff::Backoff;

/// Waits between attempts: a gateway that restarts is back soon, and many clients dial it at once.
const BACKOFF: Backoff = Backoff { base: Duration::from_millis(250), cap: Duration::from_secs(15) };
/// A connection that held this long was a success: the next loss starts counting anew.
pub const SUCCESS_AFTER: Duration = Duration::from_secs(30);

/// How a connection ended.
#[derive(Debug)]
pub enum Lost {
    /// It could not be made.
    Dial(String),
    /// The gateway answered the upgrade with a status of its own.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The gateway's `Retry-After`.
        retry_after: Option<Duration>,
        /// The gateway's message.
        message: String,
    },
    /// The gateway closed it.
    Closed {
        /// The status code of the close frame; 1005 or 1006 when there was none.
        code: u16,
        /// Its reason.
        reason: String,
        /// What the gateway said before.
        advice: Option<Advice>,
    },
    /// Nothing came for too long.
    Silent,
    /// None of the topics exists at the moment, though some did before.
    Unknown,
}

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Dialling again would end the same way.
    GiveUp(String),
    /// Dial after this time.
    Again(Duration),
}

impl Lost {
    /// What to do after this end, the `failures`-th in a row; `jitter` is a random number in
    /// `0..1`.
    pub fn next(&self, failures: u32, jitter: f64) -> Next {
        if self.is_final() {
            return Next::GiveUp(self.to_string());
        }
        let asked = match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Closed { advice: Some(advice), .. } => {
                advice.reconnect_after_ms.map(Duration::from_millis)
            }
            _ => None,
        };
        Next::Again(asked.unwrap_or_default() + BACKOFF.delay(failures.max(1), jitter))
    }

    /// The protocol's rule: 4500 to 4999, 1008 and a client's own faults are final, and so is a
    /// `closing` that says so.
    fn is_final(&self) -> bool {
        match self {
            Self::Closed { advice: Some(advice), .. } if !advice.reconnect => true,
            Self::Closed { code, .. } => {
                matches!(code, 1002 | 1003 | 1007 | 1008 | 1009 | 4500..=4999)
            }
            Self::Refused { status, .. } => matches!(status, 400..=428 | 430..=499),
            Self::Dial(_) | Self::Silent | Self::Unknown => false,
        }
    }
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dial(why) => f.write_str(why),
            Self::Refused { status, message, .. } => write!(f, "refused with {status}: {message}"),
            Self::Closed { code, reason, .. } => write!(f, "closed with {code} {reason}"),
            Self::Silent => f.write_str("nothing came for 30 s"),
            Self::Unknown => f.write_str("the gateway does not know any of the topics now"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(code: u16, advice: Option<Advice>) -> Lost {
        Lost::Closed { code, reason: "because".into(), advice }
    }

    #[test]
    fn codes_from_4500_and_faults_of_ours_are_final() {
        for code in [1002, 1003, 1007, 1008, 1009, 4500, 4999] {
            assert!(matches!(closed(code, None).next(1, 0.5), Next::GiveUp(_)), "{code}");
        }
        for code in [1000, 1001, 1005, 1006, 1011, 1012, 1013, 4000, 4499] {
            assert!(matches!(closed(code, None).next(1, 0.5), Next::Again(_)), "{code}");
        }
    }

    #[test]
    fn the_gateways_advice_is_heard() {
        let mut advice = Advice {
            code: 1012,
            reason: "service restart".into(),
            reconnect: true,
            reconnect_after_ms: Some(3200),
        };
        let again = closed(1012, Some(advice.clone())).next(1, 0.0);
        assert_eq!(again, Next::Again(Duration::from_millis(3200)));
        advice.reconnect = false;
        assert!(matches!(closed(1012, Some(advice)).next(1, 0.0), Next::GiveUp(_)));
    }

    #[test]
    fn a_refused_upgrade_is_final_unless_it_may_pass() {
        let refused =
            |status, retry_after| Lost::Refused { status, retry_after, message: "".into() };
        for status in [400, 401, 403, 404, 426] {
            assert!(matches!(refused(status, None).next(1, 0.0), Next::GiveUp(_)), "{status}");
        }
        let second = Duration::from_secs(1);
        for status in [429, 500, 503] {
            assert_eq!(refused(status, Some(second)).next(1, 0.0), Next::Again(second), "{status}");
        }
    }

    #[test]
    fn waits_grow_with_failures_and_are_spread() {
        let wait = |failures, jitter| Lost::Silent.next(failures, jitter);
        assert_eq!(wait(1, 1.0), Next::Again(Duration::from_millis(250)));
        assert_eq!(wait(3, 1.0), Next::Again(Duration::from_secs(1)));
        assert_eq!(wait(3, 0.5), Next::Again(Duration::from_millis(500)));
        assert_eq!(wait(100, 1.0), Next::Again(BACKOFF.cap));
    }
}
