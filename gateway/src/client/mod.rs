//! One connection: its socket, its reader, its commands.

pub mod authorize;
pub mod closing;
pub mod commands;
pub mod conn;
#[cfg(feature = "testing")]
pub mod echo;
pub mod pace;
pub mod plan;
pub mod session;
pub mod tls;

pub use conn::Conn;
pub use tls::Tls;

use crate::{auth::Access, door::Seat, wire::Encoding};
use std::{
    net::{SocketAddr, TcpStream},
    sync::Arc,
};
use tickcast_shared::protocol::Asked;

/// A connection that has finished its handshake and goes to a shard.
#[derive(Debug)]
pub struct Dialled {
    /// The socket, out of any event loop.
    pub socket: TcpStream,
    /// Its TLS, if it has any.
    pub tls: Option<Box<Tls>>,
    /// Bytes that the client sent behind its handshake.
    pub leftover: Vec<u8>,
    /// What the client is to be sent before anything else.
    pub greeting: Vec<u8>,
    /// Where it comes from.
    pub peer: SocketAddr,
    /// Its place on the node.
    pub seat: Arc<Seat>,
    /// Topics of the URL; none if it named none.
    pub topics: Option<Vec<String>>,
    /// Settings that the URL named for them.
    pub asked: Asked,
    /// What both sides agreed to speak.
    pub encoding: Encoding,
    /// What it may do, as far as it has shown.
    pub access: Access,
}
