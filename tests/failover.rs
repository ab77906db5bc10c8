//! A second feed stands by, hears the exchanges itself, and goes on where the first one ends.

use crate::support::{Forward, Market, Role, eventually, stamp};
use serde_json::Value;
use tickcast_load::venue::{Tick, VenueControl};

const SYMBOLS: [&str; 3] = ["BTC-USDT", "ETH-USDT", "SOL-USDT"];

fn push(control: &VenueControl, price: &str) {
    for symbol in SYMBOLS {
        control.push_tick(Tick::quote(symbol, price, price).with_last(price));
    }
}

fn shows(price: &str) -> impl Fn(&Value) -> bool {
    move |it: &Value| it["last_price"] == price && it["state"] == "live"
}

struct Scene {
    active: Role,
    standby: Role,
    // Held: it serves the client.
    _gateway: Role,
    client: Forward,
    control: VenueControl,
    market: Market,
}

/// A feed and its standby, both connected to the exchange, and a client that has live prices.
async fn scene() -> Scene {
    let market = Market::kucoin(&SYMBOLS).await;
    let control = market.venue().control.clone();
    let (active, gateway) = tokio::join!(market.feed(), market.gateway());
    let standby = market.standby().await;
    eventually("both feeds are connected", async || (control.counts().open == 2).then_some(()))
        .await;
    let mut client = Forward::new(gateway.client(&["*-USDT"]).await);
    push(&control, "101.1");
    client.until_all(SYMBOLS.len(), shows("101.1")).await;
    assert_eq!(active.metric("tickcast_feed_active").await, 1.0);
    assert_eq!(standby.metric("tickcast_feed_active").await, 0.0);
    assert_eq!(standby.admin("/health").await.json()["status"], "standby");
    Scene { active, standby, _gateway: gateway, client, control, market }
}

/// Epochs of all newest tickers.
fn epoch(client: &Forward) -> u64 {
    let epochs: Vec<u64> = client.newest().values().map(|it| stamp(it).0).collect();
    assert!(epochs.iter().all(|epoch| *epoch == epochs[0]), "{epochs:?}");
    epochs[0]
}

/// Reads on until all prices are that, live; every state and epoch on the way.
async fn on_the_way(client: &mut Forward, price: &str) -> Vec<(String, u64)> {
    let mut seen = Vec::new();
    let wanted = shows(price);
    while client.newest().values().filter(|it| wanted(it)).count() < SYMBOLS.len() {
        let ticker = client.ticker().await;
        let state = ticker["state"].as_str().expect("a state").to_owned();
        seen.push((state, stamp(&ticker).0));
    }
    seen
}

#[tokio::test]
async fn a_standby_takes_over_from_a_killed_feed_in_one_step_of_the_epoch() {
    let Scene { mut active, standby, _gateway, mut client, control, market } = scene().await;
    let before = epoch(&client);
    active.process.kill();
    // Only the standby hears this; it goes out with its first word.
    push(&control, "102.2");
    let seen = on_the_way(&mut client, "102.2").await;
    let after = epoch(&client);
    assert!(after > before);
    assert!(seen.iter().all(|(_, epoch)| [before, after].contains(epoch)), "{seen:?}");
    let of_standby = seen.iter().filter(|(_, epoch)| *epoch == after);
    assert!(of_standby.clone().all(|(state, _)| state == "live"), "it never restarted: {seen:?}");
    standby.wait_ready().await;
    assert_eq!(standby.metric("tickcast_feed_active").await, 1.0);
    assert_eq!(standby.metric("tickcast_feed_dials_total").await, 1.0, "it was connected before");
    drop(market);
}

#[tokio::test]
async fn a_frozen_feed_that_goes_on_finds_itself_replaced_and_stands_by() {
    let Scene { active, standby, _gateway, mut client, control, market } = scene().await;
    let before = epoch(&client);
    active.process.freeze().await;
    push(&control, "102.2");
    client.until_all(SYMBOLS.len(), shows("102.2")).await;
    let after = epoch(&client);
    assert!(after > before);
    // It thaws with prices to publish that it has not read yet, in an epoch that is over.
    active.process.signal("CONT");
    active.wait_standby().await;
    assert_eq!(active.metric("tickcast_feed_active").await, 0.0);
    push(&control, "103.3");
    client.until_all(SYMBOLS.len(), shows("103.3")).await;
    assert_eq!(epoch(&client), after, "the epoch steps once");
    assert_eq!(standby.metric("tickcast_feed_active").await, 1.0);
    // And it relieves the other in turn.
    drop(standby);
    active.wait_ready().await;
    push(&control, "104.4");
    client.until_all(SYMBOLS.len(), shows("104.4")).await;
    assert!(epoch(&client) > after);
    drop(market);
}

#[tokio::test]
async fn a_feed_that_is_told_to_stop_hands_over_without_a_price_turning_stale() {
    let Scene { mut active, standby, _gateway, mut client, control, market } = scene().await;
    let before = epoch(&client);
    assert!(active.stop().await.success());
    standby.wait_ready().await;
    push(&control, "102.2");
    let seen = on_the_way(&mut client, "102.2").await;
    assert!(seen.iter().all(|(state, _)| state == "live"), "{seen:?}");
    assert!(epoch(&client) > before);
    drop(market);
}
