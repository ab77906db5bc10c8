//! Binance spot: `@ticker` for trades and statistics, `@bookTicker` for quotes, merged.
//!
//! Source of all facts: Binance's public "WebSocket Streams" and "General API Information"
//! documents and recorded traffic.

mod codec;
mod rest;
#[cfg(test)]
mod tests;

use super::policy::{PROBE_AFTER, PROOF_WITHIN};
use super::{
    Addresses, Answers, DecodeError, Endpoint, Event, Exchange, Instrument, Keepalive, Limits,
    Part, Probe, Rate, RestFault, Socket,
};
use std::time::Duration;
use tickcast_shared::market::Symbol;

/// Public REST address.
const REST: &str = "https://api.binance.com";
/// Public WebSocket address.
const WS: &str = "wss://stream.binance.com:9443";
/// Path of combined streams, whose messages name their stream.
const COMBINED: &str = "/stream";

/// Binance's documented limits: 5 incoming messages a second pongs included, 1024 streams a
/// connection (two a symbol), 300 dials in 5 minutes.
const LIMITS: Limits = Limits {
    symbols_per_request: 100,
    symbols_per_connection: 500,
    dials: Rate::new(20, Duration::from_millis(1200)), // at most 270 in any 5 minutes
    messages: Rate::new(1, Duration::from_millis(400)), // at most 3 in any second, 2 left for pongs
    requests: Rate::new(10, Duration::from_millis(200)),
    symbols_per_poll: 100,
    bars_per_request: 1000,
    longest_connection: Some(Duration::from_secs(24 * 3600)),
    idle: Duration::from_secs(60),
    quotes_good_for: None,
    answers: Answers::PerRequest,
};

/// Binance pings every 20 s and every frame of its counts as life; in between we ask ourselves.
const KEEPALIVE: Keepalive = Keepalive {
    probe: Probe::Frame,
    demanded: None,
    quiet: PROBE_AFTER,
    proof: PROOF_WITHIN,
    welcome: false,
};

/// Binance's codec.
#[derive(Debug, Clone, Copy)]
pub struct Binance;

impl Exchange for Binance {
    fn name(&self) -> &'static str {
        "binance"
    }

    fn addresses(&self) -> Addresses {
        Addresses::new(REST, Some(WS))
    }

    fn limits(&self) -> &'static Limits {
        &LIMITS
    }

    fn keepalive(&self) -> Keepalive {
        KEEPALIVE
    }

    fn endpoint(&self, addresses: &Addresses) -> Endpoint {
        Endpoint::Socket(Socket { url: addresses.ws_with(COMBINED), keepalive: KEEPALIVE })
    }

    fn socket(&self, _answer: &str, _nonce: u64) -> Result<Socket, RestFault> {
        Err(RestFault::Garbage)
    }

    fn instruments_url(&self, addresses: &Addresses) -> String {
        format!("{}/api/v3/exchangeInfo?permissions=SPOT&showPermissionSets=false", addresses.rest)
    }

    fn read_instruments(&self, answer: &str) -> Result<Vec<Instrument>, RestFault> {
        rest::instruments(answer)
    }

    fn name_by_rule(&self, symbol: &Symbol) -> String {
        format!("{}{}", symbol.base(), symbol.quote())
    }

    fn subscribe(&self, _channel: Part, venue_symbols: &[&str], request: u64) -> String {
        let streams: Vec<String> = venue_symbols
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .map(|name| format!(r#""{name}@ticker","{name}@bookTicker""#))
            .collect();
        format!(r#"{{"method":"SUBSCRIBE","params":[{}],"id":{request}}}"#, streams.join(","))
    }

    fn ping(&self, _request: u64) -> String {
        String::new()
    }

    fn decode(&self, frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
        codec::decode(frame, events)
    }
}
