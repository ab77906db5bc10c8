//! A pass: everything that waits goes out, at most one write a member.

use super::{
    About, Key, Tick, TopicId, Update, cohorts::CohortId, members::MemberId, shard::Shard,
    statuses::concerns, update::Status,
};
use crate::{client::conn::Written, wire::encode};
use bytes::Bytes;
use std::{collections::BTreeMap, io::IoSlice, sync::Arc};
use tickcast_shared::{
    market::Topic,
    protocol::{Added, ErrorCode, ErrorMessage, Plain},
};

/// Up to so many members, the frames of a pass are written as they lie (one vectored write each);
/// with more, copying them together once is cheaper than listing them for every member.
const VECTORED_UP_TO: usize = 2;
/// Most pieces of one vectored write; Linux takes 1024 (`IOV_MAX`).
const MAX_PIECES: usize = 256;

/// A member whose socket did not take a whole write: what is left of the frame in flight.
#[derive(Debug)]
pub struct Blocked {
    /// Who.
    pub member: MemberId,
    /// The rest of the frame that was cut, empty when the cut fell between two frames.
    pub rest: Bytes,
}

impl Shard {
    /// Applies all updates that wait and writes them out. Membership cannot change meanwhile.
    pub fn pass(&mut self) -> Vec<Blocked> {
        let updates = self.mailbox.take();
        if updates.is_empty() {
            return Vec::new();
        }
        self.metrics.passes.increment(1);
        let news = self.apply(&updates);
        self.announce(&news);
        for (_, update) in &updates {
            match update {
                Update::Tick(tick) => self.stage_tick(tick),
                Update::Status(status) => self.stage_status(status),
                Update::Removed(_) => {}
            }
        }
        self.flush()
    }

    /// Brings the tables up to date; returns the topics that were unknown until now.
    fn apply(&mut self, updates: &[(Key, Update)]) -> Vec<(TopicId, Topic)> {
        let mut news = Vec::new();
        for (_, update) in updates {
            match update {
                Update::Tick(tick) => {
                    if self.topics.tick(tick) {
                        news.push((tick.id, tick.topic.clone()));
                    }
                }
                Update::Status(status) => {
                    let version = self.topics.next_version();
                    self.statuses.set(status, version);
                }
                // Its last status stays: someone who is catching up must still be told.
                Update::Removed(id) => self.topics.remove(*id),
            }
        }
        news
    }

    /// Lets new topics join the patterns that cover them, with a `topics_added` to each cohort.
    fn announce(&mut self, news: &[(TopicId, Topic)]) {
        if news.is_empty() {
            return;
        }
        let max_topics = self.config.limits.max_topics;
        let with_patterns: Vec<CohortId> = self
            .cohorts
            .iter()
            .filter(|(_, cohort)| !cohort.table.patterns.is_empty())
            .map(|(id, _)| id)
            .collect();
        for id in with_patterns {
            let table = self.cohorts.get(id).table.clone();
            let mut added: BTreeMap<&str, Vec<Topic>> = BTreeMap::new();
            let mut left_out = None;
            for (topic_id, topic) in news {
                let Some(pattern) = table.patterns.iter().find(|it| it.matches(topic)) else {
                    continue;
                };
                let covered = &mut self.cohorts.get_mut(id).topics;
                if covered.contains(topic_id) {
                    continue;
                }
                if covered.len() >= max_topics {
                    left_out = Some(pattern.as_str());
                    continue;
                }
                covered.insert(*topic_id);
                if let Some(entry) = self.topics.get_mut(*topic_id) {
                    entry.cohorts.push(id);
                }
                added.entry(pattern.as_str()).or_default().push(topic.clone());
            }
            for (pattern, topics) in added {
                let message = Plain::TopicsAdded(Added { pattern, topics: &topics });
                self.stage_frame(encode::json(&message).into(), &[id]);
            }
            if let Some(pattern) = left_out {
                self.stage_frame(encode::json(&too_many(pattern)).into(), &[id]);
            }
        }
    }

    fn stage_tick(&mut self, tick: &Arc<Tick>) {
        let Some(entry) = self.topics.get(tick.id) else { return };
        if entry.cohorts.is_empty() {
            return;
        }
        let at = push_frame(&mut self.frames, tick.frame.clone());
        for cohort in &entry.cohorts {
            let pending = &mut self.cohorts.get_mut(*cohort).pending;
            if pending.is_empty() {
                self.touched.push(*cohort);
            }
            pending.push(at);
        }
    }

