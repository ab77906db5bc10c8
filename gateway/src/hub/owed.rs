//! What a connection with a backlog is sent next: the tail, answers, then the newest of what it
//! missed.

use super::{
    About, Key, TopicId,
    backlog::{Backlog, Cause, Item, Lag},
    cohorts::CohortId,
    fan::Fan,
    members::{Member, MemberId},
    stage::topics_added,
};
use crate::wire::{Encoding, encode};
use std::collections::BTreeMap;
use tickcast_shared::{
    clock::Micros,
    market::{Pattern, Topic},
    protocol::Plain,
};

/// Values are handed to the socket in pieces of about this size, so that a large subscription holds
/// little memory and what goes out last is still new.
const PIECE_BYTES: usize = 32 * 1024;

impl Fan {
    /// The next bytes for a member that is owed something; none when it is up to date and takes
    /// part in passes again. While a pass runs, answers only.
    pub fn next_piece(&mut self, id: MemberId) -> Option<&[u8]> {
        let member = self.members.get_mut(id)?;
        let backlog = member.backlog.as_ref()?;
        if backlog.tail().is_empty() {
            let mut backlog = member.backlog.take()?;
            let mut piece = backlog.next_tail();
            while let Some(answer) = backlog.next_answer() {
                piece.extend(answer);
            }
            if !self.pass.is_running {
                self.fill(id, &mut backlog, &mut piece);
            } else if piece.is_empty() && backlog.has_items() {
                // The pass would send it older updates behind these values.
                self.pass.postponed.push(id);
                self.members.get_mut(id)?.backlog = Some(backlog);
                return None;
            }
            if piece.is_empty() && backlog.is_waiting() {
                self.members.get_mut(id)?.backlog = Some(backlog);
                return None;
            }
            if piece.is_empty() {
                self.behind.remove(&id);
                return None;
            }
            backlog.set_tail(piece);
            self.members.get_mut(id)?.backlog = Some(backlog);
        }
        self.backlog(id).map(Backlog::tail)
    }

    /// The socket has accepted so many bytes of the piece.
    pub fn accepted(&mut self, id: MemberId, count: usize, now: Micros) {
        if let Some(backlog) = self.members.get_mut(id).and_then(|it| it.backlog.as_mut()) {
            backlog.accepted(count, now);
        }
    }

    fn fill(&mut self, id: MemberId, backlog: &mut Backlog, piece: &mut Vec<u8>) {
        let encoding = self.table(id).encoding();
        backlog.resume();
        if let Cause::Lagging(lag) = backlog.cause_mut()
            && !lag.told
        {
            lag.told = true;
            piece.extend(lagging(*lag, true, encoding));
        }
        while piece.len() < PIECE_BYTES {
            match backlog.next_item() {
                Some(frame @ Item::Frame(_)) if backlog.is_waiting() => backlog.hold(frame),
                Some(Item::Frame(frame)) => piece.extend(frame),
                Some(Item::Newest(Key::Added(topic))) => {
                    self.fill_added(id, topic, backlog, piece);
                }
                Some(Item::Newest(key)) => self.fill_newest(id, &key, backlog, piece),
                None => {
                    if let Cause::Lagging(lag) = backlog.cause()
                        && !backlog.is_waiting()
                    {
                        *backlog.cause_mut() = Cause::Answer;
                        piece.extend(lagging(lag, false, encoding));
                    }
                    break;
                }
            }
        }
    }

    fn fill_newest(&mut self, id: MemberId, key: &Key, backlog: &mut Backlog, piece: &mut Vec<u8>) {
        let Some(Member { place: Some(place), table, .. }) = self.members.get(id) else { return };
        let (cohort, encoding) = (place.cohort, table.encoding());
        if !self.is_wanted(cohort, key) {
            // Unsubscribed meanwhile.
            if let Key::Value(topic) = key {
                backlog.bars_done(*topic);
            }
            return;
        }
        match key {
            Key::Value(topic) => {
                if !self.fill_bars(*topic, encoding, backlog, piece) {
                    backlog.hold(Item::Newest(key.clone()));
                } else if let Some(newest) = self.topics.shown(*topic) {
                    piece.extend_from_slice(newest.frames.get(encoding));
                    self.given(cohort, *topic);
                }
            }
            Key::Status(about) => {
                if let Some(status) = self.statuses.get(about) {
                    piece.extend_from_slice(status.frames.get(encoding));
                }
            }
            Key::Added(_) | Key::Bars(_) => {}
        }
    }

    /// Whether what the key names concerns members of the cohort now.
    fn is_wanted(&self, id: CohortId, key: &Key) -> bool {
        let cohort = self.cohorts.get(id);
        match key {
            Key::Value(topic)
            | Key::Added(topic)
            | Key::Bars(topic)
            | Key::Status(About::Topic(topic)) => cohort.find(*topic).is_some(),
            Key::Status(About::Exchange(name)) => cohort.wants.iter().any(|want| {
                let topic = self.topics.name(want.topic);
                topic.is_some_and(|topic| topic.exchange() == name.as_ref())
            }),
            Key::Status(About::Bus) => true,
        }
    }

    /// This listing and those queued directly behind it, in one message a pattern.
    fn fill_added(&self, id: MemberId, first: TopicId, backlog: &mut Backlog, piece: &mut Vec<u8>) {
        let table = self.table(id);
        let mut topics = vec![first];
        while let Some(Item::Newest(Key::Added(next))) = backlog.peek() {
            topics.push(*next);
            backlog.next_item();
        }
        let mut by_pattern: BTreeMap<&Pattern, Vec<&Topic>> = BTreeMap::new();
        for topic in topics.iter().filter_map(|id| self.topics.name(*id)) {
            if let Some((pattern, _)) = table.covering(topic) {
                by_pattern.entry(pattern).or_default().push(topic);
            }
        }
        for (pattern, topics) in by_pattern {
            piece.extend(encode::message(&topics_added(pattern, &topics), table.encoding()));
        }
    }
}

fn lagging(lag: Lag, active: bool, encoding: Encoding) -> Vec<u8> {
    let Lag { since, skipped, .. } = lag;
    encode::message(&Plain::Lagging { active, since, skipped }, encoding)
}
