//! One symbol's index: what its venues last said, and what was last published.

use super::{counters, median};
use std::time::Duration;
use tickcast_shared::{
    bus::{Body, Excluded, Index, IndexSource},
    clock::Micros,
    market::{ExchangeId, Price, Reason, Source, State, Ticker, Topic},
};

/// A change of sources that leaves the price alone is published at most so often (`truth.md` 14).
const SOURCES_EVERY: Duration = Duration::from_secs(1);

/// The venues of one symbol and their index.
#[derive(Debug)]
pub(super) struct Basket {
    pub topic: Topic,
    members: Vec<Member>,
    /// Fewest venues that make an index.
    quorum: usize,
    /// Whether its topic exists.
    pub is_announced: bool,
    /// As it was last published.
    ticker: Ticker,
    published: Micros,
    /// Reused from judgement to judgement: the middles that may count, each with its member.
    middles: Vec<(Price, usize)>,
}

/// One venue's share.
#[derive(Debug)]
struct Member {
    exchange: ExchangeId,
    /// False once its topic has ceased to exist; the place stays, since it may come back.
    is_configured: bool,
    middle: Result<Price, Reason>,
    received: Micros,
    source: Source,
    simulated: bool,
    /// Why it is left out; [`Reason::NONE`] while it counts.
    standing: Reason,
    /// The same as last published.
    shown: Reason,
}

/// What is to be done after a judgement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing has changed.
    Rest,
    /// Publish this.
    Publish(Box<Body>),
    /// Other sources for the same price: judge again then.
    Later(Micros),
}

impl Basket {
    /// An index without venues yet.
    pub(super) fn new(topic: Topic, quorum: usize, now: Micros) -> Self {
        Self {
            ticker: Ticker::pending(topic.symbol(), false, now),
            topic,
            members: Vec::new(),
            quorum,
            is_announced: false,
            published: Micros(0),
            middles: Vec::new(),
        }
    }

    /// Another venue lists the symbol, or lists it again; returns its place.
    pub(super) fn enlist(&mut self, exchange: &ExchangeId, simulated: bool, now: Micros) -> usize {
        self.ticker.simulated |= simulated && self.ticker.last_price.is_none();
        if let Some(at) = self.members.iter().position(|it| it.exchange == *exchange) {
            self.members[at].is_configured = true;
            return at;
        }
        self.members.push(Member {
            exchange: exchange.clone(),
            is_configured: true,
            middle: Err(Reason::PENDING),
            received: now,
            source: Source::Stream,
            simulated,
            standing: Reason::PENDING,
            shown: Reason::PENDING,
        });
        self.members.len() - 1
    }

    /// Whether enough venues are configured for it to exist.
    pub(super) fn has_quorum(&self) -> bool {
        self.configured().count() >= self.quorum
    }

    /// What is announced before any value is there.
    pub(super) fn announcement(&self) -> Body {
        self.body(self.ticker.clone())
    }

    /// A venue's new state.
    pub(super) fn hear(&mut self, member: usize, ticker: &Ticker, now: Micros) -> Next {
        let member = &mut self.members[member];
        member.middle = median::middle(ticker);
        member.received = ticker.received_ts.unwrap_or(now);
        member.source = ticker.source;
        member.simulated = ticker.simulated;
        self.judge(now)
    }

    /// A venue's topic has ceased to exist.
    pub(super) fn forget(&mut self, member: usize, now: Micros) -> Next {
        self.members[member].is_configured = false;
        self.members[member].middle = Err(Reason::UNCONFIGURED);
        self.judge(now)
    }

    fn configured(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.is_configured)
    }

    /// What the members amount to now.
    pub(super) fn judge(&mut self, now: Micros) -> Next {
        let value = self.take_median();
        let simulated = match value {
            Ok(_) => self.used().any(|member| member.simulated),
            // The last value keeps its origin.
            Err(_) => self.ticker.simulated || self.used().any(|member| member.simulated),
        };
        match value {
            Ok(price) if self.is_shown(price, simulated) => self.show_sources(now),
            Ok(price) => {
                self.ticker.last_price = Some(rounded_off(price));
                self.ticker.simulated = simulated;
                self.ticker.enter(State::Live, Reason::NONE, now);
                self.publish(now)
            }
            // Nothing was ever known: it stays as announced, or as a former feed left it.
            Err(_) if self.ticker.last_price.is_none() => Next::Rest,
            Err(reason) if self.ticker.reason == reason && self.ticker.simulated == simulated => {
                self.show_sources(now)
            }
            Err(reason) => {
                counters::index_stale(&reason);
                self.ticker.simulated = simulated;
                self.ticker.enter(State::Stale, reason, now);
                self.publish(now)
            }
        }
    }

    fn is_shown(&self, price: Price, simulated: bool) -> bool {
        let ticker = &self.ticker;
        ticker.state == State::Live
            && ticker.last_price == Some(price)
            && ticker.simulated == simulated
    }

    /// Judges the members and notes who is left out.
    fn take_median(&mut self) -> Result<Price, Reason> {
        self.middles.clear();
        for (at, member) in self.members.iter_mut().enumerate() {
            match &member.middle {
                Ok(price) => {
                    self.middles.push((*price, at));
                    member.standing = Reason::OUTLIER;
                }
                Err(reason) => member.standing.clone_from(reason),
            }
        }
        let verdict = median::judge(&mut self.middles, self.quorum);
        for (_, at) in &self.middles[verdict.used] {
            self.members[*at].standing = Reason::NONE;
        }
        verdict.value
    }

    fn used(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.standing == Reason::NONE)
    }

    /// The price stands; perhaps other venues make it now.
    fn show_sources(&mut self, now: Micros) -> Next {
        if self.members.iter().all(|member| member.standing == member.shown) {
            return Next::Rest;
        }
        let due = self.published.plus(SOURCES_EVERY);
        if now < due { Next::Later(due) } else { self.publish(now) }
    }

    fn publish(&mut self, now: Micros) -> Next {
        self.published = now;
        for member in &mut self.members {
            if member.standing == Reason::OUTLIER && member.shown != Reason::OUTLIER {
                counters::index_outlier(&member.exchange);
            }
            member.shown.clone_from(&member.standing);
        }
        // The newest quote in it proves the index; without any the last proof stands.
        let received = self.used().map(|member| member.received).max();
        self.ticker.received_ts = received.or(self.ticker.received_ts);
        let polled = self.used().any(|member| member.source == Source::Poll);
        self.ticker.source = if polled { Source::Poll } else { Source::Stream };
        Next::Publish(Box::new(self.body(self.ticker.clone())))
    }

    fn body(&self, ticker: Ticker) -> Body {
        let (mut sources, mut excluded) = (Vec::new(), Vec::new());
        for member in self.configured() {
            let exchange = member.exchange.clone();
            match &member.middle {
                Ok(price) if member.standing == Reason::NONE => sources.push(IndexSource {
                    exchange,
                    price: rounded_off(*price),
                    received_ts: member.received,
                }),
                _ => excluded.push(Excluded { exchange, reason: member.standing.clone() }),
            }
        }
        Body::Index(Index { ticker, sources, excluded })
    }
}

/// The same price without zeros at its end.
fn rounded_off(price: Price) -> Price {
    Price::try_from(price.decimal().normalize()).unwrap_or(price)
}
