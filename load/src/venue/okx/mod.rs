//! OKX v5: one answer per argument, text pings, silence ends a connection.

pub(super) mod rest;
pub(super) mod session;
pub(super) mod wire;

pub(super) use session::Session;
