//! Kraken spot, by version 2 of its protocol: `ticker` at every change of the best prices, and
//! `trade` for the last price in between.
//!
//! Source of all facts: Kraken's public documents "Spot WebSocket v2" (ticker, trade, status,
//! heartbeat, ping), "Spot REST" (AssetPairs, Ticker, OHLC) and "API rate limits", and recorded
//! traffic.

mod codec;
mod prices;
mod rest;
#[cfg(test)]
mod tests;

use super::{
    Addresses, Answers, DecodeError, Endpoint, Event, Exchange, Instrument, Keepalive, Limits,
    Part, Probe, Rate, RestFault, Socket, Update, policy::IDLE,
};
use std::time::Duration;
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Interval, Symbol},
};

/// Public REST address.
const REST: &str = "https://api.kraken.com";
/// Public WebSocket address.
const WS: &str = "wss://ws.kraken.com";
/// Path of version 2 of the protocol.
const V2: &str = "/v2";

/// A message of some 2 KB; the venue names no limit, and answers for each symbol.
const SYMBOLS_PER_REQUEST: usize = 100;
/// The venue names no limit; some 2 messages a second and symbol when markets move.
const SYMBOLS_PER_CONNECTION: usize = 400;
/// At most 130 in any 10 minutes, of the 150 that its front lets through.
const DIALS: Rate = Rate::new(10, Duration::from_secs(5));
/// At most 10 in any second; the venue names no limit for public channels.
const MESSAGES: Rate = Rate::new(5, Duration::from_millis(200));
/// One a second, as documented for public data, and a small beginning.
const REQUESTS: Rate = Rate::new(2, Duration::from_millis(1200));
/// The names of 50 pairs fit into an address of 600 bytes. One that is unknown costs the answer.
const SYMBOLS_PER_POLL: usize = 50;
/// Rows of one answer, as documented.
const BARS_PER_REQUEST: usize = 720;

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

/// Heartbeats come once a second where nothing else does. Two missing ones are asked after by a
/// ping, and an unanswered ping ends the connection.
const KEEPALIVE: Keepalive = Keepalive {
    probe: Probe::Text,
    demanded: None,
    quiet: Duration::from_secs(2),
    proof: Duration::from_secs(5),
    welcome: false,
};

/// The frame that subscribes to a channel of these pairs or ends that.
fn asking(method: &str, channel: Part, venue_symbols: &[&str], request: u64) -> String {
    let channel = match channel {
        // What was traded before is not asked for: the ticker tells the last price at once.
        Part::Trades => r#""trade","snapshot":false"#,
        Part::Main | Part::Quotes | Part::Statistics => r#""ticker","event_trigger":"bbo""#,
    };
    let list = venue_symbols.join(r#"",""#);
    format!(
        r#"{{"method":"{method}","params":{{"channel":{channel},"symbol":["{list}"]}},"req_id":{request}}}"#
    )
}

/// Kraken's codec.
#[derive(Debug, Clone, Copy)]
pub struct Kraken;

impl Exchange for Kraken {
    fn name(&self) -> &'static str {
        "kraken"
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
        Endpoint::Socket(Socket { url: addresses.ws_with(V2), keepalive: KEEPALIVE })
    }

    fn socket(&self, _answer: &str, _nonce: u64) -> Result<Socket, RestFault> {
        Err(RestFault::Garbage)
    }

    fn instruments_url(&self, addresses: &Addresses) -> String {
        format!("{}/0/public/AssetPairs", addresses.rest)
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
        _end: Micros,
    ) -> String {
        prices::bars_url(addresses, instrument, interval, from)
    }

    fn read_bars(&self, answer: &str, interval: Interval) -> Result<Vec<Bar>, RestFault> {
        prices::read_bars(answer, interval)
    }

    fn name_by_rule(&self, symbol: &Symbol) -> String {
        format!("{}/{}", symbol.base(), symbol.quote())
    }

    fn channels(&self) -> &'static [Part] {
        &[Part::Main, Part::Trades]
    }

    fn subscribe(&self, channel: Part, venue_symbols: &[&str], request: u64) -> String {
        asking("subscribe", channel, venue_symbols, request)
    }

    fn unsubscribe(&self, channel: Part, venue_symbols: &[&str], request: u64) -> String {
        asking("unsubscribe", channel, venue_symbols, request)
    }

    fn ping(&self, request: u64) -> String {
        format!(r#"{{"method":"ping","req_id":{request}}}"#)
    }

    fn decode(&self, frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
        codec::decode(frame, events)
    }
}
