//! A feed from its configuration to its tasks.

use crate::{
    config::{ConfigErrors, FeedConfig},
    connector::{Rest, Roster, Surroundings, Wanted},
    letters::{self, Keeping},
    lineup::{self, AtWork, Lineup, Plans, Workplace},
    outbox::Outbox,
    publisher::{self, Assignment},
    quality::{Board, Counts, DeadLetter, DeadLetters, Filter, dead_letters::ReasonCount},
    standing::Standing,
    vitals,
};
use futures_util::future::join_all;
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tickcast_shared::{
    admin::{Queues, Readiness},
    bus::Bus,
    clock::Clock,
    lifecycle::Tasks,
    market::{Ticker, Topic},
};
use tokio::sync::watch;
use tracing::{info, warn};

/// Why a feed cannot start.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The `[feed]` section is wrong.
    #[error("{0}")]
    Config(#[from] ConfigErrors),
    /// The REST client cannot be set up.
    #[error("TLS cannot be set up on this machine: {0}")]
    Tls(#[from] reqwest::Error),
}

/// A running feed, for operators to look into. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Feed {
    /// The refused messages.
    pub dead_letters: DeadLetters,
    at_work: AtWork,
    plans: Plans,
    /// How it does.
    pub standing: Standing,
}

/// The whole answer of `/dlq`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dlq {
    /// The books of each exchange.
    pub exchanges: Vec<Counts>,
    /// Refused messages since the start, by exchange and reason.
    pub counts: Vec<ReasonCount>,
    /// The newest refused messages, newest first.
    pub letters: Vec<DeadLetter>,
}

impl Feed {
    /// The books, and at most `limit` dead letters that the filter admits, newest first.
    #[must_use]
    pub fn dlq(&self, filter: &Filter, limit: usize) -> Dlq {
        let report = self.dead_letters.report(filter, limit);
        let wanted = |name: &str| filter.exchange.as_deref().is_none_or(|wanted| wanted == name);
        let at_work = lineup::lock(&self.at_work);
        let counts = at_work.iter().map(|venue| venue.accounting.counts());
        Dlq {
            exchanges: counts.filter(|it| wanted(it.exchange.as_str())).collect(),
            counts: report.counts,
            letters: report.letters,
        }
    }

    /// Connects to what these settings name from now on: symbols and exchanges come and go, the others
    /// go on as if nothing had happened. See [`FeedConfig::followed_by`] for what else they change.
    ///
    /// # Errors
    /// [`FeedError::Config`], and nothing has changed.
    pub fn follow(&self, config: &FeedConfig) -> Result<(), FeedError> {
        self.plans.send_replace(Arc::new(config.plan()?));
        Ok(())
    }
}

/// Starts a feed: one publisher, and for every venue a roster, which starts a connector for every
/// connection that the symbols need. It must be called within a runtime.
///
/// # Errors
/// [`FeedError`] before anything is started.
pub fn run(
    config: FeedConfig,
    bus: Bus,
    clock: Clock,
    queues: Queues,
    readiness: Readiness,
    tasks: &mut Tasks,
) -> Result<Feed, FeedError> {
    let plans = config.plan()?;
    warn_of_unused_address(&config);
    let around = Surroundings {
        timing: config.timing,
        clock,
        outbox: Outbox::new(&queues),
        rest: Rest::new()?,
        dead_letters: DeadLetters::new(&queues),
        board: Board::default(),
    };
    if let Some(partition) = &config.partition {
        let (group, symbols) =
            (config.bus_group(), plans.iter().map(|it| it.selection.symbols.len()).sum::<usize>());
        info!(partition, %group, symbols, "taking one part of the symbols");
    }
    let rosters: Vec<Roster> = plans
        .iter()
        .filter(|plan| !plan.selection.is_empty())
        .map(|plan| lineup::roster(plan, around.clone(), &queues))
        .collect();
    let wanted: Vec<Wanted> = rosters.iter().map(Roster::wanted).collect();
    let group = config.bus_group();
    let (kept, letters) = (bus.dead_letters(), around.dead_letters.clone());
    let keeping = Keeping {
        group: group.clone(),
        most: config.max_dead_letters,
        readiness: readiness.clone(),
    };
    tasks.essential("dead_letters", letters::run(kept, letters, keeping, tasks.token()));
    let (shelf, requests) = publisher::shelf();
    let (found, topics) = watch::channel(None);
    let standing = Standing::new(group.clone(), around.outbox.clone(), readiness.clone());
    let (told, progress) = (standing.clone(), tasks.progress());
    let first = first_topics(wanted, Duration::from_millis(config.timing.list_ms));
    let (dead_letters, board) = (around.dead_letters.clone(), around.board.clone());
    let (outbox, rules, token) = (around.outbox.clone(), config.rules(), tasks.token());
    let plans = Plans::new(Arc::new(plans));
    let (extent, bus_of_fillers) = (config.extent(), bus.clone());
    let place = Workplace { around, queues, extent, bus: bus_of_fillers, shelf };
    let mut lineup = Lineup::new(place, &plans);
    let at_work = lineup.at_work();
    let publisher = async move {
        let configured = first.await;
        let mark = progress.watch("publisher");
        found.send_replace(Some(configured.iter().map(|(topic, _)| topic.clone()).collect()));
        let assignment = Assignment { group, configured, rules, requests, standing: told, mark };
        publisher::run(bus, assignment, outbox, clock, readiness, token).await
    };
    tasks.essential("publisher", publisher);
    let vitals = vitals::measure(at_work.clone(), board, clock, tasks.token());
    tasks.essential("vitals", vitals);
    let token = tasks.token();
    for roster in rosters {
        lineup.begin(roster, topics.clone(), token.child_token());
    }
    tasks.essential("connector", lineup.run(token));
    Ok(Feed { dead_letters, at_work, plans, standing })
}

