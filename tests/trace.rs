//! `tickcast trace` follows updates from the venue's frame to the sockets.

use crate::support::{Client, Ended, Market, Role, Tickcast, eventually, get, start};
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tickcast_load::venue::Tick;
use tokio::{io::AsyncWriteExt, net::TcpStream};

const TOPIC: &str = "ticker:kucoin:BTC-USDT";
/// The hops between our own processes, in order.
const OWN_HOPS: [&str; 5] = ["in_feed", "to_bus", "to_gateway", "to_pass", "to_sockets"];

fn trace(admin: SocketAddr, args: &[&str]) -> Tickcast {
    start(&["trace", "--admin", &format!("http://{admin}")]).args(args).spawn()
}

async fn demo() -> Role {
    let demo = start(&["demo"]).ready().await;
    eventually("prices are live", async || {
        let price = demo.get("/v1/price/BTC-USDT").await;
        (price.status == 200 && price.json()["state"] == "live").then_some(())
    })
    .await;
    demo
}

/// Another price each time.
fn push(market: &Market) {
    static PRICE: AtomicU32 = AtomicU32::new(1);
    let price = 100_000 + PRICE.fetch_add(1, Ordering::Relaxed) % 100;
    let (bid, ask) = (price.to_string(), (price + 1).to_string());
    market.venue().control.push_tick(Tick::quote("BTC-USDT", &bid, &ask).with_last(&bid));
}

