//! Who may come in: bounds on connections, dials and requests, of the node and of each address.

mod address;
mod bounds;
mod rates;
mod refused;
mod seat;

pub use address::Network;
pub use refused::{Cause, Refused};
pub use seat::{Handshake, Seat};

use crate::{config::GatewayConfig, metrics::Metrics};
use bounds::Bounds;
use dashmap::{DashMap, Entry};
use std::{
    convert::Infallible,
    net::IpAddr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Of the handshakes that the node has room for, one address gets at most this part: a few addresses
/// that never finish theirs do not keep the others out.
const HANDSHAKES_PER_ADDRESS_PART: usize = 4;
/// How often addresses that are not heard of any more are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(10);

/// The bounds and what of them is taken. Shared by all listeners and requests.
#[derive(Debug)]
pub struct Door {
    /// Read once for a dial or a request, never for a message.
    bounds: RwLock<Arc<Bounds>>,
    /// Addresses whose upgrades are not looked at until then: too many were refused.
    barred: DashMap<Network, Instant>,
    open: AtomicUsize,
    handshakes: AtomicUsize,
    addresses: DashMap<Network, Taken>,
    memory_is_short: AtomicBool,
    is_draining: AtomicBool,
    metrics: Metrics,
}

/// What one address has taken.
#[derive(Debug, Default)]
struct Taken {
    open: usize,
    handshakes: usize,
}

impl Door {
    /// Open, with room for `capacity` sockets.
    #[must_use]
    pub fn new(config: &GatewayConfig, capacity: usize, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self {
            bounds: RwLock::new(Arc::new(Bounds::new(config, capacity, None))),
            barred: DashMap::new(),
            open: AtomicUsize::new(0),
            handshakes: AtomicUsize::new(0),
            addresses: DashMap::new(),
            memory_is_short: AtomicBool::new(false),
            is_draining: AtomicBool::new(false),
            metrics,
        })
    }

    /// Other bounds from now on. Who is in stays in, and counts.
    pub fn set_bounds(&self, config: &GatewayConfig, capacity: usize) {
        let bounds = Arc::new(Bounds::new(config, capacity, Some(&self.bounds())));
        *self.bounds.write().unwrap_or_else(PoisonError::into_inner) = bounds;
    }

    /// The bounds in force.
    fn bounds(&self) -> Arc<Bounds> {
        self.bounds.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a new connection of `peer` in, until its [`Seat`] is dropped; the [`Handshake`] goes
    /// with its first request.
    ///
    /// # Errors
    /// [`Refused`] when there is no room, or too many came too fast.
    pub fn knock(self: &Arc<Self>, peer: IpAddr) -> Result<(Arc<Seat>, Handshake), Refused> {
        self.counted(self.enter(peer))
    }

    /// Sockets that are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    fn enter(self: &Arc<Self>, peer: IpAddr) -> Result<(Arc<Seat>, Handshake), Refused> {
        if self.is_draining.load(Ordering::Relaxed) {
            return Err(Refused::soon(Cause::Draining));
        }
        if self.memory_is_short.load(Ordering::Relaxed) {
            return Err(Refused::later(Cause::Memory));
        }
        let bounds = self.bounds();
        let address = bounds.limits_dials_of(peer).then(|| Network::of(peer));
        if let (Some(network), Some(rate)) = (address, &bounds.dials_per_address) {
            rate.take(network).map_err(|wait| Refused::after(Cause::DialsPerAddress, wait))?;
        }
        let seat = Seat::take(self, bounds.capacity)?;
        let handshake = Handshake::take(self, bounds.max_handshakes, address)?;
        if let Some(network) = address {
            seat.count_for(network)?;
        }
        if let Some(rate) = &bounds.dials {
            rate.take().map_err(|wait| Refused::after(Cause::Dials, wait))?;
        }
        Ok((seat, handshake))
    }

    /// Counts a connection that a proxy made for `client` as the client's.
    ///
    /// # Errors
    /// [`Refused`] when the client's address has too many, or dials too fast.
    pub fn seat_for(&self, seat: &Seat, client: IpAddr) -> Result<(), Refused> {
        if seat.is_counted() {
            return Ok(());
        }
        let network = Network::of(client);
        let bounds = self.bounds();
        let paced = bounds.dials_per_address.as_ref().map_or(Ok(()), |rate| rate.take(network));
        let taken = paced
            .map_err(|wait| Refused::after(Cause::DialsPerAddress, wait))
            .and_then(|()| seat.count_for(network));
        self.counted(taken)
    }

    /// Counts a handshake that a proxy began for `client` as the client's.
    ///
    /// # Errors
    /// [`Refused`] when the client's address has too many under way.
    pub fn handshake_for(&self, handshake: &mut Handshake, client: IpAddr) -> Result<(), Refused> {
        self.counted(handshake.count_for(Network::of(client)))
    }

    /// Lets a REST request of `client` pass.
    ///
    /// # Errors
    /// [`Refused`] when its address asks too often.
    pub fn ask(&self, client: IpAddr) -> Result<(), Refused> {
        let bounds = self.bounds();
        match &bounds.requests_per_address {
            Some(rate) if bounds.counts_requests_of(client) => {
                let taken = rate.take(Network::of(client));
                self.counted(taken.map_err(|wait| Refused::after(Cause::Requests, wait)))
            }
            _ => Ok(()),
        }
    }

    /// Lets a request for an upgrade of `client` pass. Upgrades are limited as connections; those that
    /// are refused never become one, so they count as requests, and whoever makes too many of them is
    /// not looked at for a while.
    ///
    /// # Errors
    /// [`Refused`] when too many were refused lately.
    pub fn ask_upgrade(&self, client: IpAddr) -> Result<(), Refused> {
        let until = self.barred.get(&Network::of(client)).map(|until| *until);
        match until.map(|until| until.saturating_duration_since(Instant::now())) {
            Some(wait) if !wait.is_zero() => {
                self.counted(Err(Refused::after(Cause::Requests, wait)))
            }
            _ => Ok(()),
        }
    }

    /// Notes that an upgrade of `client` was refused.
    pub fn upgrade_refused(&self, client: IpAddr) {
        if let Err(refused) = self.ask(client) {
            self.barred.insert(Network::of(client), Instant::now() + refused.retry_after);
        }
    }

    /// Whether `peer` is a proxy that is believed when it names its client.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.bounds().trusts(peer)
    }

    /// Refuses newcomers while memory is short.
    pub fn set_memory_is_short(&self, is_short: bool) {
        self.memory_is_short.store(is_short, Ordering::Relaxed);
    }

    /// Refuses newcomers from now on.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Forgets addresses that have been quiet, until cancelled.
    pub async fn forget_quiet(self: Arc<Self>, token: CancellationToken) -> Result<(), Infallible> {
        loop {
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                () = tokio::time::sleep(FORGET_EVERY) => self.forget(),
            }
        }
    }

    fn forget(&self) {
        let bounds = self.bounds();
        for rate in bounds.dials_per_address.iter().chain(&bounds.requests_per_address) {
            rate.forget_quiet();
        }
        let now = Instant::now();
        self.barred.retain(|_, until| *until > now);
        self.barred.shrink_to_fit();
        self.addresses.shrink_to_fit();
    }

    /// Counts a client that was let go because it did not take its answer in time.
    pub fn reads_slowly(&self) {
        self.metrics.limited("slow_reader");
    }

    /// Counts a connection that could not be accepted: no descriptor or memory was left for it.
    pub fn cannot_accept(&self) {
        self.metrics.limited("accept");
    }

    /// Counts a connection that was let go because it did not ask for anything in time.
    pub fn asks_nothing(&self) {
        self.metrics.limited("handshake_time");
    }

    fn counted<T>(&self, result: Result<T, Refused>) -> Result<T, Refused> {
        result.inspect_err(|refused| self.metrics.limited(refused.cause.label()))
    }

    fn count(&self, network: Network) -> Result<(), Refused> {
        let max_per_address = self.bounds().max_per_address;
        let mut taken = self.addresses.entry(network).or_default();
        if taken.open >= max_per_address {
            return Err(Refused::later(Cause::ConnectionsPerAddress));
        }
        taken.open += 1;
        Ok(())
    }

    fn count_handshake(&self, network: Network) -> Result<(), Refused> {
        let most = (self.bounds().max_handshakes / HANDSHAKES_PER_ADDRESS_PART).max(1);
        let mut taken = self.addresses.entry(network).or_default();
        if taken.handshakes >= most {
            return Err(Refused::soon(Cause::Handshakes));
        }
        taken.handshakes += 1;
        Ok(())
    }

    /// Gives back what an address had taken; an address without anything is forgotten.
    fn give_back(&self, network: Network, give: impl FnOnce(&mut Taken)) {
        if let Entry::Occupied(mut entry) = self.addresses.entry(network) {
            give(entry.get_mut());
            if entry.get().open == 0 && entry.get().handshakes == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests;
