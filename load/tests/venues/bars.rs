//! Bars by REST: each exchange's own rows, order and limits.

use crate::client::{http, lively, venue};
use serde_json::{Value, json};
use tickcast_load::venue::{Exchange, Venue, VenueBar};
use tickcast_shared::market::Interval;

/// A minute in milliseconds.
const MINUTE: i64 = 60_000;
/// 2024-10-24 00:00:00 UTC
const DAY: i64 = 1_729_728_000_000;

/// Three bars of a minute, told apart by their prices.
async fn given(exchange: Exchange) -> Venue {
    let venue = venue(exchange, |_| {}).await;
    let bar = |n: i64| {
        let price = |unit: i64| format!("{}.{unit}", 10 + n);
        let prices = [price(1), price(3), price(0), price(2)];
        VenueBar::new(DAY + n * MINUTE, prices.each_ref().map(String::as_str))
    };
    venue.control.set_bars("BTC-USDT", Interval::M1, (0..3).map(bar).collect());
    venue
}

async fn get(venue: &Venue, path: &str) -> Value {
    http(venue, "GET", path).await.1
}

#[tokio::test]
async fn kucoin_has_the_newest_first_and_the_close_before_the_high() {
    let venue = given(Exchange::Kucoin).await;
    let path =
        "/api/v1/market/candles?type=1min&symbol=BTC-USDT&startAt=1729728000&endAt=1729728120";
    let answer = get(&venue, path).await;
    // The end is not included.
    assert_eq!(
        answer["data"],
        json!([
            ["1729728060", "11.1", "11.2", "11.3", "11.0", "1", "1"],
            ["1729728000", "10.1", "10.2", "10.3", "10.0", "1", "1"],
        ])
    );
    let unknown = get(&venue, "/api/v1/market/candles?type=1min&symbol=NO-PE").await;
    assert_eq!(unknown["code"], "400100");
}

#[tokio::test]
async fn binance_has_the_oldest_first_from_the_start_on() {
    let venue = given(Exchange::Binance).await;
    let path = format!("/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime={DAY}&limit=2");
    let rows = get(&venue, &path).await;
    assert_eq!(rows.as_array().unwrap().len(), 2);
    assert_eq!(rows[0][0], DAY);
    assert_eq!((&rows[1][1], &rows[1][2]), (&json!("11.1"), &json!("11.3")));
    assert_eq!(rows[1][6], DAY + 2 * MINUTE - 1);
    let unknown = http(&venue, "GET", "/api/v3/klines?symbol=NOPE&interval=1m").await;
    assert_eq!((unknown.0, &unknown.1["code"]), (400, &json!(-1121)));
}

#[tokio::test]
async fn okx_excludes_both_ends_and_marks_what_is_closed() {
    let venue = given(Exchange::Okx).await;
    for kind in ["candles", "history-candles"] {
        let path = format!(
            "/api/v5/market/{kind}?instId=BTC-USDT&bar=1m&before={DAY}&after={}",
            DAY + 2 * MINUTE
        );
        let rows = get(&venue, &path).await["data"].clone();
        // Recent ones do not reach that far.
        let expected = if kind == "candles" { 0 } else { 1 };
        assert_eq!(rows.as_array().unwrap().len(), expected, "{rows}");
        if expected == 1 {
            assert_eq!(rows[0][0], (DAY + MINUTE).to_string());
            assert_eq!((&rows[0][2], &rows[0][8]), (&json!("11.3"), &json!("1")));
        }
    }
}

#[tokio::test]
async fn days_of_okx_are_those_of_hong_kong_unless_asked_for() {
    let venue = venue(Exchange::Okx, |config| config.source = lively()).await;
    for (bar, hour) in [("1Dutc", 0), ("1D", 16)] {
        let path = format!("/api/v5/market/history-candles?instId=BTC-USDT&bar={bar}&limit=3");
        let rows = get(&venue, &path).await["data"].clone();
        let opened: i64 = rows[1][0].as_str().unwrap().parse().unwrap();
        assert_eq!(opened.rem_euclid(24 * 60 * MINUTE) / (60 * MINUTE), hour, "{bar}");
    }
}

