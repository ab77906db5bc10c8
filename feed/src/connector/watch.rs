//! How long a silent symbol may be believed, and when its venue is asked by REST (`truth.md` 6, 9).

use crate::config::Timing;
use std::time::{Duration, Instant};

/// A silence is normal up to so many median gaps between a symbol's messages (`truth.md` 6).
const NORMAL_GAPS: u32 = 20;
/// Gaps remembered of a symbol: enough for a median that one burst does not move.
const GAPS: usize = 15;
/// Fewer gaps than this make no median.
const MIN_GAPS: usize = 3;
/// An answer by REST may overtake the message that says the same: the socket is given this long.
const GRACE: Duration = Duration::from_secs(1);
/// A question that was not answered is repeated after this long.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// The spans of time by which a symbol is judged.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    first_value: Duration,
    first_data: Duration,
    silence: Duration,
    doubt: Duration,
}

impl From<&Timing> for Patience {
    fn from(timing: &Timing) -> Self {
        Self {
            first_value: Duration::from_millis(timing.first_value_ms),
            first_data: Duration::from_millis(timing.first_data_ms),
            silence: Duration::from_millis(timing.silence_ms),
            doubt: Duration::from_millis(timing.doubt_ms),
        }
    }
}

/// Why REST is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The subscription has brought nothing within a moment.
    FirstValue,
    /// Nor within its deadline.
    FirstData,
    /// It has been silent for longer than it may be.
    Silence,
    /// There is no socket.
    NoSocket,
}

impl Why {
    /// Its name in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstValue => "first_value",
            Self::FirstData => "first_data",
            Self::Silence => "silence",
            Self::NoSocket => "no_socket",
        }
    }
}

/// One symbol's subscription on the present connection, as far as it has spoken.
#[derive(Debug, Clone)]
pub struct Watch {
    since: Instant,
    heard: Option<Instant>,
    /// When REST last told the value.
    confirmed: Option<Instant>,
    asked: Option<(Why, Instant)>,
    /// REST tells another price, and the socket has said nothing since.
    differs: Option<Instant>,
    /// The connection that told the value is no more.
    orphaned: Option<Instant>,
    deadline_passed: bool,
    gaps: Gaps,
}

/// The newest gaps between messages, in milliseconds.
#[derive(Debug, Clone, Default)]
struct Gaps {
    ring: [u32; GAPS],
    count: usize,
}

impl Gaps {
    fn push(&mut self, gap: Duration) {
        self.ring[self.count % GAPS] = u32::try_from(gap.as_millis()).unwrap_or(u32::MAX);
        self.count += 1;
    }

    fn median(&self) -> Duration {
        let mut known = self.ring;
        let known = &mut known[..self.count.min(GAPS)];
        if known.len() < MIN_GAPS {
            return Duration::ZERO;
        }
        known.sort_unstable();
        Duration::from_millis(known[known.len() / 2].into())
    }
}

