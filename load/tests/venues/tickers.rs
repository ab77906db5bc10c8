//! Tickers of many symbols in one answer by REST.

use crate::client::{http, venue};
use serde_json::json;
use tickcast_load::venue::{Exchange, Tick, Venue};

async fn told(exchange: Exchange) -> Venue {
    let venue = venue(exchange, |_| {}).await;
    venue.control.push_tick(Tick::quote("BTC-USDT", "1", "2").with_last("1.5"));
    venue.control.push_tick(Tick::quote("ETH-USDT", "3", "4").with_last("3.5"));
    venue
}

#[tokio::test]
async fn kucoin_tells_all_of_them() {
    let venue = told(Exchange::Kucoin).await;
    let answer = http(&venue, "GET", "/api/v1/market/allTickers").await.1;
    let rows = answer["data"]["ticker"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&rows[1]["symbol"], &rows[1]["buy"], &rows[1]["last"]),
        (&json!("ETH-USDT"), &json!("3"), &json!("3.5"))
    );
}

#[tokio::test]
async fn binance_tells_those_asked_for_or_all() {
    let venue = told(Exchange::Binance).await;
    let some = "/api/v3/ticker/24hr?symbols=%5B%22BTCUSDT%22,%22ETHUSDT%22%5D";
    for path in [some, "/api/v3/ticker/24hr"] {
        let rows = http(&venue, "GET", path).await.1;
        assert_eq!(rows.as_array().unwrap().len(), 2, "{path}");
        assert_eq!(rows[0]["bidPrice"], "1");
    }
    let unknown = "/api/v3/ticker/24hr?symbols=%5B%22BTCUSDT%22,%22NOPE%22%5D";
    assert_eq!(http(&venue, "GET", unknown).await.0, 400);
}

#[tokio::test]
async fn okx_tells_all_spot_pairs() {
    let venue = told(Exchange::Okx).await;
    let answer = http(&venue, "GET", "/api/v5/market/tickers?instType=SPOT").await.1;
    let rows = answer["data"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["instId"]), (2, &json!("BTC-USDT")));
    assert_eq!(http(&venue, "GET", "/api/v5/market/tickers").await.1["code"], "51000");
}

#[tokio::test]
async fn kraken_and_bybit_tell_several() {
    let kraken = told(Exchange::Kraken).await;
    let answer = http(&kraken, "GET", "/0/public/Ticker?pair=XBTUSDT,ETHUSDT").await.1;
    assert_eq!(answer["result"].as_object().unwrap().len(), 2);
    let bybit = told(Exchange::Bybit).await;
    let answer = http(&bybit, "GET", "/v5/market/tickers?category=spot").await.1;
    assert_eq!(answer["result"]["list"].as_array().unwrap().len(), 2);
}
