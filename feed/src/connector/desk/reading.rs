//! What is asked by REST, and what follows from the answers.

use super::{Book, Entry};
use crate::{
    connector::{Loss, rest::Answer, watch::Why},
    exchange::{Instrument, Update},
    metrics,
    quality::Verdict,
};
use std::time::{Duration, Instant};
use tickcast_shared::{
    bus::LinkState,
    market::{Reason, Source, Symbol},
};
use tracing::warn;

/// After so many attempts without a ticker message REST is polled (`exchanges.md`, point 13).
const POLL_AFTER: u32 = 3;
/// A polled value is good for so many rounds of polls, so that one that fails costs nothing.
const GOOD_ROUNDS: u32 = 3;

/// Questions about several symbols are gathered for this long: a venue that tells all tickers at once
/// counts such a request several times.
const GATHER: Duration = Duration::from_secs(1);

/// Symbols to be asked about in one request.
pub(in crate::connector) struct Question {
    why: Why,
    asked: Instant,
    pub(in crate::connector) instruments: Vec<Instrument>,
}

impl Book {
    /// Whether REST has to do for the socket.
    fn needs_polls(&self) -> bool {
        let refused = self.down.1 == Reason::REGION_REFUSED;
        // What REST tells meanwhile is nobody's price.
        let paused = self.down.1 == Reason::MAINTENANCE;
        !self.course.is_open() && !paused && (refused || self.course.fruitless() >= POLL_AFTER)
    }

    /// What to ask now. Those that have waited longest go first.
    pub(in crate::connector) fn question(&mut self, now: Instant) -> Option<Question> {
        let poll_every = Duration::from_millis(self.venue.timing.poll_ms);
        let polls = self.needs_polls();
        let most = self.venue.exchange.limits().symbols_per_poll.max(1);
        let gathering =
            most > 1 && self.read.is_some_and(|at| now.duration_since(at) < GATHER.min(poll_every));
        if gathering || !(polls || self.course.is_open()) {
            return None;
        }
        let why = |at: &usize| {
            let entry = &self.roll[*at];
            entry.name(now)?;
            if !polls {
                return entry.watch.due(&self.patience, now);
            }
            entry.watch.poll_due(poll_every, now).then_some(Why::NoSocket)
        };
        let mut due: Vec<(Option<Instant>, Why, usize)> = (0..self.roll.len())
            .filter_map(|at| Some((self.roll[at].watch.asked_at(), why(&at)?, at)))
            .collect();
        due.sort_unstable();
        let &(_, why, _) = due.first()?;
        due.retain(|(_, it, _)| *it == why);
        due.truncate(most);
        self.read = Some(now);
        for (_, why, at) in &due {
            self.roll[*at].watch.ask(*why, now);
        }
        let instruments = due.iter().filter_map(|(_, _, at)| self.roll[*at].instrument.clone());
        Some(Question { why, asked: now, instruments: instruments.collect() })
    }

    /// Takes an answer in.
    pub(in crate::connector) fn answer(
        &mut self,
        question: &Question,
        answer: Result<Answer, Loss>,
        now: Instant,
    ) {
        let asked: Vec<&Instrument> = question.instruments.iter().collect();
        let mut silent: Vec<&Symbol> = asked.iter().map(|it| &it.symbol).collect();
        let exchange = self.venue.exchange;
        let read = answer.and_then(|answer| {
            answer.read(|body| {
                exchange.read_tickers(body, &asked, &mut |update| {
                    let named = |it: &&&Instrument| {
                        it.venue_symbol == update.symbol || it.rest_symbol() == update.symbol
                    };
                    let Some(told) = asked.iter().find(named) else { return };
                    silent.retain(|symbol| **symbol != told.symbol);
                    let outcome = self.told(question, &told.symbol, &update, body, now);
                    self.count_poll(question.why, outcome, 1);
                })
            })
        });
        let outcome = if read.is_err() { "failed" } else { "missing" };
        self.count_poll(question.why, outcome, silent.len() as u64);
        if let Err(loss) = read {
            self.venue.rest_refused(&loss);
            self.log_failed(question.why, &loss);
        }
    }

