//! Server-sent events: the messages of a WebSocket for who has none, by the same fan-out.

use crate::support::{Client, Event, Listener, Scene, Stage, tls::Secured};
use serde_json::json;
use tickcast_gateway::auth::config::ApiKeyConfig;
use tokio::io::AsyncWriteExt;

const BTC: &str = "ticker:kucoin:BTC-USDT";
const ASKED: &str = "?topics=BTC-USDT";

async fn priced(stage: &mut Stage) {
    stage.price(BTC, "67220.5").await;
    stage.client(ASKED).await.next_of("ticker").await;
}

#[tokio::test]
async fn a_stream_is_what_a_websocket_would_get() {
    let mut stage = Stage::start(|_| {}).await;
    priced(&mut stage).await;
    let mut stream = Listener::ask(&stage, ASKED, "").await;
    assert_eq!(stream.status(), 200);
    let head = stream.head.to_lowercase();
    for line in [
        "content-type: text/event-stream; charset=utf-8",
        "cache-control: no-store",
        "connection: close",
        "x-accel-buffering: no",
        "access-control-allow-origin: *",
        "date: ",
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
    assert!(!head.contains("content-length") && !head.contains("transfer-encoding"), "{head}");
    let welcome = stream.next_of("welcome").await;
    assert!(welcome["features"].as_array().unwrap().contains(&json!("sse")));
    let subscribed = stream.next_of("subscribed").await;
    assert_eq!(subscribed["topics"][0]["topic"], BTC);
    assert_eq!(stream.next_of("ticker").await["last_price"], "67220.5");
    stream.next_of("synced").await;

    let mut client = stage.client(ASKED).await;
    client.next_of("synced").await;
    for price in ["1", "2", "3"] {
        stage.price(BTC, price).await;
        let Event::Data(text, None) = stream.event().await else { panic!("no ticker") };
        assert_eq!(text, text_of(&mut client).await, "the same bytes");
    }
}

async fn text_of(client: &mut Client) -> String {
    client.raw().await.into_text().unwrap().to_string()
}

#[tokio::test]
async fn settings_and_unknown_topics_are_answered_as_on_a_websocket() {
    let mut stage = Stage::start(|_| {}).await;
    priced(&mut stage).await;
    let query = "?topics=BTC-USDT,NOPE-USDT&interval_ms=3600000";
    let mut stream = Listener::ask(&stage, query, "").await;
    let subscribed = stream.next_of("subscribed").await;
    assert_eq!(subscribed["topics"][0]["interval_ms"], 3_600_000);
    assert_eq!(subscribed["rejected"][0]["code"], "unknown_topic");
}

#[tokio::test]
async fn what_cannot_be_a_stream_is_refused() {
    let origins = Some(vec!["https://a.example".to_owned()]);
    let mut stage = Stage::start(|it| it.allowed_origins = origins).await;
    priced(&mut stage).await;
    let foreign = "Origin: https://b.example\r\n";
    for (query, headers, status, part) in [
        ("", "", 400, "topics= is missing"),
        ("?topics=", "", 400, "topics= is missing"),
        ("?topics=BTC-USDT&colour=5", "", 400, "/v1/stream has no parameter"),
        (ASKED, foreign, 403, "origin"),
    ] {
        let headers = format!("{headers}Connection: close\r\n");
        let mut stream = Listener::ask(&stage, query, &headers).await;
        assert_eq!(stream.status(), status, "{query}");
        let message = stream.refusal().await["error"]["message"].to_string();
        assert!(message.contains(part), "{message}");
    }
    let listed = "Origin: https://a.example\r\n";
    assert_eq!(Listener::ask(&stage, ASKED, listed).await.status(), 200);
    let socket = tokio::net::TcpStream::connect(stage.address).await.unwrap();
    let head = Listener::ask_on(socket, "HEAD", ASKED, "Connection: close\r\n").await;
    assert_eq!(head.status(), 200);
}

#[tokio::test]
async fn comments_keep_a_silent_stream_open() {
    let mut stage = Stage::start(|it| it.limits.heartbeat_ms = 50).await;
    priced(&mut stage).await;
    let mut stream = Listener::ask(&stage, ASKED, "").await;
    stream.next_of("synced").await;
    // A WebSocket that answers no ping is closed after three.
    for _ in 0..8 {
        assert_eq!(stream.event().await, Event::Comment);
    }
    stage.price(BTC, "2").await;
    assert_eq!(stream.next_of("ticker").await["last_price"], "2");
}

#[tokio::test]
async fn who_leaves_is_forgotten_and_who_speaks_is_closed() {
    let mut stage = Stage::start(|_| {}).await;
    priced(&mut stage).await;
    stage.until_connections("nobody is there", |it| it["open"] == 0).await;
    let stream = Listener::ask(&stage, ASKED, "").await;
    stage.until_connections("it is there", |it| it["open"] == 1).await;
    drop(stream);
    stage.until_connections("it is gone", |it| it["open"] == 0).await;

    let mut stream = Listener::ask(&stage, ASKED, "").await;
    stream.next_of("synced").await;
    stream.socket.write_all(b"hello?").await.unwrap();
    let (closing, _) = stream.closed().await;
    assert_eq!(closing["code"], 1008);
}

#[tokio::test]
async fn a_stream_that_is_not_read_is_evicted_and_delays_nobody() {
    let mut scene = Scene::start(|it| it.limits.slow_client_timeout_ms = 400).await;
    let mut stopped = Listener::ask(&scene.stage, "?topics=ticker:okx:*", "").await;
    scene.until_evicted().await;
    let (closing, _) = stopped.closed().await;
    assert_eq!((&closing["code"], &closing["reason"]), (&json!(4000), &json!("slow_consumer")));
    scene.round().await;
}

#[tokio::test]
async fn a_gateway_that_goes_tells_when_to_come_back() {
    let mut stage = Stage::start(|it| it.limits.drain_window_ms = 100).await;
    priced(&mut stage).await;
    let mut stream = Listener::ask(&stage, ASKED, "").await;
    stream.next_of("synced").await;
    stage.tasks.token().cancel();
    let (closing, retry) = stream.closed().await;
    assert_eq!(closing["code"], 1012);
    assert_eq!(closing["reconnect_after_ms"].as_u64(), retry);
    assert!(retry.is_some());
}

#[tokio::test]
async fn keys_open_streams_and_their_absence_does_not() {
    let digest = ring::digest::digest(&ring::digest::SHA256, b"key-of-the-desk");
    let sha256: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut stage = Stage::start(|config| {
        let (name, topics, plan) = ("desk".into(), None, None);
        config.auth.api_key.push(ApiKeyConfig { name, sha256, topics, plan });
    })
    .await;
    stage.price(BTC, "1").await;
    let refused = Listener::ask(&stage, ASKED, "").await;
    assert_eq!(refused.status(), 401);
    let mut stream = Listener::ask(&stage, &format!("{ASKED}&token=key-of-the-desk"), "").await;
    assert_eq!(stream.status(), 200);
    stream.next_of("synced").await;
}

#[tokio::test]
async fn a_stream_goes_by_tls() {
    let mut secured = Secured::start(|_| {}).await;
    secured.stage.price(BTC, "1").await;
    let mut ready = secured.client("").await;
    ready.send(r#"{"op":"subscribe","id":1,"topics":["BTC-USDT"]}"#).await;
    ready.next_of("synced").await;
    let bare = secured.bare().await;
    let mut stream = Listener::ask_on(bare, "GET", ASKED, "").await;
    stream.next_of("synced").await;
    secured.stage.price(BTC, "2").await;
    assert_eq!(stream.next_of("ticker").await["last_price"], "2");
}
