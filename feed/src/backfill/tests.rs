//! A back-fill against venues that answer, a bus that keeps, and a publisher that writes.

use super::{Backfill, Extent};
use crate::{
    config::{Selection, VenuePlan},
    connector::{
        Rest, Surroundings, Venue, Wanted,
        tests::{
            bench::SHORT,
            scripted::{Reply, Scripted},
        },
    },
    derive::Rules,
    exchange::{Addresses, by_name},
    outbox::Outbox,
    publisher::tests::rig::{Feed, Watcher, both, until},
    quality::{Board, DeadLetters},
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tickcast_shared::{
    admin::Queues,
    bus::{Bus, memory::Memory},
    clock::{Clock, Micros},
    market::{Bar, BarSource, Interval, Topic},
};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// 2026-01-01 00:00 UTC, a beginning of every interval.
const START: i64 = 1_767_225_600_000_000;
const MINUTE: i64 = 60_000_000;

fn topic(exchange: &str) -> Topic {
    format!("ticker:{exchange}:BTC-USDT").parse().unwrap()
}

/// A venue that counts how often it was asked for bars.
async fn venue(
    name: &str,
    clock: Clock,
    answer: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static,
) -> (Arc<Venue>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let answers = move |first: &str, _: SocketAddr| {
        let reply = first.contains("candles").then(|| answer(first)).flatten();
        counted.fetch_add(usize::from(first.contains("candles")), Ordering::SeqCst);
        reply
    };
    let scripted = Scripted::start(Arc::new(answers)).await;
    let queues = Queues::default();
    let plan = VenuePlan {
        exchange: by_name(name).unwrap(),
        id: name.parse().unwrap(),
        selection: Selection::default(),
        max_symbols: 1,
        addresses: Addresses::new(&format!("http://{}", scripted.address), None),
        simulated: false,
    };
    let around = Surroundings {
        timing: SHORT,
        clock,
        outbox: Outbox::new(&queues),
        rest: Rest::new().unwrap(),
        dead_letters: DeadLetters::new(&queues),
        board: Board::default(),
    };
    (Arc::new(Venue::new(&plan, around)), asked)
}

/// A feed of that topic that derives nothing.
fn feed(bus: &Bus, name: &str, clock: Clock) -> Feed {
    let outbox = Outbox::new(&Queues::default());
    Feed::start_with(bus, vec![topic(name)], outbox, Rules::default(), clock)
}

/// Runs a back-fill until the token is cancelled.
fn fill(
    bus: &Bus,
    (feed, venue, clock): (&Feed, &Arc<Venue>, Clock),
    extent: Extent,
    token: &CancellationToken,
) -> JoinHandle<()> {
    let filler = Backfill::new(venue.clone(), extent, bus, feed.shelf.clone(), clock);
    let (found, first) = watch::channel(None);
    let (topics, token) = (vec![topic("kucoin"), topic(venue.id().as_str())], token.clone());
    let wanted = Wanted::new(Selection::default(), 1);
    tokio::spawn(async move {
        found.send_replace(Some(topics));
        filler.run(first, wanted, token).await.unwrap();
    })
}

fn bar(minute: i64, close: u32, complete: bool) -> Bar {
    let open_time = Micros(START + minute * MINUTE);
    let price = close.to_string().parse().unwrap();
    Bar {
        open_time,
        close_time: Interval::M1.close_of(open_time),
        open: price,
        high: price,
        low: price,
        close: price,
        ticks: 5,
        closed: true,
        complete,
        source: BarSource::Ticker,
    }
}

/// The number after a key in a request's address.
fn number(first: &str, key: &str) -> i64 {
    let rest = first.split(key).nth(1).unwrap_or_default();
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

/// OKX's minutes between the two bounds, each closing at 100, and one before and one after.
fn okx_minutes(first: &str) -> Option<Reply> {
    let (newer, older) = (number(first, "before="), number(first, "after="));
    let minutes = (newer / 60_000 - 1)..=(older / 60_000);
    let row =
        |minute: i64| format!(r#"["{}","90","110","80","100","1","1","1","1"]"#, minute * 60_000);
    let rows: Vec<String> = minutes.rev().map(row).collect();
    let body = format!(r#"{{"code":"0","msg":"","data":[{}]}}"#, rows.join(","));
    Some(Reply("200 OK", "content-type: application/json\r\n", body))
}

async fn kept(bus: &Bus, topic: &Topic) -> Vec<Bar> {
    bus.bars().read(topic, None, 1000).await.unwrap()
}

#[tokio::test]
async fn gaps_are_filled_once_and_own_bars_stay() {
    both(async |bus| {
        let clock = Clock::starting_at(Micros(START + 10 * MINUTE));
        let (venue, asked) = venue("okx", clock, okx_minutes).await;
        let mut watcher = Watcher::join(&bus).await;
        let feed = feed(&bus, "okx", clock);
        let minutes = topic("okx").to_kline(Interval::M1);
        let own = [bar(2, 7, true), bar(5, 7, false)];
        feed.shelf.keep(&minutes, &own).await.unwrap();
        let token = CancellationToken::new();
        let extent = Extent { intervals: vec![Interval::M1], bars: 8 };
        let first = fill(&bus, (&feed, &venue, clock), extent.clone(), &token);
        until("the bars", async || kept(&bus, &minutes).await.len() == 8).await;
        let bars = kept(&bus, &minutes).await;
        let shown: Vec<_> = bars
            .iter()
            .map(|bar| {
                let minute = (bar.open_time.0 - START) / MINUTE;
                (minute, bar.close.to_string(), bar.source == BarSource::Venue)
            })
            .collect();
        let wanted: Vec<_> = (1..9)
            .map(|minute| if minute == 2 { (2, "7", false) } else { (minute, "100", true) })
            .map(|(minute, close, venue)| (minute, close.to_owned(), venue))
            .collect();
        assert_eq!(shown, wanted);
        assert!(bars.iter().all(|bar| bar.complete && bar.closed));
        let requests = asked.load(Ordering::SeqCst);
        let again = fill(&bus, (&feed, &venue, clock), extent, &token);
        // The second one goes through the same writer, so that it is over when this is written.
        let marker = topic("okx").to_kline(Interval::D1);
        feed.shelf.keep(&marker, &[bar(0, 1, true)]).await.unwrap();
        token.cancel();
        first.await.unwrap();
        again.await.unwrap();
        assert_eq!(kept(&bus, &minutes).await, bars, "a restart changes nothing");
        assert_eq!(asked.load(Ordering::SeqCst), requests, "and asks for nothing");
        watcher.hears_heartbeats(1).await;
        assert!(watcher.history.iter().all(|(_, record)| record.body.bar().is_none()));
        feed.stop().await;
    })
    .await;
}

#[tokio::test]
async fn four_hours_of_coinbase_come_from_hours() {
    let bus = Bus::Memory(Memory::default());
    let clock = Clock::starting_at(Micros(START + 8 * 60 * MINUTE + 2 * MINUTE));
    let hours = |first: &str| {
        assert!(first.contains("granularity=3600"), "{first}");
        let row = |hour: i64| {
            format!("[{},{},{},50,60,1]", START / 1_000_000 + hour * 3600, 40 - hour, 70 + hour)
        };
        let rows: Vec<String> = (0..8).rev().map(row).collect();
        Some(Reply("200 OK", "", format!("[{}]", rows.join(","))))
    };
    let (venue, _) = venue("coinbase", clock, hours).await;
    let feed = feed(&bus, "coinbase", clock);
    let token = CancellationToken::new();
    let extent = Extent { intervals: vec![Interval::H4], bars: 2 };
    let filling = fill(&bus, (&feed, &venue, clock), extent, &token);
    let topic = topic("coinbase").to_kline(Interval::H4);
    until("the bars", async || kept(&bus, &topic).await.len() == 2).await;
    let bars = kept(&bus, &topic).await;
    let [open, high, low, close] =
        [bars[1].open, bars[1].high, bars[1].low, bars[1].close].map(|price| price.to_string());
    assert_eq!(
        (open.as_str(), high.as_str(), low.as_str(), close.as_str()),
        ("50", "77", "33", "60")
    );
    assert_eq!(bars[1].open_time, Micros(START + 4 * 60 * MINUTE));
    token.cancel();
    filling.await.unwrap();
    feed.stop().await;
}

#[tokio::test]
async fn a_venue_that_fails_is_asked_again_and_then_left_alone() {
    let bus = Bus::Memory(Memory::default());
    let clock = Clock::starting_at(Micros(START + 10 * MINUTE));
    let failing = |_: &str| Some(Reply("500 Internal Server Error", "", String::new()));
    let (venue, asked) = venue("okx", clock, failing).await;
    let feed = feed(&bus, "okx", clock);
    let token = CancellationToken::new();
    let extent = Extent { intervals: vec![Interval::M1], bars: 5 };
    let filling = fill(&bus, (&feed, &venue, clock), extent, &token);
    until("every attempt", async || asked.load(Ordering::SeqCst) == 6).await;
    assert!(!filling.is_finished(), "it rests");
    token.cancel();
    filling.await.unwrap();
    assert!(kept(&bus, &topic("okx").to_kline(Interval::M1)).await.is_empty());
    feed.stop().await;
}

#[tokio::test]
async fn nothing_is_written_before_the_group_is_held() {
    let bus = Bus::Memory(Memory::default());
    let clock = Clock::starting_at(Micros(START + 10 * MINUTE));
    let (venue, asked) = venue("okx", clock, okx_minutes).await;
    let first = feed(&bus, "okx", clock);
    first.ready().await;
    let second = feed(&bus, "okx", clock);
    let token = CancellationToken::new();
    let extent = Extent { intervals: vec![Interval::M1], bars: 5 };
    let filling = fill(&bus, (&second, &venue, clock), extent, &token);
    let mut watcher = Watcher::join(&bus).await;
    watcher.hears_heartbeats(2).await;
    assert_eq!(asked.load(Ordering::SeqCst), 0, "a standby asks for nothing");
    first.stop().await;
    let minutes = topic("okx").to_kline(Interval::M1);
    until("the bars", async || kept(&bus, &minutes).await.len() == 5).await;
    token.cancel();
    filling.await.unwrap();
    second.stop().await;
}
