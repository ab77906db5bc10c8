//! What holds for every venue's codec.

use super::{ALL, Event, Exchange, by_name, names_except};
use proptest::prelude::*;

/// Decodes a frame that must be sound and say exactly one thing.
pub(super) fn decoded(exchange: &dyn Exchange, frame: &str, check: impl Fn(&Event<'_>)) {
    let mut events = 0;
    let read = exchange.decode(frame, &mut |event| {
        events += 1;
        check(&event);
    });
    assert_eq!((read, events), (Ok(()), 1), "{frame}");
}

#[test]
fn every_venue_is_found_by_its_name() {
    for exchange in ALL {
        assert_eq!(by_name(exchange.name()).map(Exchange::name), Some(exchange.name()));
    }
    assert!(by_name("mtgox").is_none());
    assert_eq!(names_except("kucoin"), "binance, okx, coinbase, kraken, bybit");
}

/// Pieces of JSON that venues use, so that random frames reach deep into the codecs.
fn fragment() -> impl Strategy<Value = String> {
    let words = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "null",
        "1e999",
        "-0",
        "\"type\"",
        "\"message\"",
        "\"topic\"",
        "\"/market/ticker:X\"",
        "\"data\"",
        "\"stream\"",
        "\"x@ticker\"",
        "\"s\"",
        "\"arg\"",
        "\"channel\"",
        "\"tickers\"",
        "\"event\"",
        "\"error\"",
        "\"code\"",
        "\"\\ud800\"",
    ];
    proptest::sample::select(words.to_vec()).prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn no_frame_makes_a_codec_panic(text in "\\PC{0,80}", bytes in any::<Vec<u8>>()) {
        for exchange in ALL {
            let _ = exchange.decode(&text, &mut |_| {});
            let _ = exchange.decode(&String::from_utf8_lossy(&bytes), &mut |_| {});
            let _ = exchange.read_instruments(&text);
            let _ = exchange.socket(&text, 1);
        }
    }

    #[test]
    fn no_near_miss_makes_a_codec_panic(words in proptest::collection::vec(fragment(), 0..24)) {
        let frame = words.concat();
        for exchange in ALL {
            let _ = exchange.decode(&frame, &mut |_| {});
            let _ = exchange.read_instruments(&frame);
            let _ = exchange.socket(&frame, 1);
        }
    }
}
