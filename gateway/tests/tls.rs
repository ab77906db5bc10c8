//! Connections by TLS are like others: WebSocket, REST, slow clients, hostile ones.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it stands")]

mod support;

use serde_json::{Value, json};
use std::{
    io,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll},
};
use support::{
    Client, DEADLINE, Seen, TOPICS, eventually, masked, texts,
    tls::{NAME, Secured, TLS12, TLS13, server_name, session, url},
    topics,
};
use tickcast_gateway::GatewayConfig;
use tickcast_shared::telemetry::collect_metrics;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;

const BTC: &str = "ticker:kucoin:BTC-USDT";
const ALL: &str = "?topics=ticker:okx:*";

#[tokio::test]
async fn values_come_by_both_versions_of_tls() {
    for version in [&TLS12, &TLS13] {
        let mut secured = Secured::start(|_| {}).await;
        secured.stage.price(BTC, "1").await;
        let trusted = secured.identity.trusted(version);
        let mut client = secured.client_of("?topics=BTC-USDT", &trusted).await;
        assert_eq!(session(&client).protocol_version(), Some(version.version));
        assert_eq!(client.next_of("ticker").await["last_price"], "1");
        client.next_of("synced").await;
        secured.stage.price(BTC, "2").await;
        assert_eq!(client.next_of("ticker").await["last_price"], "2");
        client.send("ping").await;
        while client.next().await != "pong" {}
        // Who comes back resumes, which costs both sides less.
        let again = secured.client_of("", &trusted).await;
        assert_eq!(session(&again).handshake_kind(), Some(rustls::HandshakeKind::Resumed));
    }
}

#[tokio::test]
async fn many_present_values_arrive_whole() {
    let mut secured = Secured::start(|_| {}).await;
    let many = topics(1000);
    secured.stage.prices(&texts(&many), "1").await;
    // Some 500 KB, through a buffer of a fraction of that.
    let mut client = secured.narrow(ALL).await;
    let mut seen = Seen::default();
    loop {
        let message = client.next().await;
        match message["type"].as_str().unwrap() {
            "ticker" => seen.note(&message),
            "synced" => break,
            _ => {}
        }
    }
    assert!(seen.has(many.len(), "1"));
}

/// Moves all topics again and again until `/connections` is as wanted; the last price.
async fn move_until(secured: &mut Secured, wanted: impl Fn(&Value) -> bool) -> String {
    let topics = topics(TOPICS);
    for round in 2..2000 {
        let price = round.to_string();
        secured.stage.prices(&texts(&topics), &price).await;
        if wanted(&secured.stage.connections().await) {
            return price;
        }
    }
    panic!("a client that does not read took everything");
}

async fn stopped(secured: &mut Secured) -> Client {
    secured.stage.prices(&texts(&topics(TOPICS)), "1").await;
    let mut client = secured.narrow(ALL).await;
    client.next_of("synced").await;
    client
}

async fn catches_up(change: impl FnOnce(&mut GatewayConfig)) {
    let mut secured = Secured::start(change).await;
    let mut slow = stopped(&mut secured).await;
    let mut seen = Seen::default();
    for _ in 0..3 {
        let price = move_until(&mut secured, |it| it["lagging"] == 1).await;
        while !seen.has(TOPICS, &price) {
            let message = slow.next().await;
            if message["type"] != "lagging" {
                seen.note(&message);
            }
        }
    }
}

#[tokio::test]
async fn a_slow_client_catches_up() {
    catches_up(|_| {}).await;
}

#[tokio::test]
async fn a_slow_client_catches_up_where_io_uring_serves_the_others() {
    catches_up(|config| config.io_uring = true).await;
}

#[tokio::test]
async fn a_client_that_stops_reading_can_read_why_it_is_closed() {
    let mut secured = Secured::start(|it| it.limits.slow_client_timeout_ms = 400).await;
    let mut slow = stopped(&mut secured).await;
    move_until(&mut secured, |it| it["closing"] == 1).await;
    let (code, announced) = slow.closed().await;
    assert_eq!((code, &announced["reason"]), (4000, &json!("slow_consumer")));
    secured.stage.until_connections("it is gone", |it| it["closing"] == 0).await;
}

#[tokio::test]
async fn rest_is_answered() {
    let mut secured = Secured::start(|_| {}).await;
    secured.stage.price(BTC, "67220").await;
    let mut client = secured.client("?topics=BTC-USDT").await;
    client.next_of("ticker").await;
    let mut bare = secured.bare().await;
    let request =
        format!("GET /v1/price/BTC-USDT HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n");
    bare.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // An end without close_notify would be an error: the answer might have been cut.
    timeout(DEADLINE, bare.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("67220"), "{answer}");
}

/// Writes a byte at a time.
struct Dribble(TcpStream);

