//! Who is let in: limits of the node and of each address, whoever stands in front.

use crate::support::{Answer, DEADLINE, Stage};
use ppp::v2::{Builder, Command, Protocol, Version};
use std::net::{Ipv4Addr, SocketAddr};
use tickcast_gateway::GatewayConfig;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A client.
const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// Another one.
const THERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// A proxy that is trusted.
const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Once a proxy is named, everybody else on this machine is a client like any other.
fn behind_a_proxy(config: &mut GatewayConfig) {
    config.trusted_proxies = vec!["127.0.0.2/32".parse().unwrap()];
}

async fn upgrade(stage: &Stage, from: Ipv4Addr, headers: &str) -> Answer {
    Answer::upgrade(Answer::dial(stage.address, from).await, headers).await
}

/// Dials until it is let in, which it is not before others have gone.
async fn let_in(stage: &Stage, from: Ipv4Addr) -> Answer {
    let dialling = async {
        loop {
            let answer = upgrade(stage, from, "").await;
            if answer.status == 101 {
                return answer;
            }
        }
    };
    timeout(DEADLINE, dialling).await.expect("let in once there is room")
}

#[tokio::test]
async fn a_full_node_answers_503_and_lets_in_again() {
    let stage = Stage::start(|config| config.limits.max_connections = 2).await;
    let first = upgrade(&stage, HERE, "").await;
    let _second = upgrade(&stage, HERE, "").await;
    upgrade(&stage, HERE, "").await.assert_refused(503, "overloaded");
    drop(first);
    let_in(&stage, HERE).await;
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let stage = Stage::start(|config| {
        behind_a_proxy(config);
        config.limits.max_connections_per_ip = 1;
    })
    .await;
    let first = upgrade(&stage, HERE, "").await;
    assert_eq!(first.status, 101);
    upgrade(&stage, HERE, "").await.assert_refused(429, "rate_limited");
    assert_eq!(upgrade(&stage, THERE, "").await.status, 101);
    drop(first);
    let_in(&stage, HERE).await;
}

#[tokio::test]
async fn an_address_dials_so_often() {
    let stage = Stage::start(|config| {
        behind_a_proxy(config);
        config.limits.dials_per_second_per_ip = 1;
    })
    .await;
    let mut refused = None;
    for _ in 0..100 {
        let answer = upgrade(&stage, HERE, "").await;
        if answer.status != 101 {
            refused = Some(answer);
            break;
        }
    }
    refused.expect("a limit").assert_refused(429, "rate_limited");
    assert_eq!(upgrade(&stage, THERE, "").await.status, 101);
}

#[tokio::test]
async fn the_node_takes_so_many_dials() {
    let stage = Stage::start(|config| config.limits.dials_per_second = 1).await;
    let mut answers = Vec::new();
    for _ in 0..100 {
        let answer = upgrade(&stage, HERE, "").await;
        let status = answer.status;
        answers.push(answer);
        if status != 101 {
            break;
        }
    }
    answers.pop().unwrap().assert_refused(503, "overloaded");
    assert!(answers.len() >= 4, "a burst is let in");
}

