//! Binance: combined streams, ping frames, a cap on what a client may send.

pub(super) mod rest;
pub(super) mod session;
pub(super) mod wire;

pub(super) use session::Session;
