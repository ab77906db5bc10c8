//! A judge while it works: symbols come and go, one connection replaces another, REST is read.

use super::{Change, Generation, Quality, Refusal, SymbolState, Verdict};
use crate::exchange::{Market, Update};
use tickcast_shared::{
    clock::Micros,
    market::{Source, State, Symbol, Ticker, Topic},
};

impl Quality {
    /// Another symbol, without data and without a name on the connection; returns its topic as it
    /// is announced. Its position is the last one.
    pub fn add(&mut self, symbol: &Symbol, name: &str, now: Micros) -> Change {
        let exchange = self.books.accounting.exchange();
        let (topic, seat) = (Topic::ticker(exchange, symbol), self.board.seat(exchange, symbol));
        let state = SymbolState::new(topic, Ticker::pending(name, self.simulated, now), seat);
        let announced = (state.topic.clone(), state.ticker.clone());
        self.symbols.push(state);
        self.tenure.add();
        announced
    }

    /// The symbol leaves; the last one takes its position. Returns its last state.
    pub fn remove(&mut self, at: usize) -> Option<Change> {
        if at >= self.symbols.len() {
            return None;
        }
        let last = self.symbols.len() - 1;
        self.by_name.retain(|_, place| *place != at);
        for place in self.by_name.values_mut().filter(|place| **place == last) {
            *place = at;
        }
        self.tenure.remove(at);
        let gone = self.symbols.swap_remove(at);
        Some((gone.topic, gone.ticker))
    }

    /// The symbol has this name on the present connection, or none, if the connection does not
    /// subscribe to it (any longer).
    pub fn rename(&mut self, at: usize, name: Option<&str>) {
        self.by_name.retain(|known, place| *place != at || Some(known.as_str()) == name);
        let Some((name, state)) = name.zip(self.symbols.get_mut(at)) else { return };
        if self.by_name.insert(name.to_owned(), at).is_none() {
            let simulated = state.ticker.simulated;
            state.reconnected(name, simulated);
        }
    }

    /// The position of a symbol by the venue's name for it.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// A symbol's topic with its state now.
    #[must_use]
    pub fn topic(&self, at: usize) -> Option<(&Topic, &Ticker)> {
        self.symbols.get(at).map(|it| (&it.topic, &it.ticker))
    }

    /// Another connection is to replace the present one: each channel of a symbol moves to it with
    /// its first good message (`truth.md` 12).
    pub fn offer(&mut self, generation: Generation, simulated: bool) {
        self.tenure.offer(generation, simulated || self.simulated);
    }

    /// Whether the successor is a simulator.
    #[must_use]
    pub fn successor_is_simulated(&self) -> bool {
        self.tenure.successor_is_simulated()
    }

    /// Whether every live symbol has moved to the successor.
    #[must_use]
    pub fn has_moved(&self) -> bool {
        let live = |at: &usize| self.symbols[*at].ticker.state == State::Live;
        (0..self.symbols.len()).filter(live).all(|at| self.tenure.has_moved(at))
    }

    /// The successor is the present connection from now on. Returns the positions of the symbols
    /// that it has not delivered anything of.
    pub fn succeed(&mut self) -> Vec<usize> {
        let simulated = self.tenure.successor_is_simulated();
        let silent = (0..self.symbols.len()).filter(|at| !self.tenure.has_moved(*at)).collect();
        for (at, part) in self.tenure.settle() {
            self.symbols[at].rebase(part);
        }
        for state in &mut self.symbols {
            state.ticker.simulated = simulated;
        }
        silent
    }

    /// The successor is gone; the present connection goes on.
    pub fn withdraw(&mut self) {
        for (at, part) in self.tenure.withdraw() {
            self.symbols[at].rebase(part);
        }
    }

    /// A message of the successor: the channel is its own from now on, unless the message is older
    /// than what is known.
    pub(super) fn succeed_with(
        &mut self,
        at: usize,
        update: &Update<'_>,
        frame: &str,
        now: Micros,
    ) -> Verdict {
        let ticker = &mut self.symbols[at].ticker;
        ticker.simulated |= self.tenure.successor_is_simulated();
        let older =
            |told, known| matches!((told, known), (Some(told), Some(known)) if told < known);
        if update.sequence.is_none()
            && (older(update.exchange_ts, ticker.exchange_ts)
                || older(update.trade_ts, ticker.trade_ts))
        {
            self.refuse(Refusal::OlderSequence, frame, now);
            return Verdict::Refused;
        }
        let verdict = self.judge(at, update, frame, now);
        if verdict != Verdict::Refused {
            self.tenure.hand_over(at, update.part);
        }
        verdict
    }

