//! `rolling-restart.sh`: one gateway after the other, nobody loses prices for long, and it stops at the
//! first trouble.

use crate::support::{
    DEADLINE, Fleet, Market,
    fleet::{ORDER, regulars, served, shipped},
};
use std::{process::Command, time::Duration};
use tickcast_load::venue::{Exchange, Source, VenueConfig};

const TOPICS: [&str; 2] = ["ticker:kucoin:BTC-USDT", "ticker:kucoin:ETH-USDT"];
/// Longest gap of a client on a machine that does a lot of other things.
const MOST: Duration = Duration::from_secs(10);
const LIMITS: &str = "drain_notice_ms = 200\ndrain_window_ms = 300\n";

#[tokio::test]
async fn all_are_restarted_and_clients_hardly_notice() {
    let mut config = VenueConfig::new(Exchange::Kucoin);
    config.symbols = vec!["BTC-USDT".into(), "ETH-USDT".into()];
    config.source = Source::Walk { rate: 20, seed: 1 };
    let market = Market::start(vec![config]).await;
    let (_feed, mut fleet) = tokio::join!(market.feed(), Fleet::start(&market, LIMITS));
    let haproxy = fleet.haproxy(&[]).await;
    let clients = regulars(&haproxy.ws(), 30, &TOPICS).await;
    let before: Vec<u32> = (0..3).map(|number| fleet.gateway(number).process.pid()).collect();
    let script = fleet.script(&["--restart-command", ORDER]);
    let (status, least_ready) = fleet.obey(script).await;
    let said = fleet.log("script");
    assert!(status.success() && said.contains("all 3 gateways restarted"), "{said}");
    assert!(least_ready >= 2, "only {least_ready} were ready at a time: {said}");
    let after: Vec<u32> = (0..3).map(|number| fleet.gateway(number).process.pid()).collect();
    assert!(before.iter().all(|pid| !after.contains(pid)));
    served(&clients).await;
    assert_eq!(clients.behind(DEADLINE).await, 0);
    let book = clients.book();
    assert_eq!(book.closes.keys().collect::<Vec<_>>(), [&1012], "{:?}", book.closes);
    assert_eq!(book.announced, book.closes[&1012]);
    assert!(book.closes[&1012] >= 30, "everybody was on some gateway: {:?}", book.closes);
    assert!(book.gaps(0).last().is_some_and(|gap| *gap < MOST), "{:?}", book.gaps(0).last());
    assert_eq!((book.steps_back, book.unanswered), (0, 0));
    assert!(book.refused.is_empty(), "{:?}", book.refused);
}

#[tokio::test]
async fn it_stops_at_one_that_does_not_come_back() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, mut fleet) = tokio::join!(market.feed(), Fleet::start(&market, LIMITS));
    let third = fleet.gateway(2).process.pid();
    let second = fleet.gateway(1).process.pid();
    // The first is restarted, the second dies of it.
    let command = format!("[ {{}} = 1 ] && kill -KILL {second} || {{ {ORDER}; }}");
    let script = fleet.script(&["--restart-command", &command, "--ready-timeout", "1"]);
    let (status, _) = fleet.obey(script).await;
    let said = fleet.log("script");
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("1 is not ready 1 s after its restart"), "{said}");
    assert!(said.contains("restarted before that: 0"), "{said}");
    assert_eq!(fleet.gateway(2).process.pid(), third, "the third is left alone");
    assert_eq!(fleet.admins().len(), 3);

    // Two are ready, and two have to stay: there is none to spare.
    let script = fleet.script(&["--restart-command", ORDER]);
    let (status, _) = fleet.obey(script).await;
    let said = fleet.log("script");
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("only 1 other gateways are ready (2 are needed)"), "{said}");
    assert!(said.contains("not ready: 1"), "{said}");
    assert!(!fleet.folder.path().join("restart-0").exists(), "nothing was done");
}

