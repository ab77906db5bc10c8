//! Refused messages: kept on the bus, and shown and judged again by `tickcast dlq`.

use crate::support::{Ended, Market, Role, eventually, start};
use serde_json::Value;
use tickcast_load::venue::Tick;

/// Sends a price that nothing confirms, and rubbish; returns when both are refused and on the bus.
async fn refuse_two(market: &Market, feed: &Role) {
    let control = &market.venue().control;
    control.until_subscribed(&["BTC-USDT"]).await;
    for bid in ["100.00", "10.00", "100.00"] {
        control.push_tick(Tick::quote("BTC-USDT", bid, "100.10").with_last(bid));
    }
    control.push_frame("{rubbish");
    eventually("both are refused and kept", async || {
        let letters = feed.admin("/dlq").await.json()["letters"].as_array()?.len();
        let queues = feed.admin("/queues").await.json();
        let queues = queues.as_array()?.clone();
        let waiting = queues.iter().find(|it| it["name"] == "feed_dead_letters_undelivered")?;
        (letters == 2 && waiting["depth"] == 0).then_some(())
    })
    .await;
}

/// Runs `tickcast dlq` with the market's configuration.
async fn dlq(market: &Market, args: &[&str]) -> Ended {
    start(&[&["dlq"], args].concat()).config(&market.config_with("")).ended().await
}

fn rows(ended: &Ended) -> Vec<Value> {
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn dead_letters_are_listed_shown_and_judged_again() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let nothing = dlq(&market, &["list"]).await;
    assert_eq!((nothing.code, nothing.stdout.as_str()), (0, ""));
    assert!(nothing.stderr.contains("no dead letters"), "{}", nothing.stderr);
    let feed = market.feed().await;
    refuse_two(&market, &feed).await;

    let all = rows(&dlq(&market, &["list", "--json"]).await);
    let reasons: Vec<&Value> = all.iter().map(|row| &row["reason"]).collect();
    assert_eq!(reasons, ["undecodable", "unconfirmed"], "newest first");
    assert_eq!((&all[0]["exchange"], &all[0]["raw"]), (&"kucoin".into(), &"{rubbish".into()));
    assert_eq!(all[0]["group"], "main");
    let some = rows(&dlq(&market, &["list", "--json", "--reason", "unconfirmed"]).await);
    assert_eq!(some, all[1..]);
    assert_eq!(rows(&dlq(&market, &["list", "--json", "--limit", "1"]).await), all[..1]);
    let none = dlq(&market, &["list", "--exchange", "okx"]).await;
    assert_eq!((none.code, none.stdout.as_str()), (0, ""));
    let table = dlq(&market, &["list"]).await.stdout;
    assert!(table.starts_with("ID") && table.contains("unconfirmed"), "{table}");

    let (rubbish, jump) = (all[0]["id"].as_str().unwrap(), all[1]["id"].as_str().unwrap());
    let shown = dlq(&market, &["show", jump]).await;
    assert!(shown.stdout.contains(all[1]["raw"].as_str().unwrap()), "{}", shown.stdout);
    let again = dlq(&market, &["retry", jump]).await;
    assert_eq!(again.code, 0, "{again:?}");
    let wanted =
        "would be published: ticker:kucoin:BTC-USDT last 10.00 bid 10.00 ask 100.10 (live)";
    assert!(again.stdout.contains(wanted), "{}", again.stdout);
    let again = dlq(&market, &["retry", rubbish]).await;
    assert_eq!(again.code, 3);
    assert!(again.stdout.contains("would be refused: undecodable"), "{}", again.stdout);
    let both = dlq(&market, &["retry", "--all", "--json"]).await;
    assert_eq!((both.code, both.stdout.lines().count()), (3, 2));
    assert_eq!(dlq(&market, &["show", "1-0"]).await.code, 1);
    assert_eq!(dlq(&market, &["show", "nonsense"]).await.code, 1);
    assert_eq!(dlq(&market, &["retry"]).await.code, 2);
}

#[tokio::test]
async fn a_running_feed_can_be_asked_as_well() {
    let mut market = Market::kucoin(&["BTC-USDT"]).await;
    let feed = market.feed().await;
    refuse_two(&market, &feed).await;
    market.redis.kill();
    let lost = dlq(&market, &["list"]).await;
    assert_eq!(lost.code, 1);
    assert!(lost.stderr.contains("cannot read dead letters from Redis"), "{}", lost.stderr);

    let url = format!("http://{}", feed.admin);
    let all = rows(&dlq(&market, &["list", "--json", "--url", &url]).await);
    assert_eq!(all.len(), 2);
    let id = all[0]["id"].as_str().unwrap();
    let shown = rows(&dlq(&market, &["show", id, "--json", "--url", &url]).await);
    assert_eq!(shown, all[..1]);
    assert_eq!(dlq(&market, &["retry", id, "--url", &url]).await.code, 3);
    assert_eq!(dlq(&market, &["show", "99", "--url", &url]).await.code, 1);
    assert_eq!(
        feed.admin("/dlq?limit=1&reason=unconfirmed").await.json()["letters"][0]["id"],
        all[1]["id"]
    );
    assert_eq!(feed.admin("/dlq?limt=1").await.status, 400);
}

#[tokio::test]
async fn a_bus_that_is_down_costs_letters_and_no_prices() {
    let mut market = Market::kucoin(&["BTC-USDT"]).await;
    let feed = market.feed().await;
    market.venue().control.until_subscribed(&["BTC-USDT"]).await;
    market.redis.kill();
    for _ in 0..1100 {
        market.venue().control.push_frame("{");
    }
    eventually("the oldest letters give way, counted", async || {
        let queues = feed.admin("/queues").await.json();
        let waiting = queues
            .as_array()?
            .iter()
            .find(|it| it["name"] == "feed_dead_letters_undelivered")?
            .clone();
        (waiting["dropped"].as_u64()? > 0 && waiting["depth"] == 1000).then_some(())
    })
    .await;
    market.redis.restart().await;
    eventually("the others are kept after all", async || {
        let kept = dlq(&market, &["list", "--json", "--limit", "5000"]).await;
        (kept.code == 0 && kept.stdout.lines().count() >= 1000).then_some(())
    })
    .await;
}