/// Lets prices move for ever.
async fn keep_pushing(market: &Market) {
    loop {
        push(market);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Lets prices move until the trace ends.
async fn ended_while_prices_move(market: &Market, mut traced: Tickcast) -> Ended {
    eventually("the trace ends", async || {
        push(market);
        traced.has_ended().then_some(())
    })
    .await;
    traced.ended().await
}

/// A feed and a gateway of their own, with a price that has come.
async fn apart() -> (Market, Role, Role, Client) {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let mut client = gateway.client(&["BTC-USDT"]).await;
    market.venue().control.until_subscribed(&["BTC-USDT"]).await;
    push(&market);
    client.ticker_where(TOPIC, |it| it["state"] == "live").await;
    (market, feed, gateway, client)
}

fn updates(traced: &Ended) -> Vec<Value> {
    let lines = traced.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["type"] == "update").collect()
}

/// Every hop of an update that was written is there, and none took less than no time.
fn check_hops(update: &Value) {
    assert_eq!(update["outcome"], "written", "{update}");
    let us = |hop: &str| update["hops"][hop]["us"].as_i64();
    // A value may be told again, without a new frame of its venue.
    let is_new = !update["received_ts"].is_null();
    let hops = OWN_HOPS.into_iter().filter(|hop| is_new || *hop != "in_feed");
    for hop in hops.chain(["total"]) {
        assert!(us(hop).is_some_and(|us| us >= 0), "{hop} of {update}");
    }
    let agree = OWN_HOPS.iter().all(|hop| update["hops"][hop]["clock"] == "agrees");
    if agree && update["hops"]["total"]["clock"] == "agrees" {
        let sum: i64 = OWN_HOPS.into_iter().filter_map(us).sum();
        assert_eq!(Some(sum), us("total"), "{update}");
    }
}

#[tokio::test]
async fn every_hop_is_told_in_one_process_and_in_several() {
    let demo = demo().await;
    let _client = Client::subscribed(&demo.ws(), &["BTC-USDT"]).await;
    let in_one = trace(demo.admin, &["BTC-USDT", "--json", "--count", "5"]).ended().await;
    let (market, _feed, gateway, _reader) = apart().await;
    let several = trace(gateway.admin, &[TOPIC, "--json", "--count", "5"]);
    let in_several = ended_while_prices_move(&market, several).await;
    for traced in [in_one, in_several] {
        assert_eq!((traced.code, traced.stderr.as_str()), (0, ""), "{traced:?}");
        let updates = updates(&traced);
        assert_eq!(updates.len(), 5, "{traced:?}");
        updates.iter().for_each(check_hops);
        let seqs: Vec<u64> = updates.iter().map(|it| it["seq"].as_u64().unwrap()).collect();
        assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "{seqs:?}");
        assert!(updates.iter().all(|it| it["sockets"] == 1), "{updates:?}");
        assert!(traced.stdout.lines().last().unwrap().contains(r#""reason":"count""#));
    }
}

#[tokio::test]
async fn a_table_has_a_line_for_each_update_and_percentiles_at_its_end() {
    let demo = demo().await;
    let traced = trace(demo.admin, &["BTC-USDT", "--count", "3"]).ended().await;
    assert_eq!(traced.code, 0, "{traced:?}");
    let lines: Vec<&str> = traced.stdout.lines().collect();
    assert!(lines[0].starts_with("ticker:kucoin:BTC-USDT (live), "), "{traced:?}");
    assert!(lines[1].contains("to gateway") && lines[1].ends_with("clients"), "{traced:?}");
    assert!(lines[2..5].iter().all(|line| line.ends_with("nobody wants it")), "{traced:?}");
    for (line, start) in lines[6..].iter().zip(["p50", "p90", "p99", "max", "3 updates"]) {
        assert!(line.starts_with(start), "{traced:?}");
    }
}

#[tokio::test]
async fn an_update_that_gives_way_to_a_newer_one_says_so() {
    let (market, _feed, gateway, reader) = apart().await;
    drop(reader);
    eventually("the reader has gone", async || {
        (gateway.metric("tickcast_gateway_connections").await == 0.0).then_some(())
    })
    .await;
    let url = format!("{}?topics=BTC-USDT&interval_ms=600000", gateway.ws());
    let mut client = Client::connect(&url).await;
    client.next_of("synced").await;
    push(&market);
    let first = client.ticker(TOPIC).await;
    let traced = trace(gateway.admin, &[TOPIC, "--json", "--count", "2"]);
    let traced = ended_while_prices_move(&market, traced).await;
    for update in updates(&traced) {
        assert!(update["seq"].as_u64() > first["seq"].as_u64(), "{update}");
        // The first after a pause goes out at once; what follows waits for the interval's end.
        let is_first = update["outcome"] == "written";
        let held = update["outcome"] == "held" && update["held"] == 1;
        assert!(held && update["hops"]["total"].is_null() || is_first, "{update}");
    }
    assert!(traced.stdout.contains(r#""outcome":"held""#), "{traced:?}");
}

#[tokio::test]
async fn mistakes_are_told_apart() {
    let (_market, feed, gateway, _client) = apart().await;
    let run = async |admin: String, topic: &str| {
        let ended = start(&["trace", "--admin", &admin, topic]).ended().await;
        assert_eq!((ended.stdout.as_str(), ended.stderr.lines().count()), ("", 1), "{ended:?}");
        (ended.code, ended.stderr)
    };
    let http = |address: SocketAddr| format!("http://{address}");
    for (admin, topic, code, wanted) in [
        (http(gateway.admin), "NOPE-USDT", 1, "no feed has announced ticker:kucoin:NOPE-USDT"),
        (http(gateway.admin), "nonsense:", 2, "is no topic"),
        (http(feed.admin), "BTC-USDT", 1, "is a feed's admin listener"),
        (http(gateway.address), "BTC-USDT", 1, "is no admin listener"),
        ("http://127.0.0.1:1".to_owned(), "BTC-USDT", 1, "Is a gateway running there?"),
        ("127.0.0.1:9090".to_owned(), "BTC-USDT", 2, "for example http://127.0.0.1:9090"),
    ] {
        let (ended, text) = run(admin, topic).await;
        assert!(text.contains(wanted) && ended == code, "{ended} {text:?}, not {wanted:?}");
    }
}

#[tokio::test]
async fn a_quiet_topic_is_waited_for_with_its_state_and_an_interrupt_ends_it() {
    let (_market, _feed, gateway, _client) = apart().await;
    let mut traced = trace(gateway.admin, &["BTC-USDT", "--count", "0"]);
    eventually("it tells what it waits for", async || {
        traced.stderr.contain("no update for 3 s; the topic is ").then_some(())
    })
    .await;
    traced.signal("INT");
    assert_eq!(traced.exit().await.code(), Some(0));
}

#[tokio::test]
async fn traces_that_nobody_reads_delay_no_client_and_there_are_few() {
    let (market, _feed, gateway, mut client) = apart().await;
    let request = "GET /trace?topic=BTC-USDT HTTP/1.1\r\nhost: test\r\n\r\n";
    let url = format!("http://{}/trace?topic=BTC-USDT&count=1", gateway.admin);
    let mut unread = Vec::new();
    let full = eventually("no further trace is let in", async || {
        let mut stream = TcpStream::connect(gateway.admin).await.ok()?;
        stream.write_all(request.as_bytes()).await.ok()?;
        unread.push(stream);
        // While there is room the trace waits for an update.
        let answer = tokio::select! {
            answer = get(&url) => answer?,
            () = keep_pushing(&market) => return None,
        };
        (answer.status == 429).then_some(answer)
    })
    .await;
    assert!(full.body.contains("4 traces run already"), "{}", full.body);
    push(&market);
    let newest = client.ticker(TOPIC).await;
    for _ in 0..50 {
        push(&market);
        client.ticker_where(TOPIC, |it| it["seq"].as_u64() > newest["seq"].as_u64()).await;
    }
    drop(unread);
    let traced = trace(gateway.admin, &["BTC-USDT", "--count", "1"]);
    assert_eq!(traced_again(&market, traced, gateway.admin).await.code, 0);
}

/// The places of traces that have gone are free within a moment.
async fn traced_again(market: &Market, first: Tickcast, admin: SocketAddr) -> Ended {
    let mut ended = ended_while_prices_move(market, first).await;
    while ended.stderr.contains("traces run already") {
        push(market);
        ended = ended_while_prices_move(market, trace(admin, &["BTC-USDT", "--count", "1"])).await;
    }
    ended
}
