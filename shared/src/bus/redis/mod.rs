//! The bus on a Redis or Valkey server.
//!
//! Atomic steps are Lua scripts (`scripts/`). A publisher has one connection and one call in flight.
//! A subscriber has two: [`channels`] receives, [`snapshots`] reads the cache.
//!
//! The server is named by its [`address`], found by its [`sentinel`]s, or one of several in a
//! [`cluster`]: then there is a connection a master for writing and reading, and one a shard for its
//! channel, so that what happens to one shard is nothing to the others.

mod address;
mod bars;
mod channels;
pub mod checkup;
mod cluster;
mod dial;
mod fault;
mod inbox;
mod keys;
mod letters;
mod link;
mod lookout;
mod lost;
mod nodes;
mod publisher;
mod scripts;
mod sentinel;
mod snapshots;
mod subscriber;
#[cfg(test)]
mod tests;
mod tls;
mod wants;
mod witnesses;

pub use bars::RedisBars;
pub use letters::RedisLetters;
pub use publisher::RedisPublisher;
pub use subscriber::RedisSubscriber;
pub use tls::{TlsConfig, TlsError};

use super::{Error, Group};
use address::Address;
use dial::Whereabouts;
use std::{fmt, sync::Arc, time::Duration};

/// Longest wait for an answer and for a connection: past it the server counts as gone.
pub const COMMAND_TIMEOUT: Duration = Duration::from_millis(500);

/// A bus on a server, or on the nodes of a cluster. Clones share the address and what is known of
/// the cluster; connections are made by its halves.
#[derive(Clone)]
pub struct Redis(Arc<Endpoint>);

/// Why [`Redis::open_with`] refuses.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is none.
    #[error(transparent)]
    Address(#[from] Error),
    /// A file of the TLS settings cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

struct Endpoint {
    whereabouts: Whereabouts,
    /// Hosts and ports or path, without credentials.
    address: String,
}

impl Redis {
    /// Checks an address; nothing is dialled. It is one of
    /// - `redis://[user:password@]host[:port][/database]`, `rediss://` with TLS, `unix:///path`
    /// - `redis+sentinel://[user:password@]host[:port],.../name[/database]`: the master of that
    ///   name; the credentials are the master's, `?sentinel_user=` and `&sentinel_password=` the
    ///   sentinels' own
    /// - `redis+cluster://[user:password@]host[:port],...`: a cluster by some of its nodes
    ///
    /// The last two have TLS with `rediss+`.
    ///
    /// # Errors
    /// [`Error::Unusable`] says what is wrong with it, without repeating its credentials.
    pub fn open(url: &str) -> Result<Self, Error> {
        Address::parse(url).map(Self::at)
    }

    /// [`Self::open`] with certificates of one's own, which are read now.
    ///
    /// # Errors
    /// [`OpenError`] says whether the address or a file is at fault.
    pub fn open_with(url: &str, tls: &TlsConfig) -> Result<Self, OpenError> {
        let address = Address::parse(url)?;
        Ok(Self::at(match tls.read()? {
            Some(certificates) => address.secured(&certificates)?,
            None => address,
        }))
    }

    fn at(address: Address) -> Self {
        let text = address.to_string();
        Self(Arc::new(Endpoint { whereabouts: address.into(), address: text }))
    }

    /// Hosts and ports or path, without credentials: for logs.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// The writing half.
    #[must_use]
    pub fn publisher(&self, group: Group) -> RedisPublisher {
        RedisPublisher::new(self.clone(), group)
    }

    /// A reader of bars.
    #[must_use]
    pub fn bars(&self) -> RedisBars {
        RedisBars::new(self.clone())
    }

    /// Keeps and reads dead letters.
    #[must_use]
    pub fn dead_letters(&self) -> RedisLetters {
        RedisLetters::new(self.clone())
    }

    /// The reading half.
    #[must_use]
    pub fn subscriber(&self) -> RedisSubscriber {
        RedisSubscriber::new(self.clone())
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis").field(&self.0.address).finish()
    }
}
