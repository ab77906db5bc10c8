//! What every venue says of a symbol now: the middle of its quote, on hold or not. Shared by all
//! connectors of a feed, so that the jump guard can compare (`truth.md` 13).

use rust_decimal::Decimal;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tickcast_shared::{
    clock::Micros,
    market::{ExchangeId, Symbol},
};

/// Older ones say nothing about the present (`truth.md` 13).
const GOOD_FOR: Duration = Duration::from_secs(5);

/// All symbols of a feed. Cheap to clone. It grows with the symbols that were ever configured, not
/// with what venues send.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<HashMap<Symbol, Slot>>>);

/// One symbol's notes. Its lock is held for a few comparisons, and only its venues share it.
type Slot = Arc<Mutex<Vec<Note>>>;

/// What one venue says.
#[derive(Debug)]
struct Note {
    exchange: ExchangeId,
    mid: Decimal,
    received: Micros,
}

/// One venue's place at a symbol of the board. What it said goes with it.
#[derive(Debug)]
pub(super) struct Seat {
    slot: Slot,
    exchange: ExchangeId,
    /// What the others say, kept to be filled again.
    others: Vec<Decimal>,
}

impl Board {
    /// A venue's place at a symbol.
    pub(super) fn seat(&self, exchange: &ExchangeId, symbol: &Symbol) -> Seat {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.entry(symbol.clone()).or_default().clone();
        Seat { slot, exchange: exchange.clone(), others: Vec::new() }
    }

    /// How far each venue is from the middle of the others, as a part of it, for the symbol where it
    /// is farthest. A venue whose symbols nobody else tells now is left out.
    #[must_use]
    pub fn deviations(&self, now: Micros) -> HashMap<ExchangeId, Decimal> {
        // Released at once: connectors need it whenever a symbol joins.
        let slots: Vec<Slot> =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        let mut farthest: HashMap<ExchangeId, Decimal> = HashMap::new();
        for slot in slots {
            let notes = lock(&slot);
            let fresh = notes.iter().filter(|note| now.since(note.received) <= GOOD_FOR);
            let fresh: Vec<(&ExchangeId, Decimal)> =
                fresh.map(|note| (&note.exchange, note.mid)).collect();
            for (exchange, mid) in &fresh {
                let others = fresh.iter().filter(|(other, _)| other != exchange);
                let Some(middle) = middle(others.map(|(_, mid)| *mid).collect()) else { continue };
                let Some(apart) = (mid - middle).abs().checked_div(middle) else { continue };
                let known = farthest.entry((*exchange).clone()).or_default();
                *known = apart.max(*known);
            }
        }
        farthest
    }
}

impl Seat {
    /// Notes the middle of the venue's newest quote.
    pub(super) fn post(&self, mid: Decimal, received: Micros) {
        let mut notes = lock(&self.slot);
        match notes.iter_mut().find(|note| note.exchange == self.exchange) {
            Some(note) => (note.mid, note.received) = (mid, received),
            None => notes.push(Note { exchange: self.exchange.clone(), mid, received }),
        }
    }

    /// The venue no longer vouches for what it said.
    pub(super) fn withdraw(&self) {
        lock(&self.slot).retain(|note| note.exchange != self.exchange);
    }

    /// What the other venues say, in order of size.
    pub(super) fn others(&mut self, now: Micros) -> &[Decimal] {
        let Self { slot, exchange, others } = self;
        others.clear();
        let notes = lock(slot);
        let fresh = notes.iter().filter(|note| note.exchange != *exchange);
        let fresh = fresh.filter(|note| now.since(note.received) <= GOOD_FOR);
        others.extend(fresh.map(|note| note.mid));
        drop(notes);
        others.sort_unstable();
        others
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.withdraw();
    }
}

/// The median; of two middle ones their mean.
fn middle(mut mids: Vec<Decimal>) -> Option<Decimal> {
    mids.sort_unstable();
    let upper = mids.get(mids.len() / 2)?;
    let lower = mids.get((mids.len() - 1) / 2)?;
    Some((lower + upper) / Decimal::TWO)
}

fn lock(slot: &Slot) -> MutexGuard<'_, Vec<Note>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(board: &Board, exchange: &str, symbol: &str) -> Seat {
        board.seat(&exchange.parse().unwrap(), &symbol.parse().unwrap())
    }

    #[test]
    fn everyone_sees_what_the_others_said_within_five_seconds() {
        let board = Board::default();
        let now = Micros(1_000_000_000);
        let mut kucoin = seat(&board, "kucoin", "BTC-USDT");
        let okx = seat(&board, "okx", "BTC-USDT");
        let binance = seat(&board, "binance", "BTC-USDT");
        seat(&board, "okx", "ETH-USDT").post(7.into(), now);
        kucoin.post(9.into(), now);
        okx.post(11.into(), now);
        okx.post(12.into(), now);
        binance.post(10.into(), now.minus(GOOD_FOR));
        assert_eq!(kucoin.others(now), [10.into(), 12.into()]);
        assert_eq!(kucoin.others(now.plus(Duration::from_micros(1))), [12.into()]);
        okx.withdraw();
        drop(binance);
        assert!(kucoin.others(now).is_empty());
    }

    #[test]
    fn a_venue_is_as_far_off_as_its_farthest_symbol() {
        let board = Board::default();
        let now = Micros(1_000_000_000);
        let said = [
            ("okx", "BTC-USDT", 100),
            ("kucoin", "BTC-USDT", 100),
            ("binance", "BTC-USDT", 102),
            ("okx", "ETH-USDT", 50),
            ("kucoin", "ETH-USDT", 40),
            ("okx", "SOL-USDT", 7),
        ];
        let seats = said.map(|(exchange, symbol, mid)| {
            let seat = seat(&board, exchange, symbol);
            seat.post(mid.into(), now);
            seat
        });
        let apart = |at| {
            let all = board.deviations(at);
            ["okx", "kucoin", "binance"].map(|it| all.get(&it.parse().unwrap()).copied())
        };
        let part = |text: &str| Some(text.parse::<Decimal>().unwrap());
        assert_eq!(apart(now), [part("0.25"), part("0.2"), part("0.02")]);
        seats[4].withdraw();
        // Against the middle of 100 and 102.
        let rounded = apart(now).map(|it| it.map(|it| it.round_dp(4)));
        assert_eq!(rounded, [part("0.0099"), part("0.0099"), part("0.02")]);
        assert_eq!(apart(now.plus(GOOD_FOR * 2)), [None; 3], "nobody says anything now");
    }
}
