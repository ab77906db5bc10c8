//! OKX v5 spot: the `tickers` channel, kept alive by the texts `ping` and `pong`.
//!
//! Source of all facts: OKX's public API v5 documentation ("WebSocket", "Tickers channel",
//! "Notification") and recorded traffic.

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
const REST: &str = "https://www.okx.com";
/// Public WebSocket address.
const WS: &str = "wss://ws.okx.com:8443";
/// Path of the public channels.
const PUBLIC: &str = "/ws/v5/public";
/// The venue closes a connection after 30 s without a push; a ping well before keeps it.
const PING_EVERY: Duration = Duration::from_secs(20);

/// OKX's documented limits: 3 dials a second, 480 subscriptions an hour a connection, 64 KB of
/// arguments (100 symbols take 7 KB).
const LIMITS: Limits = Limits {
    symbols_per_request: 100,
    symbols_per_connection: 400,
    dials: Rate::new(1, Duration::from_secs(1)), // at most 2 in any second
    messages: Rate::new(10, Duration::from_millis(500)), // requests are few: halves of 4 at worst
    requests: Rate::new(5, Duration::from_millis(200)),
    symbols_per_poll: 1,
    bars_per_request: 100,
    longest_connection: None,
    idle: Duration::from_secs(60),
    quotes_good_for: None,
    answers: Answers::PerSymbol,
};

const KEEPALIVE: Keepalive = Keepalive {
    probe: Probe::Text,
    demanded: Some(PING_EVERY),
    quiet: PROBE_AFTER,
    proof: PROOF_WITHIN,
    welcome: false,
};

/// OKX's codec.
#[derive(Debug, Clone, Copy)]
pub struct Okx;

impl Exchange for Okx {
    fn name(&self) -> &'static str {
        "okx"
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
        Endpoint::Socket(Socket { url: addresses.ws_with(PUBLIC), keepalive: KEEPALIVE })
    }

    fn socket(&self, _answer: &str, _nonce: u64) -> Result<Socket, RestFault> {
        Err(RestFault::Garbage)
    }

    fn instruments_url(&self, addresses: &Addresses) -> String {
        format!("{}/api/v5/public/instruments?instType=SPOT", addresses.rest)
    }

    fn read_instruments(&self, answer: &str) -> Result<Vec<Instrument>, RestFault> {
        rest::instruments(answer)
    }

    fn name_by_rule(&self, symbol: &Symbol) -> String {
        symbol.as_str().to_owned()
    }

    fn subscribe(&self, _channel: Part, venue_symbols: &[&str], request: u64) -> String {
        let args: Vec<String> = venue_symbols
            .iter()
            .map(|name| format!(r#"{{"channel":"tickers","instId":"{name}"}}"#))
            .collect();
        format!(r#"{{"id":"{request}","op":"subscribe","args":[{}]}}"#, args.join(","))
    }

    fn ping(&self, _request: u64) -> String {
        "ping".to_owned()
    }

    fn decode(&self, frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
        codec::decode(frame, events)
    }
}
