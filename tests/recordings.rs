//! Real traffic, replayed through its exchange's protocol, feed, Redis and two gateways: every
//! ticker of the file is accounted for, and what is delivered is what the exchange said.

use crate::support::{Client, Market, Role, eventually};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tickcast_load::{
    recording::{self, Frame},
    venue::{Exchange, ReplayStart, Source, VenueConfig},
};

/// Thirty seconds of traffic in one and a half.
const SPEED: f64 = 20.0;

#[tokio::test]
async fn kucoin_traffic_is_accounted_for() {
    replay(Exchange::Kucoin).await;
}

#[tokio::test]
async fn binance_traffic_is_accounted_for() {
    replay(Exchange::Binance).await;
}

#[tokio::test]
async fn okx_traffic_is_accounted_for() {
    replay(Exchange::Okx).await;
}

async fn replay(exchange: Exchange) {
    let name = exchange.name();
    let Some(folder) = recording::folder() else {
        eprintln!("skipped: no recordings of {name}; set TICKCAST_RECORDINGS to their folder");
        return;
    };
    let file = folder.join(name).join("session.ndjson");
    let frames = recording::ticker_frames(&file, exchange).expect("a recording");
    let mut config = VenueConfig::new(exchange);
    config.source = Source::Recording { file, speed: SPEED, start: ReplayStart::OnPlay };
    let market = Market::start(vec![config]).await;
    let (feed, left, right) = tokio::join!(market.feed(), market.gateway(), market.gateway());
    let spot = market.symbols();
    let control = &market.venue().control;
    control.until_subscribed(&spot).await;
    let heard = [listen(&left, name, &spot).await, listen(&right, name, &spot).await];

    control.play();
    let replayed = control.finished().await;
    assert_eq!(replayed.sent + replayed.unwanted, frames.len());
    // What is not spot was not subscribed to. Should the exchange send it all the same:
    let foreign = frames.iter().filter(|frame| !spot.contains(&&*frame.symbol));
    let mut pushed = 0;
    for frame in foreign {
        pushed += control.push_frame(&frame.text);
    }
    assert_eq!(pushed, replayed.unwanted);

    let books = settled(&feed, frames.len() as u64).await;
    let refused: u64 = books.refused.values().sum();
    let refused_as_foreign = books.refused.get("wrong_market").copied().unwrap_or_default();
    assert_eq!(refused_as_foreign, pushed as u64, "{:?}", books.refused);
    assert_eq!(refused, refused_as_foreign, "nothing else is wrong with it: {:?}", books.refused);
    for (tickers, gateway) in heard.into_iter().zip([&left, &right]) {
        let published = books.published - books.conflated;
        eventually("all that was published is delivered, or counted as given up", async || {
            let heard = tickers.lock().expect("no panic").len() as u64;
            (heard + given_up(gateway).await >= published).then_some(())
        })
        .await;
        let tickers = tickers.lock().expect("no panic").clone();
        assert!(tickers.len() as u64 <= published + books.volume_only);
        compare(exchange, &frames, &tickers);
    }
    println!(
        "{name}: {} frames = {} published + {} duplicate + {} volume only + {refused} refused; \
         {} conflated",
        frames.len(),
        books.published,
        books.duplicate,
        books.volume_only,
        books.conflated,
    );
}

/// Updates that a gateway gave up for newer ones, as on a machine that is busy with something else.
async fn given_up(gateway: &Role) -> u64 {
    let mut sum = 0.0;
    for cause in ["conflated_overload", "conflated_pass", "skipped"] {
        sum += gateway.metric(&format!("tickcast_gateway_{cause}_total")).await;
    }
    sum as u64
}

