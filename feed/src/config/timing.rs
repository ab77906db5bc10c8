//! How patient the feed is with its venues. Nobody needs to change this but tests.

use crate::exchange::Keepalive;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tickcast_shared::backoff::Backoff;

/// DNS, TCP, TLS, handshake and token request together (`exchanges.md`, point 13).
const DIAL_MS: u64 = 10_000;
/// A list of instruments, which may have several megabytes.
const LIST_MS: u64 = 15_000;
/// The welcome and every acknowledgement (`exchanges.md`, point 5).
const ACK_MS: u64 = 10_000;
/// Good data for this long forgives earlier failures (`exchanges.md`, point 6).
const GOOD_MS: u64 = 60_000;
/// How often time-outs are looked at: well below the shortest of them.
const CHECK_MS: u64 = 250;
/// A symbol without a value so long after its subscription is asked for by REST: most venues send
/// their snapshots at once (`truth.md` 9).
const FIRST_VALUE_MS: u64 = 2_000;
/// The first data of a subscription (`exchanges.md`, point 3).
const FIRST_DATA_MS: u64 = 30_000;
/// For so long at least a live link speaks for a silent symbol (`truth.md` 6).
const SILENCE_MS: u64 = 60_000;
/// A REST answer about a symbol in doubt: several attempts, the venue's budget included.
const DOUBT_MS: u64 = 30_000;
/// One REST request for tickers, which must not hold the next one up.
const REST_MS: u64 = 5_000;
/// Between two polls of a symbol while there is no socket: what a person watching would notice.
const POLL_MS: u64 = 2_000;
/// How long a replacement that delivers is given to deliver every symbol.
const ROTATE_PATIENCE_MS: u64 = 30_000;
/// Between two readings of the list of instruments (`truth.md` 17: hourly).
const REFRESH_MS: u64 = 3_600_000;
/// For so long a symbol that vanished from the list is shown as halted.
const VANISHED_MS: u64 = 3_600_000;

/// Times in milliseconds. An unset one is the venue's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timing {
    /// For a whole dial.
    pub dial_ms: u64,
    /// For a list of instruments.
    pub list_ms: u64,
    /// For a welcome or an acknowledgement.
    pub ack_ms: u64,
    /// Without any ticker message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<u64>,
    /// Without any frame, before a ping is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_ms: Option<u64>,
    /// Without any frame, before the link is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof_ms: Option<u64>,
    /// Of good data, before failures are forgotten.
    pub good_ms: u64,
    /// Upper end of the first wait before dialling again.
    pub backoff_base_ms: u64,
    /// Upper end of every wait before dialling again.
    pub backoff_cap_ms: u64,
    /// Between two looks at the time-outs.
    pub check_ms: u64,
    /// From a subscription to asking REST for the first value.
    pub first_value_ms: u64,
    /// From a subscription to its first data, before it is doubted.
    pub first_data_ms: u64,
    /// For which a live link speaks for a silent symbol at least.
    pub silence_ms: u64,
    /// For an answer by REST about a symbol in doubt, before it is stale.
    pub doubt_ms: u64,
    /// For one REST request for tickers.
    pub rest_ms: u64,
    /// Between two polls of a symbol while the venue has no socket for us.
    pub poll_ms: u64,
    /// Age at which a connection is replaced; unset, shortly before the venue would end it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotate_ms: Option<u64>,
    /// From a replacement's first data to the end of the connection before it.
    pub rotate_patience_ms: u64,
    /// Between two readings of the list of instruments.
    pub refresh_ms: u64,
    /// From a symbol's disappearance from the list to its removal, where only a pattern named it.
    pub vanished_ms: u64,
}

impl Default for Timing {
    fn default() -> Self {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self {
            dial_ms: DIAL_MS,
            list_ms: LIST_MS,
            ack_ms: ACK_MS,
            idle_ms: None,
            quiet_ms: None,
            proof_ms: None,
            good_ms: GOOD_MS,
            backoff_base_ms: millis(Backoff::VENUE.base),
            backoff_cap_ms: millis(Backoff::VENUE.cap),
            check_ms: CHECK_MS,
            first_value_ms: FIRST_VALUE_MS,
            first_data_ms: FIRST_DATA_MS,
            silence_ms: SILENCE_MS,
            doubt_ms: DOUBT_MS,
            rest_ms: REST_MS,
            poll_ms: POLL_MS,
            rotate_ms: None,
            rotate_patience_ms: ROTATE_PATIENCE_MS,
            refresh_ms: REFRESH_MS,
            vanished_ms: VANISHED_MS,
        }
    }
}

impl Timing {
    /// The schedule of waits between dials.
    #[must_use]
    pub fn backoff(&self) -> Backoff {
        Backoff {
            base: Duration::from_millis(self.backoff_base_ms),
            cap: Duration::from_millis(self.backoff_cap_ms),
        }
    }

    /// A venue's keepalive with the times set here.
    #[must_use]
    pub fn apply_to(&self, keepalive: Keepalive) -> Keepalive {
        let or = |millis: Option<u64>, own| millis.map_or(own, Duration::from_millis);
        Keepalive {
            quiet: or(self.quiet_ms, keepalive.quiet),
            proof: or(self.proof_ms, keepalive.proof),
            ..keepalive
        }
    }

    /// The first key that must not be zero and is.
    #[must_use]
    pub fn zero_key(&self) -> Option<&'static str> {
        let required = [
            ("dial_ms", self.dial_ms),
            ("list_ms", self.list_ms),
            ("ack_ms", self.ack_ms),
            ("idle_ms", self.idle_ms.unwrap_or(u64::MAX)),
            ("quiet_ms", self.quiet_ms.unwrap_or(u64::MAX)),
            ("proof_ms", self.proof_ms.unwrap_or(u64::MAX)),
            ("backoff_base_ms", self.backoff_base_ms),
            ("backoff_cap_ms", self.backoff_cap_ms),
            ("check_ms", self.check_ms),
            ("rest_ms", self.rest_ms),
            ("poll_ms", self.poll_ms),
            ("rotate_ms", self.rotate_ms.unwrap_or(u64::MAX)),
            ("refresh_ms", self.refresh_ms),
        ];
        required.into_iter().find(|(_, value)| *value == 0).map(|(key, _)| key)
    }
}
