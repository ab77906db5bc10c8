//! Joining a shard of the bus without a gap: snapshot and messages merged by the counter `n`.
//!
//! Subscribe first, then read `n` and the values in one step: every message after the snapshot's
//! `n` is still to come or already here. Values themselves are ordered by their stamps, so messages
//! are applied as they come; what the merge decides is when a snapshot is needed, and which topics
//! a snapshot may declare gone.

use super::book::Standing;
use std::{collections::HashMap, sync::Arc};
use tickcast_shared::market::Topic;

/// Why a snapshot is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A message or more are missing.
    Hole,
    /// The counter went back: the server lost data.
    WentBack,
    /// The snapshot was older than the messages already seen.
    TooOld,
}

impl Cause {
    /// Name for logs and metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Hole => "hole",
            Self::WentBack => "went_back",
            Self::TooOld => "too_old",
        }
    }
}

/// What became of a snapshot.
#[derive(Debug, PartialEq, Eq)]
pub enum Joined {
    /// It is as new as needed. Topics of the shard that it lacks are gone, unless a message that
    /// is newer than it named them; the same server had them before.
    Yes {
        /// Whether the server is the one of the snapshot before.
        same_server: bool,
    },
    /// Another is needed.
    No(Cause),
    /// It belongs to a subscription that has ended, or was asked for twice.
    Unasked,
}

/// What was said of a topic while a snapshot was awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mention {
    n: u64,
    removed: bool,
}

/// One shard's place in the stream.
#[derive(Debug, Default)]
pub struct Merge {
    /// The last message's counter since the subscription began.
    last: Option<u64>,
    /// The snapshot's counter, and the server it came from.
    snapshot: Option<(u64, Arc<str>)>,
    /// A snapshot must be at least this new; none is awaited when absent.
    awaited: Option<u64>,
    /// Whether values can be relied on: joined since the last loss.
    trusted: bool,
    /// What was said of topics since a snapshot is awaited.
    mentioned: HashMap<Topic, Mention>,
}