/// Collects every live ticker that a gateway sends from now on.
async fn listen(gateway: &Role, exchange: &str, symbols: &[&str]) -> Arc<Mutex<Vec<Value>>> {
    let topics: Vec<String> =
        symbols.iter().map(|symbol| format!("ticker:{exchange}:{symbol}")).collect();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let mut client: Client = gateway.client(&topics).await;
    client.next_of("synced").await;
    let heard: Arc<Mutex<Vec<Value>>> = Arc::default();
    let filled = heard.clone();
    tokio::spawn(async move {
        // Ends with the test: its runtime drops what still runs.
        while let Ok(message) = client.next_or_close().await {
            if message["type"] == "ticker" && message["state"] == "live" {
                filled.lock().expect("no panic").push(message);
            }
        }
    });
    heard
}

/// The feed's counters.
#[derive(Debug)]
struct Books {
    published: u64,
    duplicate: u64,
    volume_only: u64,
    conflated: u64,
    refused: HashMap<String, u64>,
}

/// The counters once every message has been received; they must balance.
async fn settled(feed: &Role, messages: u64) -> Books {
    eventually("every message is received", async || {
        let metrics = feed.admin("/metrics").await.body;
        let outcome =
            |name: &str| labelled(&metrics, "tickcast_feed_messages_total", "outcome", name);
        let books = Books {
            published: outcome("published"),
            duplicate: outcome("duplicate"),
            volume_only: outcome("volume_only"),
            conflated: labelled(&metrics, "tickcast_feed_conflated_total", "", ""),
            refused: by_reason(&metrics),
        };
        let refused: u64 = books.refused.values().sum();
        let all = books.published + books.duplicate + books.volume_only + refused;
        (outcome("received") == messages && all == messages).then_some(books)
    })
    .await
}

fn labelled(metrics: &str, name: &str, label: &str, value: &str) -> u64 {
    let wanted = format!("{label}=\"{value}\"");
    let of_name = |line: &&str| line.starts_with(name) && !line.starts_with('#');
    let rows =
        metrics.lines().filter(of_name).filter(|it| label.is_empty() || it.contains(&wanted));
    rows.filter_map(|row| row.rsplit_once(' ')?.1.parse::<f64>().ok()).sum::<f64>() as u64
}

fn by_reason(metrics: &str) -> HashMap<String, u64> {
    let rows = metrics.lines().filter(|line| line.starts_with("tickcast_feed_refused_total{"));
    let reasons: Vec<&str> = rows
        .filter_map(|row| row.split_once("reason=\"")?.1.split_once('"').map(|(reason, _)| reason))
        .collect();
    let count = |reason: &str| labelled(metrics, "tickcast_feed_refused_total", "reason", reason);
    reasons.into_iter().map(|reason| (reason.to_owned(), count(reason))).collect()
}

/// Every ticker is what a message of its symbol said, in the order of the file.
fn compare(exchange: Exchange, frames: &[Frame], tickers: &[Value]) {
    let mut said: HashMap<&str, std::slice::Iter<'_, Frame>> = HashMap::new();
    for frame in frames {
        said.entry(&*frame.symbol).or_insert_with(|| frames.iter());
    }
    for ticker in tickers {
        let symbol = ticker["symbol"].as_str().expect("a symbol");
        let of_symbol = said.get_mut(symbol).expect("a symbol of the file");
        let found =
            of_symbol.any(|frame| *frame.symbol == *symbol && says(exchange, frame, ticker));
        assert!(found, "no message of {symbol} says so in its turn: {ticker}");
    }
}

/// Whether the message has the ticker's values, digit for digit.
fn says(exchange: Exchange, frame: &Frame, ticker: &Value) -> bool {
    let message: Value = serde_json::from_str(&frame.text).expect("JSON");
    let (data, names) = match exchange {
        Exchange::Kucoin => {
            (&message["data"], ["price", "bestBid", "bestBidSize", "bestAsk", "bestAskSize"])
        }
        Exchange::Binance => (&message["data"], ["", "b", "B", "a", "A"]),
        Exchange::Okx => (&message["data"][0], ["last", "bidPx", "bidSz", "askPx", "askSz"]),
        other => panic!("no recording of {other} is replayed here"),
    };
    let keys = ["last_price", "bid_price", "bid_qty", "ask_price", "ask_qty"];
    keys.iter().zip(names).all(|(key, name)| ticker[key] == data[name])
}
