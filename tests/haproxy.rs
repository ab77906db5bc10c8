//! The shipped configuration of HAProxy, in front of three gateways: who gets where, who is kept out,
//! and what clients notice when a gateway goes.

use crate::support::{
    Certificate, Client, DEADLINE, Fleet, Market, eventually,
    fleet::{outlive, regulars, served, shipped},
    get,
};
use std::{net::Ipv4Addr, process::Command};
use tickcast_load::{
    balancer::Haproxy,
    venue::{Exchange, Source, VenueConfig},
};
use tokio_tungstenite::tungstenite::{Error, http::Response};

const TOPICS: [&str; 2] = ["ticker:kucoin:BTC-USDT", "ticker:kucoin:ETH-USDT"];
/// Addresses of clients that no gateway believes, unlike 127.0.0.1.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 10);
/// Dials within seconds: many more than one address may make in the test of that.
const FLOOD: usize = 40;

/// Prices that move all the time.
async fn moving() -> Market {
    let mut config = VenueConfig::new(Exchange::Kucoin);
    config.symbols = vec!["BTC-USDT".into(), "ETH-USDT".into()];
    config.source = Source::Walk { rate: 20, seed: 1 };
    Market::start(vec![config]).await
}

/// A refusal's answer.
fn refused(dialled: Result<Client, Error>) -> Response<Option<Vec<u8>>> {
    match dialled {
        Err(Error::Http(response)) => *response,
        other => panic!("let in, or not even refused: {other:?}"),
    }
}

/// Its status, the code in its body, and whether it says when to come again.
fn told(answer: &Response<Option<Vec<u8>>>) -> (u16, String, bool) {
    let body = answer.body().as_deref().unwrap_or_default();
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let code = body["error"]["code"].as_str().unwrap_or_default().to_owned();
    (answer.status().as_u16(), code, answer.headers().contains_key("retry-after"))
}

#[test]
fn the_shipped_file_is_valid_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    Certificate::write(folder.path());
    for certificate in [folder.path().join("both.pem").to_str(), Some("none")] {
        let mut command = Command::new("haproxy");
        command.arg("-c").arg("-f").arg(shipped("haproxy/haproxy.cfg"));
        command.env("TICKCAST_CERTIFICATE", certificate.expect("a path in UTF-8"));
        let checked = command.output().expect("haproxy is installed");
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(checked.status.success() && !said.contains("WARNING"), "{said}");
    }
}

#[tokio::test]
async fn clients_come_back_through_it_when_a_gateway_restarts_and_when_one_dies() {
    let market = moving().await;
    let (_feed, mut fleet) =
        tokio::join!(market.feed(), Fleet::start(&market, "drain_window_ms = 300\n"));
    let haproxy = fleet.haproxy(&[]).await;
    let clients = regulars(&haproxy.ws(), 30, &TOPICS).await;
    let spread = fleet.connections().await;
    assert!(spread.iter().all(|count| *count == 10), "least connections: {spread:?}");

    fleet.restart(0).await;
    served(&clients).await;
    {
        let book = clients.book();
        assert_eq!(book.closes, [(1012, 10)].into(), "each is told, and nobody else is touched");
        assert_eq!((book.announced, book.absences.len()), (10, 10));
        assert!(book.refused.is_empty(), "no dial fails: {:?}", book.refused);
    }
    eventually("the new one gets clients", async || {
        haproxy.is_up(1).await.unwrap_or(false).then_some(())
    })
    .await;
    let more = regulars(&haproxy.ws(), 6, &TOPICS).await;
    let newcomers = fleet.connections().await[0];
    assert!(newcomers > 0, "it has fewest connections");
    drop(more);

    outlive(&mut fleet, 1, &clients).await;
}

#[tokio::test]
async fn a_gateway_that_is_going_gets_no_clients_and_keeps_those_that_it_has() {
    let market = Market::kucoin(&["BTC-USDT", "ETH-USDT"]).await;
    let (_feed, fleet) =
        tokio::join!(market.feed(), Fleet::start(&market, "drain_notice_ms = 3600000\n"));
    let haproxy = fleet.haproxy(&[]).await;
    let before = regulars(&haproxy.ws(), 9, &TOPICS).await;
    fleet.gateway(2).process.signal("TERM");
    eventually("HAProxy has noticed", async || {
        (!haproxy.is_up(3).await.unwrap_or(true)).then_some(())
    })
    .await;
    let after = regulars(&haproxy.ws(), 8, &TOPICS).await;
    assert_eq!(fleet.connections().await, [7, 7, 3]);
    assert!(before.book().closes.is_empty() && after.book().refused.is_empty());
}

