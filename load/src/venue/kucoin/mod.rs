//! KuCoin: token, welcome, acknowledged subscriptions, JSON pings.

pub(super) mod rest;
pub(super) mod session;
pub(super) mod tokens;
pub(super) mod wire;

pub(super) use session::Session;
