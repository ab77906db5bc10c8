//! Recorded sessions of real venues go through codec and rules, and every ticker message of them
//! is accounted for: published with its own values, a duplicate, or refused with a reason.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};
use tickcast_feed::{
    exchange::{Event, Exchange, Market, by_name},
    quality::{Accounting, Counts, DeadLetters, Generation, Quality, Verdict},
};
use tickcast_shared::{
    admin::Queues,
    clock::Micros,
    market::{Symbol, Ticker},
};

/// One line of a recording.
#[derive(Deserialize)]
struct Line {
    t: String,
    ts: f64,
    #[serde(default)]
    data: String,
}

/// Prices and sizes by which messages are compared: last, bid, its size, ask, its size.
type Prices = [Option<String>; 5];

fn recordings() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/recordings");
    let folder = std::env::var_os("TICKCAST_RECORDINGS").map_or(beside.into(), PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// The received frames of a venue's recording with their times.
fn session(folder: &Path, venue: &str) -> Vec<(Micros, String)> {
    let text = fs::read_to_string(folder.join(venue).join("session.ndjson")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str::<Line>(line).unwrap())
        .filter(|line| line.t == "recv")
        .map(|line| (Micros((line.ts * 1e6) as i64), line.data))
        .collect()
}

/// The spot symbols that a recording has tickers of.
fn symbols(exchange: &dyn Exchange, frames: &[(Micros, String)]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, frame) in frames {
        let _ = exchange.decode(frame, &mut |event| {
            if let Event::Update(update) = event
                && update.market == Market::Spot
            {
                names.insert(update.symbol.to_owned());
            }
        });
    }
    names
}

fn shown(ticker: &Ticker) -> Prices {
    [
        ticker.last_price.map(|it| it.to_string()),
        ticker.bid_price.map(|it| it.to_string()),
        ticker.bid_qty.map(|it| it.to_string()),
        ticker.ask_price.map(|it| it.to_string()),
        ticker.ask_qty.map(|it| it.to_string()),
    ]
}

/// What a replay leads to.
struct Replayed {
    counts: Counts,
    /// Every ticker message in order, as the venue wrote it.
    messages: Vec<(String, Prices)>,
    /// Every publication in order.
    published: Vec<(String, Prices)>,
    unread: Vec<String>,
}

fn replay(exchange: &'static dyn Exchange, frames: &[(Micros, String)]) -> Replayed {
    let books = Accounting::of(&exchange.name().parse().unwrap());
    let letters = DeadLetters::new(&Queues::default());
    let names: Vec<String> = symbols(exchange, frames).into_iter().collect();
    // The recordings' venue names need no list here: any distinct symbols will do.
    let named: Vec<(Symbol, String)> = names
        .iter()
        .enumerate()
        .map(|(at, name)| (format!("S{at}-X").parse().unwrap(), name.clone()))
        .collect();
    let mut quality = Quality::new(books.clone(), letters, &named, false, frames[0].0);
    let known: Vec<Option<String>> = names.into_iter().map(Some).collect();
    quality.begin(Generation(1), false, &known);
    let mut replayed =
        Replayed { counts: books.counts(), messages: vec![], published: vec![], unread: vec![] };
    for (now, frame) in frames {
        let read = exchange.decode(frame, &mut |event| {
            let Event::Update(update) = event else { return };
            let own = |text: Option<&str>| text.filter(|it| !it.is_empty()).map(str::to_owned);
            let prices = [update.last, update.bid, update.bid_qty, update.ask, update.ask_qty];
            replayed.messages.push((update.symbol.to_owned(), prices.map(own)));
            if let Verdict::Publish(change) = quality.update(Generation(1), &update, frame, *now) {
                replayed.published.push((change.1.venue_symbol.clone(), shown(&change.1)));
            }
        });
        if read.is_err() {
            replayed.unread.push(frame.clone());
        }
    }
    replayed.counts = books.counts();
    replayed
}

/// The messages that differ from the last one of their symbol: what a feed has to publish.
fn distinct(messages: &[(String, Prices)]) -> Vec<(String, Prices)> {
    let mut last: HashMap<&str, &Prices> = HashMap::new();
    let mut news = Vec::new();
    for (symbol, prices) in messages {
        if last.insert(symbol, prices) != Some(prices) {
            news.push((symbol.clone(), prices.clone()));
        }
    }
    news
}

#[test]
fn every_recorded_ticker_is_accounted_for() {
    let Some(folder) = recordings() else {
        println!("skipped: no recordings at ../shared/recordings nor in TICKCAST_RECORDINGS");
        return;
    };
    for (venue, tickers) in [("kucoin", 830), ("binance", 84), ("okx", 28)] {
        let exchange = by_name(venue).unwrap();
        let replayed = replay(exchange, &session(&folder, venue));
        let counts = &replayed.counts;
        println!("{counts:?}");
        assert_eq!(replayed.unread, Vec::<String>::new(), "{venue}");
        assert_eq!((counts.received, counts.balance()), (tickers, true), "{venue}");
        assert_eq!(counts.published, replayed.published.len() as u64, "{venue}");
        let futures = BTreeMap::from([("wrong_market", 3)]);
        assert_eq!(counts.refused, if venue == "okx" { futures } else { BTreeMap::new() });
        if venue != "okx" {
            assert_eq!(replayed.published, distinct(&replayed.messages), "{venue}");
        }
    }
}
