//! One connection's protocol as a state machine: text in, actions out, no IO and no clock.

use super::{
    binance, bybit, coinbase,
    exchange::{Exchange, Timings},
    faults::Faults,
    instrument::Catalogue,
    kraken, kucoin, okx,
    stage::Stage,
    subscriptions::{Delivery, Subscriptions},
    tick::Tick,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

/// What the connection is to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Send a text message.
    Send(String),
    /// Send market data that answers a subscription.
    Data(Delivery),
    /// Send a ping frame.
    Ping(Vec<u8>),
    /// Count a sign of life from the client.
    Heartbeat,
    /// Count a subscribe request.
    Subscribed,
    /// End the connection with a close frame, because of what the client did or did not do.
    Close(u16, &'static str),
}

/// What a session may look at.
pub(super) struct Context<'a> {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) faults: &'a Faults,
    pub(super) timings: Timings,
    pub(super) now: Instant,
    /// Milliseconds since the Unix epoch.
    pub(super) time_ms: i64,
    stage: &'a Stage,
}

/// Whether a name can be subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    Listed,
    Unknown,
    /// By a fault.
    Rejected,
}

impl<'a> Context<'a> {
    pub(super) fn of(stage: &'a Stage, faults: &'a Faults) -> Self {
        Self {
            catalogue: stage.catalogue(),
            faults,
            timings: stage.timings,
            now: Instant::now(),
            time_ms: stage.now_ms(),
            stage,
        }
    }

    pub(super) fn listing(&self, name: &str) -> Listing {
        match self.catalogue.by_name(name) {
            None => Listing::Unknown,
            Some(found) if self.faults.rejected.contains(&*found.symbol) => Listing::Rejected,
            Some(_) => Listing::Listed,
        }
    }

    /// What a new subscriber is told at once: the last tick, unless a fault withholds it.
    pub(super) fn latest(&self, name: &str) -> Option<Tick> {
        let tick = self.stage.latest(name)?;
        (!self.faults.withholds(&tick.symbol)).then_some(tick)
    }
}

/// How a connection was dialled.
#[derive(Debug, Default)]
pub(super) struct Dial {
    pub(super) path: String,
    pub(super) query: HashMap<String, String>,
    /// KuCoin: whether the token is good.
    pub(super) token_accepted: bool,
}

/// The protocol of one connection.
#[derive(Debug)]
pub(super) enum Session {
    Kucoin(kucoin::Session),
    Binance(binance::Session),
    Okx(okx::Session),
    Coinbase(coinbase::Session),
    Kraken(kraken::Session),
    Bybit(bybit::Session),
}

impl Session {
    pub(super) fn open(
        exchange: Exchange,
        dial: &Dial,
        context: &Context,
        subscriptions: &mut Subscriptions,
    ) -> (Self, Vec<Action>) {
        match exchange {
            Exchange::Kucoin => {
                let (session, actions) = kucoin::Session::open(dial, context);
                (Self::Kucoin(session), actions)
            }
            Exchange::Binance => {
                let (session, actions) = binance::Session::open(dial, context, subscriptions);
                (Self::Binance(session), actions)
            }
            Exchange::Okx => (Self::Okx(okx::Session::open(context)), Vec::new()),
            Exchange::Coinbase => (Self::Coinbase(coinbase::Session::open(context)), Vec::new()),
            Exchange::Kraken => {
                let (session, actions) = kraken::Session::open(context);
                (Self::Kraken(session), actions)
            }
            Exchange::Bybit => (Self::Bybit(bybit::Session::open(dial, context)), Vec::new()),
        }
    }

    pub(super) fn text(
        &mut self,
        text: &str,
        context: &Context,
        subscriptions: &mut Subscriptions,
    ) -> Vec<Action> {
        match self {
            Self::Kucoin(session) => session.text(text, context, subscriptions),
            Self::Binance(session) => session.text(text, context, subscriptions),
            Self::Okx(session) => session.text(text, context, subscriptions),
            Self::Coinbase(session) => session.text(text, context, subscriptions),
            Self::Kraken(session) => session.text(text, context, subscriptions),
            Self::Bybit(session) => session.text(text, context, subscriptions),
        }
    }

    /// A pong frame came.
    pub(super) fn pong(&mut self, context: &Context) -> Vec<Action> {
        match self {
            Self::Binance(session) => session.pong(context),
            _ => Vec::new(),
        }
    }

    /// Market data went out.
    pub(super) fn pushed(&mut self, now: Instant) {
        match self {
            Self::Okx(session) => session.pushed(now),
            Self::Kraken(session) => session.pushed(now),
            _ => {}
        }
    }

    /// When [`Session::due`] is to be called.
    pub(super) fn deadline(&self, timings: Timings) -> Instant {
        match self {
            Self::Kucoin(session) => session.deadline(timings),
            Self::Binance(session) => session.deadline(timings),
            Self::Okx(session) => session.deadline(timings),
            Self::Coinbase(session) => session.deadline(timings),
            Self::Kraken(session) => session.deadline(timings),
            Self::Bybit(session) => session.deadline(timings),
        }
    }

    /// The deadline has passed.
    pub(super) fn due(&mut self, context: &Context) -> Vec<Action> {
        match self {
            Self::Kucoin(_) => vec![Action::Close(1000, "no ping")],
            Self::Binance(session) => session.due(context),
            // OKX's own code for an idle connection.
            Self::Okx(_) => vec![Action::Close(4004, "No data received in 30s.")],
            Self::Coinbase(session) => session.due(context),
            Self::Kraken(session) => session.due(context),
            Self::Bybit(_) => vec![Action::Close(1000, "no message")],
        }
    }
}

/// At most so many events in a sliding window.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    window: Duration,
    spent: VecDeque<Instant>,
}

impl Budget {
    pub(super) fn new(limit: usize, window: Duration) -> Self {
        Self { limit, window, spent: VecDeque::new() }
    }

    /// Counts an event; whether it was within the limit.
    pub(super) fn spend(&mut self, now: Instant) -> bool {
        while self.spent.front().is_some_and(|at| now.duration_since(*at) >= self.window) {
            self.spent.pop_front();
        }
        if self.spent.len() >= self.limit {
            return false;
        }
        self.spent.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_slides() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut budget = Budget::new(2, Duration::from_secs(1));
        assert!(budget.spend(at(0)) && budget.spend(at(900)));
        assert!(!budget.spend(at(999)));
        assert!(budget.spend(at(1000)));
        assert!(!budget.spend(at(1500)));
    }
}
