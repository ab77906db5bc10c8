//! The shipped site of nginx, in front of three gateways.

use crate::support::{
    Client, DEADLINE, Fleet, Market, Nginx, eventually,
    fleet::{outlive, regulars, served},
    get,
};
use std::net::Ipv4Addr;
use tickcast_load::venue::{Exchange, Source, VenueConfig};
use tokio_tungstenite::tungstenite::Error;

const TOPICS: [&str; 2] = ["ticker:kucoin:BTC-USDT", "ticker:kucoin:ETH-USDT"];
/// Addresses of clients that no gateway believes, unlike 127.0.0.1.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 10);

/// Status, code and `Retry-After` of a refusal.
fn told(dialled: Result<Client, Error>) -> (u16, String, bool) {
    let answer = match dialled {
        Err(Error::Http(response)) => response,
        other => panic!("let in, or not even refused: {other:?}"),
    };
    let body = answer.body().as_deref().unwrap_or_default();
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let code = body["error"]["code"].as_str().unwrap_or_default().to_owned();
    (answer.status().as_u16(), code, answer.headers().contains_key("retry-after"))
}

#[tokio::test]
async fn clients_come_back_through_it_when_a_gateway_restarts_and_when_one_dies() {
    let mut config = VenueConfig::new(Exchange::Kucoin);
    config.symbols = vec!["BTC-USDT".into(), "ETH-USDT".into()];
    config.source = Source::Walk { rate: 20, seed: 1 };
    let market = Market::start(vec![config]).await;
    let (_feed, mut fleet) =
        tokio::join!(market.feed(), Fleet::start(&market, "drain_window_ms = 300\n"));
    let nginx = Nginx::start(&fleet.listens(), &[]).await;
    let clients = regulars(&nginx.ws(), 30, &TOPICS).await;
    let spread = fleet.connections().await;
    assert!(spread.iter().all(|count| (9..=11).contains(count)), "least connections: {spread:?}");
    fleet.restart(0).await;
    served(&clients).await;
    {
        let book = clients.book();
        assert_eq!(book.closes, [(1012, spread[0])].into(), "each of its clients is told");
        assert_eq!(book.announced, spread[0]);
        assert!(book.refused.is_empty(), "no dial fails: {:?}", book.refused);
    }
    outlive(&mut fleet, 1, &clients).await;
}

#[tokio::test]
async fn gateways_know_whose_connection_it_is_whatever_the_client_writes() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, fleet) =
        tokio::join!(market.feed(), Fleet::start(&market, "requests_per_second_per_ip = 1\n"));
    let nginx = Nginx::start(&fleet.listens(), &[]).await;
    let http = |source: Ipv4Addr| {
        let client = reqwest::Client::builder().local_address(std::net::IpAddr::from(source));
        client.timeout(DEADLINE).build().expect("a client")
    };
    let (stranger, url) = (http(STRANGER), format!("http://{}/v1/topics", nginx.plain));
    let mut limited = false;
    for number in 0..60 {
        // Another name each time, none of which may count.
        let forged = format!("192.0.2.{number}");
        let asked = stranger.get(&url).header("X-Forwarded-For", forged).send().await;
        limited |= asked.expect("an answer").status() == 429;
    }
    assert!(limited, "sixty requests from one address, which may make one a second");
    let other = http(OTHER).get(&url).send().await.expect("an answer");
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn an_address_that_takes_too_much_is_refused_by_name() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, fleet) = tokio::join!(market.feed(), Fleet::start(&market, ""));
    let fewer = ("limit_conn tickcast_connections 1000;", "limit_conn tickcast_connections 2;");
    let nginx = Nginx::start(&fleet.listens(), &[fewer]).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(Client::dial_from(STRANGER, &nginx.ws()).await.expect("there is room"));
    }
    let third = Client::dial_from(STRANGER, &nginx.ws()).await;
    assert_eq!(told(third), (429, "rate_limited".to_owned(), true));
    Client::dial_from(OTHER, &nginx.ws()).await.expect("another address");
}

#[tokio::test]
async fn tls_ends_here_and_plain_http_is_sent_on() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, fleet) = tokio::join!(market.feed(), Fleet::start(&market, ""));
    let nginx = Nginx::start(&fleet.listens(), &[]).await;
    let url = format!("wss://localhost:{}/ws", nginx.tls.port());
    let trusted = nginx.certificate.trusted(&["h2", "http/1.1"]);
    let mut client = Client::dial_tls(&url, trusted).await.expect("TLS");
    assert_eq!(client.next().await["type"], "welcome");
    let plain = Client::dial(&format!("ws://{}/ws?topics=BTC-USDT", nginx.redirecting)).await;
    let Err(Error::Http(sent_on)) = plain else { panic!("not sent on: {plain:?}") };
    assert_eq!(sent_on.status(), 308);
    assert_eq!(sent_on.headers()["location"], "https://127.0.0.1/ws?topics=BTC-USDT");
}

#[tokio::test]
async fn with_no_gateway_left_clients_are_told_and_no_token_is_written_down() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, mut fleet) = tokio::join!(market.feed(), Fleet::start(&market, ""));
    let nginx = Nginx::start(&fleet.listens(), &[]).await;
    assert_eq!(
        get(&format!("http://{}/v1/topics", nginx.plain)).await.map(|it| it.status),
        Some(200)
    );
    (0..3).for_each(|number| fleet.kill(number));
    let answer = Client::dial(&format!("{}?token=very-secret", nginx.ws())).await;
    assert_eq!(told(answer), (503, "overloaded".to_owned(), true));
    let logs = eventually("the log has it", async || {
        Some(nginx.logs()).filter(|logs| logs.contains("GET /ws 503"))
    })
    .await;
    assert!(!logs.contains("very-secret"), "{logs}");
}
