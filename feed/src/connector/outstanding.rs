//! Subscriptions that wait for their answer, and what follows from a refusal or from silence.

use crate::exchange::{Answers, Part};
use std::time::Instant;

/// The subscriptions of one connection that are not answered yet.
#[derive(Debug, Clone)]
pub struct Outstanding {
    answers: Answers,
    asked: Vec<Asked>,
}

/// One subscribe frame.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    request: u64,
    set: Set,
    deadline: Instant,
}

/// Symbols of one channel, as they are subscribed to together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The channel.
    pub channel: Part,
    /// Venue symbols.
    pub symbols: Vec<String>,
}

/// What a refusal or silence leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consequence {
    /// Venue symbols to give up, as far as this channel goes.
    pub give_up: Set,
    /// Sets of venue symbols to subscribe to anew.
    pub again: Vec<Set>,
}

impl Set {
    fn of(&self, symbols: Vec<String>) -> Self {
        Self { channel: self.channel, symbols }
    }
}

impl Outstanding {
    /// Nothing asked for yet.
    #[must_use]
    pub fn new(answers: Answers) -> Self {
        Self { answers, asked: Vec::new() }
    }

    /// Whether everything is answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// Whether that request waits for an answer.
    #[must_use]
    pub fn knows(&self, request: u64) -> bool {
        self.asked.iter().any(|asked| asked.request == request)
    }

    /// A subscribe frame has been sent.
    pub fn ask(&mut self, request: u64, set: Set, deadline: Instant) {
        self.asked.push(Asked { request, set, deadline });
    }

    /// A request, or one symbol of it, was accepted.
    pub fn accepted(&mut self, request: Option<u64>, symbol: Option<&str>) {
        let ours = |asked: &Asked| request.is_none_or(|request| request == asked.request);
        match symbol {
            Some(symbol) => self.settle(symbol, ours),
            None if request.is_some() => self.asked.retain(|asked| !ours(asked)),
            None => {}
        }
    }

    /// A message of the symbol came by this channel: its subscription stands, answered or not.
    pub fn delivered(&mut self, channel: Part, symbol: &str) {
        self.settle(symbol, |asked| asked.set.channel == channel);
    }

    /// The symbol is no longer wanted.
    pub fn forget(&mut self, symbol: &str) {
        self.settle(symbol, |_| true);
    }

    /// A request was refused in the venue's own words. `None` when it cannot be told which.
    pub fn refused(&mut self, request: Option<u64>, message: &str) -> Option<Consequence> {
        let at = match request {
            Some(request) => self.asked.iter().position(|asked| asked.request == request)?,
            None if self.asked.len() == 1 => 0,
            None => return None,
        };
        let named = named(&self.asked[at].set.symbols, message);
        if self.answers == Answers::PerSymbol
            && let Some(name) = &named
        {
            let set = &mut self.asked[at].set;
            set.symbols.retain(|it| it != name);
            let give_up = set.of(vec![name.clone()]);
            self.forget_settled();
            return Some(Consequence { give_up, again: Vec::new() });
        }
        let set = self.asked.remove(at).set;
        let Some(name) = named else { return Some(narrow(set)) };
        let rest: Vec<String> = set.symbols.iter().filter(|it| **it != name).cloned().collect();
        let again = if rest.is_empty() { Vec::new() } else { vec![set.of(rest)] };
        Some(Consequence { give_up: set.of(vec![name]), again })
    }

    /// The requests whose time is over, each narrowed down to the symbol that is to blame.
    pub fn overdue(&mut self, now: Instant) -> Vec<Consequence> {
        let late = self.asked.extract_if(.., |asked| asked.deadline <= now);
        late.map(|asked| narrow(asked.set)).collect()
    }

    fn settle(&mut self, symbol: &str, of: impl Fn(&Asked) -> bool) {
        for asked in self.asked.iter_mut().filter(|asked| of(asked)) {
            asked.set.symbols.retain(|name| name != symbol);
        }
        self.forget_settled();
    }

    fn forget_settled(&mut self) {
        self.asked.retain(|asked| !asked.set.symbols.is_empty());
    }
}

/// The one symbol that a refusal names, if it names exactly one of those asked for.
fn named(symbols: &[String], message: &str) -> Option<String> {
    if let [only] = symbols {
        return Some(only.clone());
    }
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let words: Vec<&str> = message.split(|c| !in_name(c)).collect();
    let mut mentioned = symbols.iter().filter(|name| words.contains(&name.as_str()));
    match (mentioned.next(), mentioned.next()) {
        (Some(name), None) => Some(name.clone()),
        _ => None,
    }
}