#[tokio::test]
async fn an_address_that_takes_too_much_is_refused_by_name() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, fleet) = tokio::join!(market.feed(), Fleet::start(&market, ""));
    let limits = [
        ("TICKCAST_CONNECTIONS_PER_ADDRESS", "3"),
        ("TICKCAST_DIALS_PER_ADDRESS", "6"),
        ("TICKCAST_FLOOD_PER_ADDRESS", "12"),
    ];
    let haproxy = fleet.haproxy(&limits.map(|(name, value)| (name, value.to_owned()))).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(Client::dial_from(STRANGER, &haproxy.ws()).await.expect("there is room"));
    }
    let limited = (429, "rate_limited".to_owned(), true);
    let fourth = refused(Client::dial_from(STRANGER, &haproxy.ws()).await);
    assert_eq!(told(&fourth), limited);
    held.push(Client::dial_from(OTHER, &haproxy.ws()).await.expect("another address"));
    held.clear();
    eventually("its connections are gone", async || {
        (fleet.connections().await.iter().sum::<u64>() == 0).then_some(())
    })
    .await;
    // Whoever goes on is refused whatever is free, and in the end not answered at all.
    let mut seen = Vec::new();
    for _ in 0..FLOOD {
        seen.push(match Client::dial_from(STRANGER, &haproxy.ws()).await {
            Ok(_) => 101,
            Err(Error::Http(response)) => response.status().as_u16(),
            Err(_) => 0,
        });
    }
    assert!(seen.contains(&429) && seen.ends_with(&[0]), "{seen:?}");
    Client::dial_from(OTHER, &haproxy.ws()).await.expect("another address");
}

#[tokio::test]
async fn gateways_know_whose_connection_it_is_whatever_the_client_writes() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, fleet) =
        tokio::join!(market.feed(), Fleet::start(&market, "max_connections_per_ip = 1\n"));
    let haproxy = fleet.haproxy(&[]).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        // One for each gateway.
        held.push(Client::dial_from(STRANGER, &haproxy.ws()).await.expect("there is room"));
    }
    let fourth = refused(Client::dial_from(STRANGER, &haproxy.ws()).await);
    assert_eq!(told(&fourth), (429, "rate_limited".to_owned(), true));
    let mut by_gateways = 0.0;
    for number in 0..3 {
        by_gateways += fleet.gateway(number).metric("tickcast_gateway_limited_total").await;
    }
    assert_eq!(by_gateways, 1.0, "it was a gateway's answer");
    held.push(Client::dial_from(OTHER, &haproxy.ws()).await.expect("another address"));
    // 127.0.0.1 is believed by the gateways: a name that it writes would be refused as the fourth was.
    assert_eq!(upgraded(&haproxy, "127.0.0.9").await, 101);
}

/// The status of a handshake from 127.0.0.1 that names somebody else as its client.
async fn upgraded(haproxy: &Haproxy, forged: &str) -> u16 {
    // Whoever was first chose the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().timeout(DEADLINE).build().expect("a client");
    let asked = http
        .get(format!("http://{}/ws", haproxy.address))
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("X-Forwarded-For", forged);
    asked.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn tls_ends_here_by_http_1_only_and_plain_http_is_sent_on() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, fleet) = tokio::join!(market.feed(), Fleet::start(&market, ""));
    let certificate = Certificate::write(fleet.folder.path());
    let port = tickcast_load::balancer::lasting_port().expect("a free port");
    let file = fleet.folder.path().join("both.pem").to_string_lossy().into_owned();
    let haproxy = fleet
        .haproxy(&[
            ("TICKCAST_CERTIFICATE", file),
            ("TICKCAST_BIND_TLS", format!("127.0.0.1:{port}")),
        ])
        .await;
    let url = format!("wss://localhost:{port}/ws");
    let mut client =
        Client::dial_tls(&url, certificate.trusted(&["h2", "http/1.1"])).await.expect("TLS");
    assert_eq!(client.protocol().as_deref(), Some("http/1.1"));
    assert_eq!(client.next().await["type"], "welcome");
    let plain = refused(Client::dial(&haproxy.ws()).await);
    let location = plain.headers().get("location").and_then(|it| it.to_str().ok());
    assert_eq!(plain.status(), 308);
    assert_eq!(location, Some(format!("https://{}/ws", haproxy.address).as_str()));
}

#[tokio::test]
async fn with_no_gateway_left_clients_are_told_and_no_token_is_written_down() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, mut fleet) = tokio::join!(market.feed(), Fleet::start(&market, ""));
    let haproxy = fleet.haproxy(&[]).await;
    assert_eq!(get(&balancer(&haproxy)).await.map(|it| it.status), Some(200));
    (0..3).for_each(|number| fleet.kill(number));
    let secret = format!("{}?token=very-secret", haproxy.ws());
    let answer = refused(Client::dial(&secret).await);
    assert_eq!(told(&answer), (503, "overloaded".to_owned(), true));
    eventually("it says so to whatever chooses between balancers", async || {
        get(&balancer(&haproxy)).await.filter(|it| it.status == 503)
    })
    .await;
    let log = eventually("the log has it", async || {
        Some(fleet.log("haproxy")).filter(|log| log.contains("GET /ws"))
    })
    .await;
    assert!(!log.contains("very-secret"), "{log}");
}

fn balancer(haproxy: &Haproxy) -> String {
    format!("http://{}/balancer", haproxy.address)
}
