//! What may be called a price: the rules of `truth.md`, without IO and without a clock.
//!
//! One [`Quality`] judges the messages of one connector over all its connections. What it lets
//! through is a topic's full state; everything else is counted, and the refused is kept as
//! [`DeadLetters`].

pub mod accounting;
pub mod board;
mod books;
pub mod dead_letters;
mod guard;
mod owners;
pub mod refusal;
mod said;
pub mod sequence;
mod symbol;
mod tenure;
#[cfg(test)]
mod tests;
mod upkeep;
mod values;

pub use accounting::{Accounting, Counts};
pub use board::Board;
pub use dead_letters::{DeadLetter, DeadLetters, Filter, Report};
pub use refusal::Refusal;

use crate::exchange::{Market, Update};
use books::Books;
use std::{collections::HashMap, time::Duration};
use symbol::{Outcome, SymbolState};
use tenure::{Claim, Tenure};
use tickcast_shared::{
    clock::Micros,
    market::{State, Symbol, Ticker, Topic},
};

/// Which of a connector's connections a message came by. Each dial has a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Generation(pub u64);

/// A topic's full state, to be published.
pub type Change = (Topic, Ticker);

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It changes the topic: publish its state.
    Publish(Box<Change>),
    /// It is sound, and there is nothing to publish now.
    Quiet,
    /// It is refused.
    Refused,
}

/// The judge of one connector's messages.
#[derive(Debug)]
pub struct Quality {
    books: Books,
    board: Board,
    /// For how long quotes are good after they were stated, where that is limited (`truth.md` 8).
    quotes_good_for: Option<Duration>,
    /// Whether the venue is a simulator whatever its handshakes say.
    simulated: bool,
    tenure: Tenure,
    symbols: Vec<SymbolState>,
    /// Position of each symbol by the venue's name for it.
    by_name: HashMap<String, usize>,
}

impl Quality {
    /// A judge for these symbols, each with its venue name as far as it is known.
    #[must_use]
    pub fn new(
        accounting: Accounting,
        dead_letters: DeadLetters,
        symbols: &[(Symbol, String)],
        simulated: bool,
        now: Micros,
    ) -> Self {
        let exchange = accounting.exchange().clone();
        let board = Board::default();
        let symbols = symbols
            .iter()
            .map(|(symbol, name)| {
                let topic = Topic::ticker(&exchange, symbol);
                let seat = board.seat(&exchange, symbol);
                SymbolState::new(topic, Ticker::pending(name, simulated, now), seat)
            })
            .collect();
        Self {
            books: Books { accounting, dead_letters },
            board,
            quotes_good_for: None,
            simulated,
            tenure: Tenure::default(),
            symbols,
            by_name: HashMap::new(),
        }
    }

    /// The same with the other venues' prices to compare with, which it joins. Without it the judge
    /// is alone.
    #[must_use]
    pub fn at(mut self, board: &Board) -> Self {
        self.board = board.clone();
        for state in &mut self.symbols {
            if let Ok(symbol) = state.topic.symbol().parse() {
                state.sit(board.seat(self.books.accounting.exchange(), &symbol));
            }
        }
        self
    }

    /// The same, with quotes that are good for so long after they were stated.
    #[must_use]
    pub fn with_quotes_good_for(self, quotes_good_for: Option<Duration>) -> Self {
        Self { quotes_good_for, ..self }
    }

