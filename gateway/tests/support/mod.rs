//! A gateway on the memory bus, a hand that writes to the bus, and a client.

#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it stands")]

mod answer;
mod bars;
pub mod document;
mod events;
mod raw;
mod scene;
mod schema;
mod seen;
pub mod tls;

pub use answer::Answer;
pub use bars::{START, number_of, numbers_of};
pub use events::{Event, Listener};
pub use raw::{Frame, NARROW_BYTES, RawClient, masked};
pub use scene::{Scene, TOPICS, slow};
pub use seen::Seen;

use axum::http::Request;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tickcast_gateway::{Gateway, GatewayConfig, listen::Entrances};
use tickcast_shared::{
    admin::{Queues, Readiness},
    bus::{
        Acquired, Body, Bus, Group, Heartbeat, LinkState, LinkStatus, Publisher, Record,
        ShardBatch, ShardId, Stamp,
    },
    clock::Clock,
    lifecycle::Tasks,
    market::{Reason, Source, State, Ticker, Topic},
};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};
use tower::ServiceExt;

/// Everything here happens on one machine; a wait this long means that it will not happen.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A gateway and the writing half of its bus.
pub struct Stage {
    pub address: SocketAddr,
    pub proxied: Option<SocketAddr>,
    admin_routes: axum::Router,
    bus: Bus,
    pub tasks: Tasks,
    publisher: Publisher,
    clock: Clock,
    epoch: u64,
    seqs: HashMap<Topic, u64>,
}

async fn gateway(
    config: GatewayConfig,
    inherited: impl IntoIterator<Item = std::net::TcpListener>,
    bus: &Bus,
    clock: Clock,
    tasks: &mut Tasks,
) -> (Gateway, Readiness) {
    let (queues, ready) = (Queues::default(), Readiness::default());
    let entrances = Entrances::open(&config, inherited).unwrap();
    let bus = bus.clone();
    let running =
        tickcast_gateway::run(config, entrances, bus, clock, queues, ready.clone(), tasks).await;
    (running.unwrap(), ready)
}

impl Stage {
    pub async fn start(change: impl FnOnce(&mut GatewayConfig)) -> Self {
        Self::start_with(change, []).await
    }

    /// With listening sockets of a supervisor.
    pub async fn start_with(
        change: impl FnOnce(&mut GatewayConfig),
        inherited: impl IntoIterator<Item = std::net::TcpListener>,
    ) -> Self {
        Self::start_on(Bus::Memory(Default::default()), change, inherited).await
    }

    /// On a bus of the test's own.
    pub async fn start_on(
        bus: Bus,
        change: impl FnOnce(&mut GatewayConfig),
        inherited: impl IntoIterator<Item = std::net::TcpListener>,
    ) -> Self {
        let mut config =
            GatewayConfig { listen: ([127, 0, 0, 1], 0).into(), shards: 2, ..Default::default() };
        config.limits.drain_notice_ms = 0;
        change(&mut config);
        let (clock, mut tasks) = (Clock::start(), Tasks::new());
        let (gateway, ready) = gateway(config, inherited, &bus, clock, &mut tasks).await;
        let Gateway { address, proxied, admin_routes, .. } = gateway;
        let publisher = bus.publisher(Group::new("main"));
        let seqs = HashMap::new();
        let mut stage =
            Self { address, proxied, admin_routes, bus, tasks, publisher, clock, epoch: 0, seqs };
        stage.take_over().await;
        eventually(|| ready.is_ready()).await;
        stage
    }

    /// Starts another gateway on the same bus; its address.
    pub async fn another_gateway(&mut self) -> SocketAddr {
        let listen = ([127, 0, 0, 1], 0).into();
        // One shard: what one client was told is known where the next one comes.
        let config = GatewayConfig { listen, shards: 1, ..Default::default() };
        let (gateway, ready) = gateway(config, [], &self.bus, self.clock, &mut self.tasks).await;
        eventually(|| ready.is_ready()).await;
        gateway.address
    }

    /// Begins another epoch, as a feed does that was silent for too long.
    pub async fn take_over(&mut self) {
        let Acquired::Held { epoch } = self.publisher.acquire(self.epoch).await.unwrap() else {
            panic!("nobody else is there")
        };
        self.epoch = epoch;
        self.publisher.raise().await.unwrap();
    }

    /// Publishes a live last price.
    pub async fn price(&mut self, topic: &str, price: &str) {
        self.prices(&[topic], price).await;
    }

