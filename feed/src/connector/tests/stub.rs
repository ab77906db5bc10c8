//! A venue that speaks OKX's protocol, with what a test wants of it besides.

use crate::exchange::{
    Addresses, DecodeError, Endpoint, Event, Exchange, Instrument, Keepalive, Limits, Part,
    RestFault, Socket, Update, okx::Okx,
};
use std::time::Duration;
use tickcast_shared::market::Symbol;

/// What is different.
#[derive(Debug)]
pub(super) struct Stub {
    pub(super) channels: &'static [Part],
    pub(super) symbols_per_connection: usize,
    limits: std::sync::OnceLock<Limits>,
}

/// One channel, and room for all.
pub(super) static PLAIN: Stub = Stub::new(&[Part::Main], 400);
/// A second channel, with statistics.
pub(super) static TWO_CHANNELS: Stub = Stub::new(&[Part::Main, Part::Statistics], 400);
/// Room for two symbols on a connection.
pub(super) static NARROW: Stub = Stub::new(&[Part::Main], 2);

impl Stub {
    const fn new(channels: &'static [Part], symbols_per_connection: usize) -> Self {
        Self { channels, symbols_per_connection, limits: std::sync::OnceLock::new() }
    }
}

impl Exchange for Stub {
    fn name(&self) -> &'static str {
        "stub"
    }

    fn addresses(&self) -> Addresses {
        Okx.addresses()
    }

    fn limits(&self) -> &'static Limits {
        // Every stub lives as long as the test.
        let limits = self.limits.get_or_init(|| Limits {
            symbols_per_connection: self.symbols_per_connection,
            dials: crate::exchange::Rate::new(100, Duration::from_millis(1)),
            requests: crate::exchange::Rate::new(100, Duration::from_millis(1)),
            ..*Okx.limits()
        });
        Box::leak(Box::new(*limits))
    }

    fn keepalive(&self) -> Keepalive {
        Okx.keepalive()
    }

    fn endpoint(&self, addresses: &Addresses) -> Endpoint {
        Okx.endpoint(addresses)
    }

    fn socket(&self, answer: &str, nonce: u64) -> Result<Socket, RestFault> {
        Okx.socket(answer, nonce)
    }

    fn instruments_url(&self, addresses: &Addresses) -> String {
        Okx.instruments_url(addresses)
    }

    fn read_instruments(&self, answer: &str) -> Result<Vec<Instrument>, RestFault> {
        Okx.read_instruments(answer)
    }

    fn tickers_url(&self, addresses: &Addresses, instruments: &[&Instrument]) -> String {
        format!("{}/ticker/{}", addresses.rest, instruments[0].venue_symbol)
    }

    /// REST says it in the words of the socket.
    fn read_tickers(
        &self,
        answer: &str,
        _instruments: &[&Instrument],
        updates: &mut dyn FnMut(Update<'_>),
    ) -> Result<(), RestFault> {
        let read = Okx.decode(answer, &mut |event| {
            if let Event::Update(update) = event {
                updates(update);
            }
        });
        read.map_err(|_| RestFault::Garbage)
    }

    fn name_by_rule(&self, symbol: &Symbol) -> String {
        Okx.name_by_rule(symbol)
    }

    fn channels(&self) -> &'static [Part] {
        self.channels
    }

    fn subscribe(&self, channel: Part, venue_symbols: &[&str], request: u64) -> String {
        let frame = Okx.subscribe(channel, venue_symbols, request);
        if channel == Part::Main { frame } else { frame.replace("tickers", "statistics") }
    }

    fn unsubscribe(&self, channel: Part, venue_symbols: &[&str], request: u64) -> String {
        self.subscribe(channel, venue_symbols, request).replace("subscribe", "unsubscribe")
    }

    fn ping(&self, request: u64) -> String {
        Okx.ping(request)
    }

    fn decode(&self, frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError> {
        Okx.decode(frame, events)
    }
}
