//! Redis with the users that are shipped: each can do its work and nothing else.

use crate::support::{Forward, Market, Role, eventually, shipped::FOLDER, shipped::Shipped, start};
use serde_json::Value;
use std::fs;
use tickcast_load::venue::Tick;

/// A role with that user's address.
async fn role(name: &str, user: &str, market: &Market, redis: &Shipped) -> Role {
    let config = market.config_on(&redis.url(user)) + &redis.section();
    start(&[name]).config(&config).ready().await
}

/// Prices and dead letters take the whole way, and no user has tried what it may not do.
async fn works_with_least_rights(redis: &Shipped) -> (Market, Role, Role) {
    let market = Market::kucoin(&["BTC-USDT", "ETH-USDT"]).await;
    let (feed, gateway) = tokio::join!(
        role("feed", "feed", &market, redis),
        role("gateway", "gateway", &market, redis)
    );
    let mut client = Forward::new(gateway.client(&["BTC-USDT"]).await);
    let control = &market.venue().control;
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "101.0", "101.2").with_last("101.1"));
    client.until(|it| it["last_price"] == "101.1" && it["state"] == "live").await;
    control.push_frame("{rubbish");
    let letters = eventually("the dead letter is kept", async || {
        let letters = dlq(redis, "operator").await;
        letters.0.contains("{rubbish").then_some(letters)
    })
    .await;
    assert_eq!(letters.1, 0);
    for refused in redis.everywhere("admin", &["ACL", "LOG"]) {
        let ours = ["feed", "gateway", "operator"].map(|user| format!("\n{user}\n"));
        assert!(ours.iter().all(|user| !refused.contains(user)), "{refused}");
    }
    (market, feed, gateway)
}

/// What `dlq list` writes for that user, and its exit code.
async fn dlq(redis: &Shipped, user: &str) -> (String, i32) {
    let url = redis.url(user);
    let listed = start(&["dlq", "list", "--json", "--redis-url", &url]).config(&redis.section());
    let listed = listed.ended().await;
    (listed.stdout + &listed.stderr, listed.code)
}

#[tokio::test]
async fn feed_gateway_and_operator_work_with_the_shipped_users() {
    let redis = Shipped::single().await;
    let (_market, _feed, gateway) = works_with_least_rights(&redis).await;
    let bars = gateway.get("/v1/klines/BTC-USDT?interval=1m").await;
    assert_eq!(bars.status, 200, "{}", bars.body);
    let (said, code) = dlq(&redis, "gateway").await;
    assert!(code == 1 && said.contains("NOPERM"), "{said}");
}

#[tokio::test]
async fn the_same_behind_sentinels_with_tls() {
    let redis = Shipped::sentinels().await;
    works_with_least_rights(&redis).await;
    clean(&redis, &["delays"]).await;
}

#[tokio::test]
async fn the_same_on_a_cluster_with_tls() {
    let redis = Shipped::cluster().await;
    works_with_least_rights(&redis).await;
    // Three nodes have no replicas; create-cluster.sh was told so.
    clean(&redis, &["masters", "delays"]).await;
}

/// `check --redis` has nothing against the shipped files, for any of the users.
async fn clean(redis: &Shipped, but: &[&str]) {
    for (user, role) in
        [("feed", &["--role", "feed"][..]), ("gateway", &["--role", "gateway"]), ("operator", &[])]
    {
        let url = redis.url(user);
        let args = [&["check", "--redis", "--json", "--redis-url", &url], role].concat();
        // All the servers share this machine, which may be too busy for one of them to answer in time.
        eventually(&format!("{user} finds nothing to change"), async || {
            let checked = start(&args).config(&redis.section()).ended().await;
            let lines = checked.stdout.lines();
            let lines = lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
            let mut changes = lines.filter(|line| !is_well(line, user, but));
            let change = changes.next();
            change.iter().for_each(|line| println!("{user}: {line}"));
            (checked.code == 0 && change.is_none()).then_some(())
        })
        .await;
    }
}

/// Only the operator may read settings.
fn is_well(line: &Value, user: &str, but: &[&str]) -> bool {
    let is_skipped = line["verdict"] == "skip" && line["check"] == "settings" && user != "operator";
    line["verdict"] == "ok" || is_skipped || but.iter().any(|check| line["check"] == *check)
}

