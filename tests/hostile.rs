//! Strangers who mean no good are closed or refused, each in the way that fits.

use crate::support::{Market, Role, eventually, start};
use std::time::Duration;
use tickcast_load::{
    hostile::{self, HostileConfig, HostileReport, Kind},
    proxy::{Fault, Proxy},
    venue::Tick,
};
use tokio_util::sync::CancellationToken;

/// The machine may be busy with everything else; what is measured exactly is measured elsewhere.
const PATIENCE: Duration = Duration::from_secs(20);

async fn attack(
    gateway: &Role,
    kind: Kind,
    change: impl FnOnce(&mut HostileConfig),
) -> HostileReport {
    let mut config = HostileConfig::new(gateway.ws(), kind);
    config.clients = config.clients.min(20);
    (config.duration, config.within) = (PATIENCE, Some(PATIENCE));
    change(&mut config);
    hostile::run(config, CancellationToken::new()).await.unwrap()
}

/// Nobody of them is left.
async fn all_gone(gateway: &Role) {
    all_gone_but(gateway, 0).await;
}

async fn all_gone_but(gateway: &Role, others: usize) {
    eventually("all are gone", async || {
        let connections = gateway.admin("/connections").await.json();
        (connections["open"] == others && connections["closing"] == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn wrong_frames_are_closed_with_the_code_for_it() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let gateway = market.gateway().await;
    for (kind, code) in [
        (Kind::Giant, "close 1009"),
        (Kind::Fragments, "close 1008"),
        (Kind::BadUtf8, "close 1007"),
        (Kind::ReservedBits, "close 1002"),
        (Kind::Unmasked, "close 1002"),
    ] {
        let report = attack(&gateway, kind, |_| {}).await;
        assert!(report.guarded, "{report}");
        assert_eq!(report.count(code), 10, "{report}");
    }
    let report = attack(&gateway, Kind::Junk, |_| {}).await;
    assert!(report.guarded, "{report}");
    all_gone(&gateway).await;
    for (limit, count) in [("message_bytes", 10), ("fragments", 10)] {
        assert_limited(&gateway, limit, count).await;
    }
}

#[tokio::test]
async fn floods_of_commands_and_unknown_symbols_are_held_back_and_leave_nothing() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    let mut other = gateway.client(&["BTC-USDT"]).await;
    let flood = async |kind| {
        let report = attack(&gateway, kind, |config| config.clients = 10).await;
        assert!(report.guarded, "{report}");
        assert_eq!(report.count("served"), 0, "{report}");
    };
    let before = series(&gateway).await;
    flood(Kind::Flood).await;
    flood(Kind::UnknownTopics).await;
    // Each of our own few reasons may have a first time; 100 000 names of strangers have none.
    let more = series(&gateway).await - before;
    assert!(more <= 20, "{more} more series");
    assert_eq!(
        gateway.get("/v1/topics?match=ticker:*:*").await.json()["topics"].as_array().unwrap().len(),
        1
    );
    market.venue().control.push_tick(Tick::quote("BTC-USDT", "101", "102"));
    while other.next_of("ticker").await["bid_price"] != "101" {}
    assert!(gateway.metric("tickcast_gateway_limited_total").await >= 20.0);
}

/// How many series of metrics there are.
async fn series(gateway: &Role) -> usize {
    gateway.admin("/metrics").await.body.lines().filter(|line| !line.starts_with('#')).count()
}

/// The counter of what a limit did not let pass.
async fn assert_limited(gateway: &Role, limit: &str, at_least: usize) {
    let start = format!("tickcast_gateway_limited_total{{limit=\"{limit}\"}} ");
    let metrics = gateway.admin("/metrics").await.body;
    let count = metrics.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok());
    assert!(count.unwrap_or(0) >= at_least, "{limit}: {count:?}");
}

#[tokio::test]
async fn three_times_what_the_node_takes_is_refused_with_a_word() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let limits = "max_connections = 10\ndials_per_second = 50\n";
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway_with(limits));
    let mut other = gateway.client(&["BTC-USDT"]).await;
    let report = attack(&gateway, Kind::Connections, |config| {
        (config.clients, config.duration) = (30, Duration::from_secs(1));
    })
    .await;
    assert!(report.guarded, "{report}");
    assert_eq!(report.count("HTTP 503"), 21, "{report}");
    all_gone_but(&gateway, 1).await;
    let report = attack(&gateway, Kind::DialStorm, |config| {
        (config.rate, config.duration) = (400, Duration::from_secs(2));
    })
    .await;
    assert!(report.guarded, "{report}");
    assert_eq!(report.count("no answer"), 0, "{report}");
    for limit in ["connections", "dials"] {
        assert_limited(&gateway, limit, 1).await;
    }
    market.venue().control.push_tick(Tick::quote("BTC-USDT", "101", "102"));
    while other.next_of("ticker").await["bid_price"] != "101" {}
}

