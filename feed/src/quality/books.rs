//! Where it is written down what became of messages: counted, and kept if they are refused.

use super::{Accounting, DeadLetters, Refusal};
use std::collections::VecDeque;
use tickcast_shared::clock::Micros;

/// Messages on hold whose text is kept, the first one and the newest: they show what happened.
const KEPT_ON_HOLD: usize = 4;

/// The books of one venue.
#[derive(Debug, Clone)]
pub(super) struct Books {
    pub(super) accounting: Accounting,
    pub(super) dead_letters: DeadLetters,
}

impl Books {
    /// Counts a message as refused and keeps it as a dead letter.
    pub(super) fn refuse(&self, reason: Refusal, frame: &str, now: Micros) {
        self.accounting.refused(reason);
        self.dead_letters.push(self.accounting.exchange(), reason, now, frame);
    }
}

/// Messages of one symbol that wait to be confirmed.
#[derive(Debug, Default)]
pub(super) struct OnHold {
    frames: VecDeque<(Micros, String)>,
    count: u64,
}

impl OnHold {
    pub(super) fn push(&mut self, frame: &str, now: Micros) {
        self.count += 1;
        if self.frames.len() >= KEPT_ON_HOLD {
            self.frames.remove(1);
        }
        let frame = DeadLetters::cut(frame);
        self.frames.push_back((now, frame.to_owned()));
    }

    /// They are confirmed.
    pub(super) fn release(&mut self, books: &Books) {
        if self.count > 0 {
            books.accounting.released();
            *self = Self::default();
        }
    }

    /// They will never be confirmed.
    pub(super) fn refuse(&mut self, books: &Books) {
        if self.count == 0 {
            return;
        }
        let held = std::mem::take(self);
        let (exchange, reason) = (books.accounting.exchange(), Refusal::Unconfirmed);
        books.accounting.unconfirmed(held.count);
        books.dead_letters.count_more(exchange, reason, held.count - held.frames.len() as u64);
        for (time, frame) in held.frames {
            books.dead_letters.push(exchange, reason, time, &frame);
        }
    }
}
