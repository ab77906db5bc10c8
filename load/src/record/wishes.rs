//! What a recorder says to an exchange: subscriptions within its limits, and pings.

use crate::venue::Exchange;
use serde_json::{Value, json};
use std::time::Duration;
use tickcast_shared::market::Symbol;

/// How often a ping is sent where the exchange names no interval: all of them wait for 30 s.
const PING_EVERY: Duration = Duration::from_secs(20);

/// The frames that subscribe to everything that the exchange tells of the symbols' tickers.
pub(super) fn subscriptions(exchange: Exchange, symbols: &[Symbol]) -> Vec<String> {
    let spelt = symbols.iter().map(|symbol| exchange.spelling(symbol.base(), symbol.quote()));
    let names: Vec<String> = spelt.collect();
    let parts = names.chunks(symbols_per_frame(exchange));
    parts.enumerate().flat_map(|(at, part)| frames(exchange, at, part)).collect()
}

/// The text of a ping and how often it is sent, where the exchange has such pings.
pub(super) fn ping(exchange: Exchange, number: u64) -> Option<String> {
    match exchange {
        Exchange::Kucoin => Some(json!({"id": number.to_string(), "type": "ping"}).to_string()),
        Exchange::Okx => Some("ping".to_owned()),
        Exchange::Kraken => Some(json!({"method": "ping", "req_id": number}).to_string()),
        Exchange::Bybit => Some(json!({"req_id": number.to_string(), "op": "ping"}).to_string()),
        Exchange::Binance | Exchange::Coinbase => None,
    }
}

/// How often such a ping is sent.
pub(super) fn ping_every(named: Option<Duration>) -> Duration {
    named.unwrap_or(PING_EVERY)
}

/// Symbols that one subscription may name, below the exchange's limit for its channels.
fn symbols_per_frame(exchange: Exchange) -> usize {
    match exchange {
        Exchange::Kucoin | Exchange::Okx | Exchange::Coinbase | Exchange::Kraken => 100,
        Exchange::Binance => 50,
        // Ten topics a request, two for a symbol.
        Exchange::Bybit => 5,
    }
}

fn frames(exchange: Exchange, at: usize, names: &[String]) -> Vec<String> {
    let frames: Vec<Value> = match exchange {
        Exchange::Kucoin => {
            let topic = |channel: &str| format!("/market/{channel}:{}", names.join(","));
            let frame = |id: usize, channel: &str| {
                json!({"id": id.to_string(), "type": "subscribe", "topic": topic(channel),
                    "response": true})
            };
            vec![frame(2 * at + 1, "ticker"), frame(2 * at + 2, "snapshot")]
        }
        Exchange::Binance => {
            let streams = |name: &String| {
                let name = name.to_ascii_lowercase();
                [format!("{name}@bookTicker"), format!("{name}@ticker")]
            };
            let params: Vec<String> = names.iter().flat_map(streams).collect();
            vec![json!({"method": "SUBSCRIBE", "params": params, "id": at + 1})]
        }
        Exchange::Okx => {
            let arg = |name: &String| json!({"channel": "tickers", "instId": name});
            let args: Vec<Value> = names.iter().map(arg).collect();
            vec![json!({"id": (at + 1).to_string(), "op": "subscribe", "args": args})]
        }
        Exchange::Coinbase => vec![json!({
            "type": "subscribe", "product_ids": names, "channels": ["ticker", "heartbeat"],
        })],
        Exchange::Kraken => {
            let ticker = json!({"channel": "ticker", "symbol": names, "event_trigger": "bbo"});
            let trade = json!({"channel": "trade", "symbol": names});
            let frame = |id, params| json!({"method": "subscribe", "params": params, "req_id": id});
            vec![frame(2 * at + 1, ticker), frame(2 * at + 2, trade)]
        }
        Exchange::Bybit => {
            let topics = |name: &String| [format!("tickers.{name}"), format!("orderbook.1.{name}")];
            let args: Vec<String> = names.iter().flat_map(topics).collect();
            vec![json!({"req_id": (at + 1).to_string(), "op": "subscribe", "args": args})]
        }
    };
    frames.iter().map(Value::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_symbols_are_spread_over_frames() {
        let symbols: Vec<Symbol> = (0..12).map(|n| format!("C{n}-USDT").parse().unwrap()).collect();
        let frames = subscriptions(Exchange::Bybit, &symbols);
        assert_eq!(frames.len(), 3);
        for frame in frames {
            let frame: Value = serde_json::from_str(&frame).unwrap();
            assert!(frame["args"].as_array().unwrap().len() <= 10, "{frame}");
        }
    }

    #[test]
    fn each_exchange_is_asked_in_its_own_spelling() {
        let symbols: Vec<Symbol> = vec!["BTC-USDT".parse().unwrap()];
        for exchange in Exchange::ALL {
            let frames = subscriptions(exchange, &symbols).concat();
            let name = exchange.spelling("BTC", "USDT");
            let has = frames.contains(&name) || frames.contains(&name.to_ascii_lowercase());
            assert!(has, "{exchange}: {frames}");
        }
    }
}
