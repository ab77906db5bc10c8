//! One connector keeps one connection to a venue, for ever: dial, subscribe, watch, dial again.
//!
//! What can be decided without IO is decided by values that take `now`: [`link`], [`pulse`],
//! [`outstanding`], [`log_limit`]. Sockets are touched in `dial` and `session` only.

mod dial;
mod history;
pub mod link;
mod links;
pub mod log_limit;
pub mod loss;
pub mod outstanding;
pub mod pulse;
pub mod rest;
mod session;
#[cfg(test)]
pub(crate) mod tests;
mod uplink;
pub mod venue;

pub use link::{Course, Link};
pub use loss::Loss;
pub use outstanding::Outstanding;
pub use pulse::{Beat, Pulse};
pub use rest::Rest;
pub use venue::{Surroundings, Venue};

use crate::{
    exchange::Update,
    quality::{Change, Generation, Quality, Refusal, Verdict},
};
use log_limit::LogLimit;
use metrics::counter;
use session::Session;
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};
use tickcast_shared::{
    admin::{Queue, Queues},
    bus::LinkState,
    market::{Reason, Symbol, Ticker, Topic},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// A symbol that the venue refused is left alone for this long: lists of instruments change about
/// once an hour at most.
const QUARANTINE: Duration = Duration::from_secs(3600);
/// Symbols named in one log line.
const NAMED_IN_LOG: usize = 10;

/// The keeper of one connection.
pub struct Connector {
    venue: Arc<Venue>,
    /// Which of the venue's connections it is.
    place: usize,
    symbols: Vec<Symbol>,
    /// The venue's names of the symbols on the present connection, in their order.
    names: Vec<Option<String>>,
    quality: Quality,
    course: Course,
    quarantine: HashMap<usize, Instant>,
    generation: Generation,
    uplink_queue: Arc<Queue>,
    live_log: LogLimit,
}

impl Connector {
    /// A connector for these symbols, at the venue's connection number `place`.
    #[must_use]
    pub fn new(venue: Arc<Venue>, place: usize, symbols: Vec<Symbol>, queues: &Queues) -> Self {
        let queue = format!("feed_uplink_{}_{place}", venue.id());
        let by_rule = |symbol: &Symbol| (symbol.clone(), venue.exchange.name_by_rule(symbol));
        let named: Vec<(Symbol, String)> = symbols.iter().map(by_rule).collect();
        let (accounting, letters) = (venue.accounting.clone(), venue.dead_letters.clone());
        let quality = Quality::new(accounting, letters, &named, venue.simulated, venue.clock.now())
            .at(&venue.board)
            .with_quotes_good_for(venue.exchange.limits().quotes_good_for);
        let good = Duration::from_millis(venue.timing.good_ms);
        Self {
            course: Course::new(venue.timing.backoff(), good),
            venue,
            place,
            names: vec![None; symbols.len()],
            quality,
            quarantine: HashMap::new(),
            generation: Generation::default(),
            uplink_queue: queues.register(queue, symbols.len()),
            live_log: LogLimit::default(),
            symbols,
        }
    }

    /// The topics it serves, as they are now.
    pub fn topics(&self) -> Vec<(Topic, Ticker)> {
        self.quality.topics().collect()
    }

    /// Keeps the connection until the token is cancelled.
    ///
    /// # Errors
    /// Never: no failure of a venue ends it.
    pub async fn run(mut self, token: CancellationToken) -> Result<(), Infallible> {
        while !token.is_cancelled() {
            let loss = tokio::select! {
                loss = self.connection() => loss,
                () = token.cancelled() => break,
            };
            let until = self.lose(&loss);
            tokio::select! {
                () = tokio::time::sleep_until(until.into()) => {}
                () = token.cancelled() => break,
            }
            self.course.dial();
        }
        Ok(())
    }

    /// One connection from the dial to its loss.
    async fn connection(&mut self) -> Loss {
        self.name_symbols().await;
        if self.names.iter().all(Option::is_none) {
            return Loss::NothingListed;
        }
        let venue = self.venue.clone();
        venue.may_dial().await;
        counter!("tickcast_feed_dials_total", "exchange" => venue.exchange.name()).increment(1);
        self.generation.0 += 1;
        let nonce = venue.clock.now().0.unsigned_abs();
        let opened = match dial::dial(&venue, nonce).await {
            Ok(opened) => opened,
            Err(loss) => return loss,
        };
        let now = Instant::now();
        self.course.opened(now);
        self.quality.begin(self.generation, opened.simulated, &self.names);
        debug!(exchange = %venue.id(), connection = self.place, simulated = opened.simulated, "connected");
        Box::pin(Session::new(self, opened, now).serve()).await
    }

    /// Finds the venue's name of each symbol; those without one are halted, those in quarantine
    /// left out.
    async fn name_symbols(&mut self) {
        let listing = self.venue.listing().await;
        let now = Instant::now();
        self.quarantine.retain(|_, until| *until > now);
        let name = |symbol: &Symbol| listing.venue_symbol(self.venue.exchange, symbol);
        let mut names: Vec<Option<String>> = self.symbols.iter().map(name).collect();
        let unlisted: Vec<usize> = (0..names.len()).filter(|at| names[*at].is_none()).collect();
        for at in self.quarantine.keys() {
            names[*at] = None;
        }
        self.names = names;
        self.halt(&unlisted, "the venue's list of instruments does not have them, or not trading");
    }

    fn lose(&mut self, loss: &Loss) -> Instant {
        let now = self.venue.clock.now();
        let lost = self.quality.lose_link(now);
        self.put(lost);
        let until = self.course.lost(loss, rand::random(), Instant::now());
        let (state, reason) = loss.link_state();
        self.venue.links.count(self.place, self.course.reconnects());
        self.venue.links.enter(self.place, state, reason, now);
        if loss.concerns_address() {
            self.venue.close_until(until);
        }
        let exchange = self.venue.exchange.name();
        counter!("tickcast_feed_link_losses_total", "exchange" => exchange, "cause" => loss.cause())
            .increment(1);
        if let Some(unlogged) = self.venue.admit_log(loss.cause()) {
            let retry_in = until.saturating_duration_since(Instant::now());
            warn!(
                exchange,
                connection = self.place,
                cause = loss.cause(),
                error = %loss,
                failures = self.course.failures(),
                retry_ms = retry_in.as_millis(),
                action = loss.advice(&self.venue.others()),
                unlogged,
                "link is down"
            );
        }
        until
    }

    fn put(&self, changes: Vec<Change>) {
        for (topic, ticker) in changes {
            self.venue.outbox.put(topic, ticker);
        }
    }

    fn update(&mut self, update: &Update<'_>, frame: &str) -> Verdict {
        let now = self.venue.clock.now();
        let verdict = self.quality.update(self.generation, update, frame, now);
        match verdict {
            Verdict::Publish(change) => {
                let (topic, ticker) = *change;
                self.venue.outbox.put(topic, ticker);
                Verdict::Quiet
            }
            other => other,
        }
    }

    fn refuse(&self, reason: Refusal, frame: &str) {
        self.quality.refuse(reason, frame, self.venue.clock.now());
    }

    /// A sound ticker message has come.
    fn data(&mut self, now: Instant) {
        if self.course.data(now) {
            let at = self.venue.clock.now();
            self.venue.links.prove(self.place, at);
            self.venue.links.enter(self.place, LinkState::Live, Reason::NONE, at);
            if let Some(unlogged) = self.live_log.admit("live", now) {
                let symbols = self.names.iter().flatten().count();
                info!(exchange = %self.venue.id(), connection = self.place, symbols, unlogged, "link is live");
            }
        }
    }

    fn pass_time(&mut self, proven: Instant) {
        let changes = self.quality.pass_time(self.venue.clock.now());
        self.put(changes);
        self.venue.links.prove(self.place, self.venue.clock.at(proven));
    }

    /// Gives symbols up that the venue refused.
    fn quarantine(&mut self, names: &[String], why: &str) {
        let at = |name: &String| self.names.iter().position(|it| it.as_ref() == Some(name));
        let places: Vec<usize> = names.iter().filter_map(at).collect();
        let until = Instant::now() + QUARANTINE;
        self.quarantine.extend(places.iter().map(|at| (*at, until)));
        self.halt(&places, why);
    }

    fn halt(&mut self, places: &[usize], why: &str) {
        let halted = self.quality.halt(places, self.venue.clock.now());
        if !halted.is_empty() {
            let topics: Vec<&str> =
                halted.iter().take(NAMED_IN_LOG).map(|(topic, _)| topic.as_str()).collect();
            warn!(
                exchange = %self.venue.id(),
                count = halted.len(),
                topics = topics.join(" "),
                error = why,
                action = "check these symbols in the configuration; the others go on",
                "symbols are refused"
            );
        }
        self.put(halted);
    }

    /// A refusal that answers nothing we know of.
    fn log_unmatched(&self, words: &str) {
        if let Some(unlogged) = self.venue.admit_log("unmatched_error") {
            warn!(exchange = %self.venue.id(), error = words, unlogged, "the venue reports an error");
        }
    }

    fn log_without_data(&self) {
        let waiting = self.quality.without_data();
        if !waiting.is_empty()
            && let Some(unlogged) = self.venue.admit_log("without_data")
        {
            let named: Vec<&str> =
                waiting.iter().take(NAMED_IN_LOG).map(|it| it.as_str()).collect();
            info!(
                exchange = %self.venue.id(),
                count = waiting.len(),
                topics = named.join(" "),
                unlogged,
                "subscribed, and no value yet; a quiet market, or a symbol that does not trade"
            );
        }
    }

    /// How long a welcome or an answer may take.
    fn patience(&self) -> Duration {
        Duration::from_millis(self.venue.timing.ack_ms)
    }
}
