//! One connection: its socket, its reader, its commands.

pub mod catch_up;
pub mod closing;
pub mod commands;
pub mod conn;
pub mod plan;
pub mod session;

pub use conn::Conn;

use std::net::{SocketAddr, TcpStream};

/// A connection that has finished its handshake and goes to a shard.
#[derive(Debug)]
pub struct Dialled {
    /// The socket, out of any event loop.
    pub socket: TcpStream,
    /// Bytes that the client sent behind its handshake.
    pub leftover: Vec<u8>,
    /// Where it comes from.
    pub peer: SocketAddr,
    /// Topics of the URL; none if it named none.
    pub topics: Option<Vec<String>>,
}
