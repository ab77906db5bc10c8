//! Which connection speaks for each channel of each symbol, while one replaces another.

use super::Generation;
use crate::exchange::Part;

/// The channels, in the order of [`Part`].
pub(super) const PARTS: [Part; 4] = [Part::Main, Part::Quotes, Part::Statistics, Part::Trades];

/// Who speaks for what.
#[derive(Debug, Default)]
pub(super) struct Tenure {
    present: Generation,
    /// A connection that is to replace the present one.
    successor: Option<(Generation, bool)>,
    /// The connection whose messages count, by symbol and channel.
    holders: Vec<[Generation; PARTS.len()]>,
}

/// What a connection is to a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// Its messages count.
    Holder,
    /// They will, from the first good one on.
    Successor,
    /// They no longer do.
    Replaced,
}

impl Tenure {
    /// One connection speaks for everything.
    pub(super) fn begin(&mut self, generation: Generation, symbols: usize) {
        self.present = generation;
        self.successor = None;
        self.holders.clear();
        self.holders.resize(symbols, [generation; PARTS.len()]);
    }

    /// Another connection is to take over, channel by channel.
    pub(super) fn offer(&mut self, generation: Generation, simulated: bool) {
        self.successor = Some((generation, simulated));
    }

    /// Whether the connection is one of those in use.
    pub(super) fn knows(&self, generation: Generation) -> bool {
        generation == self.present || self.successor.is_some_and(|(it, _)| it == generation)
    }

    /// Whether the successor is a simulator.
    pub(super) fn successor_is_simulated(&self) -> bool {
        self.successor.is_some_and(|(_, simulated)| simulated)
    }

    pub(super) fn claim(&self, at: usize, part: Part, generation: Generation) -> Claim {
        match self.holders.get(at).map(|parts| parts[part as usize]) {
            Some(holder) if holder == generation => Claim::Holder,
            Some(holder) if generation < holder => Claim::Replaced,
            _ => Claim::Successor,
        }
    }

    /// The successor has delivered.
    pub(super) fn hand_over(&mut self, at: usize, part: Part) {
        if let (Some((generation, _)), Some(parts)) = (self.successor, self.holders.get_mut(at)) {
            parts[part as usize] = generation;
        }
    }

    /// Whether the successor has delivered prices of the symbol: figures of 24 hours come whether or
    /// not prices do.
    pub(super) fn has_moved(&self, at: usize) -> bool {
        let Some((generation, _)) = self.successor else { return true };
        let moved =
            |(part, holder): (Part, &Generation)| part != Part::Statistics && *holder == generation;
        self.holders.get(at).is_none_or(|parts| PARTS.into_iter().zip(parts).any(moved))
    }

    /// The successor takes over what is left; returns which channels of which symbols that is.
    pub(super) fn settle(&mut self) -> Vec<(usize, Part)> {
        let Some((generation, _)) = self.successor.take() else { return Vec::new() };
        self.present = generation;
        let mut left = Vec::new();
        for (at, parts) in self.holders.iter_mut().enumerate() {
            for (holder, part) in parts.iter_mut().zip(PARTS) {
                if std::mem::replace(holder, generation) != generation {
                    left.push((at, part));
                }
            }
        }
        left
    }

    /// The successor is gone: the present connection speaks for everything again. Returns what it
    /// gets back.
    pub(super) fn withdraw(&mut self) -> Vec<(usize, Part)> {
        let present = self.present;
        let successor = self.successor.replace((present, false));
        let back = if successor.is_some() { self.settle() } else { Vec::new() };
        self.successor = None;
        back
    }

    /// Another symbol, of the present connection.
    pub(super) fn add(&mut self) {
        self.holders.push([self.present; PARTS.len()]);
    }

    /// One symbol less; the last one takes its place.
    pub(super) fn remove(&mut self, at: usize) {
        if at < self.holders.len() {
            self.holders.swap_remove(at);
        }
    }
}
