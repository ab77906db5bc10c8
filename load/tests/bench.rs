//! A benchmark from its scenario file to its results, against the bare loop.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// So few clients and updates that an unoptimised program on a busy machine keeps up.
const TINY: &str = r#"# A test: two bare loops beside each other, and a server that nobody has.
title = "Tiny <scenario>"
clients = 20
processes = 2
secs = 1
warm_up_secs = 0
pairs = 2
server = "limit"
label = "here"
cores = 0

[topics]
count = 2
rate = 5
size = 300

[[group]]
name = "reading"
share = 0.9

[[group]]
name = "stalled"
share = 0.1
stalled = true

[[beside]]
label = "there"

[[beside]]
label = "nowhere"
server = "absent"

[[target]]
text = "as cheap as itself"
measure = "deliveries_per_second"
against = "there"
at_least = 0.1
"#;

const ABSENT: &str = r#"
name = "absent"
start = ["/no/such/program"]
ready = "tcp"
url = "ws://127.0.0.1:{port}/"
publish = { kind = "self" }
"#;

fn command(folder: &Path) -> Command {
    fs::create_dir_all(folder.join("scenarios")).unwrap();
    fs::create_dir_all(folder.join("peers")).unwrap();
    fs::write(folder.join("scenarios/tiny.toml"), TINY).unwrap();
    fs::write(folder.join("peers/absent.toml"), ABSENT).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickcast-load"));
    command.current_dir(folder).args(["bench", "--scenarios", "scenarios", "--peers", "peers"]);
    command
}

fn bench(folder: &Path, words: &[&str]) -> Output {
    command(folder).args(words).output().unwrap()
}

#[test]
fn a_scenario_becomes_a_table_json_and_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let run = bench(folder.path(), &["--out", "results"]);
    let (printed, told) =
        (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{printed}\n{told}");
    assert!(printed.contains("deliveries/s") && printed.contains("nowhere: skipped"), "{printed}");
    assert!(told.contains("run 3 of 6] nowhere: /no/such/program is not installed"), "{told}");

    let text = fs::read_to_string(folder.path().join("results/results.json")).unwrap();
    let results: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(results["machine"]["memory_mib"].as_u64().unwrap() > 0);
    let tiny = &results["scenarios"][0];
    assert_eq!(tiny["shows"].as_str().unwrap().split(':').next(), Some("A test"));
    for side in 0..2 {
        for round in 0..2 {
            let run = &tiny["sides"][side]["runs"][round];
            assert_eq!(run["connected"], 20, "{run}");
            // 18 clients that read ten messages a second, give or take what is on its way.
            let deliveries = run["deliveries"].as_u64().unwrap();
            assert!((90..=270).contains(&deliveries), "{run}");
            assert_eq!(run["latency"]["count"], deliveries, "{run}");
            assert_eq!(run["groups"][0]["stayed"], 18, "{run}");
            assert!(run["rss_kib"][0].as_u64().unwrap() > 0, "{run}");
        }
    }
    assert_eq!(tiny["sides"][2]["skipped"], "/no/such/program is not installed");
    assert_eq!(tiny["targets"][0]["verdict"], "met", "{}", tiny["targets"]);

    let page = fs::read_to_string(folder.path().join("results/report.html")).unwrap();
    assert!(page.contains("Tiny &lt;scenario&gt;") && page.contains("<svg"), "{page}");
}

#[test]
fn what_cannot_be_run_is_said_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let none = bench(folder.path(), &["--only", "huge"]);
    let told = String::from_utf8_lossy(&none.stderr);
    assert!(!none.status.success() && told.contains("\"huge\"; there are tiny"), "{told}");

    let gateway = TINY.replace("server = \"limit\"", "server = \"tickcast\"");
    let mut command = command(folder.path());
    fs::write(folder.path().join("scenarios/tiny.toml"), gateway).unwrap();
    command.args(["--tickcast", "/no/tickcast", "--pairs", "1", "--sides", "there", "--out", "o"]);
    let run = command.output().unwrap();
    let printed = String::from_utf8_lossy(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{printed}");
    assert!(printed.contains("failed: ") && printed.contains("is not installed"), "{printed}");
}

#[test]
fn an_interrupt_ends_everything_that_was_started() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path());
    command.args(["--secs", "600", "--out", "results"]).stdout(Stdio::piped());
    let mut bench = command.stderr(Stdio::piped()).spawn().unwrap();
    let children = until(|| {
        let children = children_of(bench.id());
        // The bare loop and two processes of clients.
        (children.len() == 3).then_some(children)
    });
    let interrupted = Command::new("kill").args(["-INT", &bench.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    let status = until(|| bench.try_wait().unwrap());
    assert_eq!(status.code(), Some(1));
    until(|| children.iter().all(|pid| !is_running(pid)).then_some(()));
    assert!(folder.path().join("results/results.json").exists());
}

fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if let Some(found) = look() {
            return found;
        }
        std::thread::yield_now();
    }
    panic!("it did not come to that");
}

fn stat(pid: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default()
}

fn children_of(parent: u32) -> Vec<String> {
    let names = fs::read_dir("/proc").unwrap().flatten();
    let pids = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_child = |pid: &String| {
        let stat = stat(pid);
        let after = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
        after.split_ascii_whitespace().nth(1) == Some(&parent.to_string())
    };
    pids.filter(is_child).collect()
}

fn is_running(pid: &str) -> bool {
    let stat = stat(pid);
    !stat.is_empty() && !stat.contains(") Z ")
}
