//! Brings a connection up to the present: values of new subscriptions, and whatever changed while
//! they were on their way. The connection is in no cohort meanwhile, so nothing can overtake.

use super::conn::{Phase, Stalled};
use super::session::{Ended, Session};
use crate::{
    hub::{Table, TopicId, shard::Shard},
    wire::encode,
};
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    rc::Rc,
    time::Instant,
};
use tickcast_shared::{
    market::Topic,
    protocol::{Added, Close, Plain},
};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;

/// Values are handed to the socket in pieces of this size, so that a large subscription holds
/// little memory and what goes out last is still new.
const PIECE_BYTES: usize = 32 * 1024;

/// What a connection has been sent of a table, and what is still to come.
#[derive(Debug)]
struct CatchUp {
    /// Topics whose value is due whether it changed or not.
    due: VecDeque<TopicId>,
    /// All topics of the table.
    covered: BTreeSet<TopicId>,
    /// Everything up to this version of the shard has been sent, or is in `due`.
    since: u64,
    /// Topics whose state has not been told yet where it is not well; empty after the first piece.
    untold: BTreeSet<TopicId>,
    /// Statuses up to this version have been sent.
    statuses_since: u64,
    /// Versions sent beyond `since`.
    sent: HashMap<TopicId, u64>,
}

impl Session {
    /// Sends `first`, then the present values of `due`, then joins the cohort of `table`.
    ///
    /// # Errors
    /// [`Ended`] when the connection is over, one that did not take the values in time included.
    pub async fn catch_up(
        &self,
        first: Vec<u8>,
        due: BTreeSet<TopicId>,
        table: Table,
    ) -> Result<(), Ended> {
        let table = Rc::new(table);
        let mut state = self.begin(due, &table);
        let mut piece = first;
        let started = Instant::now();
        self.conn.enter(Phase::CatchingUp { since: started });
        let deadline = started + self.shard.borrow().config.limits.slow_client_timeout();
        loop {
            state.fill(&self.shard.borrow(), &table, &mut piece);
            if piece.is_empty() {
                break;
            }
            if let Err(stalled) = self.conn.write_all(&piece, deadline).await {
                return self.give_up(&piece, stalled);
            }
            piece.clear();
            if self.shard.borrow().draining {
                self.conn.enter(Phase::Open);
                self.leave_for_restart();
                return Err(Ended);
            }
        }
        // No await since the last look at the shard: nothing can have changed.
        self.conn.enter(Phase::Open);
        self.shard.borrow_mut().attach(self.member, table);
        Ok(())
    }

    fn begin(&self, due: BTreeSet<TopicId>, table: &Rc<Table>) -> CatchUp {
        let mut shard = self.shard.borrow_mut();
        shard.detach(self.member);
        let since = shard.topics.version();
        CatchUp {
            due: due.iter().copied().collect(),
            untold: due,
            covered: shard.covered(table),
            since,
            statuses_since: since,
            sent: HashMap::new(),
        }
    }

    fn give_up(&self, piece: &[u8], stalled: Stalled) -> Result<(), Ended> {
        if let Stalled::TooSlow(done) = stalled {
            let rest = rest_of_frame(piece, done);
            self.conn.enter(Phase::Open);
            self.close(Close::SlowConsumer, rest);
        }
        Err(Ended)
    }
}

impl CatchUp {
    /// Adds what is still to be sent, up to the size of a piece.
    fn fill(&mut self, shard: &Shard, table: &Table, piece: &mut Vec<u8>) {
        self.add_listings(shard, table, piece);
        self.add_statuses(shard, piece);
        if self.due.is_empty() {
            self.due = self.moved(shard);
        }
        while piece.len() < PIECE_BYTES
            && let Some(id) = self.due.pop_front()
        {
            if let Some(entry) = shard.topics.get(id)
                && let Some(tick) = &entry.latest
            {
                piece.extend_from_slice(&tick.frame);
                self.sent.insert(id, entry.version);
            }
        }
    }

    /// Topics that joined a pattern meanwhile.
    fn add_listings(&mut self, shard: &Shard, table: &Table, piece: &mut Vec<u8>) {
        for pattern in &table.patterns {
            let new: Vec<TopicId> =
                shard.topics.matching(pattern).filter(|id| !self.covered.contains(id)).collect();
            let room = shard.config.limits.max_topics.saturating_sub(self.covered.len());
            let new = &new[..new.len().min(room)];
            if new.is_empty() {
                continue;
            }
            let topics: Vec<Topic> =
                new.iter().filter_map(|id| shard.topics.name(*id).cloned()).collect();
            let added = Added { pattern: pattern.as_str(), topics: &topics };
            piece.extend(encode::json(&Plain::TopicsAdded(added)));
            self.covered.extend(new);
            self.due.extend(new);
        }
    }

    fn add_statuses(&mut self, shard: &Shard, piece: &mut Vec<u8>) {
        let untold = std::mem::take(&mut self.untold);
        let version = std::mem::replace(&mut self.statuses_since, shard.topics.version());
        let unwell = shard.statuses.unwell(&untold, &shard.topics);
        let changed = shard.statuses.changed(version, &self.covered, &shard.topics);
        for status in unwell.into_iter().chain(changed) {
            piece.extend_from_slice(&status.frame);
        }
    }

    /// Topics whose value is newer than what the connection has.
    fn moved(&self, shard: &Shard) -> VecDeque<TopicId> {
        if shard.topics.version() == self.since {
            return VecDeque::new();
        }
        let newer = |id: &TopicId| {
            let held = self.sent.get(id).copied().unwrap_or(self.since);
            shard.topics.get(*id).is_some_and(|entry| entry.version > held)
        };
        self.covered.iter().copied().filter(newer).collect()
    }
}

/// What is missing of the frame in which `done` bytes end; `bytes` are whole frames of ours.
fn rest_of_frame(bytes: &[u8], done: usize) -> &[u8] {
    let mut start = 0;
    while start < done {
        let mut cursor = std::io::Cursor::new(&bytes[start..]);
        let Ok(Some((_, length))) = FrameHeader::parse(&mut cursor) else { return &[] };
        let size = cursor.position().saturating_add(length);
        let end = start.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
        if done < end {
            return bytes.get(done..end).unwrap_or_default();
        }
        start = end;
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_cut_frame_is_found() {
        let bytes = [encode::text(b"abc"), encode::text(b"de")].concat();
        for (done, rest) in [(0, ""), (1, "\u{3}abc"), (4, "c"), (5, ""), (8, "e"), (9, "")] {
            assert_eq!(rest_of_frame(&bytes, done), rest.as_bytes(), "{done}");
        }
    }
}
