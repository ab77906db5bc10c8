//! Symbols and exchanges that come and go while the others go on.

use super::{applied, reload};
use crate::support::{Client, Market, Role, eventually, start};
use tickcast_load::venue::{Exchange, Tick, VenueBar, VenueConfig};
use tickcast_shared::{clock::Micros, market::Interval};

const BTC: &str = "ticker:kucoin:BTC-USDT";
const ETH: &str = "ticker:kucoin:ETH-USDT";
/// SIGHUPs in a burst.
const BURST: usize = 50;

/// The price of a tick.
fn price(number: u32) -> String {
    format!("100.{number:04}1")
}

/// Pushes a tick of BTC and waits until the client has it; every one before it came, and none was
/// anything but live.
async fn next_price(market: &Market, client: &mut Client, number: u32, seq: &mut u64) {
    let price = price(number);
    market.venue().control.push_tick(Tick::quote("BTC-USDT", &price, &price));
    loop {
        let ticker = client.ticker(BTC).await;
        let now = ticker["seq"].as_u64().expect("a number");
        assert!(*seq == 0 || now == *seq + 1, "{now} after {seq}");
        *seq = now;
        if ticker["bid_price"] == price {
            assert_eq!(ticker["state"], "live", "{ticker}");
            return;
        }
    }
}

/// A market of two symbols, and the file that names the first alone.
async fn market() -> (Market, String, String) {
    let market = Market::kucoin(&["BTC-USDT", "ETH-USDT"]).await;
    let both = format!("{}\n[feed]\nklines = false\n", market.config());
    let one = both.replace("symbols = [\"BTC-USDT\", \"ETH-USDT\"]", "symbols = [\"BTC-USDT\"]");
    assert_ne!(one, both);
    (market, one, both)
}

async fn status(gateway: &Role, path: &str) -> u16 {
    gateway.get(path).await.status
}

#[tokio::test]
async fn a_symbol_comes_and_goes_while_another_goes_on() {
    let (market, one, both) = market().await;
    let (feed, gateway) = tokio::join!(
        start(&["feed"]).config(&one).ready(),
        start(&["gateway"]).config(&one).ready()
    );
    let control = &market.venue().control;
    control.until_subscribed(&["BTC-USDT"]).await;
    let mut client = gateway.client(&["BTC-USDT"]).await;
    let mut pattern = Client::subscribed(&gateway.ws(), &["ticker:kucoin:*"]).await;
    let (mut seq, mut number) = (0, 0);
    let mut tick = async |client: &mut Client| {
        number += 1;
        next_price(&market, client, number, &mut seq).await;
    };
    tick(&mut client).await;
    applied(&feed, &both).await;
    tick(&mut client).await;
    control.until_subscribed(&["ETH-USDT"]).await;
    tick(&mut client).await;
    let added = pattern.next_of("topics_added").await;
    assert_eq!(added["topics"][0]["topic"].as_str().or(added["topics"][0].as_str()), Some(ETH));
    control.push_tick(Tick::quote("ETH-USDT", "7", "8"));
    pattern.ticker_where(ETH, |it| it["state"] == "live" && it["bid_price"] == "7").await;
    applied(&feed, &one).await;
    tick(&mut client).await;
    let gone = pattern.ticker_where(ETH, |it| it["state"] == "halted").await;
    assert_eq!(gone["bid_price"], "7", "the last value stays to be seen: {gone}");
    tick(&mut client).await;
    eventually("the topic is removed", async || {
        (status(&gateway, "/v1/price/ETH-USDT").await == 404).then_some(())
    })
    .await;
    tick(&mut client).await;
    assert!(!control.subscribed().contains("ETH-USDT"), "its subscription has ended");
    assert_eq!(control.counts().dials, 1, "nobody had to dial again");
}

#[tokio::test]
async fn a_symbol_that_comes_has_bars_from_before() {
    let (market, one, both) = market().await;
    let control = &market.venue().control;
    // A minute that is over, whatever time it is when the feed asks.
    let past = (Micros::on_the_wall().0 / Interval::M1.micros() - 3) * Interval::M1.micros() / 1000;
    for symbol in ["BTC-USDT", "ETH-USDT"] {
        let bar = VenueBar::new(past, ["1", "3", "1", "2"]);
        control.set_bars(symbol, Interval::M1, vec![bar]);
    }
    let with_bars = |it: &str| it.replace("klines = false", "kline_intervals = [\"1m\"]");
    let (one, both) = (with_bars(&one), with_bars(&both));
    let (feed, gateway) = tokio::join!(
        start(&["feed"]).config(&one).ready(),
        start(&["gateway"]).config(&one).ready()
    );
    let bars_of = async |symbol: &str| {
        // There are bars of what has a price.
        control.until_subscribed(&[symbol]).await;
        control.push_tick(Tick::quote(symbol, "2", "3").with_last("2"));
        let path = format!("/v1/klines/{symbol}?interval=1m");
        eventually("bars of the venue's", async || {
            gateway.get(&path).await.body.contains("\"source\":\"venue\"").then_some(())
        })
        .await;
    };
    bars_of("BTC-USDT").await;
    applied(&feed, &both).await;
    bars_of("ETH-USDT").await;
}

