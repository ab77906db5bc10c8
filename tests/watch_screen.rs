//! `tickcast watch` on a real terminal: a screen that shows, obeys keys, and goes as it came.

use crate::support::{Market, Node, Role, Terminal, eventually, start};
use std::fs;
use tempfile::TempDir;
use tickcast_load::venue::Tick;

/// What keys send.
const ESCAPE: &str = "\x1b";
const ENTER: &str = "\r";
const END: &str = "\x1b[F";
const F12: &str = "\x1b[24~";
const CONTROL_C: &str = "\x03";

fn watch(gateway: &Role, args: &[&str], variables: &[(&str, &str)]) -> Terminal {
    let url = gateway.ws();
    let args = [&["watch", "--url", &url][..], args].concat();
    Terminal::start(110, 30, &args, variables)
}

/// The line of a topic, which stands alone with both words.
async fn price(terminal: &Terminal, symbol: &str, exchange: &str) -> String {
    let line = terminal.shows(&[symbol, exchange]).await;
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| *word == exchange).expect("its exchange");
    words[at + 1..].iter().find(|word| word.contains('.')).expect("a price").to_string()
}

async fn moves(terminal: &Terminal, symbol: &str, exchange: &str) {
    let before = price(terminal, symbol, exchange).await;
    eventually("a price moves", async || {
        (price(terminal, symbol, exchange).await != before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn shows_prices_that_move_and_obeys_keys() {
    let demo = start(&["demo"]).ready().await;
    let mut terminal = watch(&demo, &["ticker:*:*"], &[]);
    terminal.shows(&["● connected", &demo.ws(), "tickcast"]).await;
    terminal.shows(&["56 topics", "updates/s", "round trip", "heartbeat 20 s"]).await;
    terminal.shows(&["SIMULATED PRICES"]).await;
    moves(&terminal, "ADA-USDT", "binance").await;
    terminal.shows(&["ADA-USDT", "kraken", " %", "live SIM"]).await;

    terminal.type_in("/ada okx");
    terminal.shows(&["filter:", "ada okx"]).await;
    terminal.shows(&["1 of 56 topics"]).await;
    terminal.lacks("BTC-USDT").await;
    terminal.type_in(ENTER);
    terminal.shows(&["q quit", "sort: symbol"]).await;
    terminal.type_in(ESCAPE);
    terminal.lacks("of 56 topics").await;

    terminal.type_in("s");
    terminal.shows(&["exchange↓"]).await;
    let first = || terminal.text().lines().nth(4).unwrap_or_default().to_owned();
    eventually("the first of all", async || first().contains("binance").then_some(())).await;
    terminal.type_in("r");
    eventually("the last of all", async || first().contains("okx").then_some(())).await;
    terminal.type_in("sssss");
    terminal.shows(&["symbol↓"]).await;

    stops_and_goes_on(&terminal, &demo).await;

    terminal.type_in(END);
    until_drawn(&terminal).await;
    let selected = terminal.shows(&["▸"]).await;
    assert!(selected.contains("okx"), "the last exchange: {selected}");
    terminal.type_in(ENTER);
    terminal.shows(&["published_ts", " ago)"]).await;
    terminal.type_in("?");
    terminal.shows(&["keys; any goes back"]).await;
    terminal.type_in("?");
    terminal.lacks("keys; any goes back").await;
    terminal.resize(40, 14);
    // The size and a key at one moment are too much for crossterm: it would wait for the next key.
    until_foot(&terminal, "q quit").await;
    terminal.type_in(ESCAPE);
    eventually("the table fits", async || {
        let line = terminal.line("▸")?;
        (line.contains("live SIM") && !terminal.text().contains(" bid")).then_some(())
    })
    .await;
    let before = terminal.line("▸");
    eventually("it moves", async || (terminal.line("▸") != before).then_some(())).await;

    assert!(terminal.is_taken());
    terminal.type_in("q");
    assert_eq!(terminal.exit().await.code(), Some(0));
    eventually("it is given back", async || (!terminal.is_taken()).then_some(())).await;
}

/// Waits until everything is drawn that a key before this has asked for: a screen is drawn from top to
/// bottom, and whoever looks in between sees parts of two pictures.
async fn until_drawn(terminal: &Terminal) {
    for (key, said) in [("/", " filter: "), (ESCAPE, "q quit")] {
        terminal.type_in(key);
        until_foot(terminal, said).await;
    }
}

async fn until_foot(terminal: &Terminal, said: &str) {
    let drawn = async || terminal.text().lines().last()?.contains(said).then_some(());
    eventually("its foot is drawn", drawn).await;
}

/// While the screen is stopped prices go on, and it shows them afterwards.
async fn stops_and_goes_on(terminal: &Terminal, demo: &Role) {
    terminal.type_in("p");
    terminal.shows(&["PAUSED at"]).await;
    until_drawn(terminal).await;
    let stopped = price(terminal, "ADA-USDT", "index").await;
    let there =
        async || demo.get("/v1/price/ticker:index:ADA-USDT").await.json()["last_price"].clone();
    for _ in 0..2 {
        let before = there().await;
        eventually("the gateway has others", async || (there().await != before).then_some(()))
            .await;
    }
    assert_eq!(price(terminal, "ADA-USDT", "index").await, stopped);
    terminal.type_in(" ");
    terminal.lacks("PAUSED").await;
    eventually("it shows others", async || {
        (price(terminal, "ADA-USDT", "index").await != stopped).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_feed_that_stops_and_a_gateway_that_restarts_are_seen() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (feed, mut gateway) = tokio::join!(market.feed(), market.gateway());
    market.venue().control.until_subscribed(&["BTC-USDT"]).await;
    let terminal = watch(&gateway, &["BTC-USDT"], &[]);
    terminal.shows(&["BTC-USDT", "pending"]).await;
    terminal.shows(&[" 1 pending"]).await;
    let tick = Tick::quote("BTC-USDT", "1.0", "1.2").with_last("1.10");
    market.venue().control.push_tick(tick);
    terminal.shows(&["BTC-USDT", " 1.10 ", "live SIM"]).await;

    drop(feed);
    terminal.shows(&["BTC-USDT", "STALE SIM", "feed_lost"]).await;
    terminal.shows(&[" 1 STALE "]).await;
    let price = start(&["price", "BTC-USDT", "--url", &gateway.ws()]).ended().await;
    assert_eq!(price.code, 3, "{price:?}");
    assert!(price.stdout.ends_with(" STALE SIMULATED"), "{price:?}");

    let address = gateway.address.to_string();
    gateway.process.kill();
    terminal.shows(&["NO CONNECTION", "no price is live", "attempt"]).await;
    terminal.shows(&["BTC-USDT", "NOT LIVE"]).await;
    terminal.shows(&["NO CONNECTION", "again in", "(attempt"]).await;
    terminal.shows(&["cannot reach", "is a gateway running?"]).await;
    let again = start(&["gateway", "--listen", &address]).config(&market.config());
    let _again = again.ready().await;
    terminal.shows(&["● connected"]).await;
    terminal.shows(&["BTC-USDT", " 1.10 ", "STALE SIM"]).await;
    terminal.lacks("NO CONNECTION").await;
}

#[tokio::test]
async fn the_terminal_is_given_back_however_it_ends() {
    let demo = start(&["demo"]).ready().await;
    type End = fn(&Terminal);
    let ends: [(i32, &str, End); 4] = [
        (0, "", |it| it.signal("TERM")),
        (0, "", |it| it.signal("HUP")),
        (0, "", |it| it.type_in(CONTROL_C)),
        (101, "asked to panic", |it| it.type_in(F12)),
    ];
    for (code, said, end) in ends {
        let mut terminal = watch(&demo, &["ticker:okx:*", "NOPE-USDT"], &[]);
        terminal.shows(&["NOPE-USDT", "unknown_topic"]).await;
        assert!(terminal.is_taken());
        end(&terminal);
        let ended = terminal.exit().await;
        eventually("it is given back", async || (!terminal.is_taken()).then_some(())).await;
        eventually("what is said", async || terminal.text().contains(said).then_some(())).await;
        assert_eq!(ended.code(), Some(code), "{said}");
    }
    let mut terminal = watch(&demo, &["NOPE-USDT"], &[]);
    assert_eq!(terminal.exit().await.code(), Some(1));
    terminal.shows(&["tickcast: no topic was accepted"]).await;
    assert!(!terminal.is_taken());
}

/// Its output waits for a reader, and with it all that the signal would have ended otherwise.
#[tokio::test]
async fn it_ends_on_a_terminal_that_takes_nothing() {
    let demo = start(&["demo"]).ready().await;
    let args = ["watch", "--url", &demo.ws(), "ticker:okx:*"];
    for signal in ["TERM", "HUP"] {
        let mut terminal = Terminal::start_unread(110, 30, &args);
        eventually("it is a screen", async || terminal.is_raw().then_some(())).await;
        terminal.signal(signal);
        assert_eq!(terminal.exit().await.code(), Some(0), "{signal}");
        assert!(!terminal.is_raw(), "{signal}");
    }
}

#[tokio::test]
async fn it_ends_with_its_terminal() {
    let demo = start(&["demo"]).ready().await;
    let mut terminal = watch(&demo, &["ticker:okx:*"], &[]);
    terminal.shows(&["● connected"]).await;
    terminal.close();
    assert_eq!(terminal.exit().await.code(), Some(0));
}

#[tokio::test]
async fn lines_where_lines_are_asked_for() {
    let demo = start(&["demo"]).ready().await;
    for (args, variables) in [
        (&["--plain"][..], &[][..]),
        (&["--count", "3"], &[]),
        (&["--json"], &[]),
        (&[], &[("TERM", "dumb")]),
    ] {
        let args = [&["ticker:okx:BTC-USDT"], args].concat();
        let terminal = watch(&demo, &args, variables);
        let word = if args.contains(&"--json") { "\"state\":\"live\"" } else { " live SIMULATED" };
        eventually("a line", async || terminal.text().contains(word).then_some(())).await;
        assert!(!terminal.is_taken(), "{args:?}");
    }
}

#[tokio::test]
async fn there_are_no_colours_for_those_who_want_none() {
    let demo = start(&["demo"]).ready().await;
    for (variables, has_colours) in [(&[("NO_COLOR", "1")][..], false), (&[], true)] {
        let terminal = watch(&demo, &["ticker:okx:*"], variables);
        terminal.shows(&["BTC-USDT", "live SIM", "▁"]).await;
        terminal.shows(&["SIMULATED PRICES"]).await;
        assert_eq!(terminal.has_colours(), has_colours);
    }
}

/// In `target/screenshots/terminal.png`, for a person to look at.
#[tokio::test]
async fn its_picture_is_taken() {
    let demo = start(&["demo"]).ready().await;
    let (url, topics) = (demo.ws(), ["ticker:index:*", "ticker:kucoin:*"]);
    let terminal =
        Terminal::start(110, 34, &[&["watch", "--url", &url][..], &topics].concat(), &[]);
    let bars = |line: &str| line.chars().filter(|letter| ('▁'..='█').contains(letter)).count();
    let long = std::env::var("PICTURE_BARS").map_or(8, |bars| bars.parse().expect("a number"));
    eventually("enough of a past", async || {
        (bars(&terminal.line("kucoin ")?) >= long).then_some(())
    })
    .await;
    terminal.type_in("jjjj");
    terminal.type_in(ENTER);
    terminal.shows(&["▸"]).await;
    terminal.shows(&["published_ts"]).await;
    let folder = TempDir::new().expect("a directory");
    let file = folder.path().join("terminal.html");
    fs::write(&file, terminal.html()).expect("a file");
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/target/screenshots/terminal.png");
    // One of an earlier run, if there is any, is none of this.
    let _ = fs::remove_file(picture);
    let mut node = Node::start("terminal.js", &[file.to_str().expect("a path")]);
    assert_eq!(node.asks().await, None);
    assert!(fs::metadata(picture).is_ok_and(|it| it.len() > 10_000), "{picture}");
}
