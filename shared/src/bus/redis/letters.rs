//! Dead letters on Redis: a stream, cut at its older end with every addition.

use super::{
    Redis,
    keys::{self, Place},
    nodes::Nodes,
};
use crate::{
    bus::{
        Error, Group,
        letters::{Kept, Letter},
    },
    clock::Micros,
};
use redis::Pipeline;
use std::{collections::HashMap, fmt};

/// A reader and writer of the stream; the calls are those of [`crate::bus::DeadLetters`].
pub struct RedisLetters(Nodes);

/// A stream's entries as XRANGE and XREVRANGE answer: each an id with its fields and values in turn.
type Entries = Vec<(String, Vec<String>)>;

impl RedisLetters {
    pub(super) fn new(bus: Redis) -> Self {
        Self(Nodes::new(bus))
    }

    pub(in crate::bus) async fn append(
        &mut self,
        letters: &[Letter],
        most: usize,
    ) -> Result<(), Error> {
        if letters.is_empty() {
            return Ok(());
        }
        let mut commands = redis::pipe();
        for letter in letters {
            let Letter { exchange, reason, time, group, raw } = letter;
            commands.cmd("XADD").arg(keys::DEAD_LETTERS).arg("MAXLEN").arg("~").arg(most).arg("*");
            commands.arg("venue").arg(exchange.as_str()).arg("reason").arg(reason);
            commands.arg("time").arg(time.0).arg("group").arg(group.as_str());
            commands.arg("raw").arg(raw).ignore();
        }
        self.query::<()>(&commands).await
    }

    pub(in crate::bus) async fn read(
        &mut self,
        count: usize,
        before: Option<&str>,
    ) -> Result<Vec<Kept>, Error> {
        let from = match before {
            Some(id) if is_id(id) => format!("({id}"),
            Some(id) => return Err(no_id(id)),
            None => "+".to_owned(),
        };
        let mut commands = redis::pipe();
        commands.cmd("XREVRANGE").arg(keys::DEAD_LETTERS).arg(from).arg("-");
        commands.arg("COUNT").arg(count);
        let (entries,): (Entries,) = self.query(&commands).await?;
        Ok(entries.into_iter().filter_map(kept).collect())
    }

    pub(in crate::bus) async fn get(&mut self, id: &str) -> Result<Option<Kept>, Error> {
        if !is_id(id) {
            return Err(no_id(id));
        }
        let mut commands = redis::pipe();
        commands.cmd("XRANGE").arg(keys::DEAD_LETTERS).arg(id).arg(id);
        let (entries,): (Entries,) = self.query(&commands).await?;
        Ok(entries.into_iter().find_map(kept))
    }

    async fn query<T: redis::FromRedisValue>(&mut self, commands: &Pipeline) -> Result<T, Error> {
        self.0.read(Place::Letters, commands).await
    }
}

/// A letter from its entry; `None` when it is none of ours.
fn kept((id, fields): (String, Vec<String>)) -> Option<Kept> {
    let mut pairs = fields.into_iter();
    let mut found = HashMap::new();
    while let (Some(field), Some(value)) = (pairs.next(), pairs.next()) {
        found.insert(field, value);
    }
    let letter = Letter {
        exchange: found.get("venue")?.parse().ok()?,
        reason: found.remove("reason")?,
        time: Micros(found.get("time")?.parse().ok()?),
        group: Group::new(found.get("group")?),
        raw: found.remove("raw")?,
    };
    Some(Kept { id, letter })
}

/// `<milliseconds>-<counter>`
fn is_id(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.split_once('-').is_some_and(|(millis, counter)| digits(millis) && digits(counter))
}

fn no_id(text: &str) -> Error {
    Error::Unusable(format!("{text:?} is no number of a dead letter, such as 1700000000000-0"))
}

impl fmt::Debug for RedisLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisLetters")
    }
}
