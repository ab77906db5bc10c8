//! Kraken, protocol v2: one answer for each symbol, heartbeats when nothing else is to be told.

pub(super) mod rest;
pub(super) mod session;
pub(super) mod spelling;
pub(super) mod wire;

pub(super) use session::Session;
pub(super) use wire::UPDATE;