    /// Judges what REST says of a symbol; to be published as `source: poll`.
    pub fn read(&mut self, at: usize, update: &Update<'_>, text: &str, now: Micros) -> Verdict {
        if update.market != Market::Spot {
            self.refuse(Refusal::WrongMarket, text, now);
            return Verdict::Refused;
        }
        let Some(state) = self.symbols.get_mut(at) else { return Verdict::Refused };
        let outcome = state.read(update, text, &self.books, now);
        self.account(at, outcome, text, now)
    }

    /// Whether REST tells the same prices of a symbol as are known.
    #[must_use]
    pub fn agrees(&self, at: usize, update: &Update<'_>) -> bool {
        self.symbols.get(at).is_some_and(|state| state.agrees(update))
    }

    /// REST has confirmed a symbol's value.
    pub fn refresh(&mut self, at: usize, now: Micros) {
        if let Some(state) = self.symbols.get_mut(at) {
            state.refresh(now);
        }
    }

    /// A symbol's subscription cannot be believed: `stale/subscription_lost`.
    pub fn doubt(&mut self, at: usize, now: Micros) -> Option<Change> {
        let state = self.symbols.get_mut(at)?;
        state.doubt(now).then(|| (state.topic.clone(), state.ticker.clone()))
    }

    /// The connection is gone: what came by it becomes `stale/link_lost`. What REST has told is as
    /// good as before.
    pub fn lose_stream(&mut self, now: Micros) -> Vec<Change> {
        self.changed(|state, books| {
            // What waits to be confirmed came by it as well.
            let by_stream = state.ticker.source == Source::Stream || state.is_holding();
            by_stream && state.lose_link(books, now)
        })
    }

    /// The venue trades nothing: every priced topic is `halted/maintenance` until its next message.
    pub fn pause(&mut self, now: Micros) -> Vec<Change> {
        self.changed(|state, books| state.pause(books, now))
    }