/// Halves a set whose culprit is unknown; a set of one is the culprit.
fn narrow(mut set: Set) -> Consequence {
    if set.symbols.len() <= 1 {
        return Consequence { give_up: set, again: Vec::new() };
    }
    let second = set.symbols.split_off(set.symbols.len() / 2);
    let again = vec![set.of(set.symbols.clone()), set.of(second)];
    Consequence { give_up: set.of(Vec::new()), again }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn names(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn set(text: &str) -> Set {
        Set { channel: Part::Main, symbols: names(text) }
    }

    fn asked(answers: Answers, symbols: &str) -> (Outstanding, Instant) {
        let deadline = Instant::now();
        let mut outstanding = Outstanding::new(answers);
        outstanding.ask(7, set(symbols), deadline);
        (outstanding, deadline)
    }

    #[test]
    fn one_answer_settles_a_request_or_a_symbol() {
        let (mut whole, _) = asked(Answers::PerRequest, "A B");
        whole.accepted(Some(6), None);
        assert!(!whole.is_empty());
        whole.accepted(Some(7), None);
        assert!(whole.is_empty());

        let (mut each, _) = asked(Answers::PerSymbol, "A B");
        each.accepted(Some(7), Some("A"));
        assert!(each.knows(7));
        each.accepted(None, Some("B"));
        assert!(each.is_empty());
    }

    #[test]
    fn data_is_an_answer_too() {
        let (mut outstanding, _) = asked(Answers::PerRequest, "A B");
        outstanding.delivered(Part::Main, "A");
        outstanding.delivered(Part::Main, "B");
        assert!(outstanding.is_empty());
    }

    #[test]
    fn each_channel_has_its_own_answer() {
        let (mut outstanding, deadline) = asked(Answers::PerRequest, "A B");
        let statistics = Set { channel: Part::Statistics, symbols: names("A B") };
        outstanding.ask(8, statistics, deadline);
        outstanding.delivered(Part::Statistics, "A");
        let late = outstanding.overdue(deadline);
        assert_eq!(late[0].again[0], set("A"));
        assert_eq!(late[1].give_up, Set { channel: Part::Statistics, symbols: names("B") });
    }

    #[test]
    fn the_symbol_that_a_refusal_names_is_given_up_alone() {
        let words = "topic /market/ticker:NOPE-USDT is not found";
        let (mut whole, _) = asked(Answers::PerRequest, "BTC-USDT NOPE-USDT OPE-USDT");
        let consequence = whole.refused(Some(7), words).unwrap();
        assert_eq!(consequence.give_up, set("NOPE-USDT"));
        assert_eq!(consequence.again, [set("BTC-USDT OPE-USDT")]);

        let (mut each, _) = asked(Answers::PerSymbol, "BTC-USDT NOPE-USDT");
        let consequence = each.refused(None, words).unwrap();
        assert_eq!((consequence.give_up, consequence.again.len()), (set("NOPE-USDT"), 0));
        assert!(each.knows(7), "the other symbol still waits for its own answer");
    }

    #[test]
    fn a_name_with_a_slash_is_found_in_a_refusal() {
        let (mut each, _) = asked(Answers::PerSymbol, "BTC/USD NOPE/USD");
        let words = "Currency pair not supported NOPE/USD (code subscribe)";
        let consequence = each.refused(Some(7), words).unwrap();
        assert_eq!(consequence.give_up, set("NOPE/USD"));
    }

    #[test]
    fn an_unnamed_culprit_is_found_by_halving() {
        let (mut outstanding, deadline) = asked(Answers::PerRequest, "A B C D BAD");
        let mut waiting = vec![set("A B C D BAD")];
        outstanding.refused(Some(7), "bad request");
        let (mut sound, mut given_up) = (Vec::new(), Vec::new());
        while let Some(part) = waiting.pop() {
            if !part.symbols.contains(&"BAD".to_owned()) {
                sound.extend(part.symbols);
                continue;
            }
            outstanding.ask(8, part, deadline);
            let consequence = outstanding.refused(Some(8), "bad request").unwrap();
            given_up.extend(consequence.give_up.symbols);
            waiting.extend(consequence.again);
        }
        sound.sort();
        assert_eq!((sound, given_up), (names("A B C D"), names("BAD")));
    }

    #[test]
    fn silence_is_noticed_at_the_deadline() {
        let (mut outstanding, deadline) = asked(Answers::PerSymbol, "A");
        assert!(outstanding.overdue(deadline - Duration::from_millis(1)).is_empty());
        assert_eq!(outstanding.overdue(deadline)[0].give_up, set("A"));
        assert!(outstanding.is_empty());
    }

    #[test]
    fn an_anonymous_refusal_of_several_requests_is_not_guessed() {
        let (mut outstanding, deadline) = asked(Answers::PerRequest, "A");
        outstanding.ask(8, set("B"), deadline);
        assert_eq!(outstanding.refused(None, "bad request"), None);
        assert_eq!(outstanding.refused(Some(99), "bad request"), None);
    }
}
