//! OKX v5 spot: the `tickers` channel, kept alive by the texts `ping` and `pong`.
//!
//! Source of all facts: OKX's public API v5 documentation ("WebSocket", "Tickers channel",
//! "Notification", "Get ticker", "Get candlesticks history") and recorded traffic.

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
const REST: &str = "https://www.okx.com";
/// Public WebSocket address.
const WS: &str = "wss://ws.okx.com:8443";
/// Path of the public channels.
const PUBLIC: &str = "/ws/v5/public";
/// The venue closes a connection after 30 s without a push; a ping well before keeps it.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Some 7 KB of arguments, of the documented 64 KB.
const SYMBOLS_PER_REQUEST: usize = 100;
/// As many as may subscribe anew within an hour, with some of the documented 480 subscriptions an
/// hour and connection left.
const SYMBOLS_PER_CONNECTION: usize = 400;
/// At most 2 in any second, of the documented 3.
const DIALS: Rate = Rate::new(1, Duration::from_secs(1));
/// Requests are few: sets of 100 symbols, halves of these at worst.
const MESSAGES: Rate = Rate::new(10, Duration::from_millis(500));
/// At most 15 in any 2 s, of the documented 20 for tickers and candles each.
const REQUESTS: Rate = Rate::new(5, Duration::from_millis(200));
/// One request tells all spot tickers, so as many as a connection may have.
const SYMBOLS_PER_POLL: usize = SYMBOLS_PER_CONNECTION;
/// Rows of one answer, as documented for `history-candles`.
const BARS_PER_REQUEST: usize = 100;

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

/// The frame that subscribes to these symbols or ends that.
fn asking(what: &str, venue_symbols: &[&str], request: u64) -> String {
    let args: Vec<String> = venue_symbols
        .iter()
        .map(|name| format!(r#"{{"channel":"tickers","instId":"{name}"}}"#))
        .collect();
    format!(r#"{{"id":"{request}","op":"{what}","args":[{}]}}"#, args.join(","))
}

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
        symbol.as_str().to_owned()
    }

    fn channels(&self) -> &'static [Part] {
        &[Part::Main]
    }

    fn subscribe(&self, _channel: Part, venue_symbols: &[&str], request: u64) -> String {
        asking("subscribe", venue_symbols, request)
    }

    fn unsubscribe(&self, _channel: Part, venue_symbols: &[&str], request: u64) -> String {
        asking("unsubscribe", venue_symbols, request)
    }

    fn ping(&self, _request: u64) -> String {
        "ping".to_owned()
    }

    fn decode(&self, frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
        codec::decode(frame, events)
    }
}
