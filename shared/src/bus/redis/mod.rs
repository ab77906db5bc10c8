//! The bus on a Redis or Valkey server.
//!
//! Atomic steps are Lua scripts (`scripts/`). A publisher has one connection and one call in flight.
//! A subscriber has two: [`link`] receives the channels, [`snapshots`] reads the cache.

mod bars;
mod channels;
mod fault;
mod inbox;
mod keys;
mod letters;
mod link;
mod publisher;
mod scripts;
mod snapshots;
mod subscriber;
#[cfg(test)]
mod tests;
mod wants;

pub use bars::RedisBars;
pub use letters::RedisLetters;
pub use publisher::RedisPublisher;
pub use subscriber::RedisSubscriber;

use super::{Error, Group};
use redis::{Client, IntoConnectionInfo, ProtocolVersion};
use std::{fmt, sync::Arc, time::Duration};
use url::Url;

/// Longest wait for an answer and for a connection: past it the server counts as gone.
pub const COMMAND_TIMEOUT: Duration = Duration::from_millis(500);

/// A bus on a server. Clones share the address; connections are made by its halves.
#[derive(Clone)]
pub struct Redis(Arc<Endpoint>);

struct Endpoint {
    client: Client,
    /// Host and port or path, without credentials.
    address: String,
}

impl Redis {
    /// Checks an address; nothing is dialled.
    ///
    /// # Errors
    /// [`Error::Unusable`] says what is wrong with it, without repeating its credentials.
    pub fn open(url: &str) -> Result<Self, Error> {
        let url = Url::parse(url).map_err(|error| {
            Error::Unusable(format!("not a URL ({error}); write redis://127.0.0.1:6379"))
        })?;
        check_scheme(url.scheme())?;
        let unusable = |error: redis::RedisError| Error::Unusable(error.to_string());
        let info = url.into_connection_info().map_err(unusable)?;
        let address = info.addr().to_string();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        let info = info.set_redis_settings(settings).set_tcp_settings(tcp);
        let client = Client::open(info).map_err(unusable)?;
        Ok(Self(Arc::new(Endpoint { client, address })))
    }

    /// Host and port or path, without credentials: for logs.
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

fn check_scheme(scheme: &str) -> Result<(), Error> {
    match scheme {
        "redis" | "valkey" | "unix" | "redis+unix" | "valkey+unix" => Ok(()),
        "rediss" | "valkeys" => {
            // Somebody else may have chosen the process's TLS provider already, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
            Ok(())
        }
        "redis+cluster" | "redis+sentinel" => Err(Error::Unusable(format!(
            "{scheme}:// is not supported yet; name one server, as in redis://127.0.0.1:6379"
        ))),
        _ => Err(Error::Unusable(format!(
            "{scheme}:// is not an address of Redis; write redis://, rediss:// or unix://"
        ))),
    }
}