#[tokio::test]
async fn an_exchange_comes_and_goes_while_another_goes_on() {
    let venue = |exchange| {
        let mut config = VenueConfig::new(exchange);
        config.symbols = vec!["BTC-USDT".into()];
        config
    };
    let market = Market::start(vec![venue(Exchange::Kucoin), venue(Exchange::Okx)]).await;
    let both = market.config();
    let at = both.match_indices("[[feed.exchange]]").nth(1).expect("two exchanges").0;
    let end = both.find("[gateway.limits]").expect("a section");
    let one = format!("{}{}", &both[..at], &both[end..]);
    let feed = start(&["feed"]).config(&one).ready().await;
    let gateway = start(&["gateway"]).config(&one).ready().await;
    let (kucoin, okx) = (&market.venues[0].control, &market.venues[1].control);
    kucoin.until_subscribed(&["BTC-USDT"]).await;
    let mut client = gateway.client(&["BTC-USDT"]).await;
    let mut seq = 0;
    next_price(&market, &mut client, 1, &mut seq).await;
    assert_eq!(
        (okx.counts().dials, status(&gateway, "/v1/price/BTC-USDT?exchange=okx").await),
        (0, 404)
    );
    applied(&feed, &both).await;
    okx.until_subscribed(&["BTC-USDT"]).await;
    okx.push_tick(Tick::quote("BTC-USDT", "100", "101"));
    let mut other = gateway.client(&["ticker:okx:BTC-USDT"]).await;
    other.ticker_where("ticker:okx:BTC-USDT", |it| it["state"] == "live").await;
    next_price(&market, &mut client, 2, &mut seq).await;
    applied(&feed, &one).await;
    other.ticker_where("ticker:okx:BTC-USDT", |it| it["state"] == "halted").await;
    eventually("the exchange is gone", async || {
        let exchanges = gateway.get("/v1/exchanges").await.body;
        (!exchanges.contains("okx") && exchanges.contains("kucoin")).then_some(())
    })
    .await;
    eventually("so is its topic", async || {
        (status(&gateway, "/v1/price/BTC-USDT?exchange=okx").await == 404).then_some(())
    })
    .await;
    next_price(&market, &mut client, 3, &mut seq).await;
    assert_eq!(kucoin.counts().dials, 1, "nobody had to dial again");
    // Another address is not followed, and named.
    let moved = one.replace("http://127.0.0.1", "http://127.0.0.2");
    assert_ne!(moved, one);
    assert_eq!(reload(&feed, &moved).await.1, ["feed.exchange.kucoin.rest_url"]);
    // It comes back as it went.
    applied(&feed, &both).await;
    eventually("it is dialled again", async || (okx.counts().dials == 2).then_some(())).await;
}

#[tokio::test]
async fn a_burst_of_sighups_loses_no_message() {
    let (market, one, both) = market().await;
    let (feed, gateway) = tokio::join!(
        start(&["feed"]).config(&both).ready(),
        start(&["gateway"]).config(&both).ready()
    );
    market.venue().control.until_subscribed(&["BTC-USDT"]).await;
    let mut client = gateway.client(&["BTC-USDT"]).await;
    let mut seq = 0;
    next_price(&market, &mut client, 0, &mut seq).await;
    let limits = |text: &str, n: usize| {
        text.replace("drain_window_ms = 100", &format!("drain_window_ms = {n}"))
    };
    for burst in 0..BURST {
        let text = if burst % 2 == 0 { &one } else { &both };
        for role in [&feed, &gateway] {
            role.process.configure(&limits(text, 100 + burst));
            role.process.signal("HUP");
        }
        let number = u32::try_from(burst).unwrap() + 1;
        next_price(&market, &mut client, number, &mut seq).await;
    }
    // The last one is in force, however many of those before were read together.
    for role in [&feed, &gateway] {
        assert_eq!(reload(role, &limits(&both, 99 + BURST)).await.1, Vec::<String>::new());
        assert_eq!(role.admin("/livez").await.status, 200);
    }
    market.venue().control.until_subscribed(&["BTC-USDT", "ETH-USDT"]).await;
    next_price(&market, &mut client, 9000, &mut seq).await;
    assert_eq!(market.venue().control.counts().dials, 1);
}
