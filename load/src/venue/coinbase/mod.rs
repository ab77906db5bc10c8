//! Coinbase Exchange: subscribe within five seconds, heartbeats for each product.

pub(super) mod rest;
pub(super) mod session;
pub(super) mod wire;

pub(super) use session::Session;
