//! The wall clock of feed and gateway jumps by an hour: nobody notices.
//!
//! The clock is that of our own processes (libfaketime), never the machine's; monotonic time goes on
//! as it was.

use crate::support::{Forward, Market, Role, Start, start};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};
use tickcast_load::venue::{Exchange, Source, VenueConfig};

/// An hour, in seconds.
const HOUR: i64 = 3600;
/// Heartbeats of the feed to watch, one a second: until the jump is noticed, and then for longer than
/// a lease or a silence may last.
const HEARTBEATS: f64 = 5.0;

/// Where Debian's package `libfaketime` puts the library.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("a folder of libraries").flatten();
    let candidates = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let found = candidates.into_iter().find(|path| path.is_file());
    found.expect("libfaketime is installed: sudo apt-get install -y libfaketime")
}

/// With the wall clock that the file tells, read once a second.
fn with_clock(role: Start, file: &Path) -> Start {
    role.env("LD_PRELOAD", &library().to_string_lossy())
        .env("FAKETIME_TIMESTAMP_FILE", &file.to_string_lossy())
        .env("FAKETIME_CACHE_DURATION", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
}

/// With a wall clock that is an hour ahead.
pub fn ahead_by_an_hour(role: Start) -> Start {
    role.env("LD_PRELOAD", &library().to_string_lossy())
        .env("FAKETIME", "+1h")
        .env("DONT_FAKE_MONOTONIC", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
}

/// How far the process's wall clock was ahead in seconds when it wrote the last line of its log.
fn ahead(role: &Role) -> i64 {
    let lines = role.process.stderr.all();
    let line: Value = serde_json::from_str(lines.last().expect("a line")).expect("JSON");
    // 2026-11-21T19:07:36.255931Z
    let time = line["timestamp"].as_str().and_then(|text| text.get(11..19)).expect("a time");
    let parts: Vec<i64> = time.split(':').map(|part| part.parse().expect("a number")).collect();
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let now = i64::try_from(since.as_secs()).expect("not that late");
    let ahead = (parts[0] * HOUR + parts[1] * 60 + parts[2] - now).rem_euclid(24 * HOUR);
    if ahead > 12 * HOUR { ahead - 24 * HOUR } else { ahead }
}

async fn jump(by: i64) {
    let mut config = VenueConfig::new(Exchange::Kucoin);
    config.symbols = vec!["BTC-USDT".into(), "ETH-USDT".into()];
    config.source = Source::Walk { rate: 5, seed: 1 };
    let market = Market::start(vec![config]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let clock = folder.path().join("clock");
    fs::write(&clock, "+0\n").expect("a file");
    let role = |name| with_clock(start(&[name]).config(&market.config()), &clock).ready();
    let (feed, gateway) = tokio::join!(role("feed"), role("gateway"));
    let mut client = Forward::new(gateway.client(&["*-USDT"]).await);
    client.until_all(2, |it| it["state"] == "live").await;
    let epoch = feed.metric("tickcast_feed_epoch").await;
    let beats = feed.metric("tickcast_feed_heartbeats_total").await;

    // A new file in one step: it is read while it is changed.
    let changed = folder.path().join("changed");
    fs::write(&changed, format!("{by:+}\n")).expect("a file");
    fs::rename(&changed, &clock).expect("a file");
    loop {
        let ticker = client.ticker().await;
        assert_eq!(ticker["state"], "live", "{ticker}");
        if feed.metric("tickcast_feed_heartbeats_total").await >= beats + HEARTBEATS {
            break;
        }
    }
    assert_eq!(feed.metric("tickcast_feed_epoch").await, epoch, "the lease is the same");
    assert_eq!(feed.metric("tickcast_feed_link_losses_total").await, 0.0);
    assert_eq!(gateway.metric("tickcast_gateway_closed_total").await, 0.0);
    let price = gateway.get("/v1/price/BTC-USDT").await.json();
    assert_eq!(price["stale"], false);
    assert!(price["age_ms"].as_u64().expect("an age") < 60_000, "{price}");
    for mut role in [feed, gateway] {
        assert!(role.stop().await.success());
        let ahead = ahead(&role);
        assert!((ahead - by).abs() < 60, "the clock did jump: {ahead} s ahead");
    }
}

#[tokio::test]
async fn an_hour_ahead_nothing_turns_stale_and_the_lease_stays() {
    jump(HOUR).await;
}

#[tokio::test]
async fn an_hour_back_nothing_turns_stale_and_the_lease_stays() {
    jump(-HOUR).await;
}
