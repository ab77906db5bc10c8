//! All exchanges, Redis, two feeds, two gateways, and the witnesses at their end.

use super::{model::Model, witness::Witness};
use crate::support::{Market, Role, start};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tickcast_load::venue::{Exchange, VenueConfig};

/// The exchanges, in the order of the scene.
pub const EXCHANGES: [Exchange; 6] = Exchange::ALL;
/// The symbols of every exchange.
pub const SYMBOLS: [&str; 2] = ["BTC-USDT", "ETH-USDT"];
/// A price that met a broken link is lost, as at a real exchange: there is another one soon.
const PUSH_EVERY: Duration = Duration::from_secs(1);
/// Time between two looks at the witnesses.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Everything is well again within this time of the last event. A feed's lease takes three seconds to
/// run out, a second one may have to, and the machine may be busy.
const CALM_WITHIN: Duration = Duration::from_secs(60);
/// Patience of the feeds, shortened: what is tried is the order of things.
const TIMING: &str = "[feed.timing]\nack_ms = 3000\ndial_ms = 3000\nbackoff_base_ms = 20\nbackoff_cap_ms = 300\nquiet_ms = 500\nproof_ms = 2500\ncheck_ms = 100\n";

/// Everything that events happen to.
pub struct Scene {
    pub market: Market,
    pub model: Model,
    pub feeds: Vec<Role>,
    pub gateways: Vec<Role>,
    witnesses: Vec<Witness>,
    addresses: Arc<Mutex<Vec<String>>>,
    config: String,
}

impl Scene {
    pub async fn start() -> Self {
        let venue = |exchange| {
            let mut config = VenueConfig::new(exchange);
            config.symbols = SYMBOLS.map(str::to_owned).to_vec();
            config
        };
        let market = Market::start(EXCHANGES.map(venue).into()).await;
        let limits = "drain_notice_ms = 0\ndrain_window_ms = 100\n";
        let config = market.config_with(&format!("{limits}{TIMING}"));
        let feeds = vec![start(&["feed"]).config(&config).ready().await, feed(&config).await];
        let gateways = vec![gateway(&config).await, gateway(&config).await];
        let addresses = Arc::new(Mutex::new(gateways.iter().map(Role::ws).collect()));
        let witness = |first| Witness::start(addresses.clone(), first);
        let witnesses = (0..3).map(witness).collect();
        let model = Model::default();
        Self { market, model, feeds, gateways, witnesses, addresses, config }
    }

    /// The next price of a symbol, at its exchange. Returns how many messages that makes.
    pub fn push(&mut self, venue: usize, symbol: &str) -> usize {
        let tick = self.model.next(EXCHANGES[venue].name(), symbol);
        self.market.venues[venue].control.push_tick(tick)
    }

    /// Kills a feed, which may be the active one, and starts another.
    pub async fn replace_feed(&mut self, at: usize) {
        self.feeds[at].process.kill();
        self.feeds[at] = feed(&self.config).await;
    }

    /// Kills a gateway and starts another, at another address.
    pub async fn replace_gateway(&mut self, at: usize) {
        self.gateways[at].process.kill();
        self.gateways[at] = gateway(&self.config).await;
        let all = self.gateways.iter().map(Role::ws).collect();
        *self.addresses.lock().expect("no panic") = all;
    }

    /// Whether every witness sees this exchange in another state than live.
    pub fn nobody_sees_live(&self, venue: usize) -> bool {
        let prefix = format!("ticker:{}:", EXCHANGES[venue].name());
        self.witnesses.iter().all(|witness| {
            let notes = witness.notes();
            notes
                .held
                .iter()
                .all(|(topic, held)| !topic.starts_with(&prefix) || held.state != "live")
        })
    }

    /// Nothing happens any more but new prices: every witness must hold the newest of every topic,
    /// live.
    pub async fn calm(&mut self, when: &str) {
        let began = Instant::now();
        loop {
            for (venue, symbol) in topics() {
                self.push(venue, symbol);
            }
            let pushed = Instant::now();
            while pushed.elapsed() < PUSH_EVERY {
                if self.missing().is_empty() {
                    return;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
            assert!(began.elapsed() < CALM_WITHIN, "{:#?} {when}", self.missing());
        }
    }

    /// What the witnesses lack.
    fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (number, witness) in self.witnesses.iter().enumerate() {
            let notes = witness.notes();
            for (venue, symbol) in topics() {
                let topic = format!("ticker:{}:{symbol}", EXCHANGES[venue].name());
                let held = notes.held.get(&topic).cloned().unwrap_or_default();
                let newest = self.model.last(&topic);
                if held.state != "live" || held.last() != newest {
                    missing.push(format!("witness {number}: {topic} {newest}, has {held:?}"));
                }
            }
        }
        missing
    }

    /// Fails with the first thing that a witness complains of.
    pub fn assert_sound(&self, seed: u64, told: &[String]) {
        for witness in &self.witnesses {
            let notes = witness.notes();
            assert!(notes.faults.is_empty(), "seed {seed}: {:#?} after {told:#?}", notes.faults);
        }
    }

    /// Tickers that all witnesses have read.
    pub fn messages(&self) -> u64 {
        self.witnesses.iter().map(|witness| witness.notes().messages).sum()
    }
}

/// Every exchange's place with every symbol.
fn topics() -> impl Iterator<Item = (usize, &'static str)> {
    (0..EXCHANGES.len()).flat_map(|venue| SYMBOLS.map(|symbol| (venue, symbol)))
}

/// A feed, active or standing by.
async fn feed(config: &str) -> Role {
    start(&["feed"]).config(config).listening().await
}

/// A gateway that listens; whether it has its first snapshot depends on Redis.
async fn gateway(config: &str) -> Role {
    start(&["gateway"]).config(config).listening().await
}
