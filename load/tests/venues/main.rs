//! Simulated exchanges, driven by an ordinary WebSocket client.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

mod bars;
mod binance;
mod bybit;
mod client;
mod coinbase;
mod faults;
mod kraken;
mod kucoin;
mod listings;
mod okx;
mod record;
mod recordings;
mod refusals;
mod spoilt;
mod tickers;