#[tokio::test]
async fn handshakes_that_do_not_end_keep_nobody_out_for_long() {
    let stage = Stage::start(|config| {
        config.limits.max_handshakes = 3;
        config.limits.handshake_timeout_ms = 500;
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(TcpStream::connect(stage.address).await.unwrap());
    }
    upgrade(&stage, HERE, "").await.assert_refused(503, "overloaded");
    let_in(&stage, HERE).await;
    for mut socket in silent {
        let end = timeout(DEADLINE, socket.read(&mut [0])).await.expect("closed in time");
        assert!(matches!(end, Ok(0) | Err(_)));
    }
}

#[tokio::test]
async fn a_head_that_trickles_in_is_given_up() {
    let stage = Stage::start(|config| config.limits.handshake_timeout_ms = 700).await;
    let mut socket = TcpStream::connect(stage.address).await.unwrap();
    let head = "GET /ws HTTP/1.1\r\nHost: x\r\nX-Filler: ".bytes().chain(std::iter::repeat(b'x'));
    let trickle = async {
        for byte in head {
            if socket.write_all(&[byte]).await.is_err() || socket.try_read(&mut [0]).is_ok() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, trickle).await.expect("given up though it never pauses");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let stage = Stage::start(|_| {}).await;
    let filler = format!("X-Filler: {}\r\n", "x".repeat(9000));
    assert_eq!(upgrade(&stage, HERE, &filler).await.status, 431);
}

#[tokio::test]
async fn an_idle_connection_of_rest_is_closed() {
    let stage = Stage::start(|config| config.limits.handshake_timeout_ms = 500).await;
    let socket = TcpStream::connect(stage.address).await.unwrap();
    let mut answer = Answer::get(socket, "/v1/topics", "").await;
    assert_eq!(answer.status, 200);
    let end = timeout(DEADLINE, answer.socket.read(&mut [0])).await.expect("closed in time");
    assert!(matches!(end, Ok(0) | Err(_)));
}

#[tokio::test]
async fn an_address_asks_rest_so_often() {
    let stage = Stage::start(|config| {
        behind_a_proxy(config);
        config.limits.requests_per_second_per_ip = 1;
    })
    .await;
    let ask = async |from: Ipv4Addr| {
        Answer::get(Answer::dial(stage.address, from).await, "/v1/topics", "").await
    };
    let mut refused = None;
    for _ in 0..100 {
        let answer = ask(HERE).await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    refused.expect("a limit").assert_refused(429, "rate_limited");
    assert_eq!(ask(THERE).await.status, 200);
    assert_eq!(upgrade(&stage, HERE, "").await.status, 101, "connections have limits of their own");
}

#[tokio::test]
async fn a_proxys_clients_are_told_apart_and_forgers_are_not() {
    let stage = Stage::start(|config| {
        behind_a_proxy(config);
        config.limits.max_connections_per_ip = 1;
    })
    .await;
    let forwarded = |client: &str| format!("X-Forwarded-For: 203.0.113.9, {client}\r\n");
    let first = upgrade(&stage, PROXY, &forwarded("192.0.2.1")).await;
    assert_eq!(first.status, 101);
    upgrade(&stage, PROXY, &forwarded("192.0.2.1")).await.assert_refused(429, "rate_limited");
    let second = upgrade(&stage, PROXY, &forwarded("192.0.2.2")).await;
    assert_eq!(second.status, 101);
    // IPv6 counts by /64.
    let third = upgrade(&stage, PROXY, &forwarded("2001:db8::1")).await;
    assert_eq!(third.status, 101);
    upgrade(&stage, PROXY, &forwarded("2001:db8::2")).await.assert_refused(429, "rate_limited");
    // Who is no proxy is taken for itself, whatever it writes.
    let forger = upgrade(&stage, HERE, &forwarded("192.0.2.3")).await;
    assert_eq!(forger.status, 101);
    upgrade(&stage, HERE, &forwarded("192.0.2.4")).await.assert_refused(429, "rate_limited");
}

fn announced(client: SocketAddr) -> Vec<u8> {
    let ends = (client, SocketAddr::from(([192, 0, 2, 99], 80)));
    Builder::with_addresses(Version::Two | Command::Proxy, Protocol::Stream, ends).build().unwrap()
}

#[tokio::test]
async fn a_proxy_header_names_the_client() {
    let stage = Stage::start(|config| {
        behind_a_proxy(config);
        config.proxy_listen = Some(([127, 0, 0, 1], 0).into());
        config.limits.max_connections_per_ip = 1;
    })
    .await;
    let proxied = stage.proxied.unwrap();
    let dial = async |client: [u8; 4]| {
        let mut socket = Answer::dial(proxied, PROXY).await;
        // In two pieces: a header may come in any number of them.
        let header = announced((client, 4711).into());
        socket.write_all(&header[..20]).await.unwrap();
        socket.flush().await.unwrap();
        socket.write_all(&header[20..]).await.unwrap();
        Answer::upgrade(socket, "").await
    };
    let first = dial([192, 0, 2, 1]).await;
    assert_eq!(first.status, 101);
    dial([192, 0, 2, 1]).await.assert_refused(429, "rate_limited");
    assert_eq!(dial([192, 0, 2, 2]).await.status, 101);
}

#[tokio::test]
async fn a_client_behind_a_proxy_is_counted_before_it_says_a_word() {
    let stage = Stage::start(|config| {
        behind_a_proxy(config);
        config.proxy_listen = Some(([127, 0, 0, 1], 0).into());
        config.limits.max_connections_per_ip = 1;
    })
    .await;
    let dial = async |client: [u8; 4]| {
        let mut socket = Answer::dial(stage.proxied.unwrap(), PROXY).await;
        socket.write_all(&announced((client, 4711).into())).await.unwrap();
        socket
    };
    let silent = [dial([192, 0, 2, 1]).await, dial([192, 0, 2, 1]).await];
    let [first, second] = silent.map(Answer::read).map(tokio::spawn);
    // Whichever was announced first keeps its place.
    let refused = tokio::select! { answer = first => answer, answer = second => answer };
    refused.unwrap().expect("an answer").assert_refused(429, "rate_limited");
    let other = Answer::upgrade(dial([192, 0, 2, 2]).await, "").await;
    assert_eq!(other.status, 101);
}

#[tokio::test]
async fn whoever_is_refused_again_and_again_is_not_looked_at_for_a_while() {
    let stage = Stage::start(|config| {
        behind_a_proxy(config);
        config.allowed_origins = Some(vec!["https://good.example".into()]);
        config.limits.requests_per_second_per_ip = 1;
        config.limits.dials_per_second_per_ip = 0;
    })
    .await;
    let evil = "Origin: https://evil.example\r\n";
    let mut refused = None;
    for _ in 0..100 {
        let answer = upgrade(&stage, HERE, evil).await;
        assert_eq!(answer.header("connection"), Some("close"));
        if answer.status != 403 {
            refused = Some(answer);
            break;
        }
    }
    refused.expect("a limit").assert_refused(429, "rate_limited");
    assert_eq!(upgrade(&stage, THERE, evil).await.status, 403);
}

#[tokio::test]
async fn the_listener_of_proxies_serves_nobody_else() {
    let stage = Stage::start(|config| {
        behind_a_proxy(config);
        config.proxy_listen = Some(([127, 0, 0, 1], 0).into());
    })
    .await;
    let proxied = stage.proxied.unwrap();
    let mut stranger = Answer::dial(proxied, HERE).await;
    stranger.write_all(&announced(([192, 0, 2, 1], 4711).into())).await.unwrap();
    assert!(Answer::read(stranger).await.is_none(), "a peer that is no proxy");
    let mut plain = Answer::dial(proxied, PROXY).await;
    plain.write_all(b"GET /v1/topics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(Answer::read(plain).await.is_none(), "a proxy that sends no header");
}

#[tokio::test]
async fn pages_of_other_origins_and_clients_without_one_are_refused() {
    let stage = Stage::start(|config| {
        config.allowed_origins = Some(vec!["https://good.example".into()]);
        config.allow_missing_origin = false;
    })
    .await;
    for (origin, status) in [
        ("Origin: https://good.example\r\n", 101),
        ("Origin: https://good.example.evil.example\r\n", 403),
        ("Origin: https://evil.example/https://good.example\r\n", 403),
        ("Origin: http://good.example\r\n", 403),
        ("Origin: https://good.example:8443\r\n", 403),
        ("Origin: null\r\n", 403),
        ("", 403),
    ] {
        assert_eq!(upgrade(&stage, HERE, origin).await.status, status, "{origin}");
    }
}