#[tokio::test]
async fn it_finds_out_when_nothing_was_restarted() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, mut fleet) = tokio::join!(market.feed(), Fleet::start(&market, LIMITS));
    let dry = fleet.script(&["--restart-command", "touch never-{}", "--dry-run"]);
    let (status, _) = fleet.obey(dry).await;
    let said = fleet.log("script");
    assert!(
        status.success() && said.contains("2: ready") && said.contains("touch never-2"),
        "{said}"
    );
    assert!(!fleet.folder.path().join("never-0").exists());
    // It runs for more than the two seconds that whole ones may hide.
    crate::support::eventually("it runs for a while", async || {
        let uptime = fleet.gateway(0).admin("/health").await.json()["uptime_seconds"].as_u64();
        uptime.filter(|seconds| *seconds > 3)
    })
    .await;
    let script = fleet.script(&["--restart-command", "true"]);
    let (status, _) = fleet.obey(script).await;
    let said = fleet.log("script");
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("0 was not restarted"), "{said}");
    let script = fleet.script(&["--restart-command", "exit 3"]);
    let (status, _) = fleet.obey(script).await;
    let said = fleet.log("script");
    assert!(status.code() == Some(1) && said.contains("0: the restart command failed"), "{said}");
}

#[test]
fn mistakes_are_named() {
    for (args, wanted) in [
        (&[][..], "which gateways? --gateways 8080,8081"),
        (&["--gatewys", "8080"][..], "unknown argument '--gatewys'"),
        (&["8080"][..], "unknown argument '8080'"),
        (&["--gateways"][..], "--gateways needs a value"),
        (&["--gateways", "8080,,8081"][..], "takes a list"),
        (&["--gateways", "8080,8080"][..], "stands twice"),
        (&["--gateways", "18080"][..], "say with --admin"),
        (&["--gateways", "a,b", "--admin", "127.0.0.1:1"][..], "2 gateways, but 1 addresses"),
        (&["--gateways", "8080", "--min-ready", "1"][..], "leaves none to be restarted"),
        (&["--gateways", "8080", "--settle", "1s"][..], "takes a whole number, not '1s'"),
        (&["--gateways", "8080", "--return", "101"][..], "takes at most 100"),
    ] {
        let (code, _, error) = run(args);
        assert!(code == 2 && error.contains(wanted) && error.lines().count() == 1, "{error}");
    }
    let (code, help, error) = run(&["--help"]);
    assert!(code == 0 && help.contains("--min-ready N") && error.is_empty());
}

#[test]
fn gateways_of_other_machines_are_asked_and_restarted_by_ssh() {
    // What would be run there is printed here.
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("ssh.log");
    let ssh = folder.path().join("ssh");
    let script = format!("#!/bin/sh\necho \"$@\" >>'{}'\necho '{{\"open\":7}}'\n", log.display());
    std::fs::write(&ssh, script).expect("a file");
    let ssh = format!("sh {}", ssh.display());
    let (_, said, error) =
        run(&["--gateways", "web2:8081", "--min-ready", "0", "--ssh", &ssh, "--settle", "0"]);
    assert!(said.contains("web2:8081: version unknown, 7 of 7 clients"), "{said}{error}");
    let asked = std::fs::read_to_string(&log).expect("it was called");
    for wanted in [
        "web2 curl -fsS --max-time 3 http://127.0.0.1:18081/readyz",
        "web2 systemctl restart tickcast-gateway@8081",
    ] {
        assert!(asked.lines().any(|line| line == wanted), "{asked}");
    }
}

#[test]
fn the_scripts_are_sound() {
    for script in [shipped("rolling-restart.sh"), shipped("../tests/upgrade.sh")] {
        let checked = Command::new("shellcheck").arg(&script).output().expect("shellcheck");
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    }
}

fn run(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new("bash");
    let ended = command.arg(shipped("rolling-restart.sh")).args(args).output().expect("bash");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ended.status.code().unwrap_or(-1), text(&ended.stdout), text(&ended.stderr))
}
