//! KuCoin spot: a token for every dial, then `/market/ticker` for prices and `/market/snapshot` for
//! the figures of 24 hours.
//!
//! Source of all facts: KuCoin's public documentation ("Apply connect token", "Ping", "Subscribe",
//! "Ticker", "Symbol Snapshot", "Get Ticker", "Get All Tickers", "Get Klines", "Rate Limit") and
//! recorded traffic.

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
const REST: &str = "https://api.kucoin.com";
/// Ping interval if an answer should name none, as documented for the public servers.
const DEFAULT_PING: Duration = Duration::from_secs(18);
/// Time for a pong if an answer should name none, as documented for the public servers.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Symbols in one topic, as documented.
const SYMBOLS_PER_REQUEST: usize = 100;
/// Two topics a symbol, of the documented 400 a connection.
const SYMBOLS_PER_CONNECTION: usize = 400 / 2;
/// At most 25 in any minute, of the documented 30.
const DIALS: Rate = Rate::new(10, Duration::from_secs(4));
/// At most 87 in any 10 s, of the documented 100.
const MESSAGES: Rate = Rate::new(20, Duration::from_millis(150));
/// The public pool has 2000 points in 30 s; a ticker costs 2, candles 3, all tickers 15. At most
/// 310 requests in that time.
const REQUESTS: Rate = Rate::new(10, Duration::from_millis(100));
/// One request tells all tickers, so as many as a connection may have.
const SYMBOLS_PER_POLL: usize = SYMBOLS_PER_CONNECTION;
/// Rows of one answer, as documented.
const BARS_PER_REQUEST: usize = 1500;
/// A token, and with it the connection, lives for 24 hours.
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

/// KuCoin's codec.
#[derive(Debug, Clone, Copy)]
pub struct KuCoin;

/// The keepalive for the times that the token answer names. Pings go out at 0.8 of the interval.
fn keepalive(ping_interval: Duration, ping_timeout: Duration) -> Keepalive {
    let quiet = PROBE_AFTER.min(ping_interval);
    Keepalive {
        probe: Probe::Text,
        demanded: Some(ping_interval.mul_f64(0.8)),
        quiet,
        proof: PROOF_WITHIN.min(quiet + ping_timeout),
        welcome: true,
    }
}

/// The frame that subscribes to a channel or ends that.
fn asking(what: &str, channel: Part, venue_symbols: &[&str], request: u64) -> String {
    let topic = match channel {
        Part::Statistics => codec::SNAPSHOT_TOPIC,
        Part::Main | Part::Quotes | Part::Trades => codec::TICKER_TOPIC,
    };
    let list = venue_symbols.join(",");
    format!(r#"{{"id":"{request}","type":"{what}","topic":"{topic}{list}","response":true}}"#)
}

impl Exchange for KuCoin {
    fn name(&self) -> &'static str {
        "kucoin"
    }

    fn addresses(&self) -> Addresses {
        Addresses::new(REST, None)
    }

    fn limits(&self) -> &'static Limits {
        &LIMITS
    }

    fn keepalive(&self) -> Keepalive {
        keepalive(DEFAULT_PING, DEFAULT_TIMEOUT)
    }

    fn endpoint(&self, addresses: &Addresses) -> Endpoint {
        Endpoint::Token { url: format!("{}/api/v1/bullet-public", addresses.rest) }
    }

    fn socket(&self, answer: &str, nonce: u64) -> Result<Socket, RestFault> {
        rest::socket(answer, nonce)
    }

    fn instruments_url(&self, addresses: &Addresses) -> String {
        format!("{}/api/v2/symbols", addresses.rest)
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
        &[Part::Main, Part::Statistics]
    }

    fn subscribe(&self, channel: Part, venue_symbols: &[&str], request: u64) -> String {
        asking("subscribe", channel, venue_symbols, request)
    }

    fn unsubscribe(&self, channel: Part, venue_symbols: &[&str], request: u64) -> String {
        asking("unsubscribe", channel, venue_symbols, request)
    }

    fn ping(&self, request: u64) -> String {
        format!(r#"{{"id":"{request}","type":"ping"}}"#)
    }

    fn decode(&self, frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
        codec::decode(frame, events)
    }
}
