//! Clients come and go by the thousand, and the gateway's memory does not grow with them.

use crate::support::{Market, Role, eventually};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// Clients of a round.
const CLIENTS: u32 = 2000;
/// How many of them are there at once.
const AT_ONCE: u32 = 50;
/// Rounds after which the process has all the memory that it keeps.
const ROUNDS_BEFORE: u32 = 2;
/// Rounds that must not add to it.
const ROUNDS: u32 = 3;
/// Half of what a leak of 1 KiB a client would come to.
const MARGIN_KIB: u64 = (ROUNDS * CLIENTS / 2) as u64;

#[tokio::test]
async fn clients_that_have_gone_leave_nothing_behind() {
    let market = Market::kucoin(&["BTC-USDT", "ETH-USDT"]).await;
    let (_feed, gateway) = tokio::join!(market.feed(), market.gateway());
    drop(gateway.client(&["*-USDT"]).await);
    for _ in 0..ROUNDS_BEFORE {
        round(&gateway).await;
    }
    let before = resident_kib(&gateway);
    for _ in 0..ROUNDS {
        round(&gateway).await;
    }
    let after = resident_kib(&gateway);

    assert!(after <= before + MARGIN_KIB, "{before} KiB before, {after} KiB after");
}

/// Many clients connect, subscribe and go; returns when the gateway has forgotten them.
async fn round(gateway: &Role) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut guests = JoinSet::new();
    for _ in 0..CLIENTS {
        if guests.len() >= AT_ONCE as usize {
            guests.join_next().await.expect("one of them").expect("it was served");
        }
        guests.spawn(visit(gateway.address, NEXT.fetch_add(1, Ordering::Relaxed)));
    }
    guests.join_all().await;
    eventually("all have been forgotten", async || {
        let connections = gateway.admin("/connections").await.json();
        let counts = ["open", "subscribing", "lagging", "closing", "cohorts"];
        counts.iter().all(|count| connections[count] == 0).then_some(())
    })
    .await;
}

/// One client: gets its values, with settings of its own or not, and leaves, politely or not.
async fn visit(address: SocketAddr, number: u32) {
    let mut socket = TcpStream::connect(address).await.expect("a connection");
    let interval = number % 7 * 100;
    let head = format!(
        "GET /ws?topics=*-USDT&interval_ms={interval} HTTP/1.1\r\nHost: x\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.expect("a gateway that reads");
    let mut received = Vec::new();
    while !received.windows(8).any(|it| it == b"\"synced\"") {
        assert!(socket.read_buf(&mut received).await.expect("an answer") > 0, "it was closed");
    }
    if number.is_multiple_of(2) {
        // A close frame with a mask of zeros.
        let close = [0x88, 0x80, 0, 0, 0, 0];
        socket.write_all(&close).await.expect("a gateway that reads");
        socket.read_to_end(&mut received).await.expect("a gateway that answers");
    }
}

/// What the process holds in memory.
fn resident_kib(gateway: &Role) -> u64 {
    let path = format!("/proc/{}/status", gateway.process.pid());
    let status = std::fs::read_to_string(path).expect("a running process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its memory");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}
