//! Simulated exchanges, driven by an ordinary WebSocket client.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

mod client;
mod kucoin;
mod binance;
mod okx;
mod faults;
mod recordings;
