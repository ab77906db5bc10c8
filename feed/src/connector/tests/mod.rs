//! Connectors against scripted venues, over real sockets.

pub(crate) mod bench;
mod losing;
mod refusing;
pub(crate) mod scripted;
mod subscribing;