    fn stage_status(&mut self, status: &Arc<Status>) {
        let concerned: Vec<CohortId> = match &status.about {
            About::Topic(id) => {
                self.topics.get(*id).map(|entry| entry.cohorts.clone()).unwrap_or_default()
            }
            about => {
                let all = self.cohorts.iter();
                let told = all.filter(|(_, it)| concerns(about, &it.topics, &self.topics));
                told.map(|(id, _)| id).collect()
            }
        };
        self.stage_frame(status.frame.clone(), &concerned);
    }

    fn stage_frame(&mut self, frame: Bytes, cohorts: &[CohortId]) {
        let at = push_frame(&mut self.frames, frame);
        for cohort in cohorts {
            let pending = &mut self.cohorts.get_mut(*cohort).pending;
            if pending.is_empty() {
                self.touched.push(*cohort);
            }
            pending.push(at);
        }
    }

    /// Writes what is staged, cohort by cohort.
    fn flush(&mut self) -> Vec<Blocked> {
        let mut blocked = Vec::new();
        for id in std::mem::take(&mut self.touched) {
            let pending = std::mem::take(&mut self.cohorts.get_mut(id).pending);
            self.write_cohort(id, &pending, &mut blocked);
            // Hands the list back, so that its memory serves the next pass.
            let mut pending = pending;
            pending.clear();
            self.cohorts.get_mut(id).pending = pending;
        }
        self.frames.clear();
        blocked
    }

    fn write_cohort(&mut self, id: CohortId, pending: &[u32], blocked: &mut Vec<Blocked>) {
        let cohort = self.cohorts.get(id);
        let frames: Vec<&Bytes> = pending.iter().map(|at| &self.frames[*at as usize]).collect();
        let single = match frames[..] {
            [only] => Some(only.as_ref()),
            _ if cohort.members.len() > VECTORED_UP_TO || frames.len() > MAX_PIECES => {
                self.joined.clear();
                frames.iter().for_each(|frame| self.joined.extend_from_slice(frame));
                Some(self.joined.as_slice())
            }
            _ => None,
        };
        let pieces: Vec<IoSlice<'_>> = match single {
            Some(_) => Vec::new(),
            None => frames.iter().map(|frame| IoSlice::new(frame)).collect(),
        };
        let total: usize = frames.iter().map(|frame| frame.len()).sum();
        for member in &cohort.members {
            let Some(conn) = self.members.get(*member).map(|it| &it.conn) else { continue };
            let written = match single {
                Some(bytes) => conn.write(bytes),
                None => conn.write_vectored(&pieces, total),
            };
            match written {
                Written::All => {}
                Written::Part(count) => {
                    blocked.push(Blocked { member: *member, rest: rest_of_frame(&frames, count) });
                }
                // The reader of the connection sees the end as well and tidies up.
                Written::Gone => {}
            }
        }
        let members = cohort.members.len() as u64;
        self.metrics.writes.increment(members);
        self.metrics.deliveries.increment(members * pending.len() as u64);
        self.metrics.bytes.increment(members * total as u64);
    }
}

fn push_frame(frames: &mut Vec<Bytes>, frame: Bytes) -> u32 {
    frames.push(frame);
    // A mailbox holds 65536 updates and a cohort adds two frames of its own: far below u32.
    u32::try_from(frames.len() - 1).unwrap_or(u32::MAX)
}

/// What is missing of the frame in which `written` bytes end.
fn rest_of_frame(frames: &[&Bytes], written: usize) -> Bytes {
    let mut start = 0;
    for frame in frames {
        let end = start + frame.len();
        if written < end {
            return match written - start {
                0 => Bytes::new(),
                inside => frame.slice(inside..),
            };
        }
        start = end;
    }
    Bytes::new()
}

fn too_many(pattern: &str) -> Plain<'_> {
    Plain::Error(ErrorMessage {
        id: None,
        code: ErrorCode::TooManyTopics,
        message: "a new listing would pass the limit of topics and did not join the pattern",
        field: Some(pattern),
        retry_after_ms: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_cut_frame_is_found() {
        let frames = [Bytes::from_static(b"abc"), Bytes::from_static(b"de")];
        let frames: Vec<&Bytes> = frames.iter().collect();
        for (written, rest) in [(0, ""), (1, "bc"), (3, ""), (4, "e"), (5, "")] {
            assert_eq!(rest_of_frame(&frames, written), rest.as_bytes(), "{written}");
        }
    }
}
