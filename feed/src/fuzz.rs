//! What must hold for any input of a stranger, as functions that panic where it does not: the bodies
//! of the targets in `tests/fuzz` and of the tests in `tests/hostile_input.rs`.

use crate::{
    FeedConfig,
    exchange::{ALL, DecodeError, Event, Exchange},
};
use serde::{Deserialize, Serialize};

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
        let _ = exchange.read_instruments(text);
        let _ = exchange.socket(text, 1);
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
