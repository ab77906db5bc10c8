//! What operators are shown on `/metrics`, and that it is what the tables say.

mod clients;
mod delays;
mod exchanges;

use crate::support::{Market, Role, Scrape, start};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tickcast_load::venue::{Exchange, Tick, VenueConfig};
use tickcast_shared::metric::{Row, table};

const FEED: &[Row] = tickcast_feed::metrics::TABLE;
const GATEWAY: &[Row] = tickcast_gateway::metrics::table::TABLE;
/// Exact numbers of seconds, counts and the like.
const ONE: fn(f64) -> bool = |value| (value - 1.0).abs() < f64::EPSILON;
const ZERO: fn(f64) -> bool = |value| value.abs() < f64::EPSILON;

/// What appears with its first event, and need not have one in these tests.
const EVENTS: [&str; 26] = [
    "tickcast_bus_lost_shards",
    "tickcast_bus_snapshots_total",
    "tickcast_bus_undecodable_total",
    "tickcast_bus_unwritten_total",
    "tickcast_feed_backfill_bars_total",
    "tickcast_feed_backfill_failures_total",
    "tickcast_feed_backfill_requests_total",
    "tickcast_feed_bars_closed_total",
    "tickcast_feed_bus_errors_total",
    "tickcast_feed_channels_refused_total",
    "tickcast_feed_index_outliers_total",
    "tickcast_feed_index_stale_total",
    "tickcast_feed_link_events_total",
    "tickcast_feed_link_losses_total",
    "tickcast_feed_polls_total",
    "tickcast_feed_rotations_total",
    "tickcast_gateway_bar_reads_total",
    "tickcast_gateway_bars",
    "tickcast_gateway_closed_total",
    "tickcast_gateway_key_set_reads_total",
    "tickcast_gateway_limited_total",
    "tickcast_gateway_memory_used_ratio",
    "tickcast_gateway_refused_total",
    "tickcast_gateway_rejoins_total",
    "tickcast_gateway_tls_certificate_broken",
    "tickcast_gateway_tls_certificate_expires_seconds",
];

async fn two_venues() -> Market {
    let venues = [Exchange::Kucoin, Exchange::Okx].map(|exchange| {
        let mut config = VenueConfig::new(exchange);
        config.symbols = vec!["BTC-USDT".to_owned()];
        config
    });
    Market::start(venues.into()).await
}

/// A gateway that shows these topics one by one.
async fn gateway_with_topics(market: &Market, topics: &[&str]) -> Role {
    let config = format!("{}[gateway]\nmetrics_topics = {topics:?}\n", market.config());
    start(&["gateway"]).config(&config).ready().await
}

/// A price at a venue that was told so long ago by its own clock.
fn push(market: &Market, venue: usize, bid: &str, ask: &str, ago: Duration) {
    let told = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970") - ago;
    let time_ms = i64::try_from(told.as_millis()).ok();
    let tick = Tick { time_ms, ..Tick::quote("BTC-USDT", bid, ask) };
    market.venues[venue].control.push_tick(tick);
}

