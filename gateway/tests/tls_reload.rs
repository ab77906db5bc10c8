//! A new certificate is taken over while connections go on; a broken one is not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it stands")]

mod support;

use std::{fs, os::unix::fs::symlink, path::Path, time::Duration, time::Instant};
use support::{
    Client, DEADLINE, Stage, eventually,
    tls::{Identity, TLS13, files, server_name},
};
use tickcast_shared::telemetry::collect_metrics;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{Connector, client_async_tls_with_config};

const BTC: &str = "ticker:kucoin:BTC-USDT";

async fn client(stage: &Stage, identity: &Identity) -> Client {
    let socket = TcpStream::connect(stage.address).await.unwrap();
    let connector = Some(Connector::Rustls(identity.trusted(&TLS13)));
    let url = support::tls::url("?topics=BTC-USDT");
    let dialled = client_async_tls_with_config(url, socket, None, connector).await;
    let mut client = Client { socket: dialled.unwrap().0 };
    client.next_of("synced").await;
    client
}

/// Whether a new connection is shown this certificate.
async fn shows(stage: &Stage, identity: &Identity) -> bool {
    let socket = TcpStream::connect(stage.address).await.unwrap();
    let connector = TlsConnector::from(identity.trusted(&TLS13));
    connector.connect(server_name(), socket).await.is_ok()
}

async fn until_shown(stage: &Stage, identity: &Identity) {
    let start = Instant::now();
    while !shows(stage, identity).await {
        assert!(start.elapsed() < DEADLINE, "the new certificate is not shown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Moves a link as deployments do: the folder changes at once.
fn point(link: &Path, to: &Path) {
    let new = link.with_extension("new");
    symlink(to, &new).unwrap();
    fs::rename(&new, link).unwrap();
}

#[tokio::test]
async fn certificates_change_under_live_connections() {
    let metrics = collect_metrics(&[tickcast_gateway::metrics::table::TABLE]).unwrap();
    let has = |line: &str| metrics.render().lines().any(|it| it == line);
    let root = tempfile::tempdir().unwrap();
    let (link, folders) = (root.path().join("now"), ["a", "b"].map(|it| root.path().join(it)));
    let identities = [Identity::new(), Identity::new()];
    for (folder, identity) in folders.iter().zip(&identities) {
        fs::create_dir(folder).unwrap();
        identity.write(folder);
    }
    let [old, new] = &identities;
    point(&link, &folders[0]);
    let mut stage = Stage::start(|config| config.tls = Some(files(&link))).await;
    stage.price(BTC, "1").await;
    let mut first = client(&stage, old).await;
    assert!(metrics.render().contains("tickcast_gateway_tls_certificate_expires_seconds "));

    point(&link, &folders[1]);
    until_shown(&stage, new).await;
    assert!(!shows(&stage, old).await, "one certificate at a time");
    eventually(|| has("tickcast_gateway_tls_reloads_total 1")).await;
    let mut second = client(&stage, new).await;

    // A key that does not belong to it; nothing at all; half of it.
    let certificate = folders[1].join("certificate.pem");
    let whole = fs::read(&certificate).unwrap();
    for broken in [fs::read(folders[0].join("certificate.pem")).unwrap(), whole[..200].to_vec()] {
        fs::write(&certificate, broken).unwrap();
        eventually(|| has("tickcast_gateway_tls_certificate_broken 1")).await;
        assert!(shows(&stage, new).await, "the good one stays in force");
        fs::write(&certificate, &whole).unwrap();
        eventually(|| has("tickcast_gateway_tls_certificate_broken 0")).await;
    }
    fs::remove_file(&certificate).unwrap();
    eventually(|| has("tickcast_gateway_tls_certificate_broken 1")).await;
    old.write(&folders[1]);
    until_shown(&stage, old).await;
    eventually(|| has("tickcast_gateway_tls_certificate_broken 0")).await;

    stage.price(BTC, "2").await;
    for client in [&mut first, &mut second] {
        while client.next_of("ticker").await["last_price"] != "2" {}
    }
}
