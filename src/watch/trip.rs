//! The round trip of a question and its answer.

use std::time::{Duration, Instant};

/// A question that is on its way, if there is one.
#[derive(Debug, Default)]
pub struct Trip(Option<Instant>);

impl Trip {
    /// A question goes out. Until one is answered, it is the first of them that the answer is to: they
    /// come in the order of the questions.
    pub fn begin(&mut self, now: Instant) {
        self.0.get_or_insert(now);
    }

    /// An answer came; none to nothing.
    pub fn end(&mut self, now: Instant) -> Option<Duration> {
        Some(now.saturating_duration_since(self.0.take()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_to_the_question_that_waits_longest() {
        let (began, mut trip) = (Instant::now(), Trip::default());
        let at = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(trip.end(at(0)), None, "nobody asked");
        trip.begin(at(0));
        trip.begin(at(5));
        assert_eq!(trip.end(at(7)), Some(Duration::from_secs(7)));
        assert_eq!(trip.end(at(8)), None, "its question was sent while another waited");
        trip.begin(at(10));
        assert_eq!(trip.end(at(11)), Some(Duration::from_secs(1)));
    }
}
