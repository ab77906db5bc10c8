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
    market::{Bar, Topic},
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
        if topic.interval().is_none() {
            return Ok(Vec::new());
        }
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let (from, to) = match end {
            None => (-most, -1),
            Some(end) => {
                let behind = self.position(topic, end).await?;
                ((behind - most).max(0), behind - 1)
            }
        };
        if limit == 0 || (end.is_some() && to < from) {
            return Ok(Vec::new());
        }
        let mut commands = redis::pipe();
        commands.cmd("LRANGE").arg(keys::bars(topic)).arg(from).arg(to);
        let (entries,): (Vec<Vec<u8>>,) = self.0.read(place(topic), &commands).await?;
        let mut bars: Vec<Bar> = entries.iter().filter_map(|entry| unpacked(entry)).collect();
        // The list may have moved since it was searched.
        bars.retain(|bar| end.is_none_or(|end| bar.open_time < end));
        Ok(bars)
    }

    /// Where the first bar stands that opened at `end` or later: searched by halves, since reading all of
    /// a long list would keep the server from everything else.
    async fn position(&mut self, topic: &Topic, end: Micros) -> Result<i64, Error> {
        let key = keys::bars(topic);
        let mut commands = redis::pipe();
        commands.cmd("LLEN").arg(&key);
        let (count,): (i64,) = self.0.read(place(topic), &commands).await?;
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            let mut commands = redis::pipe();
            commands.cmd("LINDEX").arg(&key).arg(middle);
            let (entry,): (Option<Vec<u8>>,) = self.0.read(place(topic), &commands).await?;
            if entry.as_deref().and_then(opening).is_some_and(|open| open < end) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

/// When an entry's bar opened.
fn opening(entry: &[u8]) -> Option<Micros> {
    let digits = std::str::from_utf8(entry.get(..OPEN_DIGITS)?).ok()?;
    digits.parse().ok().map(Micros)
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
