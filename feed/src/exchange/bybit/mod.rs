//! Bybit v5 spot: `tickers` for trades and statistics, `orderbook.1` for quotes, merged.
//!
//! Source of all facts: Bybit's public v5 documents ("Connect", "Orderbook", "Ticker", "Rate Limit",
//! "Get Tickers", "Get Kline", "Get Instruments Info", "Error Codes") and recorded traffic.

mod codec;
mod prices;
mod rest;
#[cfg(test)]
mod tests;

use super::{
    Addresses, Answers, DecodeError, Endpoint, Event, Exchange, Instrument, Keepalive, Limits,
    Part, Probe, Rate, RestFault, Socket, Update,
    policy::{IDLE, PROBE_AFTER, PROOF_WITHIN},
};
use std::time::Duration;
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Interval, Symbol},
};

/// Public REST address.
const REST: &str = "https://api.bybit.com";
/// Public WebSocket address.
const WS: &str = "wss://stream.bybit.com";
/// Path of the spot market; other markets name their topics alike on paths of their own.
const SPOT: &str = "/v5/public/spot";
/// The venue asks for a ping every 20 s.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Arguments of a request on the spot market, as documented; a channel is a request of its own.
const SYMBOLS_PER_REQUEST: usize = 10;
/// The documented 21 000 characters of arguments a connection, at some 60 for both topics of a
/// symbol with a long name.
const SYMBOLS_PER_CONNECTION: usize = 300;
/// At most 320 in any 5 minutes, of the documented 500.
const DIALS: Rate = Rate::new(20, Duration::from_secs(1));
/// At most 15 in any second; the venue names no limit.
const MESSAGES: Rate = Rate::new(5, Duration::from_millis(100));
/// At most 60 in any 5 s, of the documented 600; too many are answered with a ban of 10 minutes.
const REQUESTS: Rate = Rate::new(10, Duration::from_millis(100));
/// One request tells all spot tickers, so as many as a connection may have.
const SYMBOLS_PER_POLL: usize = SYMBOLS_PER_CONNECTION;
/// Rows of one answer, as documented.
const BARS_PER_REQUEST: usize = 1000;

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
    answers: Answers::PerRequest,
};

const KEEPALIVE: Keepalive = Keepalive {
    probe: Probe::Text,
    demanded: Some(PING_EVERY),
    quiet: PROBE_AFTER,
    proof: PROOF_WITHIN,
    welcome: false,
};

/// The frame that subscribes to a channel of these symbols or ends that.
fn asking(what: &str, channel: Part, venue_symbols: &[&str], request: u64) -> String {
    let topic = match channel {
        Part::Quotes => codec::QUOTES,
        Part::Main | Part::Statistics | Part::Trades => codec::TICKERS,
    };
    let args: Vec<String> =
        venue_symbols.iter().map(|name| format!(r#""{topic}{name}""#)).collect();
    format!(r#"{{"req_id":"{request}","op":"{what}","args":[{}]}}"#, args.join(","))
}

/// Bybit's codec.
#[derive(Debug, Clone, Copy)]
pub struct Bybit;

impl Exchange for Bybit {
    fn name(&self) -> &'static str {
        "bybit"
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
        Endpoint::Socket(Socket { url: addresses.ws_with(SPOT), keepalive: KEEPALIVE })
    }

    fn socket(&self, _answer: &str, _nonce: u64) -> Result<Socket, RestFault> {
        Err(RestFault::Garbage)
    }

    fn instruments_url(&self, addresses: &Addresses) -> String {
        format!("{}/v5/market/instruments-info?category=spot", addresses.rest)
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
        &[Part::Main, Part::Quotes]
    }

    fn subscribe(&self, channel: Part, venue_symbols: &[&str], request: u64) -> String {
        asking("subscribe", channel, venue_symbols, request)
    }

    fn unsubscribe(&self, channel: Part, venue_symbols: &[&str], request: u64) -> String {
        asking("unsubscribe", channel, venue_symbols, request)
    }

    fn ping(&self, request: u64) -> String {
        format!(r#"{{"req_id":"{request}","op":"ping"}}"#)
    }

    fn decode(&self, frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
        codec::decode(frame, events)
    }
}
