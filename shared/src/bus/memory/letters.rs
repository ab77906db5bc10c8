//! Dead letters in memory: the newest ones.

use super::Memory;
use crate::bus::letters::{Kept, Letter};
use std::collections::VecDeque;

/// Letters kept in memory at most: enough to see what goes wrong, and some 2 MiB at their longest.
pub const MAX_LETTERS: usize = 1000;

/// The newest letters, the oldest of them first.
#[derive(Debug, Default)]
pub(super) struct Letters {
    kept: VecDeque<(u64, Letter)>,
    last: u64,
}

impl Letters {
    fn keep(&mut self, letter: Letter, most: usize) {
        self.last += 1;
        self.kept.push_back((self.last, letter));
        while self.kept.len() > most.min(MAX_LETTERS) {
            self.kept.pop_front();
        }
    }

    fn newest_first(&self) -> impl Iterator<Item = (u64, &Letter)> {
        self.kept.iter().rev().map(|(id, letter)| (*id, letter))
    }
}

fn kept((id, letter): (u64, &Letter)) -> Kept {
    Kept { id: id.to_string(), letter: letter.clone() }
}

impl Memory {
    pub(in crate::bus) fn keep_letters(&self, letters: &[Letter], most: usize) {
        let mut state = self.state();
        letters.iter().for_each(|letter| state.letters.keep(letter.clone(), most));
    }

    pub(in crate::bus) fn letters_before(&self, before: Option<&str>, count: usize) -> Vec<Kept> {
        let before = before.map_or(u64::MAX, |id| id.parse().unwrap_or(0));
        let state = self.state();
        let older = state.letters.newest_first().filter(|(id, _)| *id < before);
        older.take(count).map(kept).collect()
    }

    pub(in crate::bus) fn letter(&self, id: &str) -> Option<Kept> {
        let id: u64 = id.parse().ok()?;
        self.state().letters.newest_first().find(|(other, _)| *other == id).map(kept)
    }
}
