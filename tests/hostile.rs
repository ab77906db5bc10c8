//! Strangers who mean no good are closed or refused, each in the way that fits.

use crate::support::{Market, Role, eventually};
use std::time::Duration;
use tickcast_load::{
    hostile::{self, HostileConfig, HostileReport, Kind},
    proxy::{Fault, Proxy},
    venue::{Exchange, Source, VenueConfig},
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
    eventually("all are gone", async || {
        let connections = gateway.admin("/connections").await.json();
        (connections["open"] == 0 && connections["closing"] == 0).then_some(())
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
    let mut config = VenueConfig::new(Exchange::Kucoin);
    config.symbols = (0..50).map(|n| format!("C{n}-USDT")).collect();
    config.source = Source::Walk { rate: 400, seed: 1 };
    let market = Market::start(vec![config]).await;
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
