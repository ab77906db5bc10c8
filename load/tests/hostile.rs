//! A server that takes everything is found out, whatever is done to it, and strangers are left
//! alone. What a guarded one does is asserted where a gateway runs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

use std::{
    process::{Command, Output},
    time::Duration,
};
use tickcast_load::hostile::{self, HostileConfig, HostileReport, Kind};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::sync::CancellationToken;

/// A server without a single limit: shakes every hand, answers every request, reads for ever.
async fn unguarded() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    format!("ws://{address}/ws")
}

async fn serve(mut stream: TcpStream) {
    let mut head = Vec::new();
    while stream.read_buf(&mut head).await.is_ok_and(|count| count > 0) {
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        let key = text.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let answer = match key.map(|key| derive_accept_key(key.as_bytes())) {
            Some(accept) => format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            ),
            None => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_owned(),
        };
        let is_upgrade = key.is_some();
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        head.clear();
        if is_upgrade {
            break;
        }
    }
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
}

async fn attack(url: &str, kind: Kind) -> HostileReport {
    let mut config = HostileConfig::new(url, kind);
    config.clients = config.clients.min(12);
    // A connect that finds the listener's queue full is tried again by the kernel after a second.
    (config.rate, config.duration) = (50, Duration::from_secs(4));
    // Nothing shorter than the whole of it.
    config.within = Some(Duration::ZERO);
    hostile::run(config, CancellationToken::new()).await.unwrap()
}

#[tokio::test]
async fn a_server_that_takes_everything_is_not_guarded() {
    let url = unguarded().await;
    // What `stalled` needs to tell anything takes longer than this test shall.
    let kinds = Kind::all().iter().copied().filter(|kind| *kind != Kind::Stalled);
    let mut attacks = JoinSet::new();
    for kind in kinds {
        let url = url.clone();
        attacks.spawn(async move { attack(&url, kind).await });
    }
    while let Some(report) = attacks.join_next().await {
        let report = report.unwrap();
        assert!(!report.guarded && !report.findings.is_empty(), "{report}");
        assert!(report.count("served") > 0, "{report}");
        assert!(report.to_string().contains("not guarded: "), "{report}");
    }
}

#[tokio::test]
async fn nobody_there_is_no_success() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let report = attack(&format!("ws://{port}/ws"), Kind::Slowloris).await;
    assert!(!report.guarded, "{report}");
    assert!(report.findings[0].contains("could not connect"), "{report}");
}

fn command(words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickcast-load"));
    command.args(words.split(' ')).output().unwrap()
}

#[tokio::test]
async fn servers_elsewhere_are_left_alone_unless_they_are_one_s_own() {
    let run = command("hostile --kind giant --url ws://192.0.2.1:80/ws");
    let told = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(1), "{told}");
    assert!(told.contains("--i-own-this-server") && run.stdout.is_empty(), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verdict_is_the_exit_code_and_the_report_is_json() {
    let url = unguarded().await;
    let words = format!("hostile --kind origin --clients 4 --json --url {url}");
    let run = tokio::task::spawn_blocking(move || command(&words)).await.unwrap();
    assert_eq!(run.status.code(), Some(1), "{run:?}");
    let report: HostileReport = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((report.kind, report.clients, report.count("served")), (Kind::Origin, 4, 4));
    assert_eq!(report.expected, "answer 403");
}

#[test]
fn faults_are_listed_and_mistakes_named() {
    let list = command("faults --list");
    let text = String::from_utf8_lossy(&list.stdout);
    assert!(list.status.success() && text.contains("10 slow-clients"), "{text}");
    let wrong = command("faults --only tuesday");
    let told = String::from_utf8_lossy(&wrong.stderr);
    assert!(
        !wrong.status.success() && told.contains("\"tuesday\"; there are redis-killed"),
        "{told}"
    );
}

#[test]
fn a_fault_that_cannot_be_measured_is_in_the_report_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display();
    let run = command(&format!("faults --only 13 --tickcast /no/tickcast --out {out}"));
    let text = String::from_utf8_lossy(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{text}");
    assert!(text.contains("failed: /no/tickcast is not installed"), "{text}");
    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let row = &report["rows"][0];
    assert_eq!((&row["number"], &row["name"]), (&13.into(), &"vanished".into()));
    assert!(row["outcome"]["failed"].is_string(), "{row}");
}