    /// REST no longer tells a symbol's value, and there is no connection.
    pub fn lose_poll(&mut self, at: usize, now: Micros) -> Option<Change> {
        let state = self.symbols.get_mut(at)?;
        let lost = state.ticker.source == Source::Poll && state.lose_link(&self.books, now);
        lost.then(|| (state.topic.clone(), state.ticker.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        exchange::Part,
        quality::{Accounting, DeadLetters},
    };
    use tickcast_shared::{admin::Queues, market::Reason};

    const OLD: Generation = Generation(1);
    const NEW: Generation = Generation(2);
    const NOW: Micros = Micros(1_700_000_000_000_000);

    fn judge(symbols: &[&str]) -> Quality {
        let books = Accounting::of(&"okx".parse().unwrap());
        let letters = DeadLetters::new(&Queues::default());
        let mut quality = Quality::new(books, letters, &[], false, NOW);
        for symbol in symbols {
            quality.add(&symbol.parse().unwrap(), symbol, NOW);
        }
        let names: Vec<Option<String>> = symbols.iter().map(|it| Some((*it).into())).collect();
        quality.begin(OLD, false, &names);
        quality
    }

    /// What is shown of the first symbol after a message.
    fn shown(quality: &mut Quality, by: Generation, update: &Update<'_>) -> (Verdict, String) {
        let verdict = quality.update(by, update, "{}", NOW);
        let last = quality.topic(0).unwrap().1.last_price;
        (verdict, last.map(|it| it.to_string()).unwrap_or_default())
    }

    fn numbered(sequence: u64, last: &'static str) -> Update<'static> {
        let sequence = Some(sequence);
        Update { sequence, last: Some(last), ..Update::of("A-B", Part::Main) }
    }

    #[test]
    fn a_successor_that_numbers_alike_never_goes_back() {
        let mut quality = judge(&["A-B"]);
        shown(&mut quality, OLD, &numbered(100, "10"));
        quality.offer(NEW, false);
        assert_eq!(shown(&mut quality, NEW, &numbered(98, "8")), (Verdict::Refused, "10".into()));
        assert!(!quality.has_moved());
        assert_eq!(shown(&mut quality, OLD, &numbered(101, "11")).1, "11");
        assert_eq!(shown(&mut quality, NEW, &numbered(101, "11")).0, Verdict::Quiet);
        assert!(quality.has_moved(), "the same message again: it has caught up");
        assert_eq!(shown(&mut quality, OLD, &numbered(102, "66")), (Verdict::Refused, "11".into()));
        assert_eq!(shown(&mut quality, NEW, &numbered(102, "12")).1, "12");
        assert_eq!(quality.succeed(), Vec::<usize>::new());
    }

    #[test]
    fn a_successor_without_numbers_is_not_heard_with_older_times() {
        let timed = |last, at| {
            let exchange_ts = Some(Micros(at));
            let bid_ask =
                Update { bid: Some("1"), ask: Some("99"), ..Update::of("A-B", Part::Main) };
            Update { last: Some(last), exchange_ts, ..bid_ask }
        };
        let mut quality = judge(&["A-B"]);
        shown(&mut quality, OLD, &timed("10", 1000));
        quality.offer(NEW, false);
        assert_eq!(shown(&mut quality, NEW, &timed("9", 999)), (Verdict::Refused, "10".into()));
        assert_eq!(shown(&mut quality, NEW, &timed("11", 1001)).1, "11");
        assert_eq!(shown(&mut quality, OLD, &timed("12", 1002)), (Verdict::Refused, "11".into()));
    }

    #[test]
    fn a_successor_that_numbers_otherwise_counts_anew_once_it_is_alone() {
        let mut quality = judge(&["A-B"]);
        shown(&mut quality, OLD, &numbered(100, "10"));
        quality.offer(NEW, false);
        assert_eq!(shown(&mut quality, NEW, &numbered(7, "11")).0, Verdict::Refused);
        assert_eq!(quality.succeed(), [0]);
        assert_eq!(shown(&mut quality, NEW, &numbered(8, "12")).1, "12");
        assert_eq!(shown(&mut quality, OLD, &numbered(101, "66")), (Verdict::Refused, "12".into()));
    }

    #[test]
    fn channels_move_one_by_one_and_keep_their_fields() {
        let quote = Update { bid: Some("9"), ask: Some("11"), ..Update::of("A-B", Part::Quotes) };
        let mut quality = judge(&["A-B"]);
        shown(&mut quality, OLD, &numbered(100, "10"));
        shown(&mut quality, OLD, &quote);
        quality.offer(NEW, false);
        shown(&mut quality, NEW, &numbered(101, "12"));
        let ticker = quality.topic(0).unwrap().1.clone();
        assert_eq!((ticker.state, ticker.bid_price), (State::Live, "9".parse().ok()));
        let newer = Update { bid: Some("10"), ..quote };
        quality.update(OLD, &newer, "{}", NOW);
        assert_eq!(quality.topic(0).unwrap().1.bid_price, "10".parse().ok());
        quality.withdraw();
        assert_eq!(shown(&mut quality, OLD, &numbered(3, "13")).1, "13", "its own again");
    }

    #[test]
    fn symbols_keep_their_names_when_others_leave() {
        let mut quality = judge(&["A-B", "C-D", "E-F"]);
        let gone = quality.remove(0).unwrap();
        assert_eq!(gone.0.symbol(), "A-B");
        assert_eq!((quality.position("A-B"), quality.position("E-F")), (None, Some(0)));
        quality.rename(1, Some("c/d"));
        assert_eq!((quality.position("C-D"), quality.position("c/d")), (None, Some(1)));
        let update = Update { last: Some("5"), ..Update::of("c/d", Part::Main) };
        assert!(matches!(quality.update(OLD, &update, "{}", NOW), Verdict::Publish(_)));
        assert!(quality.remove(9).is_none());
    }

    #[test]
    fn rest_is_marked_and_gives_way_to_the_stream() {
        let told = Update { sequence: Some(500), ..numbered(0, "10") };
        let mut quality = judge(&["A-B"]);
        assert!(matches!(quality.read(0, &told, "{}", NOW), Verdict::Publish(_)));
        assert_eq!(quality.topic(0).unwrap().1.source, Source::Poll);
        assert_eq!(quality.read(0, &told, "{}", NOW), Verdict::Quiet);
        assert!(quality.lose_stream(NOW).is_empty(), "a lost link takes nothing of REST's away");
        let by_stream = shown(&mut quality, OLD, &numbered(3, "10"));
        assert!(matches!(by_stream.0, Verdict::Publish(_)), "the source changes");
        assert_eq!(quality.topic(0).unwrap().1.source, Source::Stream);
        assert!(quality.agrees(0, &told));
        let doubted = quality.doubt(0, NOW).unwrap().1;
        assert_eq!((doubted.state, doubted.reason), (State::Stale, Reason::SUBSCRIPTION_LOST));
        assert_eq!(quality.doubt(0, NOW), None);
    }
}
