//! Binance spot: `@ticker` for trades and statistics, `@bookTicker` for quotes, merged.
//!
//! Source of all facts: Binance's public "WebSocket Streams", "General API Information" and "Market
//! Data endpoints" documents and recorded traffic.

mod codec;
mod prices;
mod rest;
#[cfg(test)]
mod tests;

use super::policy::{IDLE, PROBE_AFTER, PROOF_WITHIN};
use super::{
    Addresses, Answers, DecodeError, Endpoint, Event, Exchange, Instrument, Keepalive, Limits,
    Part, Probe, Rate, RestFault, Socket, Update,
};
use std::time::Duration;
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Interval, Symbol},
};

/// Public REST address.
const REST: &str = "https://api.binance.com";
/// Public WebSocket address.
const WS: &str = "wss://stream.binance.com:9443";
/// Path of combined streams, whose messages name their stream.
const COMBINED: &str = "/stream";

/// Two streams a symbol in a message of some 6 KB.
const SYMBOLS_PER_REQUEST: usize = 100;
/// Two streams a symbol, of the documented 1024 a connection.
const SYMBOLS_PER_CONNECTION: usize = 500;
/// At most 270 in any 5 minutes, of the documented 300.
const DIALS: Rate = Rate::new(20, Duration::from_millis(1200));
/// At most 3 in any second, of the documented 5 which pongs count towards.
const MESSAGES: Rate = Rate::new(1, Duration::from_millis(400));
/// An address has 6000 points of weight a minute; 20 tickers cost 2, klines 2: at most 620.
const REQUESTS: Rate = Rate::new(10, Duration::from_millis(200));
/// Up to 20 tickers weigh 2 points, up to 100 weigh 40.
const SYMBOLS_PER_POLL: usize = 20;
/// Rows of one answer, as documented.
const BARS_PER_REQUEST: usize = 1000;
/// Every connection is cut then, as documented.
const LONGEST_CONNECTION: Duration = Duration::from_secs(24 * 3600);

const LIMITS: Limits = Limits {
    symbols_per_request: SYMBOLS_PER_REQUEST,
    symbols_per_connection: SYMBOLS_PER_CONNECTION,
    dials: DIALS,
    messages: MESSAGES,
    requests: REQUESTS,
    symbols_per_poll: SYMBOLS_PER_POLL,
    bars_per_request: BARS_PER_REQUEST,
    longest_connection: Some(LONGEST_CONNECTION),
    idle: IDLE,
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

/// The frame that subscribes to both streams of these symbols, or ends that.
fn asking(method: &str, venue_symbols: &[&str], request: u64) -> String {
    let streams: Vec<String> = venue_symbols
        .iter()
        .map(|name| name.to_ascii_lowercase())
        .map(|name| format!(r#""{name}@ticker","{name}@bookTicker""#))
        .collect();
    format!(r#"{{"method":"{method}","params":[{}],"id":{request}}}"#, streams.join(","))
}

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

    fn tickers_url(&self, addresses: &Addresses, instruments: &[&Instrument]) -> String {
        prices::tickers_url(addresses, instruments)
    }

    fn read_tickers(
        &self,
        answer: &str,
        instruments: &[&Instrument],
        updates: &mut dyn FnMut(Update<'_>),
    ) -> Result<(), RestFault> {
        prices::tickers(answer, instruments, updates)
    }

    fn bars_url(
        &self,
        addresses: &Addresses,
        instrument: &Instrument,
        interval: Interval,
        from: Micros,
        end: Micros,
    ) -> String {
        prices::bars_url(addresses, instrument, interval, from, end)
    }

    fn read_bars(&self, answer: &str, interval: Interval) -> Result<Vec<Bar>, RestFault> {
        prices::read_bars(answer, interval)
    }

    fn name_by_rule(&self, symbol: &Symbol) -> String {
        format!("{}{}", symbol.base(), symbol.quote())
    }

    fn channels(&self) -> &'static [Part] {
        // Both streams go into one request, so that a symbol costs one of the few messages.
        &[Part::Main]
    }

    fn subscribe(&self, _channel: Part, venue_symbols: &[&str], request: u64) -> String {
        asking("SUBSCRIBE", venue_symbols, request)
    }

    fn unsubscribe(&self, _channel: Part, venue_symbols: &[&str], request: u64) -> String {
        asking("UNSUBSCRIBE", venue_symbols, request)
    }

    fn ping(&self, _request: u64) -> String {
        String::new()
    }

    fn decode(&self, frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
        codec::decode(frame, events)
    }
}
