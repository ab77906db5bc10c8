//! Coinbase spot, by the protocol of Coinbase Exchange: the `ticker` channel, kept alive by
//! `heartbeat`. Messages of Advanced Trade are understood, too.
//!
//! Source of all facts: Coinbase's public documents "Exchange WebSocket Overview", "Channels", "Rate
//! Limits", "Get product ticker", "Get product candles", "Advanced Trade WebSocket", and recorded
//! traffic.

mod codec;
mod prices;
mod rest;
#[cfg(test)]
mod tests;

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
const REST: &str = "https://api.exchange.coinbase.com";
/// Public WebSocket address.
const WS: &str = "wss://ws-feed.exchange.coinbase.com";

/// A message of some 2 KB; the venue names no limit.
const SYMBOLS_PER_REQUEST: usize = 100;
/// Each has a heartbeat a second, and slow readers are dropped; the venue names no limit.
const SYMBOLS_PER_CONNECTION: usize = 200;
/// At most 4 in any second, of the documented 8.
const DIALS: Rate = Rate::new(2, Duration::from_millis(500));
/// At most 7 in any second, of the documented 10.
const MESSAGES: Rate = Rate::new(2, Duration::from_millis(200));
/// At most 8 in any second, of the documented 10.
const REQUESTS: Rate = Rate::new(3, Duration::from_millis(200));
/// An answer names no product, so one at a time.
const SYMBOLS_PER_POLL: usize = 1;
/// Rows of one answer, as documented; a longer span is refused.
const BARS_PER_REQUEST: usize = 300;
/// Tickers come with trades only, so quiet products may be silent for minutes while their
/// heartbeats prove the connection.
const IDLE: Duration = Duration::from_secs(600);
/// Quotes come with trades only, so one may be gone long before the next trade (`truth.md` 8).
const QUOTES_GOOD_FOR: Duration = Duration::from_secs(5);

const LIMITS: Limits = Limits {
    symbols_per_request: SYMBOLS_PER_REQUEST,
    symbols_per_connection: SYMBOLS_PER_CONNECTION,
    dials: DIALS,
    messages: MESSAGES,
    requests: REQUESTS,
    symbols_per_poll: SYMBOLS_PER_POLL,
    bars_per_request: BARS_PER_REQUEST,
    longest_connection: None,
    idle: IDLE,
    quotes_good_for: Some(QUOTES_GOOD_FOR),
    // One product that is not valid costs the whole request.
    answers: Answers::PerRequest,
};

/// Heartbeats come once a second. Two missing ones are asked after by a ping frame, and an
/// unanswered ping ends the connection: 2 s of heartbeats, and as long for one lost packet.
const KEEPALIVE: Keepalive = Keepalive {
    probe: Probe::Frame,
    demanded: None,
    quiet: Duration::from_secs(2),
    proof: Duration::from_secs(5),
    welcome: false,
};

/// Quotes in USDC that are markets of their own.
const OWN_USDC: [&str; 2] = ["USDT", "EURC"];

/// Coinbase has one book for USD and USDC: whoever asks for a product in USDC is sent the one in
/// USD, under that name.
fn answered_with(symbol: &Symbol) -> Option<Symbol> {
    let shared = symbol.quote() == "USDC" && !OWN_USDC.contains(&symbol.base());
    if shared { Symbol::of(symbol.base(), "USD").ok() } else { None }
}

/// The frame that subscribes to these products or ends that.
fn asking(what: &str, venue_symbols: &[&str]) -> String {
    let list = venue_symbols.join(r#"",""#);
    format!(r#"{{"type":"{what}","product_ids":["{list}"],"channels":["ticker","heartbeat"]}}"#)
}

/// Coinbase's codec.
#[derive(Debug, Clone, Copy)]
pub struct Coinbase;

impl Exchange for Coinbase {
    fn name(&self) -> &'static str {
        "coinbase"
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
        Endpoint::Socket(Socket { url: addresses.ws_with(""), keepalive: KEEPALIVE })
    }

    fn socket(&self, _answer: &str, _nonce: u64) -> Result<Socket, RestFault> {
        Err(RestFault::Garbage)
    }

    fn instruments_url(&self, addresses: &Addresses) -> String {
        format!("{}/products", addresses.rest)
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

    /// The venue knows candles of 6 hours, and none of 4 (`truth.md` 16).
    fn bars_from(&self, interval: Interval) -> Interval {
        if interval == Interval::H4 { Interval::H1 } else { interval }
    }

    fn name_by_rule(&self, symbol: &Symbol) -> String {
        symbol.as_str().to_owned()
    }

    fn answered_with(&self, symbol: &Symbol) -> Option<Symbol> {
        answered_with(symbol)
    }

    fn channels(&self) -> &'static [Part] {
        &[Part::Main]
    }

    fn subscribe(&self, _channel: Part, venue_symbols: &[&str], _request: u64) -> String {
        asking("subscribe", venue_symbols)
    }

    fn unsubscribe(&self, _channel: Part, venue_symbols: &[&str], _request: u64) -> String {
        asking("unsubscribe", venue_symbols)
    }

    fn ping(&self, _request: u64) -> String {
        String::new()
    }

    fn decode(&self, frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
        codec::decode(frame, events)
    }
}