impl Merge {
    /// Whether the shard's values can be relied on.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// Whether no message is missing, as far as is known.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.trusted && self.awaited.is_none()
    }

    /// What values and bars of the shard are worth now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing { is_trusted: self.is_trusted(), is_whole: self.is_whole() }
    }

    /// The subscription has begun: a snapshot is needed before its values can be relied on.
    pub fn subscribed(&mut self) {
        self.trusted = false;
        self.last = None;
        self.awaited = Some(0);
        self.mentioned.clear();
    }

    /// The subscription has ended. Values are not to be relied on until the next snapshot.
    pub fn lost(&mut self) {
        self.trusted = false;
        self.awaited = None;
        self.last = None;
    }

    /// The snapshot that is to fill a hole cannot be had.
    pub fn distrust(&mut self) {
        self.trusted = false;
    }

    /// A message has come. Says so if a snapshot must be asked for.
    pub fn message(&mut self, n: u64) -> Option<Cause> {
        let before = n.saturating_sub(1);
        let expected = match (self.last, &self.snapshot) {
            (Some(last), _) => Some(last + 1),
            // The first since the subscription: a snapshot taken later may be ahead of it.
            (None, Some((snapshot, _))) if self.awaited.is_none() => Some(n.min(snapshot + 1)),
            // The first of a subscription whose snapshot is to come: it must reach up to here.
            (None, _) => {
                self.awaited = self.awaited.map(|at_least| at_least.max(before));
                None
            }
        };
        self.last = Some(n);
        let cause = match expected {
            Some(expected) if n > expected => Cause::Hole,
            Some(expected) if n < expected => Cause::WentBack,
            _ => return None,
        };
        let fresh = self.awaited.is_none();
        self.awaited = Some(before);
        fresh.then(|| {
            self.mentioned.clear();
            cause
        })
    }

    /// A message named a topic.
    pub fn mention(&mut self, topic: &Topic, n: u64, removed: bool) {
        if self.awaited.is_some() {
            self.mentioned.insert(topic.clone(), Mention { n, removed });
        }
    }

    /// A snapshot has come.
    pub fn snapshot(&mut self, n: u64, server: &Arc<str>) -> Joined {
        let Some(at_least) = self.awaited else { return Joined::Unasked };
        if n < at_least {
            return Joined::No(Cause::TooOld);
        }
        let before = self.snapshot.replace((n, server.clone()));
        self.awaited = None;
        self.trusted = true;
        Joined::Yes { same_server: before.is_none_or(|(_, before)| before == *server) }
    }

    /// Whether a message newer than the snapshot removed the topic that the snapshot still has.
    #[must_use]
    pub fn removed_since(&self, topic: &Topic, n: u64) -> bool {
        self.mentioned.get(topic).is_some_and(|mention| mention.removed && mention.n > n)
    }

    /// Whether a message newer than the snapshot wrote the topic that the snapshot lacks.
    #[must_use]
    pub fn written_since(&self, topic: &Topic, n: u64) -> bool {
        self.mentioned.get(topic).is_some_and(|mention| !mention.removed && mention.n > n)
    }

    /// The snapshot has been applied; what was said meanwhile is no longer needed.
    pub fn settled(&mut self) {
        self.mentioned = HashMap::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(name: &str) -> Arc<str> {
        name.into()
    }

    fn joined_at(n: u64) -> Merge {
        let mut merge = Merge::default();
        merge.subscribed();
        assert_eq!(merge.snapshot(n, &server("a")), Joined::Yes { same_server: true });
        merge
    }

    #[test]
    fn messages_around_the_snapshot_are_no_hole() {
        let mut merge = joined_at(7);
        // Sent before the snapshot was read, delivered after it.
        assert_eq!([6, 7, 8, 9].map(|n| merge.message(n)), [None; 4]);
        assert!(merge.is_trusted());
    }

    #[test]
    fn a_hole_asks_once_and_heals_with_a_snapshot_that_covers_it() {
        let mut merge = joined_at(7);
        assert_eq!(merge.message(8), None);
        assert_eq!(merge.message(10), Some(Cause::Hole));
        assert_eq!(merge.message(13), None, "already asked");
        assert_eq!(merge.snapshot(11, &server("a")), Joined::No(Cause::TooOld));
        assert_eq!(merge.snapshot(12, &server("a")), Joined::Yes { same_server: true });
        assert_eq!(merge.message(14), None);
        assert!(merge.is_trusted(), "values kept flowing");
    }

    #[test]
    fn a_first_message_beyond_the_snapshot_is_a_hole() {
        let mut merge = joined_at(7);
        assert_eq!(merge.message(9), Some(Cause::Hole));
    }

    #[test]
    fn a_snapshot_older_than_the_first_message_is_too_old() {
        let mut merge = Merge::default();
        merge.subscribed();
        assert_eq!(merge.message(9), None);
        assert_eq!(merge.snapshot(7, &server("a")), Joined::No(Cause::TooOld));
        assert_eq!(merge.snapshot(8, &server("a")), Joined::Yes { same_server: true });
    }

    #[test]
    fn a_counter_that_goes_back_asks_again() {
        let mut merge = joined_at(7);
        assert_eq!(merge.message(8), None);
        assert_eq!(merge.message(1), Some(Cause::WentBack));
        assert_eq!(merge.snapshot(1, &server("b")), Joined::Yes { same_server: false });
        assert_eq!(merge.message(2), None);
    }

    #[test]
    fn a_loss_ends_the_trust_until_the_next_snapshot() {
        let mut merge = joined_at(7);
        merge.lost();
        assert!(!merge.is_trusted());
        merge.subscribed();
        assert_eq!(merge.message(2), None, "nothing to compare with yet");
        assert!(!merge.is_trusted());
        assert_eq!(merge.snapshot(3, &server("a")), Joined::Yes { same_server: true });
        assert!(merge.is_trusted());
    }

    #[test]
    fn a_snapshot_of_an_ended_subscription_restores_no_trust() {
        let mut merge = joined_at(7);
        assert_eq!(merge.message(9), Some(Cause::Hole));
        merge.lost();
        assert_eq!(merge.snapshot(9, &server("a")), Joined::Unasked);
        assert!(!merge.is_trusted());
    }

    #[test]
    fn what_was_said_meanwhile_outweighs_an_older_snapshot() {
        let topic: Topic = "ticker:kucoin:BTC-USDT".parse().unwrap();
        let mut merge = joined_at(7);
        assert_eq!(merge.message(9), Some(Cause::Hole));
        merge.mention(&topic, 9, true);
        assert_eq!(merge.snapshot(8, &server("a")), Joined::Yes { same_server: true });
        assert!(merge.removed_since(&topic, 8));
        assert!(!merge.removed_since(&topic, 9));
        assert!(!merge.written_since(&topic, 8));
        merge.settled();
        assert!(!merge.removed_since(&topic, 8));
    }
}
