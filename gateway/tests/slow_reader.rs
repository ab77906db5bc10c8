//! REST clients that take their answers too slowly are cut off; those that read are not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it stands")]

mod support;

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};
use support::{
    DEADLINE, NARROW_BYTES, Stage, eventually,
    tls::{Secured, TLS13, server_name},
};
use tickcast_gateway::GatewayConfig;
use tickcast_shared::telemetry::collect_metrics;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;

/// Symbols of a request: its answer is several times what a socket's buffers hold.
const SYMBOLS: usize = 480;
/// Requests of a client that does not wait for its answers.
const REQUESTS: usize = 12;
/// What a slow reader takes at a time, and how often: some of it always soon, and an answer never
/// within the time for it.
const SIP_BYTES: usize = 512;
const SIP_EVERY: Duration = Duration::from_millis(20);
/// How long a client reads that is not to be cut off: twice the time for one answer.
const READING: Duration = Duration::from_secs(4);

/// What `/metrics` would say.
static METRICS: LazyLock<Box<dyn Fn() -> String + Send + Sync>> = LazyLock::new(|| {
    let metrics = collect_metrics(&[tickcast_gateway::metrics::table::TABLE]).unwrap();
    Box::new(move || metrics.render())
});

fn cut_off() -> u64 {
    let text = METRICS();
    let line = text.lines().find(|it| it.contains(r#"limited_total{limit="slow_reader"}"#));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

fn symbols() -> Vec<String> {
    (0..SYMBOLS).map(|number| format!("A{number}-USDT")).collect()
}

/// A request for all prices.
fn request() -> String {
    let symbols = symbols().join(",");
    format!("GET /v1/prices?symbols={symbols} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

async fn priced(stage: &mut Stage) {
    let topics: Vec<_> = symbols().iter().map(|it| format!("ticker:kucoin:{it}")).collect();
    let topics: Vec<_> = topics.iter().map(String::as_str).collect();
    stage.prices(&topics, "67220.5").await;
}

async fn narrow(stage: &Stage) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(NARROW_BYTES).unwrap();
    socket.connect(stage.address).await.unwrap()
}

/// Asks again and again, and takes a sip of the answers now and then until the connection ends.
async fn sips_until_cut_off(socket: impl AsyncRead + AsyncWrite + Send + 'static) {
    let before = cut_off();
    let (mut answers, mut asks) = split(socket);
    let asking = tokio::spawn(async move {
        // Whoever is cut off cannot ask any more.
        while asks.write_all(request().as_bytes()).await.is_ok() {}
    });
    let sipping = async {
        let mut sip = [0; SIP_BYTES];
        while answers.read(&mut sip).await.is_ok_and(|count| count > 0) {
            sleep(SIP_EVERY).await;
        }
    };
    timeout(DEADLINE, sipping).await.expect("cut off");
    asking.abort();
    eventually(|| cut_off() > before).await;
}

fn evicts_soon(config: &mut GatewayConfig) {
    config.limits.slow_client_timeout_ms = 500;
}

#[tokio::test]
async fn a_client_that_sips_at_its_answers_is_cut_off() {
    LazyLock::force(&METRICS);
    let mut stage = Stage::start(evicts_soon).await;
    priced(&mut stage).await;
    stage.client("?topics=A0-USDT").await.next_of("synced").await;
    sips_until_cut_off(narrow(&stage).await).await;
}

#[tokio::test]
async fn a_client_that_sips_at_its_answers_is_cut_off_behind_tls_as_well() {
    LazyLock::force(&METRICS);
    let mut secured = Secured::start(evicts_soon).await;
    priced(&mut secured.stage).await;
    secured.client("?topics=A0-USDT").await.next_of("synced").await;
    let connector = TlsConnector::from(secured.identity.trusted(&TLS13));
    let socket = narrow(&secured.stage).await;
    let socket = connector.connect(server_name(), socket).await.unwrap();
    sips_until_cut_off(socket).await;
}

/// Reads one answer at the pace of a good line.
async fn answer(socket: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) {
    loop {
        if let Some(at) = buffer.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..at]).to_lowercase();
            assert!(head.starts_with("http/1.1 200"), "{head}");
            let (_, length) = head.split_once("content-length: ").unwrap();
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            if buffer.len() >= at + 4 + length {
                buffer.drain(..at + 4 + length);
                return;
            }
        }
        let read = timeout(DEADLINE, socket.read_buf(buffer)).await.expect("nothing came in time");
        assert!(read.unwrap() > 0, "cut off");
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_client_that_reads_many_large_answers_is_not() {
    let mut stage = Stage::start(|config| {
        config.limits.slow_client_timeout_ms = 2000;
        config.limits.requests_per_second_per_ip = 0;
    })
    .await;
    priced(&mut stage).await;
    stage.client("?topics=A0-USDT").await.next_of("synced").await;
    let (mut answers, mut asks) = TcpStream::connect(stage.address).await.unwrap().into_split();
    let start = Instant::now();
    let mut buffer = Vec::new();
    while start.elapsed() < READING {
        let asking = async {
            for _ in 0..REQUESTS {
                asks.write_all(request().as_bytes()).await.unwrap();
            }
        };
        let reading = async {
            for _ in 0..REQUESTS {
                answer(&mut answers, &mut buffer).await;
            }
        };
        tokio::join!(asking, reading);
    }
}
