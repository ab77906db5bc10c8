//! Simulated exchanges, driven by an ordinary WebSocket client.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

mod binance;
mod client;
mod faults;
mod kucoin;
mod okx;
mod recordings;
