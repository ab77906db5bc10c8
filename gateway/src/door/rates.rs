//! Rates, as token buckets.

use super::Network;
use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock, QuantaInstant},
};
use std::{num::NonZeroU32, time::Duration};

/// Tokens that a bucket holds, as a multiple of a second's: a page that opens with several
/// connections, or a client that comes back after a short outage, is no flood.
const BURST: u32 = 4;

fn quota(per_second: u32) -> Option<Quota> {
    let rate = NonZeroU32::new(per_second)?;
    Some(Quota::per_second(rate).allow_burst(rate.saturating_mul(NonZeroU32::new(BURST)?)))
}

fn wait(until: &NotUntil<QuantaInstant>) -> Duration {
    until.wait_time_from(DefaultClock::default().now())
}

/// A rate of the whole node.
#[derive(Debug)]
pub struct Rate(DefaultDirectRateLimiter, u32);

impl Rate {
    /// None where 0 says that there is no limit.
    pub fn new(per_second: u32) -> Option<Self> {
        quota(per_second).map(|quota| Self(RateLimiter::direct(quota), per_second))
    }

    /// What it was made with.
    pub fn per_second(&self) -> u32 {
        self.1
    }

    /// Takes a token, or says when there will be one.
    pub fn take(&self) -> Result<(), Duration> {
        self.0.check().map_err(|until| wait(&until))
    }
}

/// A rate of each address.
#[derive(Debug)]
pub struct PerAddress(DefaultKeyedRateLimiter<Network>, u32);

impl PerAddress {
    /// None where 0 says that there is no limit.
    pub fn new(per_second: u32) -> Option<Self> {
        quota(per_second).map(|quota| Self(RateLimiter::keyed(quota), per_second))
    }

    /// What it was made with.
    pub fn per_second(&self) -> u32 {
        self.1
    }

    /// Takes a token of that address, or says when there will be one.
    pub fn take(&self, network: Network) -> Result<(), Duration> {
        self.0.check_key(&network).map_err(|until| wait(&until))
    }

    /// Addresses that are remembered.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets addresses whose bucket is full again.
    pub fn forget_quiet(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}
