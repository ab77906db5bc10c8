//! Listening sockets, and what to do when one cannot be had.

use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};
use tokio::net::TcpListener;

/// Connections that may wait to be accepted. The kernel cuts it to `net.core.somaxconn`, 4096 by
/// default, which a burst of reconnecting clients needs whole.
pub const BACKLOG: i32 = 4096;

/// Why an address cannot be listened on, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process has it.
    #[error("{address} is in use: stop the other process or choose another with {flag}")]
    InUse {
        /// Where to listen.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
    },
    /// It needs rights that the process does not have.
    #[error("{address} is not allowed to this user: choose a port above 1023 with {flag}")]
    Denied {
        /// Where to listen.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
    },
    /// It belongs to another machine.
    #[error("{address} is no address of this machine: choose another with {flag}")]
    NotLocal {
        /// Where to listen.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
    },
    /// Anything else, in the system's words.
    #[error("cannot listen on {address} (set by {flag}): {source}")]
    Other {
        /// Where to listen.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Listens on `address`, which `flag` sets; port 0 takes a free one. A restart need not wait for
/// the old process's closed connections. To be called inside a runtime.
///
/// # Errors
/// [`BindError`], one line that names the flag.
pub fn bind(
    address: SocketAddr,
    flag: &'static str,
    backlog: i32,
) -> Result<TcpListener, BindError> {
    open(address, backlog).map_err(|source| match source.kind() {
        ErrorKind::AddrInUse => BindError::InUse { address, flag },
        ErrorKind::PermissionDenied => BindError::Denied { address, flag },
        ErrorKind::AddrNotAvailable => BindError::NotLocal { address, flag },
        _ => BindError::Other { address, flag, source },
    })
}

fn open(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_names_the_flag_to_use() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let first = bind(any, "--listen", BACKLOG).unwrap();
        let address = first.local_addr().unwrap();
        let message = bind(address, "--listen", BACKLOG).unwrap_err().to_string();
        assert_eq!(
            message,
            format!("{address} is in use: stop the other process or choose another with --listen")
        );
    }

    #[tokio::test]
    async fn a_foreign_address_is_named_as_such() {
        // 192.0.2.0/24 is kept for documents (RFC 5737): no machine has it.
        let foreign = SocketAddr::from(([192, 0, 2, 1], 0));
        let error = bind(foreign, "--admin-listen", BACKLOG).unwrap_err();
        assert!(matches!(error, BindError::NotLocal { .. }), "{error}");
    }
}