#[tokio::test]
async fn coinbase_has_low_before_high_and_never_more_than_300() {
    let venue = given(Exchange::Coinbase).await;
    let path =
        "/products/BTC-USDT/candles?granularity=60&start=2024-10-24T00:00:00Z&end=1729728060";
    let rows = get(&venue, path).await;
    assert_eq!(
        rows,
        json!([
            [1_729_728_060, 11.0, 11.3, 11.1, 11.2, 1],
            [1_729_728_000, 10.0, 10.3, 10.1, 10.2, 1]
        ])
    );
    let too_many = "/products/BTC-USDT/candles?granularity=60&start=1729700000&end=1729728060";
    let refused = http(&venue, "GET", too_many).await;
    assert!(refused.0 == 400 && refused.1["message"].as_str().unwrap().contains("exceeds 300"));
    let four_hours = http(&venue, "GET", "/products/BTC-USDT/candles?granularity=14400").await;
    assert_eq!(four_hours.1["message"], "Unsupported granularity");
}

#[tokio::test]
async fn kraken_tells_the_newest_720_whatever_is_asked() {
    let venue = venue(Exchange::Kraken, |config| config.source = lively()).await;
    let answer = get(&venue, "/0/public/OHLC?pair=XBTUSDT&interval=60&since=1").await;
    let rows = answer["result"]["XBTUSDT"].as_array().unwrap();
    assert_eq!(rows.len(), 720);
    let time = |row: &Value| row[0].as_i64().unwrap();
    assert_eq!(time(&rows[1]) - time(&rows[0]), 3600);
    assert_eq!(answer["result"]["last"], rows[718][0]);
    let since = format!("/0/public/OHLC?pair=XBTUSDT&interval=60&since={}", time(&rows[717]));
    let later = get(&venue, &since).await["result"]["XBTUSDT"].clone();
    assert_eq!(later.as_array().unwrap().len(), 2);
    assert_eq!(later[0], rows[718]);
    let none = get(&venue, "/0/public/OHLC?interval=60").await;
    assert_eq!(none["error"], json!(["EQuery:Unknown asset pair"]));
}

#[tokio::test]
async fn bybit_has_the_newest_first_with_both_ends() {
    let venue = given(Exchange::Bybit).await;
    let path = format!(
        "/v5/market/kline?category=spot&symbol=BTCUSDT&interval=1&start={DAY}&end={}",
        DAY + MINUTE
    );
    let answer = get(&venue, &path).await;
    let rows = &answer["result"]["list"];
    assert_eq!(rows.as_array().unwrap().len(), 2);
    assert_eq!(
        rows[0],
        json!([(DAY + MINUTE).to_string(), "11.1", "11.3", "11.0", "11.2", "1", "1"])
    );
    let from_start =
        format!("/v5/market/kline?category=spot&symbol=BTCUSDT&interval=1&start={DAY}&limit=1");
    assert_eq!(get(&venue, &from_start).await["result"]["list"][0][0], DAY.to_string());
}

#[tokio::test]
async fn a_walk_has_the_bar_in_progress_and_no_idle_exchange_has_any() {
    let path = "/api/v3/klines?symbol=BTCUSDT&interval=1d&limit=3";
    let walking = venue(Exchange::Binance, |config| config.source = lively()).await;
    let rows = get(&walking, path).await;
    assert_eq!(rows.as_array().unwrap().len(), 3);
    let last = rows[2][0].as_i64().unwrap();
    assert_eq!(last.rem_euclid(24 * 60 * MINUTE), 0);
    let idle = venue(Exchange::Binance, |_| {}).await;
    assert_eq!(get(&idle, path).await, json!([]));
}