fn assert_as_declared(scrape: &Scrape, tables: &[&'static [Row]]) {
    let rows = || tables.iter().copied().flatten();
    let declared: BTreeMap<&str, &Row> = rows().map(|row| (row.name, row)).collect();
    for series in &scrape.series {
        let name = scrape.metric_of(series);
        let row = declared.get(name).unwrap_or_else(|| panic!("{name} is not declared"));
        assert_eq!(scrape.kinds[name], row.kind.as_str(), "{name}");
        assert_eq!(scrape.meanings[name], row.meaning, "{name}");
        assert_eq!(series.keys(), row.labels.iter().copied().collect::<BTreeSet<_>>(), "{name}");
    }
    let shown: BTreeSet<&str> = scrape.series.iter().map(|it| scrape.metric_of(it)).collect();
    let missing: Vec<&str> = declared.into_keys().filter(|name| !shown.contains(name)).collect();
    let missing: Vec<_> = missing.into_iter().filter(|name| !EVENTS.contains(name)).collect();
    assert_eq!(missing, [""; 0], "declared, and nothing feeds them");
}

/// As Prometheus' own tool judges the text: names, kinds, descriptions, base units.
fn assert_promtool_agrees(scrape: &Scrape) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed");
    let mut stdin = promtool.stdin.take().expect("a pipe");
    stdin.write_all(scrape.text.as_bytes()).expect("it reads all");
    drop(stdin);
    let judged = promtool.wait_with_output().expect("it ends");
    let said = [judged.stdout, judged.stderr].concat();
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[tokio::test]
async fn feed_and_gateway_show_what_the_tables_say_and_nothing_else() {
    let market = two_venues().await;
    let topics = ["BTC-USDT", "ticker:okx:BTC-USDT"];
    let (feed, gateway) = tokio::join!(market.feed(), gateway_with_topics(&market, &topics));
    for venue in &market.venues {
        venue.control.until_subscribed(&["BTC-USDT"]).await;
    }
    let mut client = gateway.client(&["BTC-USDT"]).await;
    client.subscribe(&["NO-SUCH"]).await;
    // The first message of a subscription tells nothing of delays.
    for bid in ["100", "101"] {
        push(&market, 0, bid, "102", Duration::ZERO);
        push(&market, 1, bid, "102", Duration::ZERO);
        while client.next_of("ticker").await["bid_price"] != bid {}
    }
    let delay = "tickcast_feed_exchange_delay_seconds_count";
    feed.until_metric(delay, &["okx"], |count| count >= 1.0).await;
    for exchange in ["kucoin", "okx"] {
        feed.until_metric("tickcast_feed_venue_deviation_ratio", &[exchange], ZERO).await;
    }
    let ages = "tickcast_gateway_topic_age_seconds";
    gateway.until_metric(ages, &["ticker:okx:BTC-USDT"], |age| age >= 0.0).await;
    gateway.until_metric("tickcast_gateway_cohorts", &[], ONE).await;

    let (fed, served) = (Scrape::of(&feed).await, Scrape::of(&gateway).await);
    assert_as_declared(&fed, &[FEED, table::TABLE]);
    assert_as_declared(&served, &[GATEWAY, table::TABLE]);
    for (scrape, role) in [(&fed, "feed"), (&served, "gateway")] {
        assert_promtool_agrees(scrape);
        let version = env!("CARGO_PKG_VERSION");
        assert!(scrape.value("tickcast_build_info", &[version, role]).is_some_and(ONE));
        assert!(scrape.value("tickcast_ready", &[]).is_some_and(ONE));
    }
    assert!(served.value("tickcast_gateway_rejected_total", &["unknown_topic"]).is_some_and(ONE));
    assert!(served.value("tickcast_gateway_upgrades_total", &[]).is_some_and(ONE));
    let topics: BTreeSet<&str> =
        served.series.iter().filter_map(|it| it.labels.get("topic").map(String::as_str)).collect();
    let configured = ["ticker:kucoin:BTC-USDT", "ticker:okx:BTC-USDT"];
    assert_eq!(topics, BTreeSet::from(configured), "no other topic is a series");
    let queues = gateway.admin("/queues").await.json();
    let queues = queues.as_array().expect("a list");
    assert!(queues.len() >= 2, "{queues:?}");
    for queue in queues {
        let name = [queue["name"].as_str().expect("a name")];
        let shown = served.value("tickcast_queue_capacity", &name);
        assert_eq!(shown, queue["capacity"].as_f64(), "{queue}");
    }
}

#[tokio::test]
async fn one_process_shows_both_tables() {
    let market = two_venues().await;
    let run = start(&["run"]).config(&market.config()).ready().await;
    let topics = ["tickcast_gateway_topic_age_seconds", "tickcast_gateway_topic_live"];
    let rows = || FEED.iter().chain(GATEWAY).chain(table::TABLE);
    let names: BTreeSet<&str> = rows().map(|row| row.name).collect();
    let scrape = Scrape::of(&run).await;
    assert!(scrape.series.iter().all(|it| names.contains(scrape.metric_of(it))), "{}", scrape.text);
    assert!(
        scrape.series.iter().all(|it| !topics.contains(&it.name.as_str())),
        "none is asked for"
    );
    assert!(scrape.value("tickcast_gateway_connections", &[]).is_some());
    assert!(scrape.value("tickcast_feed_active", &[]).is_some());
}
