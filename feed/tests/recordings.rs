//! Recorded sessions of real venues go through codec and rules, and every message of them is
//! accounted for: said something about the connection, published with its own values, a duplicate,
//! held back, or refused with a reason.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};
use tickcast_feed::{
    exchange::{ALL, Event, Exchange, Market, Update, by_name},
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

/// A frame and when it was received.
type Frame = (Micros, String);
/// Prices and sizes by which messages are compared: last, bid, its size, ask, its size.
type Prices = [Option<String>; 5];
/// How often something was said or done.
type Tally = BTreeMap<&'static str, u64>;

fn recordings() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/recordings");
    let folder = std::env::var_os("TICKCAST_RECORDINGS").map_or(beside.into(), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no recordings at ../shared/recordings nor in TICKCAST_RECORDINGS");
    None
}

/// The received frames of a venue's recording with their times.
fn session(folder: &Path, venue: &str) -> Vec<Frame> {
    let text = fs::read_to_string(folder.join(venue).join("session.ndjson")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str::<Line>(line).unwrap())
        .filter(|line| line.t == "recv")
        .map(|line| (Micros((line.ts * 1e6) as i64), line.data))
        .collect()
}

/// The spot symbols that a recording has tickers of.
fn symbols(exchange: &dyn Exchange, frames: &[Frame]) -> BTreeSet<String> {
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

/// The rules of a venue, for the symbols that these frames are about.
fn judge(exchange: &dyn Exchange, frames: &[Frame]) -> (Quality, Accounting) {
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
    (quality, books)
}

fn told(update: &Update<'_>) -> Prices {
    let own = |text: Option<&str>| text.filter(|it| !it.is_empty()).map(str::to_owned);
    [update.last, update.bid, update.bid_qty, update.ask, update.ask_qty].map(own)
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

/// What an event is called in a tally.
fn kind(event: &Event<'_>) -> &'static str {
    match event {
        Event::Welcome => "welcome",
        Event::Ack { .. } => "ack",
        Event::Error { .. } => "error",
        Event::Update(_) => "update",
        Event::Alive => "alive",
        Event::Closing { .. } => "closing",
        Event::Maintenance { .. } => "maintenance",
        Event::Ignored => "ignored",
    }
}

/// What a replay leads to.
struct Replayed {
    said: Tally,
    counts: Counts,
    /// Every ticker message in order, as the venue wrote it.
    messages: Vec<(String, Prices)>,
    /// Every publication in order.
    published: Vec<(String, Prices)>,
}

fn replay(exchange: &'static dyn Exchange, frames: &[Frame]) -> Replayed {
    let (mut quality, books) = judge(exchange, frames);
    let mut replayed = Replayed {
        said: Tally::new(),
        counts: books.counts(),
        messages: vec![],
        published: vec![],
    };
    for (now, frame) in frames {
        let mut events = 0;
        let read = exchange.decode(frame, &mut |event| {
            events += 1;
            *replayed.said.entry(kind(&event)).or_default() += 1;
            let Event::Update(update) = event else { return };
            let own = told(&update);
            replayed.messages.push((update.symbol.to_owned(), own.clone()));
            if let Verdict::Publish(change) = quality.update(Generation(1), &update, frame, *now) {
                let shown = shown(&change.1);
                for (own, shown) in own.iter().zip(&shown) {
                    assert!(own.is_none() || own == shown, "{shown:?} is not of {frame}");
                }
                replayed.published.push((change.1.venue_symbol.clone(), shown));
            }
        });
        match read {
            Ok(()) => assert!(events > 0, "nothing said of {frame}"),
            Err(error) => quality.refuse(error.into(), frame, *now),
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

/// What a venue's session must lead to.
struct Expected {
    venue: &'static str,
    said: &'static [(&'static str, u64)],
    /// Published, duplicates, held back.
    sound: [u64; 3],
    refused: &'static [(&'static str, u64)],
}

const EXPECTED: [Expected; 6] = [
    Expected {
        venue: "kucoin",
        said: &[("ack", 13), ("update", 830), ("welcome", 1)],
        sound: [345, 485, 0],
        refused: &[],
    },
    Expected { venue: "binance", said: &[("update", 84)], sound: [84, 0, 0], refused: &[] },
    Expected {
        venue: "okx",
        said: &[("ack", 9), ("ignored", 9), ("update", 28)],
        sound: [19, 1, 5],
        refused: &[("wrong_market", 3)],
    },
    Expected {
        venue: "coinbase",
        said: &[("ack", 6), ("alive", 25), ("ignored", 2), ("update", 160)],
        sound: [155, 0, 5],
        refused: &[],
    },
    // Version 1 of the protocol.
    Expected {
        venue: "kraken",
        said: &[],
        sound: [0; 3],
        refused: &[("unsupported_protocol", 143)],
    },
    // Half of it is the linear market, whose symbols are named like those of spot.
    Expected {
        venue: "bybit",
        said: &[("ack", 24), ("update", 839)],
        sound: [20, 61, 0],
        refused: &[("wrong_market", 758)],
    },
];

#[test]
fn every_recorded_message_is_accounted_for() {
    let Some(folder) = recordings() else { return };
    for expected in EXPECTED {
        let venue = expected.venue;
        let frames = session(&folder, venue);
        let replayed = replay(by_name(venue).unwrap(), &frames);
        let counts = &replayed.counts;
        println!("{:?} {counts:?}", replayed.said);
        assert_eq!(replayed.said, expected.said.iter().copied().collect(), "{venue}");
        assert!(counts.balance(), "{venue}");
        let sound = [counts.published, counts.duplicate, counts.volume_only];
        assert_eq!(sound, expected.sound, "{venue}");
        assert_eq!(counts.refused, expected.refused.iter().copied().collect(), "{venue}");
        assert_eq!(counts.published, replayed.published.len() as u64, "{venue}");
        if matches!(venue, "kucoin" | "binance") {
            assert_eq!(replayed.published, distinct(&replayed.messages), "{venue}");
        }
    }
}

#[test]
fn every_message_of_krakens_present_protocol_is_understood() {
    let Some(folder) = recordings() else { return };
    let text = fs::read_to_string(folder.join("kraken/live-v2-2026-09-24.ndjson")).unwrap();
    let frames: Vec<Frame> = text.lines().map(|line| (Micros(0), line.to_owned())).collect();
    let replayed = replay(by_name("kraken").unwrap(), &frames);
    let said = [("ack", 1), ("alive", 2), ("error", 1), ("update", 1)];
    assert_eq!(replayed.said, said.into_iter().collect());
    assert_eq!((replayed.counts.published, replayed.counts.received), (1, 1));
}

/// One odd frame and where it was published.
#[derive(Deserialize)]
struct Edge {
    source: String,
    raw: String,
}

#[test]
fn every_odd_message_leads_to_what_it_should() {
    let Some(folder) = recordings() else { return };
    let text = fs::read_to_string(folder.join("edge-cases.ndjson")).unwrap();
    let outcomes: Vec<String> = text
        .lines()
        .map(|line| {
            let Edge { source, raw } = serde_json::from_str(line).unwrap();
            let venue = ALL.into_iter().find(|it| source.contains(it.name())).unwrap();
            let replayed = replay(venue, &[(Micros(0), raw)]);
            let said: Vec<&str> = replayed.said.into_keys().collect();
            let refused: Vec<&str> = replayed.counts.refused.into_keys().collect();
            let published = if replayed.counts.published > 0 { "published" } else { "" };
            format!("{} {} {published}{}", venue.name(), said.concat(), refused.concat())
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            "kraken update nothing_usable",
            "okx update wrong_market",
            "kucoin error ",
            "kucoin error ",
            "kucoin error ",
            "okx closing ",
            "okx error ",
            "okx ignored ",
            "binance closing ",
            "coinbase update published",
            "bybit error ",
        ]
    );
}
