//! Settings of a gateway, its log, and files that cannot be used.

use super::{SERVED, applied, reload};
use crate::support::{Client, RedisServer, Role, Scrape, eventually, start};
use serde_json::{Value, json};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, client::IntoClientRequest},
};

/// A gateway with these lines in its file, on a Redis of its own.
async fn gateway(redis: &RedisServer, lines: &str) -> Role {
    start(&["gateway"]).config(&file(redis, lines)).ready().await
}

fn file(redis: &RedisServer, lines: &str) -> String {
    format!("redis_url = {:?}\n{lines}", redis.url())
}

/// The `limits` that a new client is told.
async fn limits(gateway: &Role) -> Value {
    let mut client = Client::dial(&gateway.ws()).await.expect("it is let in");
    client.next().await["limits"].clone()
}

/// Codes of the patterns that are rejected.
async fn rejected(client: &mut Client, patterns: &[&str]) -> Vec<Value> {
    let answer = client.subscribe(patterns).await;
    answer["rejected"].as_array().expect("a list").iter().map(|it| it["code"].clone()).collect()
}

#[tokio::test]
async fn new_limits_are_told_to_newcomers_and_held_by_all() {
    let redis = RedisServer::start().await;
    let gateway = gateway(&redis, "[gateway.limits]\nmax_patterns = 3\n").await;
    let mut early = Client::connect(&gateway.ws()).await;
    assert_eq!(rejected(&mut early, &["A-*", "B-*", "C-*"]).await, Vec::<Value>::new());
    let less = "[gateway.limits]\nmax_patterns = 1\nmax_topics = 9\n";
    applied(&gateway, &file(&redis, less)).await;
    let told = limits(&gateway).await;
    assert_eq!((&told["max_topics"], &told["max_patterns"]), (&json!(9), &json!(1)), "{told}");
    let mut late = Client::connect(&gateway.ws()).await;
    assert_eq!(rejected(&mut late, &["A-*", "B-*"]).await, ["too_many_topics"]);
    // Whoever was there before keeps what it has, and gets no more.
    assert_eq!(rejected(&mut early, &["D-*"]).await, ["too_many_topics"]);
    early.send(&json!({"op": "list", "id": 1})).await;
    let list = early.next_of("subscriptions").await;
    assert_eq!(list["patterns"].as_array().expect("a list").len(), 3, "{list}");
    let sent = "x".repeat(2000);
    applied(&gateway, &file(&redis, "[gateway.limits]\nmax_message_bytes = 1024\n")).await;
    early.send_text(&sent).await;
    assert_eq!(early.closed().await.expect("a close").0, 1009);
}

#[tokio::test]
async fn topics_are_shown_one_by_one_as_long_as_they_are_named() {
    let redis = RedisServer::start().await;
    let gateway = gateway(&redis, "[gateway]\nmetrics_topics = [\"BTC-USDT\"]\n").await;
    let live = async |topic: &str| {
        let scrape = Scrape::of(&gateway).await;
        let mut shown = scrape.series.iter().filter(|it| it.name == "tickcast_gateway_topic_live");
        shown.find(|it| it.labels["topic"] == topic).map(|it| it.value)
    };
    eventually("it is shown", async || live("ticker:kucoin:BTC-USDT").await).await;
    // Another exchange for bare symbols is another topic.
    let other = "[gateway]\nmetrics_topics = [\"BTC-USDT\"]\ndefault_exchange = \"okx\"\n";
    applied(&gateway, &file(&redis, other)).await;
    eventually("the other is shown", async || live("ticker:okx:BTC-USDT").await).await;
    let before = live("ticker:kucoin:BTC-USDT").await;
    assert!(before.is_some_and(f64::is_nan), "{before:?}");
}

#[tokio::test]
async fn a_heartbeat_that_is_shortened_finds_silent_clients_that_were_there_before() {
    let redis = RedisServer::start().await;
    let gateway = gateway(&redis, "").await;
    let mut client = Client::connect(&gateway.ws()).await;
    // A client that is not read from answers no pings.
    applied(&gateway, &file(&redis, "[gateway.limits]\nheartbeat_ms = 50\n")).await;
    eventually("it is closed", async || {
        (gateway.metric("tickcast_gateway_closed_total").await > 0.0).then_some(())
    })
    .await;
    assert_eq!(client.closed().await.expect("a close").0, 4001);
}