    /// REST tells a symbol; returns what that meant.
    fn told(
        &mut self,
        &Question { why, asked, .. }: &Question,
        symbol: &Symbol,
        update: &Update<'_>,
        body: &str,
        now: Instant,
    ) -> &'static str {
        let wanted = |it: &Entry| it.symbol == *symbol && it.name(now).is_some();
        let Some(at) = self.roll.iter().position(wanted) else { return "missing" };
        let clock = self.venue.clock.at(now);
        let agrees = self.quality.agrees(at, update);
        let watch = &mut self.roll[at].watch;
        if watch.has_heard_since(asked) {
            return "overtaken";
        }
        if why == Why::Silence && watch.has_heard() {
            if agrees {
                watch.confirm(now);
                self.quality.refresh(at, clock);
                return "equal";
            }
            watch.differ(now);
            return "different";
        }
        match self.quality.read(at, update, body, clock) {
            Verdict::Refused => return "refused",
            Verdict::Publish(change) => self.put([*change]),
            Verdict::Quiet => {}
        }
        self.roll[at].watch.confirm(now);
        match why {
            Why::NoSocket if !self.course.is_open() => self.deliver(now),
            // It moves, and the subscription does not say so.
            Why::FirstData | Why::Silence if !agrees => {
                self.roll[at].watch.begin(true, now);
                self.resubscribe(at);
            }
            Why::NoSocket | Why::FirstValue | Why::FirstData | Why::Silence => {}
        }
        if agrees { "equal" } else { "value" }
    }

    /// REST delivers in the place of the socket.
    fn deliver(&mut self, now: Instant) {
        let at = self.venue.clock.at(now);
        let (links, place) = (&self.venue.links, self.place);
        links.prove(place, at);
        if self.polled.replace(now).is_none() {
            links.set_source(place, Source::Poll);
            links.enter(place, LinkState::Live, Reason::NONE, at);
            warn!(
                exchange = %self.venue.id(),
                connection = place,
                action = "see the reason in the lines about the link; the socket is dialled on",
                "the venue has no socket for us: prices come by REST, marked as such"
            );
        }
    }

    /// Takes back what REST has not told for too long while there is no socket.
    pub(in crate::connector) fn pass_polls(&mut self, now: Instant) {
        if self.course.is_open() {
            return;
        }
        let (good, at) = (self.poll_good(), self.venue.clock.at(now));
        let old = |told: Option<Instant>| told.is_none_or(|told| now.duration_since(told) >= good);
        for place in 0..self.roll.len() {
            if old(self.roll[place].watch.confirmed()) {
                let lost = self.quality.lose_poll(place, at);
                self.put(lost);
            }
        }
        let changes = self.quality.pass_time(at);
        self.put(changes);
        if self.polled.is_some() && old(self.polled) {
            self.polled = None;
            let (state, reason) = self.down.clone();
            self.venue.links.set_source(self.place, Source::Stream);
            self.venue.links.enter(self.place, state, reason, at);
        }
    }

    /// How long a polled value is good: as long as a frame of the socket would be, or some rounds
    /// of polls where these take longer, and never longer than a live link may speak for a symbol.
    fn poll_good(&self) -> Duration {
        let (limits, timing) = (self.venue.exchange.limits(), &self.venue.timing);
        let requests = self.roll.len().div_ceil(limits.symbols_per_poll.max(1));
        let round = limits.requests.every * u32::try_from(requests).unwrap_or(u32::MAX);
        let round = round.max(Duration::from_millis(timing.poll_ms));
        let proof = timing.apply_to(self.venue.exchange.keepalive()).proof;
        let most = Duration::from_millis(timing.silence_ms).max(proof);
        round.saturating_mul(GOOD_ROUNDS).max(proof).min(most)
    }

    fn count_poll(&self, why: Why, outcome: &'static str, symbols: u64) {
        let (exchange, why) = (self.venue.exchange.name(), why.as_str());
        metrics::POLLS.of([exchange, why, outcome]).increment(symbols);
    }

    fn log_failed(&self, why: Why, loss: &Loss) {
        if let Some(unlogged) = self.venue.admit_log("rest_failed") {
            let action = loss.advice(&self.venue.others());
            warn!(
                exchange = %self.venue.id(),
                why = why.as_str(),
                cause = loss.cause(),
                error = %loss,
                action,
                unlogged,
                "tickers cannot be had by REST"
            );
        }
    }
}
