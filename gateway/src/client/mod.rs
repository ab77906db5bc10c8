//! One connection: its socket, its reader, its commands.

pub mod closing;
pub mod commands;
pub mod conn;
#[cfg(feature = "testing")]
pub mod echo;
pub mod plan;
pub mod session;

pub use conn::Conn;

use crate::wire::Encoding;
use std::net::{SocketAddr, TcpStream};
use tickcast_shared::protocol::Asked;

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
    /// Settings that the URL named for them.
    pub asked: Asked,
    /// What both sides agreed to speak.
    pub encoding: Encoding,
}
