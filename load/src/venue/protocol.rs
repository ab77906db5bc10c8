//! What an exchange's folder has to offer, and the one place that chooses among them.

use super::{
    binance, bybit, coinbase, exchange::Exchange, instrument::Catalogue, kraken, kucoin, okx,
    stage::Stage, subscriptions::Channel, tick::Tick,
};
use axum::Router;
use std::sync::Arc;

impl Exchange {
    /// Its REST.
    pub(super) fn routes(self) -> Router<Arc<Stage>> {
        match self {
            Self::Kucoin => kucoin::rest::routes(),
            Self::Binance => binance::rest::routes(),
            Self::Okx => okx::rest::routes(),
            Self::Coinbase => coinbase::rest::routes(),
            Self::Kraken => kraken::rest::routes(),
            Self::Bybit => bybit::rest::routes(),
        }
    }

    /// Where its WebSocket is reached.
    pub(super) fn socket_paths(self) -> &'static [&'static str] {
        match self {
            Self::Kucoin => &["/", "/endpoint"],
            Self::Binance => &["/", "/stream"],
            Self::Okx => &["/", "/ws/v5/public"],
            Self::Coinbase => &["/"],
            Self::Kraken => &["/", "/v2"],
            Self::Bybit => &["/", "/v5/public/spot", "/v5/public/linear"],
        }
    }

    /// The channels that have something to tell of a tick.
    pub(super) fn channels(self, tick: &Tick) -> Vec<Channel> {
        let has_quote = tick.bid.is_some() || tick.ask.is_some();
        let has_trade = tick.last.is_some() || tick.volume_24h.is_some();
        let (quote, summary) = match self {
            Self::Kucoin => (true, tick.volume_24h.is_some()),
            Self::Okx | Self::Coinbase => (true, false),
            Self::Binance | Self::Bybit => (has_quote, has_trade),
            Self::Kraken => (has_quote || tick.volume_24h.is_some(), tick.last.is_some()),
        };
        let quote = quote.then_some(Channel::Quote);
        quote.into_iter().chain(summary.then_some(Channel::Summary)).collect()
    }

    /// Whether quotes and last prices come by channels of their own, so that a tick without one of
    /// them says nothing of it.
    pub(super) fn tells_apart(self) -> bool {
        matches!(self, Self::Binance | Self::Kraken | Self::Bybit)
    }

    /// A tick as a message of a channel, if the exchange has such a channel.
    pub(super) fn render(
        self,
        channel: Channel,
        catalogue: &Catalogue,
        name: &str,
        tick: &Tick,
    ) -> Option<String> {
        Some(match (self, channel) {
            (Self::Kucoin, Channel::Quote) => kucoin::wire::ticker(name, tick),
            (Self::Kucoin, Channel::Summary) => {
                kucoin::wire::snapshot(catalogue.by_name(name), name, tick)
            }
            (Self::Binance, Channel::Quote) => binance::wire::book_ticker(name, tick),
            (Self::Binance, Channel::Summary) => binance::wire::ticker(name, tick),
            (Self::Okx, Channel::Quote) => okx::wire::ticker(name, tick),
            (Self::Coinbase, Channel::Quote) => coinbase::wire::ticker(name, tick),
            (Self::Kraken, Channel::Quote) => kraken::wire::ticker(name, tick, kraken::UPDATE),
            (Self::Kraken, Channel::Summary) => kraken::wire::trade(name, tick, kraken::UPDATE),
            (Self::Bybit, Channel::Quote) => bybit::wire::book(name, tick),
            (Self::Bybit, Channel::Summary) => bybit::wire::ticker(name, tick),
            (Self::Okx | Self::Coinbase, Channel::Summary) => return None,
        })
    }

    /// How it announces on a connection that it is about to close it, if it does.
    pub(super) fn notice(self, time_ms: i64) -> Option<String> {
        match self {
            Self::Binance => Some(binance::wire::server_shutdown(time_ms)),
            Self::Okx => Some(okx::wire::closing_soon()),
            Self::Kraken => Some(kraken::wire::status("maintenance")),
            Self::Kucoin | Self::Coinbase | Self::Bybit => None,
        }
    }
}
