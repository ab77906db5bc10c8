//! KuCoin spot: a token for every dial, then `/market/ticker`.
//!
//! Source of all facts: KuCoin's public WebSocket documentation ("Apply connect token", "Ping",
//! "Subscribe", "Symbol ticker") and recorded traffic.

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
const REST: &str = "https://api.kucoin.com";
/// Ping interval if an answer should name none, as documented for the public servers.
const DEFAULT_PING: Duration = Duration::from_secs(18);
/// Time for a pong if an answer should name none, as documented for the public servers.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// KuCoin's documented limits: 30 dials a minute, 100 messages in 10 s, 100 symbols a subscribe,
/// 400 topics a connection.
const LIMITS: Limits = Limits {
    symbols_per_request: 100,
    symbols_per_connection: 400,
    dials: Rate::new(10, Duration::from_secs(4)), // at most 25 in any minute
    messages: Rate::new(20, Duration::from_millis(150)), // at most 87 in any 10 s
    requests: Rate::new(10, Duration::from_millis(100)),
    symbols_per_poll: 1,
    bars_per_request: 1500,
    longest_connection: Some(Duration::from_secs(24 * 3600)),
    idle: Duration::from_secs(60),
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

    fn name_by_rule(&self, symbol: &Symbol) -> String {
        symbol.as_str().to_owned()
    }

    fn subscribe(&self, _channel: Part, venue_symbols: &[&str], request: u64) -> String {
        let list = venue_symbols.join(",");
        format!(
            r#"{{"id":"{request}","type":"subscribe","topic":"{}{list}","response":true}}"#,
            codec::TICKER_TOPIC
        )
    }

    fn ping(&self, request: u64) -> String {
        format!(r#"{{"id":"{request}","type":"ping"}}"#)
    }

    fn decode(&self, frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
        codec::decode(frame, events)
    }
}
