//! The proxy does to connections what it says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

use std::{io::ErrorKind, time::Duration};
use tickcast_load::proxy::{Fault, Proxy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

/// Far more than anything here takes.
const DEADLINE: Duration = Duration::from_secs(20);
/// What a silence is told by; nothing waits for it but the silence itself.
const SILENCE: Duration = Duration::from_millis(200);

/// A proxy, and both ends of a connection through it.
async fn connected() -> (Proxy, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap()).await.unwrap();
    let client = TcpStream::connect(proxy.address).await.unwrap();
    let (server, _) = timeout(DEADLINE, listener.accept()).await.unwrap().unwrap();
    (proxy, client, server)
}

async fn arrives(to: &mut TcpStream, bytes: &[u8]) {
    let mut read = vec![0; bytes.len()];
    timeout(DEADLINE, to.read_exact(&mut read)).await.unwrap().unwrap();
    assert_eq!(read, bytes);
}

async fn is_silent(side: &mut TcpStream) -> bool {
    timeout(SILENCE, side.read(&mut [0; 16])).await.is_err()
}

#[tokio::test]
async fn without_a_fault_bytes_and_ends_pass_both_ways() {
    let (proxy, mut client, mut server) = connected().await;
    client.write_all(b"up").await.unwrap();
    arrives(&mut server, b"up").await;
    server.write_all(b"down").await.unwrap();
    server.shutdown().await.unwrap();
    arrives(&mut client, b"down").await;
    let end = timeout(DEADLINE, client.read(&mut [0; 1])).await.unwrap();
    assert_eq!((end.unwrap(), proxy.connections()), (0, 1), "the other direction is open still");
}

#[tokio::test]
async fn what_stalls_arrives_later_and_so_does_the_end() {
    let (proxy, mut client, mut server) = connected().await;
    proxy.set(Fault::Stall);
    client.write_all(b"late").await.unwrap();
    client.shutdown().await.unwrap();
    assert!(is_silent(&mut server).await);
    proxy.set(Fault::None);
    arrives(&mut server, b"late").await;
    assert_eq!(timeout(DEADLINE, server.read(&mut [0; 1])).await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn half_open_connections_never_end() {
    let (proxy, mut client, mut server) = connected().await;
    proxy.set(Fault::HalfOpen);
    client.write_all(b"lost").await.unwrap();
    drop(client);
    assert!(is_silent(&mut server).await, "neither the bytes nor the end");
    let mut another = TcpStream::connect(proxy.address).await.unwrap();
    another.write_all(b"anybody?").await.unwrap();
    assert!(is_silent(&mut another).await);
    proxy.set(Fault::None);
    assert!(is_silent(&mut server).await, "that connection is dead for good");
    drop(proxy);
    assert_eq!(timeout(DEADLINE, server.read(&mut [0; 1])).await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn a_reset_is_seen_on_both_sides_and_by_those_who_come_later() {
    let (proxy, mut client, mut server) = connected().await;
    proxy.set(Fault::Reset);
    for side in [&mut client, &mut server] {
        let read = timeout(DEADLINE, side.read(&mut [0; 1])).await.unwrap();
        assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
    let mut another = TcpStream::connect(proxy.address).await.unwrap();
    let read = timeout(DEADLINE, another.read(&mut [0; 1])).await.unwrap();
    assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn latency_and_throttle_take_their_time_and_lose_nothing() {
    let (proxy, mut client, mut server) = connected().await;
    let begun = Instant::now();
    proxy.set(Fault::Latency(SILENCE));
    client.write_all(b"slow").await.unwrap();
    arrives(&mut server, b"slow").await;
    assert!(begun.elapsed() >= SILENCE);
    let begun = Instant::now();
    proxy.set(Fault::Throttle(10_000));
    let bytes = [7; 5000];
    client.write_all(&bytes).await.unwrap();
    arrives(&mut server, &bytes).await;
    // The last piece waits for nobody.
    assert!(begun.elapsed() >= Duration::from_millis(400), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn split_bytes_arrive_one_by_one() {
    let (proxy, mut client, mut server) = connected().await;
    proxy.set(Fault::Split);
    let bytes = [9; 200];
    client.write_all(&bytes).await.unwrap();
    let (mut reads, mut total) = (0, 0);
    while total < bytes.len() {
        total += timeout(DEADLINE, server.read(&mut [0; 400])).await.unwrap().unwrap();
        reads += 1;
    }
    // A slow reader gets some of them together.
    assert!(reads > 1, "{reads}");
}
