//! The live page in a real browser, and the client that it stands on, in Node.

use crate::support::{Market, Node, Role, eventually, packaged, start};
use futures_util::SinkExt;
use serde_json::json;
use tickcast_load::{
    proxy::{Fault, Proxy},
    venue::Tick,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
        protocol::CloseFrame,
    },
};

/// Topics of the page that has many of them.
const MANY: usize = 500;
/// What turns `halted` when the feed comes back without it.
const DROPPED: &str = "\"C000-USDT\", ";

/// A market of many symbols that moves when it is told to.
async fn many() -> Market {
    let symbols: Vec<String> = (0..MANY).map(|n| format!("C{n:03}-USDT")).collect();
    Market::kucoin(&symbols.iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// Gives a symbol a price.
fn price(market: &Market, symbol: &str, price: &str) {
    let tick = Tick::quote(symbol, price, &format!("{price}.5")).with_last(price);
    market.venue().control.push_tick(tick);
}

#[tokio::test]
async fn the_page_shows_prices_and_survives_what_happens_to_them() {
    let (market, demo) = tokio::join!(many(), start(&["demo"]).ready());
    let (feed, gateway) = tokio::join!(market.feed(), market.gateway());
    market.venue().control.until_subscribed(&market.symbols()).await;
    market.symbols().iter().for_each(|symbol| price(&market, symbol, "100"));
    let [page, many] = [&demo, &gateway].map(|role| format!("http://{}/", role.address));
    let address = demo.address.to_string();
    let mut node = Node::start("page.js", &[&page, &many]);
    let (mut demo, mut feed) = (Some(demo), Some(feed));
    while let Some(asked) = node.asks().await {
        match asked.as_str() {
            "stop the gateway" => drop(demo.take()),
            "start the gateway" => {
                demo = Some(start(&["demo", "--listen", &address]).ready().await);
            }
            "move the last one" => price(&market, "C499-USDT", "101"),
            "stop the feed" => drop(feed.take()),
            "start the feed" => {
                let config = market.config().replace(DROPPED, "");
                feed = Some(start(&["feed"]).config(&config).ready().await);
                eventually("it is heard", async || {
                    price(&market, "C499-USDT", "102");
                    let answer = gateway.get("/v1/price/C499-USDT").await;
                    (answer.json()["state"] == "live").then_some(())
                })
                .await;
            }
            other => panic!("asked for {other}"),
        }
        node.done("done");
    }
}

/// A gateway behind a proxy, on a silent market of two symbols.
struct Scene {
    market: Market,
    gateway: Role,
    proxy: Proxy,
    _feed: Role,
}

impl Scene {
    async fn start() -> Self {
        let market = Market::kucoin(&["BTC-USDT", "ETH-USDT"]).await;
        let (feed, gateway) = tokio::join!(market.feed(), market.gateway());
        market.venue().control.until_subscribed(&["BTC-USDT", "ETH-USDT"]).await;
        let proxy = Proxy::start(gateway.address).await.expect("a proxy");
        Self { market, gateway, proxy, _feed: feed }
    }

    /// Moves a price and waits until the gateway has it.
    async fn tick(&self, symbol: &str, price: &str) {
        self::price(&self.market, symbol, price);
        eventually("the price is live", async || {
            let answer = self.gateway.get(&format!("/v1/price/{symbol}")).await;
            (answer.status == 200
                && answer.json()["last_price"] == price
                && answer.json()["state"] == "live")
                .then_some(())
        })
        .await;
    }

    async fn restart(&mut self) {
        let address = self.gateway.address.to_string();
        self.gateway.stop().await;
        let again = start(&["gateway", "--listen", &address]).config(&self.market.config());
        self.gateway = again.ready().await;
    }
}

#[tokio::test]
async fn the_client_comes_back_and_delivers_newest_values() {
    the_client_in("node").await;
}

/// The oldest one that README.md promises.
#[tokio::test]
async fn the_client_does_so_in_node_22() {
    the_client_in(&packaged("node-linux", "bin/node")).await;
}

async fn the_client_in(program: &str) {
    let mut scene = Scene::start().await;
    let closes = closing_server().await;
    let base = format!("http://{}", scene.gateway.address);
    let proxied = format!("ws://{}/ws", scene.proxy.address);
    let mut node = Node::run(program, "client.js", &[&base, &proxied, &closes]);
    while let Some(asked) = node.asks().await {
        match asked.split(' ').collect::<Vec<_>>()[..] {
            ["tick", symbol, price] => scene.tick(symbol, price).await,
            ["cut"] => scene.proxy.set(Fault::Reset),
            ["stall"] => scene.proxy.set(Fault::HalfOpen),
            ["heal"] => scene.proxy.set(Fault::None),
            ["restart"] => scene.restart().await,
            _ => panic!("asked for {asked}"),
        }
        node.done("done");
    }
}

#[tokio::test]
async fn the_client_is_what_its_types_say() {
    let mut node = Node::start("node_modules/typescript/bin/tsc", &["-p", "."]);
    assert_eq!(node.asks().await, None);
}

/// Closes each connection with the code that its path names, such as `/4000`, and announces it with
/// the wait that its query names, such as `?700`.
async fn closing_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(close_as_asked(stream));
        }
    });
    format!("ws://{address}")
}

#[expect(clippy::result_large_err, reason = "the type of a callback is not ours")]
async fn close_as_asked(stream: TcpStream) {
    let mut asked = None;
    let read = |request: &Request, mut response: Response| {
        asked = Some(request.uri().clone());
        let offered = "tickcast.v1.json".parse().expect("a header");
        response.headers_mut().insert("sec-websocket-protocol", offered);
        Ok(response)
    };
    // A client that gives up is no failure of the server.
    let Ok(mut socket) = accept_hdr_async(stream, read).await else { return };
    let uri = asked.expect("a request was read");
    let code: u16 = uri.path()[1..].parse().expect("a code");
    if let Some(wait) = uri.query() {
        let wait: u64 = wait.parse().expect("a wait");
        let closing = json!({"type": "closing", "code": code, "reason": "asked for",
            "reconnect": true, "reconnect_after_ms": wait});
        let _ = socket.send(Message::text(closing.to_string())).await;
    }
    let frame = CloseFrame { code: code.into(), reason: "asked for".into() };
    let _ = socket.send(Message::Close(Some(frame))).await;
}