impl AsyncRead for Dribble {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Dribble {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, &bytes[..bytes.len().min(1)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[tokio::test]
async fn records_may_come_byte_by_byte() {
    use futures_util::{SinkExt, StreamExt};
    let mut secured = Secured::start(|_| {}).await;
    secured.stage.price(BTC, "1").await;
    let socket = TcpStream::connect(secured.stage.address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let connector = TlsConnector::from(secured.identity.trusted(&TLS13));
    let stream = connector.connect(server_name(), Dribble(socket)).await.unwrap();
    let dialled = tokio_tungstenite::client_async(url("?topics=BTC-USDT"), stream).await;
    let mut socket = dialled.unwrap().0;
    for _ in 0..20 {
        socket.send(Message::text("ping")).await.unwrap();
        let answered =
            async { while socket.next().await.unwrap().unwrap() != Message::text("pong") {} };
        timeout(DEADLINE, answered).await.unwrap();
    }
}

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
                       Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Reads until the end of what came is as wanted.
async fn read_until(stream: &mut (impl AsyncRead + Unpin), end: &[u8]) {
    let mut bytes = Vec::new();
    while !bytes.windows(end.len()).any(|it| it == end) {
        let read = timeout(DEADLINE, stream.read_buf(&mut bytes)).await;
        assert!(read.expect("nothing came in time").unwrap() > 0, "it ended");
    }
}

#[tokio::test]
async fn frames_may_come_together_with_the_upgrade() {
    let secured = Secured::start(|_| {}).await;
    // The second is more than HTTP reads at once: the rest of the record is decrypted, but not read.
    for padding in [0, 12_000] {
        let mut bare = secured.bare().await;
        let text = format!(r#"{{"op":"ping","id":"{}last"}}"#, "x".repeat(padding));
        let early = [UPGRADE.as_bytes(), &masked(0x81, text.as_bytes())].concat();
        bare.write_all(&early).await.unwrap();
        read_until(&mut bare, b"last").await;
        bare.write_all(&masked(0x81, b"ping")).await.unwrap();
        read_until(&mut bare, b"\x81\x04pong").await;
    }
}

#[tokio::test]
async fn a_client_may_end_its_session_and_leave_the_socket_open() {
    let secured = Secured::start(|_| {}).await;
    let mut bare = secured.bare().await;
    bare.write_all(UPGRADE.as_bytes()).await.unwrap();
    read_until(&mut bare, b"welcome").await;
    secured.stage.until_connections("it is open", |it| it["open"] == 1).await;
    // Together with a last command, which is answered.
    let session = bare.get_mut().1;
    io::Write::write_all(&mut session.writer(), &masked(0x81, b"ping")).unwrap();
    session.send_close_notify();
    bare.flush().await.unwrap();
    read_until(&mut bare, b"\x81\x04pong").await;
    secured.stage.until_connections("it is gone", |it| it["open"] == 0).await;
    let mut rest = Vec::new();
    timeout(DEADLINE, bare.read_to_end(&mut rest)).await.expect("the socket is closed").ok();
}

/// What `/metrics` would say.
static METRICS: LazyLock<Box<dyn Fn() -> String + Send + Sync>> = LazyLock::new(|| {
    let metrics = collect_metrics(&[tickcast_gateway::metrics::table::TABLE]).unwrap();
    Box::new(move || metrics.render())
});

fn refused() -> Option<u64> {
    let text = METRICS();
    let line = text.lines().find(|it| it.contains(r#"refused_total{reason="tls"}"#))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test]
async fn who_does_not_finish_a_handshake_is_let_go_and_counted() {
    LazyLock::force(&METRICS);
    let secured = Secured::start(|it| it.limits.handshake_timeout_ms = 200).await;
    // The first bytes of a ClientHello; something else altogether, which is told by an alert.
    for (bytes, answer) in [(&b"\x16\x03\x01"[..], None), (UPGRADE.as_bytes(), Some(0x15))] {
        let before = refused().unwrap_or(0);
        let mut socket = TcpStream::connect(secured.stage.address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        let mut got = Vec::new();
        let _ = timeout(DEADLINE, socket.read_to_end(&mut got)).await.expect("closed in time");
        assert_eq!(got.first().copied(), answer, "{got:?}");
        eventually(|| refused() > Some(before)).await;
    }
}

#[tokio::test]
async fn broken_records_end_a_connection_and_no_other() {
    let mut secured = Secured::start(|_| {}).await;
    secured.stage.price(BTC, "1").await;
    let mut other = secured.client("?topics=BTC-USDT").await;
    let mut bare = secured.bare().await;
    bare.write_all(UPGRADE.as_bytes()).await.unwrap();
    read_until(&mut bare, b"welcome").await;
    secured.stage.until_connections("both are open", |it| it["open"] == 2).await;
    bare.get_mut().0.write_all(b"\x17\x03\x03\x00\x10 not her record ").await.unwrap();
    secured.stage.until_connections("one is left", |it| it["open"] == 1).await;
    secured.stage.price(BTC, "2").await;
    while other.next_of("ticker").await["last_price"] != "2" {}
}
