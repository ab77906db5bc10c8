//! The bounds that are in force, made of the settings; others take their place as a whole.

use super::rates::{PerAddress, Rate};
use crate::config::GatewayConfig;
use ipnet::IpNet;
use std::{net::IpAddr, sync::Arc};

/// Who is believed, and how much of everything there may be.
#[derive(Debug)]
pub struct Bounds {
    /// Networks of the proxies that are believed.
    pub trusted: Vec<IpNet>,
    /// Sockets that may be open at once.
    pub capacity: usize,
    pub max_handshakes: usize,
    pub max_per_address: usize,
    pub dials: Option<Arc<Rate>>,
    pub dials_per_address: Option<Arc<PerAddress>>,
    pub requests_per_address: Option<Arc<PerAddress>>,
}

impl Bounds {
    /// Of the settings. Rates that are as `before` keep their buckets: reading the settings again
    /// fills none of them.
    pub fn new(config: &GatewayConfig, capacity: usize, before: Option<&Self>) -> Self {
        let limits = &config.limits;
        Self {
            trusted: config.trusted_proxies.clone(),
            capacity,
            max_handshakes: or_endless(limits.max_handshakes),
            max_per_address: or_endless(limits.max_connections_per_ip),
            dials: before
                .and_then(|it| it.dials.clone())
                .filter(|it| it.per_second() == limits.dials_per_second)
                .or_else(|| Rate::new(limits.dials_per_second).map(Arc::new)),
            dials_per_address: per_address(
                before.and_then(|it| it.dials_per_address.clone()),
                limits.dials_per_second_per_ip,
            ),
            requests_per_address: per_address(
                before.and_then(|it| it.requests_per_address.clone()),
                limits.requests_per_second_per_ip,
            ),
        }
    }

    /// Whether `peer` is a proxy that is believed when it names its client.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&peer.to_canonical()))
    }

    /// Whether a connection of `peer` counts as its own: a proxy's connections are its clients', and
    /// without a known proxy everything on this machine may be behind one.
    pub fn limits_dials_of(&self, peer: IpAddr) -> bool {
        !self.trusts(peer) && self.counts_requests_of(peer)
    }

    /// Whether requests of a client are counted for its address.
    pub fn counts_requests_of(&self, client: IpAddr) -> bool {
        !(self.trusted.is_empty() && client.to_canonical().is_loopback())
    }
}

fn per_address(before: Option<Arc<PerAddress>>, per_second: u32) -> Option<Arc<PerAddress>> {
    before
        .filter(|it| it.per_second() == per_second)
        .or_else(|| PerAddress::new(per_second).map(Arc::new))
}

/// 0 is no limit.
fn or_endless(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}
