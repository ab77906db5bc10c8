//! A venue that speaks OKX's protocol, with what a test wants of it besides.

use crate::exchange::{
    Addresses, DecodeError, Endpoint, Event, Exchange, Instrument, Keepalive, Limits, Part, Rate,
    RestFault, Socket, Update, okx::Okx,
};
use std::{sync::LazyLock, time::Duration};
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Interval, Symbol},
};

/// What is different.
#[derive(Debug)]
pub(super) struct Stub {
    channels: &'static [Part],
    limits: &'static LazyLock<Limits>,
}

/// One channel, and room for all.
pub(super) static PLAIN: Stub = Stub { channels: &[Part::Main], limits: &ROOMY };
/// A second channel, with statistics.
pub(super) static TWO_CHANNELS: Stub =
    Stub { channels: &[Part::Main, Part::Statistics], limits: &ROOMY };
/// Room for two symbols on a connection.
pub(super) static NARROW: Stub = Stub { channels: &[Part::Main], limits: &TIGHT };

static ROOMY: LazyLock<Limits> = LazyLock::new(|| limits(400));
static TIGHT: LazyLock<Limits> = LazyLock::new(|| limits(2));

/// Limits that no test notices but for the room on a connection.
fn limits(symbols_per_connection: usize) -> Limits {
    let often = Rate::new(100, Duration::from_millis(1));
    let symbols_per_poll = 1;
    Limits {
        symbols_per_connection,
        symbols_per_poll,
        dials: often,
        requests: often,
        ..*Okx.limits()
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
        LazyLock::force(self.limits)
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

    fn bars_url(
        &self,
        addresses: &Addresses,
        instrument: &Instrument,
        interval: Interval,
        from: Micros,
        end: Micros,
    ) -> String {
        Okx.bars_url(addresses, instrument, interval, from, end)
    }

    fn read_bars(&self, answer: &str, interval: Interval) -> Result<Vec<Bar>, RestFault> {
        Okx.read_bars(answer, interval)
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
