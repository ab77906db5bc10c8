//! Connectors against scripted venues, over real sockets.

pub(crate) mod bench;
mod channels;
mod framing;
mod losing;
mod polling;
mod refusing;
mod rotating;
pub(crate) mod scripted;
mod silence;
mod stub;
mod subscribing;
mod symbols;
