//! The whole path: simulated exchanges, a real Redis, and `tickcast` processes between them.

use super::{Client, RedisServer, Role, start};
use std::{fmt::Write as _, net::SocketAddr};
use tickcast_load::venue::{Exchange, Source, Venue, VenueConfig};
use tickcast_shared::market::Symbol;
use tokio_util::sync::CancellationToken;

/// Simulated exchanges and a Redis, for feeds and gateways to be started on.
#[derive(Debug)]
pub struct Market {
    /// The bus.
    pub redis: RedisServer,
    /// The exchanges, in the order in which they were asked for.
    pub venues: Vec<Venue>,
    /// The bus's address, if it is not the one above.
    bus: Option<String>,
    sections: String,
    symbols: Vec<String>,
}

impl Market {
    /// A silent KuCoin that lists these symbols.
    pub async fn kucoin(symbols: &[&str]) -> Self {
        let mut config = VenueConfig::new(Exchange::Kucoin);
        config.symbols = symbols.iter().map(ToString::to_string).collect();
        Self::start(vec![config]).await
    }

    /// A KuCoin with 50 symbols that move 400 times a second together: more than a socket holds for a
    /// client that does not read.
    pub async fn busy() -> Self {
        let mut config = VenueConfig::new(Exchange::Kucoin);
        config.symbols = (0..50).map(|n| format!("C{n}-USDT")).collect();
        config.source = Source::Walk { rate: 400, seed: 1 };
        Self::start(vec![config]).await
    }

    /// Exchanges as configured.
    pub async fn start(configs: Vec<VenueConfig>) -> Self {
        let (mut venues, mut sections) = (Vec::new(), String::new());
        for config in configs {
            let exchange = config.exchange;
            let name = exchange.name();
            let venue = Venue::start(config, CancellationToken::new()).await.expect("a venue");
            let spot = spot_symbols(&venue);
            let quoted: Vec<String> = spot.iter().map(|symbol| format!("{symbol:?}")).collect();
            write!(
                sections,
                "[[feed.exchange]]\nname = {name:?}\nsymbols = [{}]\nrest_url = {:?}\n",
                quoted.join(", "),
                venue.rest_url(),
            )
            .expect("a string takes everything");
            // KuCoin names its socket in its token answer.
            if exchange != Exchange::Kucoin {
                writeln!(sections, "ws_url = {:?}", venue.ws_url()).expect("as above");
            }
            venues.push(venue);
        }
        let symbols = spot_symbols(&venues[0]);
        Self { redis: RedisServer::start().await, venues, bus: None, sections, symbols }
    }

    /// On another bus: sentinels, a cluster.
    pub fn on(mut self, bus: String) -> Self {
        self.bus = Some(bus);
        self
    }

    /// What feeds and gateways are configured with.
    pub fn config(&self) -> String {
        self.config_with("drain_notice_ms = 0\ndrain_window_ms = 100\n")
    }

    /// The same with the bus at that address.
    pub fn config_on(&self, bus: &str) -> String {
        self.config().replace(&self.redis.url(), bus)
    }

    /// The same with these lines as its `[gateway.limits]`, and whatever follows them.
    pub fn config_with(&self, limits: &str) -> String {
        let redis = self.bus.clone().unwrap_or_else(|| self.redis.url());
        format!("redis_url = {redis:?}\n{}[gateway.limits]\n{limits}", self.sections)
    }

    /// A feed that is connected to all exchanges and holds its lease.
    pub async fn feed(&self) -> Role {
        start(&["feed"]).config(&self.config()).ready().await
    }

    /// A feed beside one that holds the lease: connected to all exchanges, and standing by.
    pub async fn standby(&self) -> Role {
        let standby = start(&["feed"]).config(&self.config()).listening().await;
        standby.wait_standby().await;
        standby
    }

    /// What a gateway is configured with that finds Redis somewhere else, such as behind a proxy.
    pub fn config_at(&self, redis: SocketAddr) -> String {
        self.config().replace(&self.redis.url(), &format!("redis://{redis}"))
    }

    /// A gateway that has its first snapshot.
    pub async fn gateway(&self) -> Role {
        start(&["gateway"]).config(&self.config()).ready().await
    }

    /// The same, with further lines in its `[gateway.limits]`.
    pub async fn gateway_with(&self, limits: &str) -> Role {
        start(&["gateway"]).config(&format!("{}{limits}", self.config())).ready().await
    }

    /// The spot symbols of the first exchange.
    pub fn symbols(&self) -> Vec<&str> {
        self.symbols.iter().map(String::as_str).collect()
    }

    /// The first exchange.
    pub fn venue(&self) -> &Venue {
        &self.venues[0]
    }
}

/// What a feed can be configured with; a recording may list futures as well.
fn spot_symbols(venue: &Venue) -> Vec<String> {
    let mut symbols = venue.symbols();
    symbols.retain(|symbol| symbol.parse::<Symbol>().is_ok());
    symbols
}

impl Role {
    /// A client of this gateway, subscribed to the topics once they have been announced.
    pub async fn client(&self, topics: &[&str]) -> Client {
        for topic in topics.iter().filter(|topic| !topic.contains('*')) {
            super::eventually("the topic is announced", async || {
                let answer = self.get(&format!("/v1/price/{topic}")).await;
                (answer.status == 200).then_some(())
            })
            .await;
        }
        Client::subscribed(&self.ws(), topics).await
    }
}