#[tokio::test]
async fn the_gateways_user_cannot_write() {
    let redis = Shipped::single().await;
    let digest = "0".repeat(40);
    for words in [
        &["SET", "tc:{ctl}:epoch", "1"][..],
        &["SET", "tc:{0}:n", "1"],
        &["INCR", "tc:{0}:n"],
        &["HSET", "tc:{0}:last", "ticker:kucoin:BTC-USDT", "x"],
        &["HDEL", "tc:{0}:last", "ticker:kucoin:BTC-USDT"],
        &["HSET", "tc:{0}:fence", "main", "1 1 1"],
        &["RPUSH", "tc:{0}:bars:kline:kucoin:BTC-USDT:1m", "x"],
        &["DEL", "tc:{0}:last"],
        &["UNLINK", "tc:{0}:last"],
        &["EXPIRE", "tc:{0}:last", "1"],
        &["RENAME", "tc:{0}:last", "tc:{0}:n"],
        &["RESTORE", "tc:{0}:n", "0", "x"],
        &["XADD", "tc:dlq", "*", "a", "b"],
        &["PUBLISH", "tc:{0}", "x"],
        &["SPUBLISH", "tc:{0}", "x"],
        &["EVAL", "return redis.call('SET', 'tc:{0}:n', '1')", "0"],
        &["EVALSHA", &digest, "0"],
        &["FUNCTION", "LIST"],
        &["SCRIPT", "LOAD", "return 1"],
        &["SCRIPT", "FLUSH"],
        &["FLUSHALL"],
        &["FLUSHDB"],
        &["CONFIG", "SET", "maxmemory", "1"],
        &["CONFIG", "GET", "*"],
        &["ACL", "SETUSER", "gateway", "+@all"],
        &["ACL", "LIST"],
        &["REPLICAOF", "NO", "ONE"],
        &["SHUTDOWN"],
        &["CLIENT", "KILL", "TYPE", "normal"],
        &["KEYS", "*"],
        &["MONITOR"],
        // What it may not even read: who writes, what was refused, anything else.
        &["GET", "tc:{ctl}:epoch"],
        &["XRANGE", "tc:dlq", "-", "+"],
        &["GET", "other"],
        &["SUBSCRIBE", "other"],
    ] {
        let said = redis.command("gateway", words);
        assert!(said.starts_with("NOPERM"), "{words:?}: {said}");
    }
    assert_eq!(redis.command("admin", &["DBSIZE"]), "0");
    assert_eq!(redis.command("gateway", &["HGETALL", "tc:{0}:last"]), "");
}

#[tokio::test]
async fn the_other_users_stay_in_their_place() {
    let redis = Shipped::single().await;
    let evil = "return redis.call('SET', 'other', '1')";
    redis.command("admin", &["SCRIPT", "LOAD", evil]);
    let digest = {
        let sum = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, evil.as_bytes());
        sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    for (user, words) in [
        ("feed", &["SET", "other", "1"][..]),
        ("feed", &["SET", "tc:other", "1"]),
        ("feed", &["EVALSHA", &digest, "0"]),
        ("feed", &["PUBLISH", "other", "x"]),
        ("feed", &["XRANGE", "tc:dlq", "-", "+"]),
        ("feed", &["FLUSHALL"]),
        ("feed", &["CONFIG", "SET", "maxmemory", "1"]),
        ("feed", &["KEYS", "*"]),
        ("operator", &["SET", "tc:{0}:n", "1"]),
        ("operator", &["XADD", "tc:dlq", "*", "a", "b"]),
        ("operator", &["CONFIG", "SET", "maxmemory", "1"]),
        ("operator", &["PUBLISH", "tc:{0}", "x"]),
        ("exporter", &["HGETALL", "tc:{0}:last"]),
        ("exporter", &["CONFIG", "SET", "maxmemory", "1"]),
        ("exporter", &["CONFIG", "GET", "masterauth"]),
        ("replica", &["GET", "tc:{0}:n"]),
        ("sentinel", &["GET", "tc:{0}:n"]),
        ("sentinel", &["CONFIG", "SET", "maxmemory", "1"]),
    ] {
        let said = redis.command(user, words);
        let is_denied = said.contains("NOPERM") || said.contains("can't access at least one");
        assert!(is_denied, "{user} {words:?}: {said}");
    }
    assert_eq!(redis.command("admin", &["EXISTS", "other"]), "0");
    let nobody = std::process::Command::new("redis-cli")
        .args(["-p", &redis.port().to_string(), "GET", "tc:{0}:n"])
        .output()
        .expect("redis-cli is installed");
    assert!(String::from_utf8_lossy(&nobody.stdout).starts_with("NOAUTH"), "{nobody:?}");
}

#[test]
fn the_feed_may_run_every_command_of_the_scripts() {
    let users = fs::read_to_string(format!("{FOLDER}/users.acl")).expect("a file");
    let feed = users.lines().find(|line| line.starts_with("user feed ")).expect("the feed");
    let granted: Vec<&str> = feed.split(' ').collect();
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/shared/src/bus/redis/scripts");
    let mut commands = 0;
    for file in fs::read_dir(scripts).expect("a folder") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("text");
        for call in text.split("redis.call('").skip(1) {
            let command = call.split('\'').next().expect("a quote").to_lowercase();
            assert!(granted.contains(&&*format!("+{command}")), "{command}");
            commands += 1;
        }
    }
    assert!(commands > 20, "{commands}");
}