    /// Publishes one live last price for all topics, in as few messages as possible.
    pub async fn prices(&mut self, topics: &[&str], price: &str) {
        self.publish(topics, price, State::Live).await;
    }

    /// Publishes a last price in some state for all topics, in as few messages as possible.
    pub async fn publish(&mut self, topics: &[&str], price: &str, state: State) {
        let mut batches: HashMap<ShardId, ShardBatch> = HashMap::new();
        for topic in topics {
            let topic: Topic = topic.parse().unwrap();
            let record = Arc::new(self.record(&topic, price, state));
            let shard = ShardId::of(&topic);
            let batch = batches
                .entry(shard)
                .or_insert_with(|| ShardBatch { shard, ..ShardBatch::default() });
            batch.puts.push((topic, record));
        }
        self.write(batches.into_values().collect()).await;
    }

    fn record(&mut self, topic: &Topic, price: &str, state: State) -> Record {
        let seq = self.seqs.entry(topic.clone()).or_default();
        *seq += 1;
        let now = self.clock.now();
        let mut ticker = Ticker::pending(topic.symbol(), true, now);
        ticker.last_price = Some(price.parse().unwrap());
        ticker.received_ts = Some(now);
        ticker.enter(state, Reason::NONE, now);
        Record {
            group: Group::new("main"),
            stamp: Stamp { epoch: self.epoch, seq: *seq },
            published: now,
            body: Body::Ticker(ticker),
        }
    }

    pub async fn remove(&mut self, topic: &str) {
        let topic: Topic = topic.parse().unwrap();
        let shard = ShardId::of(&topic);
        let batch = ShardBatch { shard, removes: vec![topic], ..ShardBatch::default() };
        self.write(vec![batch]).await;
    }

    async fn write(&mut self, batches: Vec<ShardBatch>) {
        // However long a test takes, nobody else takes over.
        self.publisher.raise().await.unwrap();
        self.publisher.publish(batches).await.unwrap();
    }

    pub async fn heartbeat(&mut self, exchange: &str, state: LinkState) {
        let sent = self.clock.now();
        let link = LinkStatus {
            exchange: exchange.parse().unwrap(),
            state,
            reason: if state == LinkState::Live { Reason::NONE } else { Reason::LINK_LOST },
            since: sent,
            proven: Some(sent),
            reconnects: 0,
            source: Source::Stream,
        };
        self.publisher.heartbeat(&Heartbeat { sent, links: vec![link] }).await.unwrap();
    }

    /// What `/connections` answers.
    pub async fn connections(&self) -> Value {
        let request = Request::get("/connections").body(axum::body::Body::empty()).unwrap();
        let response = self.admin_routes.clone().oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// Waits until `/connections` is as wanted.
    pub async fn until_connections(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let connections = self.connections().await;
            if wanted(&connections) {
                return connections;
            }
            assert!(start.elapsed() < DEADLINE, "{what}: {connections}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn client(&self, query: &str) -> Client {
        self.client_of(self.address, query).await
    }

    pub async fn client_of(&self, address: SocketAddr, query: &str) -> Client {
        let url = format!("ws://{address}/ws{query}");
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let mut client = Client { socket };
        assert_eq!(client.next().await["type"], "welcome");
        client
    }
}

/// A WebSocket client.
pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    pub async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub async fn raw(&mut self) -> Message {
        let next = tokio::time::timeout(DEADLINE, self.socket.next()).await;
        next.expect("no message in time").expect("connection ended").unwrap()
    }

    /// The next text message, as JSON; pings are answered on the way.
    pub async fn next(&mut self) -> Value {
        loop {
            match self.raw().await {
                Message::Text(text) => {
                    let bare = || Value::String(text.to_string());
                    let message = serde_json::from_str(&text).unwrap_or_else(|_| bare());
                    schema::check(&message);
                    return message;
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?} instead of a text message"),
            }
        }
    }

    /// The next message of that type; others are skipped.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The code of the close frame and the `closing` before it.
    pub async fn closed(&mut self) -> (u16, Value) {
        let mut announced = Value::Null;
        loop {
            match self.raw().await {
                Message::Text(text) => announced = serde_json::from_str(&text).unwrap(),
                Message::Close(Some(frame)) => return (frame.code.into(), announced),
                _ => {}
            }
        }
    }
}

/// So many topics of one exchange.
pub fn topics(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("ticker:okx:C{n}-USDT")).collect()
}

/// Names as they are published.
pub fn texts(topics: &[String]) -> Vec<&str> {
    topics.iter().map(String::as_str).collect()
}

/// Waits for a condition.
pub async fn eventually(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "it never came to be");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
