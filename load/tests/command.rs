//! The command itself: what it prints, and its exit codes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::Duration,
};

fn load(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickcast-load"));
    command.args(words.split(' '));
    command
}

fn output(words: &str) -> Output {
    load(words).output().unwrap()
}

/// A child that ends with the test.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    fn start(words: &str) -> Self {
        let mut child = load(words).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn swarm_against_limit_prints_json_and_succeeds() {
    let mut limit = Running::start("limit --listen 127.0.0.1:0 --rate 50 --secs 60");
    let line = limit.line();
    let url = line.split_whitespace().find(|word| word.starts_with("ws://")).unwrap();
    let pid = limit.child.id();
    let run = output(&format!(
        "swarm --url {url} --clients 20 --topics BTC-USDT --secs 1 --check --json --server-pid {pid}"
    ));
    assert!(run.status.success(), "{run:?}");
    let report: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(report["connected"], 20);
    assert!(report["from_due"]["p50"].is_u64() && report["server"]["cpu_seconds"].is_f64());
    let table = output(&format!("swarm --url {url} --clients 2 --topics BTC-USDT --secs 1"));
    let text = String::from_utf8(table.stdout).unwrap();
    assert!(text.contains("deliveries") && text.contains("p99"), "{text}");
}

#[test]
fn venue_says_where_it_listens() {
    let mut venue = Running::start("venue --exchange okx --listen 127.0.0.1:0 --symbols BTC-USDT");
    let line = venue.line();
    assert!(line.contains("rest_url http://127.0.0.1:"), "{line}");
    assert_eq!(venue.line(), "symbols BTC-USDT\n");
}

#[test]
fn records_what_a_venue_tells_and_says_so() {
    let mut venue =
        Running::start("venue --exchange kraken --listen 127.0.0.1:0 --fault duplicate");
    let line = venue.line();
    let url = line.split_whitespace().find(|word| word.starts_with("ws://")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.ndjson");
    let words = format!(
        "record --exchange kraken --symbols BTC-USDT --secs 2 --url {url} --out {}",
        file.display()
    );
    let run = output(&words);
    let text = String::from_utf8(run.stdout.clone()).unwrap();
    assert!(run.status.success() && text.starts_with("recorded "), "{run:?}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(std::fs::read_to_string(&file).unwrap().lines().count() > 5);
    let again = output(&words);
    let text = String::from_utf8(again.stderr).unwrap();
    assert!(!again.status.success() && text.contains("--force"), "{text}");
}

#[tokio::test]
async fn a_recording_ends_well_on_an_interrupt() {
    let mut venue = Running::start("venue --exchange okx --listen 127.0.0.1:0");
    let line = venue.line();
    let url = line.split_whitespace().find(|word| word.starts_with("ws://")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.ndjson");
    let path = file.display();
    let words = format!("record --exchange okx --symbols BTC-USDT --url {url} --out {path}");
    let mut child = Running::start(&words);
    let written = async {
        while std::fs::metadata(&file).map_or(0, |data| data.len()) == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), written).await.unwrap();
    let interrupt = Command::new("kill").args(["-INT", &child.child.id().to_string()]).status();
    assert!(interrupt.unwrap().success());
    assert!(child.line().starts_with("recorded "));
    assert!(child.child.wait().unwrap().success());
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.lines().all(|line| line.ends_with('}')), "no line is cut off");
}

#[test]
fn failures_are_one_line_and_an_exit_code() {
    let cases = [
        ("swarm --url wss://x/ws", 1, "speaks no TLS"),
        ("swarm --url ws://127.0.0.1:1/ws --clients 1 --secs 1", 1, "could not connect"),
        ("swarm --url ws://127.0.0.1:1/ws --server-pid 0", 1, "/proc/0/status"),
        ("venue --exchange okx --recording /nowhere", 1, "cannot read the recording /nowhere"),
        ("venue --exchange okx --listen 127.0.0.1:0 --symbols btc", 1, "not a symbol"),
        ("venue --exchange okx --listen 192.0.2.1:1", 1, "cannot listen on 192.0.2.1:1"),
        ("venue --exchange mars", 2, "mars"),
    ];
    for (words, code, named) in cases {
        let run = output(words);
        let text = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(code), "{words}: {text}");
        assert!(text.contains(named), "{words}: {text}");
        assert!(code == 2 || text.lines().count() == 1, "{words}: {text}");
    }
}

#[test]
fn too_few_descriptors_are_said_before_anything_is_dialled() {
    let swarm = "ulimit -n 80; exec \"$0\" swarm --url ws://127.0.0.1:1/ws --clients 100";
    let program = env!("CARGO_BIN_EXE_tickcast-load");
    let run = Command::new("sh").args(["-c", swarm, program]).output().unwrap();
    let text = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(1), "{text}");
    assert!(text.contains("100 connections need 164 file descriptors, the limit is 80"), "{text}");
}