/// The topics to begin with. Where patterns name symbols the lists of instruments are waited for, so
/// that what a former feed has left of these is not taken for unconfigured.
async fn first_topics(wanted: Vec<Wanted>, patience: Duration) -> Vec<(Topic, Ticker)> {
    let topics = wanted.iter().map(|wanted| wanted.first_topics(patience));
    join_all(topics).await.into_iter().flatten().collect()
}

/// KuCoin names its socket itself; a `ws_url` for it is of no use.
fn warn_of_unused_address(config: &FeedConfig) {
    for entry in &config.exchange {
        let names_its_socket = crate::exchange::by_name(&entry.name)
            .is_some_and(|exchange| exchange.addresses().ws.is_none());
        if entry.ws_url.is_some() && names_its_socket {
            warn!(
                exchange = entry.name,
                ws_url = entry.ws_url,
                action = "set rest_url instead",
                "ws_url is ignored: this exchange names its socket in its token answer"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ExchangeConfig,
        connector::tests::{
            bench::{SHORT, okx, okx_ticker},
            scripted::{PATIENCE, Scripted},
        },
    };
    use tickcast_shared::{
        bus::{Event, Record, memory::Memory},
        market::State,
    };
    use tokio::time::timeout;

    /// The next value on the bus that is live.
    async fn next_live(bus: &Bus) -> Arc<Record> {
        let mut subscriber = bus.subscriber();
        let reading = async {
            loop {
                let Event::Message(_, message) = subscriber.next().await else { continue };
                let live = |record: &Record| {
                    record.body.ticker().is_some_and(|it| it.state == State::Live)
                };
                if let Some((_, record)) = message.puts.into_iter().find(|(_, it)| live(it)) {
                    return record;
                }
            }
        };
        timeout(PATIENCE, reading).await.expect("no live value in time")
    }

    #[tokio::test]
    async fn a_price_goes_from_the_venue_to_the_bus() {
        let mut venue = Scripted::start(Arc::new(okx)).await;
        let exchange = ExchangeConfig {
            name: "okx".into(),
            symbols: vec!["BTC-USDT".into()],
            rest_url: Some(format!("http://{}", venue.address)),
            ws_url: Some(format!("ws://{}", venue.address)),
            simulated: false,
        };
        let config =
            FeedConfig { exchange: vec![exchange], timing: SHORT, ..FeedConfig::default() };
        let bus = Bus::Memory(Memory::default());
        let (mut tasks, ready, queues) = (Tasks::new(), Readiness::default(), Queues::default());
        let reading = bus.clone();
        let live = tokio::spawn(async move { next_live(&reading).await });
        let clock = Clock::start();
        let feed = run(config, bus, clock, queues, ready, &mut tasks).unwrap();
        let mut peer = venue.accept().await;
        peer.accept_okx(&["BTC-USDT"]).await;
        // The publisher may still be taking the lease; what is put meanwhile is not lost.
        peer.send(okx_ticker("BTC-USDT", "10")).await;
        let record = live.await.unwrap();
        assert_eq!(record.body.ticker().unwrap().last_price, "10".parse().ok());
        assert!(record.body.ticker().unwrap().simulated && record.stamp.epoch > 0);
        peer.send("{").await;
        peer.send(okx_ticker("BTC-USDT", "11")).await;
        let refused = async {
            while feed.dlq(&Filter::default(), 9).letters.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, refused).await.expect("no dead letter in time");
        assert_eq!(feed.dlq(&Filter::default(), 9).letters[0].raw, "{");
        assert_eq!(feed.dlq(&Filter::default(), 9).exchanges[0].refused["undecodable"], 1);
        tasks.token().cancel();
        tasks.finish().await.unwrap();
    }

    #[test]
    fn a_feed_without_exchanges_does_not_start() {
        let error = FeedConfig::default().plan().map_err(FeedError::from).unwrap_err();
        assert!(error.to_string().contains("--exchange kucoin=BTC-USDT,ETH-USDT"), "{error}");
    }
}
