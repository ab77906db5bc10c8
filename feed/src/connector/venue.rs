//! What all connections to one venue share: addresses, budgets, the list of instruments, books.

use super::{
    Loss,
    links::Links,
    log_limit::LogLimit,
    rest::{Answer, Rest},
};
use crate::{
    config::{Timing, VenuePlan},
    exchange::{Addresses, Exchange, Instrument, Listing, Rate, names_except},
    outbox::Outbox,
    quality::{Accounting, Board, DeadLetters},
};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tickcast_shared::{bus::LinkStatus, clock::Clock, market::ExchangeId};
use tokio::sync::Mutex as AsyncMutex;
use tracing::{info, warn};

/// How long a list is used by those who do not keep it up to date.
const LIST_GOOD: Duration = Duration::from_secs(3600);
/// A list of instruments that could not be had is asked for again after this long.
pub(super) const LIST_RETRY: Duration = Duration::from_secs(30);

/// One venue, as its connections see it.
pub struct Venue {
    pub(super) exchange: &'static dyn Exchange,
    pub(super) addresses: Addresses,
    /// Whether it is a simulator whatever its handshakes say.
    pub(super) simulated: bool,
    pub(super) timing: Timing,
    pub(super) clock: Clock,
    pub(super) outbox: Outbox,
    pub(super) rest: Rest,
    pub(super) links: Links,
    /// The books of the venue.
    pub accounting: Accounting,
    pub(super) dead_letters: DeadLetters,
    pub(super) board: Board,
    dials: DefaultDirectRateLimiter,
    requests: DefaultDirectRateLimiter,
    listing: AsyncMutex<ListingState>,
    /// The venue has turned this address away until then.
    closed_until: Mutex<Option<Instant>>,
    /// The same for REST alone.
    rest_closed_until: Mutex<Option<Instant>>,
    log_limit: Mutex<LogLimit>,
}

/// Whether the list of instruments is there.
enum ListingState {
    Had { listing: Arc<Listing>, read: Instant },
    Missing { asked: Option<Instant> },
}

/// What a venue's connections use of the process.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Patience.
    pub timing: Timing,
    /// The clock of all time stamps.
    pub clock: Clock,
    /// Where values go.
    pub outbox: Outbox,
    /// REST.
    pub rest: Rest,
    /// Where refused messages go.
    pub dead_letters: DeadLetters,
    /// What all venues say.
    pub board: Board,
}

/// A token bucket of that rate.
pub(super) fn budget(rate: Rate) -> DefaultDirectRateLimiter {
    let one = Quota::with_period(rate.every).unwrap_or(Quota::per_second(rate.burst));
    RateLimiter::direct(one.allow_burst(rate.burst))
}

/// The moment, unless it is over.
fn until_later(closed: &Mutex<Option<Instant>>) -> Option<Instant> {
    let closed = *closed.lock().unwrap_or_else(PoisonError::into_inner);
    closed.filter(|until| *until > Instant::now())
}

fn later(closed: &Mutex<Option<Instant>>, until: Instant) {
    let mut closed = closed.lock().unwrap_or_else(PoisonError::into_inner);
    *closed = (*closed).max(Some(until));
}

impl fmt::Debug for Venue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Venue").field("id", self.id()).finish_non_exhaustive()
    }
}

impl Venue {
    /// A venue without connections.
    #[must_use]
    pub fn new(plan: &VenuePlan, around: Surroundings) -> Self {
        let Surroundings { timing, clock, outbox, rest, dead_letters, board } = around;
        let links = Links::new(&plan.id, outbox.clone(), clock.now());
        Self {
            exchange: plan.exchange,
            addresses: plan.addresses.clone(),
            simulated: plan.simulated,
            timing,
            clock,
            outbox,
            rest,
            links,
            accounting: Accounting::of(&plan.id),
            dead_letters,
            board,
            dials: budget(plan.exchange.limits().dials),
            requests: budget(plan.exchange.limits().requests),
            listing: AsyncMutex::new(ListingState::Missing { asked: None }),
            closed_until: Mutex::default(),
            rest_closed_until: Mutex::default(),
            log_limit: Mutex::default(),
        }
    }

    /// The venue's name in topics.
    #[must_use]
    pub fn id(&self) -> &ExchangeId {
        self.accounting.exchange()
    }

    /// Where it is reached, and whether it is known to be a simulator.
    #[must_use]
    pub fn reached(&self) -> (Addresses, bool) {
        (self.addresses.clone(), self.simulated)
    }

