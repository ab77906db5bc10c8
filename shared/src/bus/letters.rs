//! Dead letters: messages that a feed refused, kept for people to look at. They are no part of the
//! broadcast, and losing some harms nobody.

use super::{Error, Group, memory::Memory, redis::RedisLetters};
use crate::{clock::Micros, market::ExchangeId};
use serde::{Deserialize, Serialize};

/// A refused message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Who sent it.
    pub exchange: ExchangeId,
    /// Why it was refused: a short snake_case code.
    pub reason: String,
    /// When it was received.
    pub time: Micros,
    /// Whose feed received it.
    pub group: Group,
    /// The message's text, or the beginning of it.
    pub raw: String,
}

/// A letter with the number that the bus gave it. Later ones have higher numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The number: `<milliseconds>-<counter>` on Redis, a counter in memory.
    pub id: String,
    /// The letter.
    #[serde(flatten)]
    pub letter: Letter,
}

/// Keeps and reads dead letters. On Redis it has a connection of its own, dialled when it is needed.
#[derive(Debug)]
pub enum DeadLetters {
    /// In this process.
    Memory(Memory),
    /// On a Redis or Valkey server.
    Redis(Box<RedisLetters>),
}

impl DeadLetters {
    /// Adds letters and lets the oldest ones beyond `most` go (about that many: Redis lets whole
    /// blocks go, and memory keeps no more than [`MAX_LETTERS`](super::memory::MAX_LETTERS)).
    ///
    /// # Errors
    /// [`Error::Link`], [`Error::Refused`]; then an unknown part of them is kept.
    pub async fn append(&mut self, letters: &[Letter], most: usize) -> Result<(), Error> {
        match self {
            Self::Memory(memory) => {
                memory.keep_letters(letters, most);
                Ok(())
            }
            Self::Redis(redis) => redis.append(letters, most).await,
        }
    }

    /// At most `count` letters that were kept before the one of that number, newest first.
    ///
    /// # Errors
    /// [`Error::Link`]; [`Error::Unusable`] when `before` is not a number that letters have.
    pub async fn read(&mut self, count: usize, before: Option<&str>) -> Result<Vec<Kept>, Error> {
        match self {
            Self::Memory(memory) => Ok(memory.letters_before(before, count)),
            Self::Redis(redis) => redis.read(count, before).await,
        }
    }

    /// The letter of that number, if it is still kept.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn get(&mut self, id: &str) -> Result<Option<Kept>, Error> {
        match self {
            Self::Memory(memory) => Ok(memory.letter(id)),
            Self::Redis(redis) => redis.get(id).await,
        }
    }
}
