//! `tickcast check --redis`: each condition is made on a real server and must be found there.

use crate::support::{Ended, RedisServer, eventually, shipped::Shipped, start};
use serde_json::Value;
use tickcast_shared::testing::{Cluster, Sentinels};

/// What is found at that address.
#[derive(Debug)]
struct Checked {
    code: i32,
    lines: Vec<Value>,
}

impl Checked {
    async fn at(url: &str, args: &[&str]) -> Self {
        let ended = start(&["check", "--redis", "--json", "--redis-url", url]).args(args);
        Self::of(&ended.ended().await)
    }

    fn of(ended: &Ended) -> Self {
        let lines = ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        Self { code: ended.code, lines: lines.collect() }
    }

    /// Whether one of the servers has that verdict on that check, and says so with these words.
    fn has(&self, check: &str, verdict: &str, words: &str) -> bool {
        self.lines.iter().any(|line| {
            let says = |key: &str| line[key].as_str().is_some_and(|text| text.contains(words));
            line["check"] == check
                && line["verdict"] == verdict
                && (says("found") || says("change"))
        })
    }

    fn must_have(&self, check: &str, verdict: &str, words: &str) {
        let lines: Vec<String> = self.lines.iter().map(Value::to_string).collect();
        assert!(
            self.has(check, verdict, words),
            "{check} {verdict} {words}:\n{}",
            lines.join("\n")
        );
    }
}

#[tokio::test]
async fn the_shipped_files_have_nothing_to_change() {
    let redis = Shipped::single().await;
    for (user, args) in [
        ("feed", &["--role", "feed"][..]),
        ("feed", &[]),
        ("gateway", &["--role", "gateway"]),
        ("gateway", &[]),
        ("operator", &[]),
    ] {
        let checked = Checked::at(&redis.url(user), args).await;
        assert_eq!(checked.code, 0, "{user}: {checked:#?}");
        // A busy machine holds any server up.
        for line in checked.lines.iter().filter(|line| line["check"] != "delays") {
            let is_skipped = line["check"] == "settings" && user != "operator";
            let wanted = if is_skipped { "skip" } else { "ok" };
            assert_eq!(line["verdict"], wanted, "{user}: {line}");
        }
        if user == "feed" {
            checked.must_have("writing", "ok", "as far as its fence");
            checked.must_have("rights", "ok", "what a feed needs, and no more");
            checked.must_have("settings", "skip", "--redis-url redis://operator");
        }
    }
    // It has changed nothing.
    assert_eq!(redis.command("admin", &["DBSIZE"]), "0");
}

#[tokio::test]
async fn it_reads_well_in_a_terminal() {
    let redis = Shipped::single().await;
    let url = redis.url("operator");
    let shown = start(&["check", "--redis", "--redis-url", &url]).ended().await;
    assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
    assert!(shown.stdout.lines().all(|line| line.chars().count() <= 80), "{}", shown.stdout);
    assert!(shown.stdout.contains("\n  ok    eviction     noeviction\n"), "{}", shown.stdout);
    let ends = ["\nRedis is as Tickcast needs it", "\nRedis works for Tickcast, 1 to change"];
    assert!(ends.iter().any(|end| shown.stdout.ends_with(end)), "{}", shown.stdout);
    assert!(!shown.stdout.contains('\x1b') && !shown.stdout.contains("operator:"));
}

#[tokio::test]
async fn what_must_be_changed_is_found() {
    let redis = Shipped::single().await;
    let url = redis.url("operator");
    for (settings, check, verdict, words) in [
        (
            &["maxmemory-policy", "allkeys-lru"][..],
            "eviction",
            "fail",
            "maxmemory-policy noeviction",
        ),
        (&["maxmemory", "0"], "memory", "warn", "maxmemory 1gb"),
        (&["maxmemory", "1"], "memory", "fail", "writes are refused"),
        (
            &["client-output-buffer-limit", "pubsub 1mb 0 0"],
            "subscribers",
            "fail",
            "client-output-buffer-limit pubsub 32mb 16mb 10",
        ),
        (&["client-output-buffer-limit", "pubsub 32mb 1mb 1"], "subscribers", "fail", "1 MiB"),
        (&["client-output-buffer-limit", "pubsub 0 0 0"], "subscribers", "warn", "no limit"),
        (&["maxmemory-clients", "0"], "clients", "warn", "maxmemory-clients 40%"),
        (&["save", "60 1"], "disk", "warn", "save \"\""),
        (&["appendonly", "yes"], "disk", "warn", "appendonly no"),
        (&["timeout", "30"], "idle", "warn", "timeout 0"),
        (&["tcp-keepalive", "0"], "dead peers", "warn", "tcp-keepalive 60"),
        (&["min-replicas-to-write", "1"], "replicas", "fail", "min-replicas-to-write 0"),
    ] {
        let before = redis.command("admin", &["CONFIG", "GET", settings[0]]);
        let before = before.split_once('\n').map_or("", |(_, value)| value).to_owned();
        redis.command("admin", &["CONFIG", "SET", settings[0], settings[1]]);
        let checked = Checked::at(&url, &[]).await;
        checked.must_have(check, verdict, words);
        assert_eq!(checked.code, i32::from(verdict == "fail"), "{check}");
        redis.command("admin", &["CONFIG", "SET", settings[0], &before]);
    }
    redis.command("admin", &["SET", "session:1", "x"]);
    redis.command("admin", &["-n", "3", "SET", "session:2", "x"]);
    let checked = Checked::at(&url, &[]).await;
    checked.must_have("keys", "warn", "1 of 1 are not Tickcast's, such as \"session:1\"");
    checked.must_have("databases", "warn", "2 are in use");
    assert_eq!(checked.code, 0, "it works all the same");
}

