//! What must hold for any input of a stranger, as functions that panic where it does not: the bodies
//! of the targets in `tests/fuzz` and of the tests in `tests/hostile_input.rs`.

use crate::{
    FeedConfig,
    exchange::{ALL, DecodeError, Event, Exchange, Instrument},
};
use serde::{Deserialize, Serialize};
use tickcast_shared::market::Interval;

/// A venue's frame or answer. Every codec says the same of it each time, whatever blanks stand
/// around its JSON, and nothing that is longer than it.
pub fn exchange_message(text: &str) {
    for exchange in ALL {
        let (said, read) = decoded(exchange, text);
        assert_eq!((&said, &read), (&decoded(exchange, text).0, &read), "{}", exchange.name());
        // A bare word, such as OKX's pong, is no JSON.
        if text.starts_with('{') {
            let padded = format!(" \n{text}\t\r ");
            assert_eq!((said, read), decoded(exchange, &padded), "{} with blanks", exchange.name());
        }
        let _ = exchange.socket(text, 1);
        rest_answer(exchange, text);
    }
}

/// A venue's answer by REST. Its bars stand in order, each with its prices between low and high.
fn rest_answer(exchange: &dyn Exchange, text: &str) {
    let listed = exchange.read_instruments(text).unwrap_or_default();
    let named = Instrument::of("BTC", "USDT", "BTCUSDT", true);
    let asked: Vec<&Instrument> = named.iter().chain(&listed).collect();
    let mut told = 0;
    let _ = exchange.read_tickers(text, &asked, &mut |_| told += 1);
    assert!(told <= text.len(), "{told} tickers of {} bytes", text.len());
    for interval in Interval::ALL {
        let bars = exchange.read_bars(text, interval).unwrap_or_default();
        assert!(bars.is_sorted_by(|one, next| one.open_time < next.open_time), "{bars:?}");
        for bar in &bars {
            assert!(bar.low <= bar.open.min(bar.close) && bar.open.max(bar.close) <= bar.high);
            assert_eq!(interval.open_of(bar.open_time), bar.open_time);
        }
    }
}

fn decoded(exchange: &dyn Exchange, text: &str) -> (Vec<String>, Result<(), DecodeError>) {
    let mut said = Vec::new();
    let read = exchange.decode(text, &mut |event| {
        if let Event::Update(update) = &event {
            let texts = [Some(update.symbol), update.last, update.bid, update.ask, update.open];
            // An escape in JSON is never shorter than what it stands for.
            assert!(texts.iter().flatten().all(|it| it.len() <= text.len()), "{event:?}");
        }
        said.push(format!("{event:?}"));
    });
    assert!(said.len() <= text.len(), "{} events of {} bytes", said.len(), text.len());
    (said, read)
}

/// The text of a configuration file, read as the `[feed]` section and checked.
pub fn configuration(text: &str) {
    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct File {
        feed: FeedConfig,
    }
    let sample = File { feed: FeedConfig::sample() };
    if let Some(file) = tickcast_shared::fuzz::configuration(&sample, text) {
        let _ = file.feed.plan();
    }
}