impl Watch {
    /// A symbol that nothing is known of.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            since: now,
            heard: None,
            confirmed: None,
            asked: None,
            differs: None,
            orphaned: None,
            deadline_passed: false,
            gaps: Gaps::default(),
        }
    }

    /// A new connection or subscription. What is known of the symbol's rhythm stays, and REST's
    /// word if `polled` says that its value is a live one of REST's.
    pub fn begin(&mut self, polled: bool, now: Instant) {
        let (confirmed, gaps) = (self.confirmed.filter(|_| polled), std::mem::take(&mut self.gaps));
        *self = Self { confirmed, gaps, ..Self::new(now) };
    }

    /// A sound message has come.
    pub fn heard(&mut self, now: Instant) {
        if let Some(before) = self.heard.replace(now) {
            self.gaps.push(now.duration_since(before));
        }
        (self.differs, self.orphaned) = (None, None);
    }

    /// Another connection took over without having said anything of the symbol: its value is to be
    /// confirmed now.
    pub fn orphan(&mut self, now: Instant) {
        self.orphaned = Some(now);
        self.asked = None;
    }

    /// When something was last known of the symbol: heard, or told by REST.
    #[must_use]
    pub fn proven(&self) -> Option<Instant> {
        self.heard.max(self.confirmed)
    }

    /// Whether the value has come by the socket, this one or the one before it.
    #[must_use]
    pub fn has_heard(&self) -> bool {
        self.heard.is_some()
    }

    /// When REST last told the value, or the same one.
    #[must_use]
    pub fn confirmed(&self) -> Option<Instant> {
        self.confirmed
    }

    /// How long a live link may speak for it.
    fn limit(&self, patience: &Patience) -> Duration {
        patience.silence.max(self.gaps.median().saturating_mul(NORMAL_GAPS))
    }

    /// When its value is no longer good, if nothing comes.
    fn doubtful_at(&self, patience: &Patience) -> Option<Instant> {
        let by_silence = self.proven().map(|at| at + self.limit(patience));
        self.orphaned.or(by_silence)
    }

    /// Whether and why REST is to be asked now.
    #[must_use]
    pub fn due(&self, patience: &Patience, now: Instant) -> Option<Why> {
        if self.differs.is_some() || !self.may_ask(now) {
            return None;
        }
        if self.doubtful_at(patience).is_some_and(|at| now >= at) {
            return Some(Why::Silence);
        }
        let waited = now.duration_since(self.since);
        match self.heard {
            Some(_) => None,
            None if !self.deadline_passed && waited >= patience.first_data => Some(Why::FirstData),
            None if self.asked.is_none() && waited >= patience.first_value => Some(Why::FirstValue),
            None => None,
        }
    }

    fn may_ask(&self, now: Instant) -> bool {
        let answered = |at| self.confirmed.is_some_and(|told| told >= at);
        self.asked.is_none_or(|(_, at)| answered(at) || now.duration_since(at) >= ASK_AGAIN)
    }

    /// Whether a poll is due: so long after the last one.
    #[must_use]
    pub fn poll_due(&self, every: Duration, now: Instant) -> bool {
        self.asked.is_none_or(|(_, at)| now.duration_since(at) >= every)
    }

    /// REST is being asked.
    pub fn ask(&mut self, why: Why, now: Instant) {
        self.asked = Some((why, now));
        self.deadline_passed |= why == Why::FirstData;
    }

    /// When it was last asked, to be fair to those that wait longest.
    #[must_use]
    pub fn asked_at(&self) -> Option<Instant> {
        self.asked.map(|(_, at)| at)
    }

    /// Whether the socket has spoken since then: it knows better than REST asked at that time.
    #[must_use]
    pub fn has_heard_since(&self, asked: Instant) -> bool {
        self.heard.is_some_and(|heard| heard >= asked)
    }

    /// REST has told the value, or the same one.
    pub fn confirm(&mut self, now: Instant) {
        self.confirmed = Some(now);
        (self.differs, self.orphaned) = (None, None);
    }

    /// REST tells another price.
    pub fn differ(&mut self, now: Instant) {
        self.differs.get_or_insert(now);
    }

    /// Whether its value can no longer be believed: REST has told another price and the socket has
    /// not followed, or it has not answered for too long.
    #[must_use]
    pub fn is_lost(&self, patience: &Patience, now: Instant) -> bool {
        let over = |at: Instant, span| now.saturating_duration_since(at) >= span;
        self.differs.is_some_and(|at| over(at, GRACE))
            || self.doubtful_at(patience).is_some_and(|at| over(at, patience.doubt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn patience() -> Patience {
        Patience::from(&Timing::default())
    }

    fn due(watch: &Watch, at: Instant) -> Option<Why> {
        watch.due(&patience(), at)
    }

    #[test]
    fn a_mute_subscription_is_asked_about_after_a_moment_and_at_its_deadline() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        assert_eq!(due(&watch, start + SECOND), None);
        assert_eq!(due(&watch, start + 2 * SECOND), Some(Why::FirstValue));
        watch.ask(Why::FirstValue, start + 2 * SECOND);
        watch.confirm(start + 3 * SECOND);
        assert_eq!(due(&watch, start + 29 * SECOND), None);
        assert_eq!(due(&watch, start + 30 * SECOND), Some(Why::FirstData));
        watch.ask(Why::FirstData, start + 30 * SECOND);
        watch.confirm(start + 31 * SECOND);
        assert_eq!(due(&watch, start + 90 * SECOND), None);
        assert_eq!(due(&watch, start + 91 * SECOND), Some(Why::Silence));
    }

    #[test]
    fn a_live_link_speaks_for_a_symbol_for_a_minute_or_twenty_median_gaps() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        watch.heard(start);
        assert_eq!(due(&watch, start + 59 * SECOND), None);
        assert_eq!(due(&watch, start + 60 * SECOND), Some(Why::Silence));
        for at in [10, 20, 30, 31] {
            watch.heard(start + at * SECOND);
        }
        assert_eq!(due(&watch, start + (31 + 199) * SECOND), None);
        assert_eq!(due(&watch, start + (31 + 200) * SECOND), Some(Why::Silence));
        watch.confirm(start + 240 * SECOND);
        assert_eq!(due(&watch, start + 300 * SECOND), None, "equal is as good as heard");
    }

    #[test]
    fn another_price_is_believed_when_the_socket_does_not_follow() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        watch.heard(start);
        let read = start + 61 * SECOND;
        watch.ask(Why::Silence, read);
        watch.differ(read);
        assert!(!watch.is_lost(&patience(), read + SECOND / 2));
        assert!(watch.is_lost(&patience(), read + SECOND));
        watch.heard(read + SECOND);
        assert!(watch.has_heard_since(read) && !watch.is_lost(&patience(), read + 2 * SECOND));
    }

    #[test]
    fn no_answer_is_no_proof_either() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        watch.heard(start);
        watch.ask(Why::Silence, start + 60 * SECOND);
        assert_eq!(due(&watch, start + 64 * SECOND), None);
        assert_eq!(due(&watch, start + 65 * SECOND), Some(Why::Silence));
        assert!(!watch.is_lost(&patience(), start + 89 * SECOND));
        assert!(watch.is_lost(&patience(), start + 90 * SECOND));
    }

    #[test]
    fn an_orphan_is_confirmed_at_once() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        watch.heard(start);
        watch.orphan(start + SECOND);
        assert_eq!(due(&watch, start + SECOND), Some(Why::Silence));
        assert!(watch.is_lost(&patience(), start + 31 * SECOND));
        watch.confirm(start + 2 * SECOND);
        assert_eq!(due(&watch, start + 2 * SECOND), None);
    }
}