/// Dials as a page of this origin does; the HTTP status if it was refused.
async fn dial_from(gateway: &Role, origin: &str) -> Option<u16> {
    let mut request = gateway.ws().into_client_request().unwrap();
    request.headers_mut().insert("origin", origin.parse().unwrap());
    match connect_async(request).await {
        Ok(_) => None,
        Err(Error::Http(answer)) => Some(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn an_origin_that_is_taken_away_gets_403_and_the_others_stay() {
    let redis = RedisServer::start().await;
    let (one, two) = ("https://one.example", "https://two.example");
    let both = file(&redis, &format!("[gateway]\nallowed_origins = [{one:?}, {two:?}]\n"));
    let gateway = start(&["gateway"]).config(&both).ready().await;
    assert_eq!((dial_from(&gateway, one).await, dial_from(&gateway, two).await), (None, None));
    let only = format!("[gateway]\nallowed_origins = [{one:?}]\nallow_missing_origin = false\n");
    let mut early = Client::connect(&gateway.ws()).await;
    applied(&gateway, &file(&redis, &only)).await;
    assert_eq!((dial_from(&gateway, one).await, dial_from(&gateway, two).await), (None, Some(403)));
    assert!(Client::dial(&gateway.ws()).await.is_err(), "a client without an origin");
    early.send_text("ping").await;
    assert_eq!(early.next().await, "pong", "who is in stays in");
    let page = gateway.get("/v1/topics").await;
    assert!(!page.headers.contains_key("access-control-allow-origin"), "{:?}", page.headers);
    applied(&gateway, &file(&redis, "[gateway]\nallowed_origins = [\"*\"]\n")).await;
    let page = gateway.get("/v1/topics").await;
    assert_eq!(page.headers["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn the_log_level_follows_the_file() {
    let redis = RedisServer::start().await;
    let level = |level: &str| format!("log_level = {level:?}\n{}", file(&redis, ""));
    let gateway = start(&["gateway"]).config(&level("info")).ready().await;
    let log = &gateway.process.stderr;
    drop(Client::connect(&gateway.ws()).await);
    assert!(!log.contain("\"DEBUG\""));
    applied(&gateway, &level("debug")).await;
    let mut client = Client::connect(&gateway.ws()).await;
    client.send_text(&"x".repeat(100_000)).await;
    assert_eq!(client.closed().await.expect("a close").0, 1009);
    eventually("a line of the new level", async || log.contain("\"DEBUG\"").then_some(())).await;
    applied(&gateway, &level("error")).await;
    let lines = log.all().len();
    assert_eq!(reload(&gateway, &level("error")).await.0, "unchanged");
    assert_eq!(log.all().len(), lines, "even the word about it is below that level");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_changes_nothing_and_the_next_one_does() {
    let redis = RedisServer::start().await;
    let good = "[gateway.limits]\nmax_topics = 7\n";
    // Where no flag says it, the file does.
    let first = format!("log_level = \"info\"\n{}", file(&redis, good));
    let gateway = start(&["gateway"]).config(&first).ready().await;
    for (bad, wanted) in [
        ("[gateway.limits\n", "tickcast.toml:2: not TOML"),
        ("[gateway.limits]\nmax_topic = 8\n", "unknown key gateway.limits.max_topic"),
        (
            "[gateway.limits]\nmax_topics = \"x\"\n",
            "gateway.limits.max_topics = \\\"x\\\" does not",
        ),
        ("[gateway.limits]\nmax_topics = 0\n", "gateway.limits.max_topics = 0"),
        ("log_level = \"loud\"\n", "log_level = \\\"loud\\\" does not fit"),
        ("[gateway.auth]\napi_keys_file = \"none\"\n", "gateway.auth.api_keys_file"),
        ("[gateway.tls]\ncertificate = \"none\"\nprivate_key = \"x\"\n", "gateway.tls.certificate"),
    ] {
        // A top-level key has to stand before the sections.
        let text = match bad.starts_with('[') {
            true => file(&redis, bad),
            false => format!("{bad}{}", file(&redis, good)),
        };
        assert_eq!(reload(&gateway, &text).await.0, "refused", "{bad}");
        let is_told = |line: &String| line.contains("ERROR") && line.contains(wanted);
        let log = &gateway.process.stderr;
        assert!(log.find(|line| is_told(line).then_some(())).is_some(), "{wanted}: {}", log.text());
        let error = gateway.admin("/health").await.json()["config"]["error"].clone();
        assert!(error.as_str().expect("a reason").contains(&wanted.replace('\\', "")), "{error}");
    }
    assert_eq!(limits(&gateway).await["max_topics"], 7);
    applied(&gateway, &file(&redis, "[gateway.limits]\nmax_topics = 8\n")).await;
    assert_eq!(limits(&gateway).await["max_topics"], 8);
    assert_eq!(gateway.admin("/health").await.json()["config"]["error"], Value::Null);
    let metrics = gateway.admin("/metrics").await.body;
    assert!(metrics.contains("tickcast_config_reloads_total{result=\"refused\"} 7"), "{metrics}");
    assert!(metrics.contains("tickcast_config_reloads_total{result=\"applied\"} 1"), "{metrics}");
}

#[tokio::test]
async fn what_needs_a_restart_is_named_and_the_rest_applies() {
    let redis = RedisServer::start().await;
    let gateway = gateway(&redis, "").await;
    let text = "[gateway]\nshards = 3\nio_uring = true\n[gateway.limits]\nmax_topics = 5\n";
    let (outcome, waiting) = reload(&gateway, &file(&redis, text)).await;
    assert_eq!(
        (outcome.as_str(), waiting),
        ("applied", vec!["gateway.io_uring".into(), "gateway.shards".into()])
    );
    assert_eq!(limits(&gateway).await["max_topics"], 5);
    for key in ["gateway.io_uring", "gateway.shards"] {
        let is_told = |line: &String| {
            line.contains("WARN") && line.contains("after a restart") && line.contains(key)
        };
        assert!(gateway.process.stderr.find(|line| is_told(line).then_some(())).is_some(), "{key}");
    }
    assert_eq!(gateway.metric("tickcast_config_pending_restart").await, 2.0);
    // It goes on waiting, and is forgotten once it is taken back.
    assert_eq!(reload(&gateway, &file(&redis, text)).await.0, "unchanged");
    assert_eq!(gateway.metric("tickcast_config_pending_restart").await, 2.0);
    applied(&gateway, &file(&redis, "")).await;
    assert_eq!(gateway.metric("tickcast_config_pending_restart").await, 0.0);
}

#[tokio::test]
async fn who_may_connect_where_it_listens_now_stays_said() {
    let redis = RedisServer::start().await;
    let text = file(&redis, "[gateway]\nallowed_origins = [\"*\"]\n");
    let gateway = start(&["gateway", "--listen", "0.0.0.0:0"]).config(&text).ready().await;
    assert_eq!(reload(&gateway, &file(&redis, "")).await.0, "refused");
    assert_eq!(dial_from(&gateway, "https://one.example").await, None);
}

#[tokio::test]
async fn a_gateway_that_is_not_ready_and_a_demo_survive_it() {
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis_url = \"redis://{}\"\n", nowhere.local_addr().unwrap());
    let gateway = start(&["gateway"]).config(&url).listening().await;
    applied(&gateway, &format!("{url}[gateway.limits]\nmax_topics = 5\n")).await;
    assert_eq!(gateway.admin("/readyz").await.status, 503);
    let demo = start(&["demo"]).ready().await;
    demo.process.signal("HUP");
    eventually("it says that there is nothing to do", async || {
        demo.process.stderr.contain("SIGHUP: nothing to do").then_some(())
    })
    .await;
    assert_eq!(demo.metric(SERVED).await, 0.0);
    assert_eq!(demo.admin("/livez").await.status, 200);
}
