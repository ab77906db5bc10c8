//! Two feeds share the symbols of an exchange out between them.

use crate::support::{Forward, Market, start};
use serde_json::Value;
use std::collections::HashSet;
use tickcast_feed::config::Partition;
use tickcast_load::venue::Tick;

const SYMBOLS: usize = 20;

#[tokio::test]
async fn each_part_has_its_own_lease_and_lives_and_dies_by_itself() {
    let symbols: Vec<String> = (0..SYMBOLS).map(|n| format!("C{n}-USDT")).collect();
    let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
    let market = Market::kucoin(&symbols).await;
    let part = |part| {
        let flags = ["--group", "spot", "--partition", part];
        start(&["feed"]).config(&market.config()).args(&flags).ready()
    };
    let (mut first, _second, gateway) = tokio::join!(part("1/2"), part("2/2"), market.gateway());
    let control = &market.venue().control;
    control.until_subscribed(&symbols).await;
    for symbol in &symbols {
        control.push_tick(Tick::quote(symbol, "101.0", "101.2").with_last("101.1"));
    }
    let mut client = Forward::new(gateway.client(&["*-USDT"]).await);
    client.until_all(SYMBOLS, |it| it["last_price"] == "101.1" && it["state"] == "live").await;
    let leases = market.redis.command(&["KEYS", "tc:*:lease:*"]).await;
    let leases: HashSet<&str> = leases.lines().collect();
    assert_eq!(leases, HashSet::from(["tc:{ctl}:lease:spot-1of2", "tc:{ctl}:lease:spot-2of2"]));

    let one: Partition = "1/2".parse().expect("a part");
    let is_first = |it: &Value| {
        let topic = it["topic"].as_str().expect("a topic");
        one.takes(&topic.parse().expect("a topic"))
    };
    let of_first = client.newest().values().filter(|it| is_first(it)).count();
    assert!((1..SYMBOLS).contains(&of_first), "{of_first} of {SYMBOLS}");
    first.process.kill();
    client.until_all(of_first, |it| is_first(it) && it["state"] == "stale").await;
    let stale = client.newest().values().filter(|it| it["state"] == "stale").count();
    assert_eq!(stale, of_first, "the other part goes on");
    let _first = part("1/2").await;
    control.until(|counts| counts.open == 2).await;
    control.until_subscribed(&symbols).await;
    for symbol in &symbols {
        control.push_tick(Tick::quote(symbol, "102.0", "102.2").with_last("102.1"));
    }
    client.until_all(SYMBOLS, |it| it["last_price"] == "102.1" && it["state"] == "live").await;
}
