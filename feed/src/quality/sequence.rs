//! The order of a channel's messages on one connection (`truth.md` 11).

/// This many lower but rising numbers in a row mean that the venue counts anew.
const RESET_AFTER: u32 = 20;
/// A counter that starts again starts with this.
const FIRST: u64 = 1;

/// What a sequence number says about its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Newer than everything before, or not numbered.
    Newer,
    /// The same as the last one.
    Repeated,
    /// Older than the last one.
    Older,
    /// The first of a new count.
    Reset,
}

/// The last number seen, and how the numbers below it behave. New for each connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Baseline {
    last: Option<u64>,
    lower: Option<Lower>,
}

/// A run of numbers below the last one, each above the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lower {
    last: u64,
    run: u32,
}

impl Baseline {
    /// Judges the next message and remembers its number.
    pub fn judge(&mut self, sequence: Option<u64>) -> Order {
        let Some(sequence) = sequence else { return Order::Newer };
        let Some(last) = self.last else {
            self.restart(sequence);
            return Order::Newer;
        };
        if sequence > last {
            self.restart(sequence);
            return Order::Newer;
        }
        if sequence == last {
            return Order::Repeated;
        }
        let run = match self.lower {
            Some(lower) if sequence > lower.last => lower.run + 1,
            _ => 1,
        };
        if sequence == FIRST || run >= RESET_AFTER {
            self.restart(sequence);
            return Order::Reset;
        }
        self.lower = Some(Lower { last: sequence, run });
        Order::Older
    }

    fn restart(&mut self, sequence: u64) {
        *self = Self { last: Some(sequence), lower: None };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(numbers: &[u64]) -> Vec<Order> {
        let mut baseline = Baseline::default();
        numbers.iter().map(|number| baseline.judge(Some(*number))).collect()
    }

    #[test]
    fn holes_are_normal_and_lower_numbers_are_old() {
        use Order::{Newer, Older, Repeated};
        assert_eq!(orders(&[5, 9, 9, 7, 10]), [Newer, Newer, Repeated, Older, Newer]);
    }

    #[test]
    fn number_one_starts_a_new_count() {
        use Order::{Newer, Reset};
        assert_eq!(orders(&[900, 1, 2]), [Newer, Reset, Newer]);
        assert_eq!(orders(&[1])[0], Newer);
    }

    #[test]
    fn twenty_lower_but_rising_numbers_start_a_new_count() {
        let mut numbers = vec![1_000_000];
        numbers.extend(100..120);
        let judged = orders(&numbers);
        assert!(judged[1..20].iter().all(|it| *it == Order::Older), "{judged:?}");
        assert_eq!(judged[20], Order::Reset);
    }

    #[test]
    fn a_run_that_does_not_rise_starts_again() {
        let mut numbers = vec![1_000_000];
        numbers.extend(100..119);
        numbers.extend(100..119);
        assert!(orders(&numbers)[1..].iter().all(|it| *it == Order::Older));
    }

    #[test]
    fn a_message_without_a_number_is_never_old() {
        let mut baseline = Baseline::default();
        baseline.judge(Some(9));
        assert_eq!(baseline.judge(None), Order::Newer);
        assert_eq!(baseline.judge(Some(8)), Order::Older);
    }
}
