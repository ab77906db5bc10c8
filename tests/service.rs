//! A role as a service: it says when it is ready and how it does, and gives signs of life for as long
//! as its essential loops turn, whatever becomes of those that it depends on.

use crate::support::{Market, Role, Supervisor, eventually, get, start};
use futures_util::future::join_all;
use tickcast_load::venue::Tick;

/// A role of this market, under a supervisor of its own.
async fn serve(market: &Market, role: &str) -> (Supervisor, Role) {
    let supervisor = Supervisor::listen();
    let role = supervisor.adopt(start(&[role])).config(&market.config()).listening().await;
    (supervisor, role)
}

#[tokio::test]
async fn a_gateway_is_ready_with_its_first_snapshot_and_may_wait_for_it() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    market.redis.freeze();
    let (supervisor, mut gateway) = serve(&market, "gateway").await;
    supervisor.until_status("waiting for the bus").await;
    supervisor.until("EXTEND_TIMEOUT_USEC=30000000").await;
    assert_eq!(supervisor.count("READY=1"), 0, "{:?}", supervisor.said());
    market.redis.thaw();
    supervisor.until("READY=1").await;
    assert_eq!(gateway.admin("/readyz").await.status, 200);
    supervisor.until_status("0 connections, 0 topics, bus up").await;

    gateway.process.signal("TERM");
    supervisor.until("STOPPING=1").await;
    supervisor.until("EXTEND_TIMEOUT_USEC=30100000").await;
    assert_eq!(gateway.process.exit().await.code(), Some(0));
    assert_eq!(supervisor.count("READY=1"), 1);
}

#[tokio::test]
async fn a_feed_is_ready_when_it_is_active_and_when_it_stands_by() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (active, mut feed) = serve(&market, "feed").await;
    active.until("READY=1").await;
    let status = "active in group main, epoch ";
    active.until_status(status).await;
    let control = &market.venue().control;
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "101.0", "101.2"));
    active.until_status("1 of 1 exchanges live").await;
    let (standby, other) = serve(&market, "feed").await;
    standby.until("READY=1").await;
    standby.until_status("standing by for group main").await;
    assert_eq!(other.admin("/readyz").await.status, 503, "balancers are told the difference");
    assert_eq!(feed.stop().await.code(), Some(0));
    standby.until_status(status).await;
    assert_eq!(standby.count("READY=1"), 1);
}

#[tokio::test]
async fn an_outage_of_redis_does_not_feed_a_restart() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let ((feed, _feed), (gateway, _gateway)) =
        tokio::join!(serve(&market, "feed"), serve(&market, "gateway"));
    feed.until("READY=1").await;
    gateway.until("READY=1").await;
    // The exchange says nothing in all this time.
    market.redis.freeze();
    gateway.until_status("bus lost").await;
    feed.until_status("not publishing: the lease of group main").await;
    tokio::join!(feed.until_alive(3), gateway.until_alive(3));
    market.redis.thaw();
    gateway.until_status("bus up").await;
    feed.until_status("active in group main").await;
}

/// Asks for a fault and waits for the consequence: the name in the status, and no sign of life.
async fn assert_given_up(market: &Market, role: &str, fault: &str, named: &str) {
    let (supervisor, role) = serve(market, role).await;
    supervisor.until("READY=1").await;
    supervisor.until_alive(1).await;
    let asked = get(&format!("http://{}/testing/{fault}", role.admin)).await;
    assert_eq!(asked.expect("an answer").body, "asked\n");
    supervisor.until_status(&format!("standing still: {named}")).await;
    supervisor.until_given_up().await;
}

#[tokio::test]
async fn a_loop_that_stands_still_is_given_up() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let faults = [
        ("gateway", "block/shard", "passes of shard "),
        ("gateway", "hang/passes", "passes of shard "),
        ("gateway", "hang/sweep", "sweep of shard "),
        ("gateway", "hang/ingest", "ingest"),
        ("feed", "hang/publisher", "publisher"),
        ("run", "hang/ingest", "ingest"),
    ];
    join_all(faults.map(|(role, fault, named)| assert_given_up(&market, role, fault, named))).await;
}

#[tokio::test]
async fn nobody_is_told_anything_where_nobody_asks() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let gateway = market.gateway().await;
    let config = market.config();
    let missing = start(&["gateway"]).config(&config).env("NOTIFY_SOCKET", "/nowhere/notify");
    let missing = missing.ready().await;
    eventually("it says once that nobody listens", async || {
        missing.process.stderr.contain("cannot tell the service manager").then_some(())
    })
    .await;
    assert!(!gateway.process.stderr.contain("service manager"));
}
