//! The bars on Redis: a list for each kline topic, oldest first. Each entry begins with the bar's
//! opening in sixteen digits, so that the write script can order them without unpacking.

use super::{
    Redis,
    keys::{self, Place},
    nodes::Nodes,
};
use crate::{
    bus::{Error, ShardId, counters, wire},
    clock::Micros,
    market::{Bar, Interval, Topic},
};
use std::fmt;

/// Digits of an opening in microseconds.
const OPEN_DIGITS: usize = 16;

/// A reader of bars; the call is that of [`crate::bus::Bars`].
pub struct RedisBars(Nodes);

impl RedisBars {
    pub(super) fn new(bus: Redis) -> Self {
        Self(Nodes::new(bus))
    }

    pub(in crate::bus) async fn read(
        &mut self,
        topic: &Topic,
        end: Option<Micros>,
        limit: usize,
    ) -> Result<Vec<Bar>, Error> {
        let Some(interval) = topic.interval() else { return Ok(Vec::new()) };
        let newer = match end {
            Some(end) => self.count_from(topic, interval, end).await?,
            None => 0,
        };
        let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(newer);
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut commands = redis::pipe();
        commands.cmd("LRANGE").arg(keys::bars(topic)).arg(-most).arg(-1);
        let (entries,): (Vec<Vec<u8>>,) = self.0.read(place(topic), &commands).await?;
        let mut bars: Vec<Bar> = entries.iter().filter_map(|entry| unpacked(entry)).collect();
        bars.retain(|bar| end.is_none_or(|end| bar.open_time < end));
        bars.drain(..bars.len().saturating_sub(limit));
        Ok(bars)
    }

    /// How many bars at most opened at `end` or later; intervals without a bar make them fewer.
    async fn count_from(
        &mut self,
        topic: &Topic,
        interval: Interval,
        end: Micros,
    ) -> Result<i64, Error> {
        let mut commands = redis::pipe();
        commands.cmd("LINDEX").arg(keys::bars(topic)).arg(-1);
        let (last,): (Option<Vec<u8>>,) = self.0.read(place(topic), &commands).await?;
        let last = last.as_deref().and_then(unpacked);
        Ok(last.map_or(0, |last| (last.open_time.0 - end.0).max(-1) / interval.micros() + 1))
    }
}

fn place(topic: &Topic) -> Place {
    Place::Shard(ShardId::of(topic))
}

/// A list's entry.
pub(super) fn packed(bar: &Bar) -> Result<Vec<u8>, Error> {
    let mut entry = open_digits(bar).into_bytes();
    entry.extend(wire::pack_bar(bar)?);
    Ok(entry)
}

/// A bar's opening as the write script compares it.
pub(super) fn open_digits(bar: &Bar) -> String {
    format!("{:0OPEN_DIGITS$}", bar.open_time.0.max(0))
}

fn unpacked(entry: &[u8]) -> Option<Bar> {
    let bar = wire::unpack_bar(entry.get(OPEN_DIGITS..)?);
    if bar.is_err() {
        counters::undecodable("bar");
    }
    bar.ok()
}

impl fmt::Debug for RedisBars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisBars")
    }
}
