//! What one thread of the swarm has seen.

use super::scan::{Fields, Scanner};
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, HashMap};

/// Longest latency told apart, in microseconds: two minutes.
const MAX_LATENCY: u64 = 120_000_000;
/// Significant digits of a percentile.
const DIGITS: u8 = 3;
/// Faults kept as examples.
const EXAMPLES: usize = 8;
/// Bytes read at a time, shared by all connections of a thread.
const SCRATCH_BYTES: usize = 256 * 1024;
/// Different reasons counted apart; a server that invents more is counted under the last one.
const MAX_REASONS: usize = 64;

/// A fault, how often it was seen, and the first of them in full.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) count: u64,
    pub(super) examples: Vec<String>,
}

impl Faults {
    pub(super) fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }
}

/// How often each reason was met.
#[derive(Debug, Default)]
pub(super) struct Reasons(pub(super) BTreeMap<String, u64>);

impl Reasons {
    pub(super) fn add(&mut self, reason: String, by: u64) {
        let known = self.0.len() < MAX_REASONS || self.0.contains_key(&reason);
        let reason = if known { reason } else { "other reasons".to_owned() };
        *self.0.entry(reason).or_default() += by;
    }
}

/// Counts while the window is open, unless said otherwise.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Tickers and klines.
    pub(super) deliveries: u64,
    /// Frames of every kind.
    pub(super) frames: u64,
    /// Bytes of the frames.
    pub(super) bytes: u64,
    /// Reads that brought something: how often the server's writes arrived together.
    pub(super) reads: u64,
    /// Values that came again with the same pair (another state).
    pub(super) replaced: u64,
    /// Sequence numbers passed over within an epoch: conflated updates.
    pub(super) skipped: u64,
    /// Deliveries without a time stamp in the bid's size.
    pub(super) unstamped: u64,
}

/// The newest pair per topic that a connection has, by the thread's number for the topic.
pub(super) type Newest = Vec<Option<(u64, u64)>>;

#[derive(Debug)]
pub(super) struct Tally {
    pub(super) window: Window,
    pub(super) due: Histogram<u64>,
    pub(super) published: Histogram<u64>,
    /// Broken promises, during the whole run.
    pub(super) violations: Faults,
    /// Topics that were refused, during the whole run.
    pub(super) rejected: Faults,
    /// Error messages of the server, during the whole run.
    pub(super) errors: Faults,
    /// Connects that failed.
    pub(super) failures: Reasons,
    /// Connections that ended before the swarm did.
    pub(super) disconnects: Reasons,
    /// Deliveries of each connection.
    pub(super) per_client: Vec<u64>,
    /// What each connection had at the end, those that were cut off excepted.
    pub(super) finals: Vec<Newest>,
    pub(super) topics: HashMap<Box<[u8]>, usize>,
    pub(super) scanner: Scanner,
    pub(super) scratch: Vec<u8>,
}

impl Tally {
    pub(super) fn new() -> Result<Self, hdrhistogram::CreationError> {
        Ok(Self {
            window: Window::default(),
            due: Histogram::new_with_max(MAX_LATENCY, DIGITS)?,
            published: Histogram::new_with_max(MAX_LATENCY, DIGITS)?,
            violations: Faults::default(),
            rejected: Faults::default(),
            errors: Faults::default(),
            failures: Reasons::default(),
            disconnects: Reasons::default(),
            per_client: Vec::new(),
            finals: Vec::new(),
            topics: HashMap::new(),
            scanner: Scanner::new(),
            scratch: vec![0; SCRATCH_BYTES],
        })
    }

    /// The thread's number for a topic.
    pub(super) fn topic(&mut self, name: &[u8]) -> usize {
        if let Some(number) = self.topics.get(name) {
            return *number;
        }
        let number = self.topics.len();
        self.topics.insert(name.into(), number);
        number
    }

    /// Checks a value against what the connection has and keeps it. Whether it is newer.
    pub(super) fn advance(&mut self, newest: &mut Newest, fields: &Fields, measured: bool) -> bool {
        let number = self.topic(fields.topic);
        if newest.len() <= number {
            newest.resize(number + 1, None);
        }
        let (pair, slot) = ((fields.epoch, fields.seq), &mut newest[number]);
        match *slot {
            Some(before) if pair < before => {
                let topic = String::from_utf8_lossy(fields.topic).into_owned();
                self.violations.add(|| format!("{topic} went back from {before:?} to {pair:?}"));
                return false;
            }
            Some(before) if pair == before => {
                self.window.replaced += u64::from(measured);
                return false;
            }
            Some((epoch, seq)) if measured && epoch == pair.0 => {
                self.window.skipped += pair.1 - seq - 1;
            }
            _ => {}
        }
        *slot = Some(pair);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(seq: u64) -> Fields<'static> {
        Fields { topic: b"ticker:kucoin:BTC-USDT", epoch: 7, seq, published: None }
    }

    #[test]
    fn a_pair_may_stand_or_rise_but_not_fall() {
        let mut tally = Tally::new().unwrap();
        let mut newest = Newest::new();
        for (seq, newer) in [(1, true), (2, true), (2, false), (5, true), (4, false), (6, true)] {
            assert_eq!(tally.advance(&mut newest, &fields(seq), true), newer, "{seq}");
        }
        assert_eq!((tally.window.replaced, tally.window.skipped), (1, 2));
        assert_eq!(tally.violations.count, 1);
        assert!(tally.violations.examples[0].contains("from (7, 5) to (7, 4)"));
        let later = Fields { epoch: 8, ..fields(1) };
        assert!(tally.advance(&mut newest, &later, true));
    }

    #[test]
    fn examples_and_reasons_are_bounded() {
        let (mut faults, mut reasons) = (Faults::default(), Reasons::default());
        for n in 0..1000 {
            faults.add(|| n.to_string());
            reasons.add(n.to_string(), 1);
        }
        assert_eq!((faults.count, faults.examples.len()), (1000, EXAMPLES));
        assert_eq!(reasons.0.values().sum::<u64>(), 1000);
        assert_eq!(reasons.0.len(), MAX_REASONS + 1);
    }
}
