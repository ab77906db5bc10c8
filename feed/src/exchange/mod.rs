//! The venues' protocols as pure codecs: bytes to events, no IO, no clock.

pub mod binance;
pub mod bybit;
mod candles;
pub mod coinbase;
pub mod endpoint;
pub mod event;
pub mod kraken;
pub mod kucoin;
pub mod okx;
pub mod policy;
pub mod symbols;
#[cfg(test)]
mod tests;
pub mod text;

pub use endpoint::{Addresses, Endpoint, RestFault, Socket};
pub use event::{DecodeError, Event, Fault, Market, Part, Update};
pub use policy::{Answers, Keepalive, Limits, Probe, Rate};
pub use symbols::{Instrument, Listing};

use std::fmt::Debug;
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Interval, Symbol},
};

/// One venue's protocol. Adding a venue is adding a folder with one of these and a line in
/// [`ALL`].
pub trait Exchange: Debug + Send + Sync {
    /// The venue's name in configuration and topics, such as `kucoin`.
    fn name(&self) -> &'static str;

    /// The venue's public base addresses.
    fn addresses(&self) -> Addresses;

    /// What the venue allows one client to do.
    fn limits(&self) -> &'static Limits;

    /// How a connection is kept and proven alive. A token answer may refine it, see [`Socket`].
    fn keepalive(&self) -> Keepalive;

    /// What to ask for before the first subscription, or where to dial at once.
    fn endpoint(&self, addresses: &Addresses) -> Endpoint;

    /// The socket to dial, from the answer to an [`Endpoint::Token`] request. `nonce` names the
    /// connection and chooses among several servers.
    ///
    /// # Errors
    /// [`RestFault`] when the answer is a refusal or not what was asked for.
    fn socket(&self, answer: &str, nonce: u64) -> Result<Socket, RestFault>;

    /// Where the venue lists its instruments.
    fn instruments_url(&self, addresses: &Addresses) -> String;

    /// The spot instruments in the venue's list.
    ///
    /// # Errors
    /// [`RestFault`] when the answer is a refusal or not a list of instruments.
    fn read_instruments(&self, answer: &str) -> Result<Vec<Instrument>, RestFault>;

    /// Where the venue tells the tickers of these symbols by REST; at least one of them, and at most
    /// [`Limits::symbols_per_poll`].
    fn tickers_url(&self, addresses: &Addresses, instruments: &[&Instrument]) -> String;

    /// Reads an answer to [`Self::tickers_url`], asked for these instruments, as updates of
    /// [`Part::Main`] that own every field they have. What it tells of other symbols is passed over.
    ///
    /// # Errors
    /// [`RestFault`] when the answer is a refusal or holds none of these tickers.
    fn read_tickers(
        &self,
        answer: &str,
        instruments: &[&Instrument],
        updates: &mut dyn FnMut(Update<'_>),
    ) -> Result<(), RestFault>;

    /// The interval that the venue has bars of, to make bars of `interval` from: `interval` itself,
    /// or a shorter one.
    fn bars_from(&self, interval: Interval) -> Interval {
        interval
    }

    /// Where the venue tells the bars that open at `from` or later and are over at `end`: with an
    /// `end` that does not lie ahead, the bar that is still open is none of them. The span holds at
    /// most [`Limits::bars_per_request`] bars. `interval` is one that [`Self::bars_from`] names.
    fn bars_url(
        &self,
        addresses: &Addresses,
        instrument: &Instrument,
        interval: Interval,
        from: Micros,
        end: Micros,
    ) -> String;

    /// The bars of an answer, oldest first, each as closed by its venue. Venues tell bars from
    /// before `from` and after `end`, too (Kraken does not even take an `end`): the caller keeps
    /// what it asked for.
    ///
    /// # Errors
    /// [`RestFault`] when the answer is a refusal or not a list of bars.
    fn read_bars(&self, answer: &str, interval: Interval) -> Result<Vec<Bar>, RestFault>;

    /// The venue's name of a symbol by its naming rule, for when the list cannot be had.
    fn name_by_rule(&self, symbol: &Symbol) -> String;

    /// The symbol whose data the venue sends to those who ask for this one, if it does such a
    /// thing. A symbol that is answered with another one's data is refused (`truth.md` 5).
    fn answered_with(&self, _symbol: &Symbol) -> Option<Symbol> {
        None
    }

    /// The channels that are subscribed to by requests of their own. Without the first one a symbol
    /// has no price; the others complete it.
    fn channels(&self) -> &'static [Part];

    /// The frame that subscribes to a channel of these venue symbols under a request number.
    fn subscribe(&self, channel: Part, venue_symbols: &[&str], request: u64) -> String;

    /// The frame that ends such a subscription.
    fn unsubscribe(&self, channel: Part, venue_symbols: &[&str], request: u64) -> String;

    /// The text of a ping, for venues whose [`Probe`] is a text.
    fn ping(&self, request: u64) -> String;

    /// Reads one text frame and passes on what it says.
    ///
    /// # Errors
    /// [`DecodeError`] when the frame has no known shape; events passed on before it stand.
    fn decode(&self, frame: &str, events: &mut dyn FnMut(Event<'_>)) -> Result<(), DecodeError>;
}

/// Every venue there is, one line each.
pub const ALL: [&dyn Exchange; 6] = [
    &kucoin::KuCoin,
    &binance::Binance,
    &okx::Okx,
    &coinbase::Coinbase,
    &kraken::Kraken,
    &bybit::Bybit,
];

/// The venue of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Exchange> {
    ALL.into_iter().find(|exchange| exchange.name() == name)
}

/// The names of all venues but one, for messages: `binance, okx, ...`.
#[must_use]
pub fn names_except(name: &str) -> String {
    let names: Vec<&str> = ALL.iter().map(|it| it.name()).filter(|it| *it != name).collect();
    names.join(", ")
}