#[tokio::test]
async fn a_feed_hears_that_nothing_can_be_written() {
    let redis = Shipped::single().await;
    let url = redis.url("feed");
    for (settings, words) in [
        (["maxmemory", "1"], "a larger maxmemory"),
        (["min-replicas-to-write", "1"], "start the replicas"),
    ] {
        redis.command("admin", &["CONFIG", "SET", settings[0], settings[1]]);
        let checked = Checked::at(&url, &[]).await;
        checked.must_have("writing", "fail", words);
        assert_eq!(checked.code, 1);
        redis.command("admin", &["CONFIG", "SET", settings[0], "0"]);
    }
    redis.command("admin", &["REPLICAOF", "127.0.0.1", "1"]);
    let checked = Checked::at(&url, &[]).await;
    assert_eq!(checked.code, 1, "{checked:#?}");
}

#[tokio::test]
async fn rights_that_do_not_fit_are_named() {
    let redis = Shipped::single().await;
    let checked = Checked::at(&redis.url("gateway"), &["--role", "feed"]).await;
    checked.must_have("rights", "fail", "too few for a feed: SCRIPT LOAD, EVALSHA");
    let checked = Checked::at(&redis.url("feed"), &["--role", "gateway"]).await;
    checked.must_have("rights", "fail", "too few for a gateway: ");
    redis.command("admin", &["ACL", "SETUSER", "gateway", "+publish", "%W~tc:*", "+set"]);
    let checked = Checked::at(&redis.url("gateway"), &["--role", "gateway"]).await;
    checked.must_have("rights", "warn", "more than a gateway needs: ");
    checked.must_have("rights", "warn", "PUBLISH of prices");
    redis.command("admin", &["ACL", "SETUSER", "gateway", "-hgetall"]);
    let checked = Checked::at(&redis.url("gateway"), &["--role", "gateway"]).await;
    checked.must_have("rights", "fail", "too few for a gateway: HGETALL of prices");
    redis.command("admin", &["ACL", "SETUSER", "feed", "~*"]);
    let checked = Checked::at(&redis.url("feed"), &[]).await;
    checked.must_have("rights", "warn", "more than a feed needs: SET of other keys");
    let checked = Checked::at(&redis.url("exporter"), &["--role", "gateway"]).await;
    checked.must_have("rights", "skip", "+multi");
}

#[tokio::test]
async fn nothing_is_run_for_a_user_without_transactions() {
    let redis = Shipped::single().await;
    redis.command("admin", &["SET", "tc:{ctl}:epoch", "5"]);
    redis
        .command("admin", &["ACL", "SETUSER", "odd", "on", ">hush", "~*", "&*", "+@all", "-multi"]);
    let url = format!("redis://odd:hush@127.0.0.1:{}", redis.port());
    let checked = Checked::at(&url, &[]).await;
    checked.must_have("rights", "skip", "+multi");
    assert_eq!(redis.command("admin", &["KEYS", "*"]), "tc:{ctl}:epoch");
    assert_eq!(redis.command("admin", &["GET", "tc:{ctl}:epoch"]), "5");
}

#[tokio::test]
async fn a_server_as_it_comes_from_the_distribution_is_told_what_to_change() {
    let redis = RedisServer::start_with(&["--save", "60 1"]).await;
    let checked = Checked::at(&redis.url(), &["--role", "gateway"]).await;
    assert_eq!(checked.code, 0, "it works: {checked:#?}");
    checked.must_have("user", "warn", "users.acl");
    checked.must_have("rights", "warn", "more than a gateway needs");
    checked.must_have("memory", "warn", "maxmemory 1gb");
    checked.must_have("disk", "warn", "save");
    checked.must_have("transport", "ok", "within this machine");
}