    /// The topics in their order, each with its state now.
    pub fn topics(&self) -> impl Iterator<Item = Change> + '_ {
        self.symbols.iter().map(|it| (it.topic.clone(), it.ticker.clone()))
    }

    /// A new connection replaces the one before. `names` are the venue's names of the symbols, in
    /// their order; a symbol without a name is not subscribed to.
    pub fn begin(&mut self, generation: Generation, simulated: bool, names: &[Option<String>]) {
        self.tenure.begin(generation, self.symbols.len());
        self.by_name.clear();
        for (at, (state, name)) in self.symbols.iter_mut().zip(names).enumerate() {
            if let Some(name) = name {
                state.reconnected(name, simulated || self.simulated);
                self.by_name.insert(name.clone(), at);
            }
        }
    }

    /// Judges one message out of `frame`.
    pub fn update(
        &mut self,
        generation: Generation,
        update: &Update<'_>,
        frame: &str,
        now: Micros,
    ) -> Verdict {
        let refused = if !self.tenure.knows(generation) {
            Refusal::OldConnection
        } else if update.market != Market::Spot {
            Refusal::WrongMarket
        } else if let Some(&at) = self.by_name.get(update.symbol) {
            match self.tenure.claim(at, update.part, generation) {
                Claim::Holder => return self.judge(at, update, frame, now),
                Claim::Successor => return self.succeed_with(at, update, frame, now),
                Claim::Replaced => Refusal::OldConnection,
            }
        } else {
            Refusal::UnknownSymbol
        };
        self.refuse(refused, frame, now);
        Verdict::Refused
    }

    fn judge(&mut self, at: usize, update: &Update<'_>, frame: &str, now: Micros) -> Verdict {
        let state = &mut self.symbols[at];
        // The first message of a subscription tells what has been the price for a while.
        if let Some(sent) = update.exchange_ts.filter(|_| state.ticker.state == State::Live) {
            self.books.accounting.arrived(sent, now);
        }
        let outcome = state.judge(update, frame, &self.books, now);
        self.account(at, outcome, frame, now)
    }

    /// Books what became of a message.
    fn account(&mut self, at: usize, outcome: Outcome, frame: &str, now: Micros) -> Verdict {
        let state = &self.symbols[at];
        let publish = |state: &SymbolState| {
            Verdict::Publish(Box::new((state.topic.clone(), state.ticker.clone())))
        };
        let books = &self.books.accounting;
        match outcome {
            Outcome::Publish => {
                books.published();
                publish(state)
            }
            Outcome::Duplicate => {
                books.duplicate();
                Verdict::Quiet
            }
            Outcome::VolumeOnly => {
                books.volume_only();
                Verdict::Quiet
            }
            Outcome::Hold { news } => {
                books.held();
                if news { publish(state) } else { Verdict::Quiet }
            }
            Outcome::Refuse(reason) => {
                self.refuse(reason, frame, now);
                Verdict::Refused
            }
        }
    }

    /// The topics that are subscribed to and not live.
    #[must_use]
    pub fn without_data(&self) -> Vec<Topic> {
        let waiting = |at: &&usize| self.symbols[**at].ticker.state != State::Live;
        self.by_name.values().filter(waiting).map(|at| self.symbols[*at].topic.clone()).collect()
    }

    /// Counts a message or frame as refused and keeps it as a dead letter.
    pub fn refuse(&self, reason: Refusal, frame: &str, now: Micros) {
        self.books.refuse(reason, frame, now);
    }

    /// What time alone changes: prices confirmed meanwhile, quotes crossed for too long or too old,
    /// volumes held back, mute channels. To be called a few times a second.
    pub fn pass_time(&mut self, now: Micros) -> Vec<Change> {
        let good_for = self.quotes_good_for;
        self.changed(|state, books| state.pass_time(good_for, books, now))
    }

    /// The connection is gone: every priced topic becomes `stale/link_lost`.
    pub fn lose_link(&mut self, now: Micros) -> Vec<Change> {
        self.changed(|state, books| state.lose_link(books, now))
    }

    /// The venue does not list these symbols (positions in their order), or refuses them.
    pub fn halt(&mut self, symbols: &[usize], now: Micros) -> Vec<Change> {
        let mut changes = Vec::new();
        for at in symbols {
            if let Some(state) = self.symbols.get_mut(*at)
                && state.halt(&self.books, now)
            {
                changes.push((state.topic.clone(), state.ticker.clone()));
            }
        }
        changes
    }

    fn changed(&mut self, mut change: impl FnMut(&mut SymbolState, &Books) -> bool) -> Vec<Change> {
        let changed = self.symbols.iter_mut().filter_map(|state| {
            change(state, &self.books).then(|| (state.topic.clone(), state.ticker.clone()))
        });
        changed.collect()
    }
}
