//! Prices fall by 30 %: on all exchanges, and on one alone. Whatever happens, no old price is shown
//! as live once the exchange has named another.

use crate::support::{Client, DEADLINE, Market, Role, eventually};
use serde_json::Value;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use tickcast_load::venue::{Exchange, Tick, VenueConfig};

const NAMES: [&str; 3] = ["kucoin", "binance", "okx"];
/// The fall of 30 % takes so many steps of 1.5 %,
const STEPS: u32 = 20;
/// one each tenth of a second.
const STEP_EVERY: Duration = Duration::from_millis(100);
const BEFORE: u32 = 1000;
const AFTER: u32 = 700;

/// Three exchanges, a feed, a gateway and a client of it that sees all three.
struct Scene {
    market: Market,
    feed: Role,
    _gateway: Role,
    client: Client,
    /// The newest message of each topic.
    seen: HashMap<String, Value>,
}

fn topic(venue: usize) -> String {
    format!("ticker:{}:BTC-USDT", NAMES[venue])
}

impl Scene {
    async fn start() -> Self {
        let configs = [Exchange::Kucoin, Exchange::Binance, Exchange::Okx].map(|exchange| {
            let mut config = VenueConfig::new(exchange);
            config.symbols = vec!["BTC-USDT".into()];
            config
        });
        let market = Market::start(configs.into()).await;
        let (feed, gateway) = tokio::join!(market.feed(), market.gateway());
        let topics = [0, 1, 2].map(topic);
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        let client = gateway.client(&topics).await;
        for venue in &market.venues {
            venue.control.until_subscribed(&["BTC-USDT"]).await;
        }
        let seen = HashMap::new();
        let mut scene = Self { market, feed, _gateway: gateway, client, seen };
        for venue in 0..3 {
            scene.say(venue, BEFORE);
        }
        scene.until_live(&[0, 1, 2], BEFORE).await;
        scene
    }

    /// A quote around this price, traded at it.
    fn say(&self, venue: usize, price: u32) {
        let (bid, ask) = (format!("{price}.00"), format!("{price}.10"));
        let tick = Tick::quote("BTC-USDT", &bid, &ask).with_last(&bid);
        self.market.venues[venue].control.push_tick(tick);
    }

    /// Reads messages until all topics are as wished.
    async fn until(&mut self, what: &str, wished: impl Fn(usize, &Value) -> bool) {
        let began = Instant::now();
        while !(0..3).all(|at| self.seen.get(&topic(at)).is_some_and(|it| wished(at, it))) {
            assert!(began.elapsed() < DEADLINE, "{what}: {:#?}", self.seen);
            let ticker = self.client.next_of("ticker").await;
            let name = ticker["topic"].as_str().expect("a name").to_owned();
            self.seen.insert(name, ticker);
        }
    }

    /// Waits until these exchanges' prices are live.
    async fn until_live(&mut self, venues: &[usize], price: u32) {
        let live = |at, it: &Value| !venues.contains(&at) || is_live_at(it, price);
        self.until("live at the new price", live).await;
    }

    /// Waits until each exchange's statement has come through: it is shown as live, or what was
    /// before is not.
    async fn until_heard(&mut self, prices: [u32; 3]) {
        let heard = |at: usize, it: &Value| is_live_at(it, prices[at]) || is_held(it);
        self.until("heard", heard).await;
    }

    fn state(&self, venue: usize) -> &Value {
        &self.seen[&topic(venue)]
    }
}

fn is_live_at(ticker: &Value, price: u32) -> bool {
    ticker["state"] == "live" && ticker["bid_price"] == format!("{price}.00")
}

fn is_held(ticker: &Value) -> bool {
    ticker["state"] == "stale"
}

fn fallen(step: u32) -> u32 {
    BEFORE - (BEFORE - AFTER) * step / STEPS
}

#[tokio::test]
async fn a_crash_of_all_exchanges_is_live_at_once() {
    let mut scene = Scene::start().await;
    let mut steps = tokio::time::interval(STEP_EVERY);
    for step in 1..=STEPS {
        steps.tick().await;
        (0..3).for_each(|venue| scene.say(venue, fallen(step)));
        scene.until_heard([fallen(step); 3]).await;
    }
    scene.until_live(&[0, 1, 2], AFTER).await;
    // And again in one step, which the first to tell it has to wait with.
    let began = Instant::now();
    (0..3).for_each(|venue| scene.say(venue, AFTER / 2));
    scene.until_heard([AFTER / 2; 3]).await;
    scene.until_live(&[0, 1, 2], AFTER / 2).await;
    println!("all live {:?} after a jump of half", began.elapsed());
    let letters = scene.feed.admin("/dlq?reason=unconfirmed").await.json();
    assert_eq!(letters["letters"].as_array().map(Vec::len), Some(0), "{letters}");
}

#[tokio::test]
async fn a_crash_of_one_exchange_alone_is_shown_by_none_until_it_is_over() {
    let mut scene = Scene::start().await;
    let mut steps = tokio::time::interval(STEP_EVERY);
    for step in 1..=STEPS {
        steps.tick().await;
        let others = BEFORE + step % 2;
        scene.say(0, fallen(step));
        (1..3).for_each(|venue| scene.say(venue, others));
        scene.until_heard([fallen(step), others, others]).await;
        scene.until_live(&[1, 2], others).await;
        if fallen(step) < BEFORE * 9 / 10 {
            let ticker = scene.state(0);
            assert!(is_held(ticker), "nobody else says {}: {ticker}", fallen(step));
        }
    }
    eventually("it is said why", async || {
        let rest = scene._gateway.get("/v1/price/BTC-USDT?exchange=kucoin").await.json();
        (rest["state"] == "stale" && rest["stale"] == true).then_some(())
    })
    .await;
    scene.say(0, BEFORE);
    (1..3).for_each(|venue| scene.say(venue, BEFORE));
    scene.until_live(&[0, 1, 2], BEFORE).await;
    let dlq = scene.feed.admin("/dlq?exchange=kucoin&reason=unconfirmed").await.json();
    assert_eq!(dlq["letters"].as_array().map(Vec::len), Some(4), "first and newest: {dlq}");
    assert!(dlq["counts"][0]["count"].as_u64() >= Some(10), "{dlq}");
}