#[tokio::test]
async fn one_address_is_one_whatever_it_says_of_itself() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let limits = "dials_per_second_per_ip = 5\nrequests_per_second_per_ip = 5\n\
                  [gateway]\ntrusted_proxies = [\"192.0.2.1/32\"]\n";
    let gateway = market.gateway_with(limits).await;
    for (kind, limit) in
        [(Kind::ForgedForwarded, "dials_per_ip"), (Kind::RestFlood, "requests_per_ip")]
    {
        let report = attack(&gateway, kind, |config| {
            (config.rate, config.duration) = (100, Duration::from_secs(2));
        })
        .await;
        assert!(report.guarded, "{report}");
        assert!(report.count("HTTP 429") >= 1, "{report}");
        assert_limited(&gateway, limit, 1).await;
    }
}

#[tokio::test]
async fn tokens_that_nobody_signed_open_nothing() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let issuer = "[[gateway.auth.jwt]]\nalgorithm = \"HS256\"\nissuer = \"tickcast\"\n\
                  audience = \"tickcast\"\nsecret = \"a secret of at least thirty-two bytes\"\n";
    let gateway = start(&["gateway"]).config(&market.config_with(issuer)).ready().await;
    let report = attack(&gateway, Kind::BadToken, |_| {}).await;
    assert!(report.guarded, "{report}");
    assert_eq!(report.count("served"), 0, "{report}");
}

#[tokio::test]
async fn heads_that_never_end_are_closed() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let gateway = market.gateway_with("handshake_timeout_ms = 500\n").await;
    for kind in [Kind::Slowloris, Kind::IdleDial] {
        let report = attack(&gateway, kind, |_| {}).await;
        assert!(report.guarded, "{report}");
        assert_eq!(report.count("served"), 0, "{report}");
    }
}

#[tokio::test]
async fn clients_that_fall_silent_are_reaped_and_told() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let gateway = market.gateway_with("heartbeat_ms = 200\n").await;
    let report = attack(&gateway, Kind::Vanish, |_| {}).await;
    assert!(report.guarded, "{report}");
    assert_eq!(report.count("close 4001"), 20, "{report}");
    all_gone(&gateway).await;
}

#[tokio::test]
async fn clients_behind_a_network_that_went_silent_are_reaped() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let gateway = market.gateway_with("heartbeat_ms = 1000\n").await;
    let proxy = Proxy::start(gateway.address).await.unwrap();
    let url = format!("ws://{}/ws", proxy.address);
    // They answer every ping, as long as any arrives.
    let holding = attack(&gateway, Kind::Connections, |config| config.url = url);
    let silencing = async {
        eventually("all are in", async || {
            (gateway.admin("/connections").await.json()["open"] == 20).then_some(())
        })
        .await;
        proxy.set(Fault::HalfOpen);
        all_gone(&gateway).await;
        assert!(gateway.metric("tickcast_gateway_closed_total").await >= 20.0);
    };
    tokio::select! {
        report = holding => panic!("nothing was to be seen behind the proxy: {report:?}"),
        () = silencing => {}
    }
}

#[tokio::test]
async fn clients_that_do_not_read_are_evicted_and_some_read_why() {
    let market = Market::busy().await;
    let limits = "slow_client_timeout_ms = 500\n";
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway_with(limits));
    let report = attack(&gateway, Kind::Stalled, |config| {
        // One resumes every 400 ms, and each may read why for 2 s.
        (config.clients, config.duration) = (25, Duration::from_secs(10));
    })
    .await;
    assert!(report.guarded, "{report}");
    assert!(report.count("close 4000") >= 1, "{report}");
    all_gone(&gateway).await;
}

#[tokio::test]
async fn pages_of_other_origins_are_refused() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let origins = "[gateway]\nallowed_origins = [\"https://page.example\"]\n";
    let gateway = market.gateway_with(origins).await;
    let report = attack(&gateway, Kind::Origin, |_| {}).await;
    assert!(report.guarded, "{report}");
    assert_eq!(report.count("HTTP 403"), 10, "{report}");
}