#[tokio::test]
async fn what_held_a_server_up_is_shown() {
    let redis = Shipped::single_with(&["--enable-debug-command", "yes"]).await;
    redis.command("admin", &["DEBUG", "SLEEP", "0.15"]);
    let checked = Checked::at(&redis.url("operator"), &[]).await;
    checked.must_have("delays", "warn", "held up by command for 15");
}

#[tokio::test]
async fn clocks_that_differ_are_shown() {
    let redis = Shipped::single().await;
    let url = redis.url("gateway");
    let ended = crate::wall_clock::ahead_by_an_hour(start(&[
        "check",
        "--redis",
        "--json",
        "--redis-url",
        &url,
    ]));
    let checked = Checked::of(&ended.ended().await);
    checked.must_have("clock", "warn", "s behind this machine's");
    assert_eq!(checked.code, 0, "nothing breaks");
}

#[tokio::test]
async fn who_does_not_let_us_in_says_why() {
    let mut redis = Shipped::single().await;
    let url = redis.url("gateway");
    let wrong = format!("redis://gateway:wrong@127.0.0.1:{}", redis.port());
    let checked = Checked::at(&wrong, &[]).await;
    assert_eq!(checked.code, 1);
    checked.must_have("reached", "fail", "redis://user:password@host:6379");
    let checked = Checked::at(&format!("redis+cluster://{}", &url["redis://".len()..]), &[]).await;
    assert_eq!(checked.code, 1);
    checked.must_have("reached", "fail", "none of a cluster");
    redis.kill(0);
    let checked = Checked::at(&url, &[]).await;
    assert_eq!(checked.code, 1);
    checked.must_have("reached", "fail", "start Redis there");
}

#[tokio::test]
async fn a_frozen_server_is_not_waited_for() {
    let redis = RedisServer::start().await;
    redis.freeze();
    let checked = Checked::at(&redis.url(), &[]).await;
    redis.thaw();
    assert_eq!(checked.code, 1);
    checked.must_have("reached", "fail", "no answer within 500ms");
}

#[tokio::test]
async fn sentinels_and_their_servers_are_asked_as_well() {
    let mut all = Sentinels::trio().await;
    let checked = Checked::at(&all.url(), &[]).await;
    assert_eq!(checked.code, 0, "{checked:#?}");
    checked.must_have("quorum", "ok", "2 of 3 sentinels");
    checked.must_have("replicas", "warn", "min-replicas-to-write 1");
    checked.must_have("part", "ok", "replica of 127.0.0.1");
    all.servers[0].command(&["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    all.servers[0].command(&["CONFIG", "SET", "min-replicas-max-lag", "3"]).await;
    all.servers[1].command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    // A replica that has been kept waiting does not count until it is heard again.
    let checked = eventually("the replica counts", async || {
        let checked = Checked::at(&all.url(), &[]).await;
        checked.has("replicas", "warn", "start another replica").then_some(checked)
    })
    .await;
    checked.must_have("eviction", "fail", "allkeys-lru");
    all.sentinels[0].kill();
    all.sentinels[1].kill();
    eventually("the last sentinel misses the others", async || {
        let checked = Checked::at(&all.url(), &[]).await;
        checked.has("quorum", "fail", "start the other sentinels").then_some(())
    })
    .await;
    let checked = Checked::at(&all.url().replace("/main", "/other"), &[]).await;
    checked.must_have("reached", "fail", "knows no master called \"other\"");
    assert_eq!(checked.code, 1);
}

#[tokio::test]
async fn slots_without_a_node_are_found() {
    let mut cluster = Cluster::start().await;
    let checked = Checked::at(&cluster.url(), &[]).await;
    checked.must_have("slots", "ok", "all 16384");
    checked.must_have("masters", "warn", "3, 3 without a replica");
    checked.must_have("lost slots", "ok", "their own topics");
    cluster.nodes[1].command(&["CONFIG", "SET", "cluster-require-full-coverage", "yes"]).await;
    cluster.nodes[2].kill();
    eventually("the others miss the node", async || {
        let checked = Checked::at(&cluster.url(), &[]).await;
        checked.has("lost slots", "warn", "cluster-require-full-coverage no").then_some(())?;
        (checked.has("slots", "fail", "are not served") && checked.code == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn flags_that_only_fit_redis_are_refused_without_it() {
    let ended = start(&["check", "--json"]).ended().await;
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("--redis"), "{}", ended.stderr);
    let ended = start(&["check", "--redis", "--role", "operator"]).ended().await;
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("feed, gateway"), "{}", ended.stderr);
}