    /// Its connections as they are now.
    #[must_use]
    pub fn connections(&self) -> Vec<LinkStatus> {
        self.links.connections()
    }

    /// Waits until the venue's dial limit, and a refusal of this address, allow another dial.
    pub(super) async fn may_dial(&self) {
        // Waiting for the limit may take long enough for another connection to be refused.
        while let Some(until) = until_later(&self.closed_until) {
            tokio::time::sleep_until(until.into()).await;
            self.dials.until_ready().await;
        }
        self.dials.until_ready().await;
    }

    /// Keeps all connections from dialling until then.
    pub(super) fn close_until(&self, until: Instant) {
        later(&self.closed_until, until);
    }

    /// Whether to log that cause now; see [`LogLimit::admit`].
    pub(super) fn admit_log(&self, cause: &'static str) -> Option<u64> {
        let mut limit = self.log_limit.lock().unwrap_or_else(PoisonError::into_inner);
        limit.admit(cause, Instant::now())
    }

    /// The names of the other venues, for advice.
    pub(super) fn others(&self) -> String {
        names_except(self.exchange.name())
    }

    /// Waits until the venue's request limit, and a refusal of this address, allow another request.
    pub(super) async fn may_request(&self) {
        while let Some(until) = until_later(&self.rest_closed_until) {
            tokio::time::sleep_until(until.into()).await;
        }
        self.requests.until_ready().await;
    }

    /// A request by REST was refused: those that the venue asks to wait are waited for.
    pub(super) fn rest_refused(&self, loss: &Loss) {
        let until = Instant::now() + loss.least_wait();
        later(&self.rest_closed_until, until);
        if loss.asks_to_wait() {
            self.close_until(until);
        }
    }

    /// The names of the venue's symbols: its own list, or its naming rule while that is missing.
    pub(super) async fn listing(&self) -> Arc<Listing> {
        self.listing_of(LIST_GOOD, LIST_RETRY).await
    }

    /// The same, from a list that is younger than `good`; one that could not be had is asked for
    /// again after `retry`.
    pub(super) async fn listing_of(&self, good: Duration, retry: Duration) -> Arc<Listing> {
        let mut state = self.listing.lock().await;
        match &*state {
            ListingState::Had { listing, read } if read.elapsed() < good => return listing.clone(),
            ListingState::Missing { asked: Some(at) } if at.elapsed() < retry => {
                return Arc::new(Listing::ByRule);
            }
            ListingState::Had { .. } | ListingState::Missing { .. } => {}
        }
        self.may_request().await;
        let listing = match self.fetch_listing().await {
            Ok(listing) => Arc::new(listing),
            Err(loss) => {
                self.rest_refused(&loss);
                self.log_missing_list(&loss);
                *state = ListingState::Missing { asked: Some(Instant::now()) };
                return Arc::new(Listing::ByRule);
            }
        };
        *state = ListingState::Had { listing: listing.clone(), read: Instant::now() };
        listing
    }

    async fn fetch_listing(&self) -> Result<Listing, Loss> {
        let url = self.exchange.instruments_url(&self.addresses);
        let within = Duration::from_millis(self.timing.list_ms);
        let answer = self.rest.get(&url, within).await?;
        let instruments = answer.read(|body| self.exchange.read_instruments(body))?;
        if instruments.is_empty() {
            // No venue trades nothing: the answer is broken, and would halt every symbol.
            return Err(Loss::NothingListed);
        }
        info!(exchange = %self.id(), instruments = instruments.len(), "list of instruments read");
        Ok(Listing::listed(instruments))
    }

    /// Asks for the tickers of these instruments, at most [`Limits::symbols_per_poll`] of them.
    ///
    /// [`Limits::symbols_per_poll`]: crate::exchange::Limits::symbols_per_poll
    pub(super) async fn tickers(&self, instruments: &[&Instrument]) -> Result<Answer, Loss> {
        self.may_request().await;
        let url = self.exchange.tickers_url(&self.addresses, instruments);
        let answer = self.rest.get(&url, Duration::from_millis(self.timing.rest_ms)).await;
        answer.inspect_err(|loss| self.rest_refused(loss))
    }

    fn log_missing_list(&self, loss: &Loss) {
        if let Some(unlogged) = self.admit_log("list_missing") {
            let action = loss.advice(&self.others());
            warn!(
                exchange = %self.id(),
                error = %loss,
                cause = loss.cause(),
                action,
                unlogged,
                "no list of instruments; names follow the venue's naming rule until it can be had"
            );
        }
    }
}
