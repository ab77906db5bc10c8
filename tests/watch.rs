//! `tickcast watch` shows prices, stays connected, and knows when to give up.

use crate::support::{Lines, Role, Tickcast, eventually, start};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::process::{Command, Stdio};
use tokio::net::TcpListener;
use tokio_tungstenite::{
    accept_async,
    tungstenite::{Message, protocol::CloseFrame},
};

/// A demo whose prices have begun to move.
async fn demo() -> Role {
    let demo = start(&["demo"]).ready().await;
    priced(&demo).await;
    demo
}

async fn priced(demo: &Role) {
    for topic in ["BTC-USDT", "ticker:okx:ETH-USDT"] {
        eventually("prices are live", async || {
            let price = demo.get(&format!("/v1/price/{topic}")).await;
            (price.status == 200 && price.json()["state"] == "live").then_some(())
        })
        .await;
    }
}

fn watch(demo: &Role, args: &[&str]) -> Tickcast {
    start(&["watch", "--url", &demo.ws()]).args(args).spawn()
}

#[tokio::test]
async fn prints_a_line_for_each_price_and_says_that_it_is_simulated() {
    let demo = demo().await;
    let watched = watch(&demo, &["BTC-USDT", "ticker:okx:ETH-USDT", "--count", "6"]).ended().await;
    assert_eq!(watched.code, 0, "{watched:?}");
    let lines: Vec<&str> = watched.stdout.lines().collect();
    assert_eq!(lines.len(), 6, "{watched:?}");
    for line in &lines {
        assert!(line.contains(" live SIMULATED") && line.contains(" bid "), "{line}");
        assert!(!line.contains('\x1b'), "no colours into a pipe: {line:?}");
    }
    for topic in ["ticker:kucoin:BTC-USDT", "ticker:okx:ETH-USDT"] {
        assert!(lines.iter().any(|line| line.contains(topic)), "{topic} in {lines:?}");
    }
}

#[tokio::test]
async fn prints_the_messages_themselves_when_asked_for_json() {
    let demo = demo().await;
    let watched = watch(&demo, &["BTC-USDT", "--json", "--count", "5"]).ended().await;
    let messages: Vec<Value> =
        watched.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(messages.len(), 5, "{watched:?}");
    assert_eq!(
        (&messages[0]["type"], &messages[1]["type"]),
        (&"welcome".into(), &"subscribed".into())
    );
    let ticker = messages.iter().find(|message| message["type"] == "ticker").expect("a ticker");
    assert_eq!(ticker["simulated"], true);
}

#[tokio::test]
async fn a_rejected_topic_is_named_and_ends_it_only_if_none_is_left() {
    let demo = demo().await;
    let watched = watch(&demo, &["NOPE-USDT", "BTC-USDT", "--count", "1"]).ended().await;
    assert_eq!(watched.code, 0, "{watched:?}");
    assert!(watched.stderr.contains("NOPE-USDT: unknown_topic"), "{watched:?}");
    let watched = watch(&demo, &["NOPE-USDT", "nonsense"]).ended().await;
    assert_eq!(watched.code, 1, "{watched:?}");
    assert!(watched.stderr.contains("nonsense: bad_topic"), "{watched:?}");
    assert!(watched.stderr.contains("tickcast: no topic was accepted"), "{watched:?}");
}

#[tokio::test]
async fn ends_cleanly_on_an_interrupt_and_when_its_reader_goes() {
    let demo = demo().await;
    let mut watched = watch(&demo, &["BTC-USDT"]);
    eventually("a price", async || watched.stdout.contain(" live ").then_some(())).await;
    watched.signal("INT");
    assert_eq!(watched.exit().await.code(), Some(0));

    let mut child = Command::new(env!("CARGO_BIN_EXE_tickcast"))
        .args(["watch", "BTC-USDT", "--url", &demo.ws()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = eventually("it notices", async || child.try_wait().unwrap()).await;
    assert_eq!(ended.code(), Some(0));
}

/// A pipe that is full holds the whole process up, and whatever would listen to a signal in it.
#[tokio::test]
async fn ends_on_a_signal_whoever_does_not_read() {
    let demo = demo().await;
    let fill = "dd if=/dev/zero of=/dev/stdout bs=4096 count=1024 oflag=nonblock conv=notrunc \
                2>/dev/null; exec \"$@\"";
    let mut child = Command::new("sh")
        .args(["-c", fill, "sh", env!("CARGO_BIN_EXE_tickcast")])
        .args(["watch", "--json", "BTC-USDT", "--url", &demo.ws()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = Lines::read(child.stderr.take().unwrap());
    eventually("it is connected", async || told.contain("connected to").then_some(())).await;
    let kill = Command::new("kill").arg(child.id().to_string()).status();
    assert!(kill.unwrap().success());
    let ended = eventually("it ends", async || child.try_wait().unwrap()).await;
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test]
async fn comes_back_after_the_gateway_was_killed() {
    let mut first = demo().await;
    let watched = watch(&first, &["BTC-USDT"]);
    eventually("a price", async || watched.stdout.contain(" live ").then_some(())).await;
    let address = first.address.to_string();
    first.process.kill();
    eventually("the loss is told", async || watched.stderr.contain("trying again").then_some(()))
        .await;
    let seen = watched.stdout.all().len();
    let again = start(&["demo", "--listen", &address]).ready().await;
    eventually("prices flow again", async || {
        watched.stdout.all()[seen..].iter().any(|line| line.contains(" live ")).then_some(())
    })
    .await;
    drop(again);
}

#[tokio::test]
async fn gives_up_when_the_server_says_not_to_come_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(stream).await.unwrap();
        let subscribe = socket.next().await.unwrap().unwrap().into_text().unwrap();
        let frame = CloseFrame { code: 4500.into(), reason: "unauthorized".into() };
        socket.send(Message::Close(Some(frame))).await.unwrap();
        subscribe.to_string()
    });
    let watched = start(&["watch", "BTC-USDT", "--url", &url]).ended().await;
    assert_eq!(watched.code, 1, "{watched:?}");
    assert!(watched.stderr.contains("closed with 4500 unauthorized"), "{watched:?}");
    let subscribe: Value = serde_json::from_str(&server.await.unwrap()).unwrap();
    assert_eq!(
        (&subscribe["op"], &subscribe["topics"][0]),
        (&"subscribe".into(), &"BTC-USDT".into())
    );
}

#[tokio::test]
async fn a_wrong_address_is_a_mistake() {
    for url in ["http://127.0.0.1:8080", "127.0.0.1:8080", "nonsense"] {
        let watched = start(&["watch", "BTC-USDT", "--url", url]).ended().await;
        assert_eq!(watched.code, 2, "{watched:?}");
        assert!(watched.stderr.starts_with("tickcast: --url = "), "{watched:?}");
        assert_eq!(watched.stderr.lines().count(), 1, "{watched:?}");
    }
}
