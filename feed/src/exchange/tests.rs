//! What holds for every venue's codec.

use super::{ALL, Event, Exchange, Instrument, Part, Update, by_name, names_except};
use proptest::prelude::*;
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Interval},
};

/// Decodes a frame that must be sound and say exactly one thing.
pub(super) fn decoded(exchange: &dyn Exchange, frame: &str, check: impl Fn(&Event<'_>)) {
    let mut events = 0;
    let read = exchange.decode(frame, &mut |event| {
        events += 1;
        check(&event);
    });
    assert_eq!((read, events), (Ok(()), 1), "{frame}");
}

/// Everything that a sound frame says.
pub(super) fn events_of(exchange: &dyn Exchange, frame: &str) -> Vec<String> {
    let mut events = Vec::new();
    let read = exchange.decode(frame, &mut |event| events.push(format!("{event:?}")));
    assert_eq!(read, Ok(()), "{frame}");
    events
}

/// The instruments of a list: our name, the venue's, and whether it is traded.
pub(super) fn listed(exchange: &dyn Exchange, answer: &str) -> Vec<(String, String, bool)> {
    let list = exchange.read_instruments(answer).unwrap();
    list.into_iter().map(|it| (it.symbol.to_string(), it.venue_symbol, it.trading)).collect()
}

/// An instrument as it is when the venue's list cannot be had.
fn by_rule(exchange: &dyn Exchange, symbol: &str) -> Instrument {
    let name = exchange.name_by_rule(&symbol.parse().unwrap());
    let (base, quote) = symbol.split_once('-').unwrap();
    Instrument::of(base, quote, &name, true).unwrap()
}

/// Checks where tickers are asked for, and what is read from the answer.
pub(super) fn polled(
    exchange: &dyn Exchange,
    symbols: &[&str],
    url: &str,
    answer: &str,
    expected: &[Update<'_>],
) {
    let instruments: Vec<_> = symbols.iter().map(|it| by_rule(exchange, it)).collect();
    let asked: Vec<_> = instruments.iter().collect();
    assert_eq!(exchange.tickers_url(&exchange.addresses(), &asked), url);
    let mut told = Vec::new();
    let read = exchange.read_tickers(answer, &asked, &mut |it| told.push(format!("{it:?}")));
    let expected: Vec<_> = expected.iter().map(|it| format!("{it:?}")).collect();
    assert_eq!((read, told), (Ok(()), expected));
}

/// The bars of an answer.
pub(super) struct Told(Vec<Bar>);

impl Told {
    /// Compares them with texts of opening (s), open, high, low and close.
    pub(super) fn same(&self, expected: &[&str]) {
        let text = |it: &Bar| {
            let opened = it.open_time.0 / 1_000_000;
            format!("{opened} {} {} {} {}", it.open, it.high, it.low, it.close)
        };
        assert_eq!(self.0.iter().map(text).collect::<Vec<_>>(), expected);
    }
}

/// Checks where the bars of a symbol, an interval and a span in seconds are asked for, and reads an
/// answer.
pub(super) fn bars_of(
    exchange: &dyn Exchange,
    (symbol, interval, from, end): (&str, Interval, i64, i64),
    url: &str,
    answer: &str,
) -> Told {
    let (from, end) = (Micros(from * 1_000_000), Micros(end * 1_000_000));
    let instrument = by_rule(exchange, symbol);
    assert_eq!(exchange.bars_url(&exchange.addresses(), &instrument, interval, from, end), url);
    Told(exchange.read_bars(answer, interval).unwrap())
}

#[test]
fn every_venue_is_found_by_its_name() {
    for exchange in ALL {
        assert_eq!(by_name(exchange.name()).map(Exchange::name), Some(exchange.name()));
    }
    assert!(by_name("mtgox").is_none());
    assert_eq!(names_except("kucoin"), "binance, okx, coinbase, kraken, bybit");
}

#[test]
fn every_channel_is_subscribed_to_and_given_up_by_frames_of_its_own() {
    for exchange in ALL {
        let mut frames = Vec::new();
        for channel in exchange.channels() {
            frames.push(exchange.subscribe(*channel, &["AAA", "BBB"], 7));
            frames.push(exchange.unsubscribe(*channel, &["AAA", "BBB"], 7));
        }
        for frame in &frames {
            let lower = frame.to_ascii_lowercase();
            assert!(lower.contains("aaa") && lower.contains("bbb"), "{frame}");
            serde_json::from_str::<serde_json::Value>(frame).unwrap();
        }
        let before = frames.len();
        frames.sort();
        frames.dedup();
        assert_eq!(frames.len(), before, "{}", exchange.name());
        assert!(matches!(exchange.channels(), [Part::Main, ..]), "the first one has the price");
    }
}

#[test]
fn limits_leave_room_for_something() {
    for exchange in ALL {
        let limits = exchange.limits();
        let sizes = [limits.symbols_per_request, limits.symbols_per_poll, limits.bars_per_request];
        assert!(sizes.iter().all(|size| *size > 0));
        assert!(limits.symbols_per_connection >= limits.symbols_per_request);
        let keepalive = exchange.keepalive();
        assert!(keepalive.quiet < keepalive.proof, "{}", exchange.name());
        for interval in Interval::ALL {
            let from = exchange.bars_from(interval);
            assert_eq!(interval.micros() % from.micros(), 0);
            assert_eq!(exchange.bars_from(from), from);
        }
    }
}

/// Pieces of JSON that venues use, so that random frames reach deep into the codecs.
fn fragment() -> impl Strategy<Value = String> {
    let scaffold = r#"{ } [ ] : , " null true 1e999 -0 "\ud800""#;
    let words = r#"type message topic /market/ticker:X /market/snapshot:X data stream x@ticker
        x@bookTicker s u b a arg channel channels tickers event events error code trade ticker status
        heartbeat subscriptions product_ids product_id symbol system method subscribe success result
        req_id op pong tickers.X orderbook.1.X snapshot timestamp 1970-01-01T00:00:00Z retCode
        last list price 200000"#;
    let quoted = words.split_whitespace().map(|word| format!("\"{word}\""));
    let pieces: Vec<String> = scaffold.split(' ').map(str::to_owned).chain(quoted).collect();
    proptest::sample::select(pieces)
}

/// Puts a text to everything that reads what a venue sends.
fn read_all(text: &str) {
    for exchange in ALL {
        let _ = exchange.decode(text, &mut |_| {});
        let _ = exchange.read_instruments(text);
        let _ = exchange.socket(text, 1);
        let one = by_rule(exchange, "BTC-USDT");
        let other = by_rule(exchange, "ETH-USDT");
        let _ = exchange.read_tickers(text, &[&one], &mut |_| {});
        let _ = exchange.read_tickers(text, &[&one, &other], &mut |_| {});
        let _ = exchange.read_bars(text, Interval::M1);
    }
}

proptest! {
    #[test]
    fn no_frame_makes_a_codec_panic(text in "\\PC{0,80}", bytes in any::<Vec<u8>>()) {
        read_all(&text);
        read_all(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_near_miss_makes_a_codec_panic(words in proptest::collection::vec(fragment(), 0..24)) {
        read_all(&words.concat());
    }
}
