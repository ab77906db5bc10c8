//! What a connection holds for as long as it lives.

use super::{Cause, Door, Network, Refused};
use std::sync::{Arc, OnceLock, atomic::Ordering};

/// A connection's place on the node, and its address's.
#[derive(Debug)]
pub struct Seat {
    door: Arc<Door>,
    network: OnceLock<Network>,
}

impl Seat {
    /// Takes one of the node's.
    pub(super) fn take(door: &Arc<Door>, capacity: usize) -> Result<Arc<Self>, Refused> {
        let open = door.open.fetch_add(1, Ordering::Relaxed);
        let seat = Arc::new(Self { door: door.clone(), network: OnceLock::new() });
        if open < capacity { Ok(seat) } else { Err(Refused::later(Cause::Connections)) }
    }

    /// Whether it is counted for an address.
    pub(super) fn is_counted(&self) -> bool {
        self.network.get().is_some()
    }

    /// Counts it for an address from now on.
    pub(super) fn count_for(&self, network: Network) -> Result<(), Refused> {
        self.door.count(network)?;
        if self.network.set(network).is_err() {
            // Another request on the same connection came first.
            self.door.give_back(network, |taken| taken.open -= 1);
        }
        Ok(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.door.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(network) = self.network.get() {
            self.door.give_back(*network, |taken| taken.open -= 1);
        }
    }
}

/// A connection that has not asked for anything yet.
#[derive(Debug)]
pub struct Handshake {
    door: Arc<Door>,
    network: Option<Network>,
}

impl Handshake {
    /// Takes one of the node's, and of the address's where it is known.
    pub(super) fn take(
        door: &Arc<Door>,
        most: usize,
        network: Option<Network>,
    ) -> Result<Self, Refused> {
        let under_way = door.handshakes.fetch_add(1, Ordering::Relaxed);
        let mut handshake = Self { door: door.clone(), network: None };
        if under_way >= most {
            return Err(Refused::soon(Cause::Handshakes));
        }
        if let Some(network) = network {
            handshake.count_for(network)?;
        }
        Ok(handshake)
    }

    /// Counts it for an address from now on.
    pub(super) fn count_for(&mut self, network: Network) -> Result<(), Refused> {
        if self.network.is_none() {
            self.door.count_handshake(network)?;
            self.network = Some(network);
        }
        Ok(())
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.door.handshakes.fetch_sub(1, Ordering::Relaxed);
        if let Some(network) = self.network {
            self.door.give_back(network, |taken| taken.handshakes -= 1);
        }
    }
}
