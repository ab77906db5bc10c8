//! Faults by name, as the command line has them.

use super::{Disorder, Faults, Framing, OddPrices, OddTicks};
use std::time::Duration;

/// Seconds that a refusal with `Retry-After` names.
const RETRY_AFTER_SECS: u32 = 5;
/// How long `slow-dial` and `slow-rest` take: longer than one likes to wait, shorter than a client
/// gives up.
const SLOW: Duration = Duration::from_secs(4);
/// The age that `age-cut` leaves a connection, in place of 24 hours.
const AGE_LIMIT: Duration = Duration::from_secs(30);
/// How long before that `maintenance` announces it.
const NOTICE: Duration = Duration::from_secs(10);
/// One odd tick in so many: prices that a client may believe lie between.
const ODD_EVERY: u64 = 10;

/// A fault of a simulated exchange, in force from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum NamedFault {
    /// Answer handshakes with 429 and Retry-After: 5
    RefuseDial,
    /// Answer handshakes and REST with 418 and Retry-After: 5
    Ban,
    /// Answer REST with 429 and Retry-After: 5
    RefuseRest,
    /// Take 4 s for each handshake
    SlowDial,
    /// Take 4 s for each REST answer
    SlowRest,
    /// Accept connections and end them at once
    CloseAtOnce,
    /// Acknowledge subscriptions and send no market data
    Mute,
    /// Leave pings unanswered and send no heartbeats
    NoPongs,
    /// Keep connections open, read and write nothing
    Frozen,
    /// Close each connection after 30 s
    AgeCut,
    /// The same, announced 10 s before where the exchange does so
    Maintenance,
    /// Issue expired tokens (KuCoin)
    ExpiredTokens,
    /// Send each tick's predecessor after it
    OutOfOrder,
    /// Send each tick twice
    Duplicate,
    /// Let every tenth quote be crossed
    Crossed,
    /// Let every tenth tick have prices of zero
    Zero,
    /// Let every tenth tick have negative prices
    Negative,
    /// Let every tenth tick have empty prices
    Empty,
    /// Let every tenth tick have prices that are no numbers
    NotANumber,
    /// Let every tenth tick be a thousand times too high
    Absurd,
    /// Let every tenth tick have sizes of 45 digits
    AbsurdSize,
    /// Send garbage before each message
    Garbage,
    /// Send market data as gzip in binary frames
    Gzip,
    /// Send market data as bare deflate in binary frames
    Deflate,
    /// Send market data as JSON arrays of messages
    Batched,
}

impl NamedFault {
    /// Puts it in force beside those that are.
    pub fn add_to(self, faults: &mut Faults) {
        let mut odd = |prices| faults.odd_ticks = Some(OddTicks { prices, every: ODD_EVERY });
        match self {
            Self::Crossed => odd(OddPrices::Crossed),
            Self::Zero => odd(OddPrices::Zero),
            Self::Negative => odd(OddPrices::Negative),
            Self::Empty => odd(OddPrices::Empty),
            Self::NotANumber => odd(OddPrices::NotANumber),
            Self::Absurd => odd(OddPrices::Absurd),
            Self::AbsurdSize => odd(OddPrices::AbsurdSize),
            Self::RefuseDial => faults.refuse_dials = Some(429),
            Self::RefuseRest => faults.refuse_rest = Some(429),
            Self::Ban => (faults.refuse_dials, faults.refuse_rest) = (Some(418), Some(418)),
            Self::SlowDial => faults.slow_dials = Some(SLOW),
            Self::SlowRest => faults.slow_rest = Some(SLOW),
            Self::CloseAtOnce => faults.close_at_once = true,
            Self::Mute => faults.mute = true,
            Self::NoPongs => faults.ignore_pings = true,
            Self::Frozen => faults.frozen = true,
            Self::AgeCut => faults.age_limit = Some(AGE_LIMIT),
            Self::Maintenance => {
                (faults.age_limit, faults.notice) = (Some(AGE_LIMIT), Some(NOTICE));
            }
            Self::ExpiredTokens => faults.expired_tokens = u32::MAX,
            Self::OutOfOrder => faults.disorder = Disorder::OutOfOrder,
            Self::Duplicate => faults.disorder = Disorder::Duplicate,
            Self::Garbage => faults.garbage = true,
            Self::Gzip => faults.framing = Framing::Gzip,
            Self::Deflate => faults.framing = Framing::Deflate,
            Self::Batched => faults.framing = Framing::Batched,
        }
        if faults.refuse_dials.is_some() || faults.refuse_rest.is_some() {
            faults.retry_after = Some(RETRY_AFTER_SECS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_name_puts_something_in_force_and_is_explained() {
        for fault in NamedFault::value_variants() {
            let mut faults = Faults::default();
            fault.add_to(&mut faults);
            assert_ne!(faults, Faults::default(), "{fault:?}");
            assert!(fault.to_possible_value().unwrap().get_help().is_some(), "{fault:?}");
        }
    }
}
