//! How records and messages stand on Redis: one version byte, then MessagePack.
//!
//! Structures are arrays, prices are text. Readers take the current version and the one before;
//! writers move last, so that a rolling upgrade in any order keeps prices flowing.

#[cfg(any(test, feature = "testing"))]
pub mod fuzz;

use super::{Error, Group, Heartbeat, MAX_EPOCH, Message, Record, counters};
use crate::{
    clock::Micros,
    market::{Bar, Topic},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::Bytes;
use std::sync::Arc;

/// The version that this build writes, the first byte of every packed value and message.
pub const VERSION: u8 = 1;

/// Why bytes from the bus are not what they were taken for.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Nothing there at all.
    #[error("empty value")]
    Empty,
    /// Written by a build that is too new or too old for this one.
    #[error("wire version {0} is unknown; this build reads version {VERSION}")]
    Version(u8),
    /// The epoch is above [`MAX_EPOCH`].
    #[error("epoch {0} is absurd")]
    Epoch(u64),
    /// Cut short, damaged, or another structure.
    #[error("malformed: {0}")]
    Malformed(#[from] rmp_serde::decode::Error),
}

/// Packs a record.
///
/// # Errors
/// [`Error::Unusable`] when it cannot be written, which no record made of checked types can cause.
pub fn pack(record: &Record) -> Result<Vec<u8>, Error> {
    pack_any(record)
}

/// Reads a packed record.
///
/// # Errors
/// [`WireError`] says what is wrong with the bytes.
pub fn unpack(bytes: &[u8]) -> Result<Record, WireError> {
    let record: Record = unpack_any(bytes)?;
    if record.stamp.epoch > MAX_EPOCH {
        return Err(WireError::Epoch(record.stamp.epoch));
    }
    Ok(record)
}

/// Packs a heartbeat.
pub(super) fn pack_heartbeat(heartbeat: &Heartbeat) -> Result<Vec<u8>, Error> {
    pack_any(heartbeat)
}

/// Packs a bar.
pub(super) fn pack_bar(bar: &Bar) -> Result<Vec<u8>, Error> {
    pack_any(bar)
}

/// Reads a packed bar.
pub(super) fn unpack_bar(bytes: &[u8]) -> Result<Bar, WireError> {
    unpack_any(bytes)
}

fn pack_any(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![VERSION];
    rmp_serde::encode::write(&mut bytes, value)
        .map_err(|error| Error::Unusable(format!("cannot pack a value: {error}")))?;
    Ok(bytes)
}

fn unpack_any<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    Ok(rmp_serde::from_slice(body(bytes)?)?)
}

/// What follows the version byte. Version 2 will read version 1 here, too.
fn body(bytes: &[u8]) -> Result<&[u8], WireError> {
    match bytes.split_first() {
        None => Err(WireError::Empty),
        Some((&VERSION, body)) => Ok(body),
        Some((&unknown, _)) => Err(WireError::Version(unknown)),
    }
}

/// A shard's message as the write script packs it; texts may hold any bytes.
#[derive(Deserialize)]
struct Packed<'a> {
    n: u64,
    #[serde(borrow)]
    group: &'a str,
    epoch: u64,
    bus_time_us: i64,
    #[expect(dead_code, reason = "names the message to a human at the channel")]
    kind: &'a str,
    #[serde(borrow)]
    puts: Vec<&'a Bytes>,
    #[serde(borrow)]
    removes: Vec<&'a Bytes>,
    #[serde(borrow)]
    heartbeat: &'a Bytes,
}

/// Reads a message of a shard's channel. Values, topics and heartbeats in it that cannot be read
/// are skipped and counted.
///
/// # Errors
/// [`WireError`] when the message itself cannot be read.
pub(super) fn unpack_message(bytes: &[u8]) -> Result<Message, WireError> {
    let packed: Packed<'_> = rmp_serde::from_slice(body(bytes)?)?;
    let puts = packed.puts.chunks_exact(2).filter_map(|put| unpack_put(put[0], put[1])).collect();
    Ok(Message {
        n: packed.n,
        group: Group::new(packed.group),
        epoch: packed.epoch,
        bus_time: Micros(packed.bus_time_us),
        puts,
        removes: packed.removes.iter().filter_map(|topic| unpack_topic(topic)).collect(),
        heartbeat: unpack_heartbeat(packed.heartbeat),
    })
}

/// A topic and its packed value, or nothing (counted) when either cannot be read.
pub(super) fn unpack_put(topic: &[u8], value: &[u8]) -> Option<(Topic, Arc<Record>)> {
    let topic = unpack_topic(topic)?;
    match unpack(value) {
        Ok(record) => Some((topic, Arc::new(record))),
        Err(error) => {
            tracing::debug!(%topic, %error, "skipped a value on the bus that cannot be read");
            counters::undecodable("value");
            None
        }
    }
}

fn unpack_topic(bytes: &[u8]) -> Option<Topic> {
    let topic = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
    if topic.is_none() {
        counters::undecodable("topic");
    }
    topic
}

fn unpack_heartbeat(bytes: &[u8]) -> Option<Heartbeat> {
    if bytes.is_empty() {
        return None;
    }
    let heartbeat = unpack_any(bytes);
    if heartbeat.is_err() {
        counters::undecodable("heartbeat");
    }
    heartbeat.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bus::{Body, Stamp},
        market::{Reason, State, Ticker},
    };
    use proptest::prelude::*;

    fn record() -> Record {
        let mut ticker = Ticker::pending("BTCUSDT", true, Micros(5));
        ticker.last_price = Some("67220.10".parse().unwrap());
        ticker.bid_qty = Some("0.00".parse().unwrap());
        ticker.enter(State::Stale, Reason::RESTART, Micros(7));
        Record {
            group: Group::new("main"),
            stamp: Stamp { epoch: 1_729_757_700_001, seq: 3 },
            published: Micros(9),
            body: Body::Ticker(ticker),
        }
    }

    #[test]
    fn what_is_packed_is_read_back_digit_by_digit() {
        let bytes = pack(&record()).unwrap();
        assert_eq!(bytes[0], VERSION);
        let back = unpack(&bytes).unwrap();
        assert_eq!(back, record());
        assert_eq!(back.body.ticker().unwrap().last_price.unwrap().to_string(), "67220.10");
        assert!(bytes.windows(8).any(|window| window == b"67220.10"), "prices are text");
    }

    #[test]
    fn an_unknown_version_is_named() {
        let mut bytes = pack(&record()).unwrap();
        bytes[0] = 7;
        let error = unpack(&bytes).unwrap_err();
        assert!(matches!(error, WireError::Version(7)));
        assert!(error.to_string().contains("version 7"), "{error}");
        assert!(matches!(unpack(&[]), Err(WireError::Empty)));
    }

    #[test]
    fn an_absurd_epoch_is_refused() {
        // Believed, it would be the floor of every later epoch.
        let stamp = Stamp { epoch: MAX_EPOCH + 1, seq: 1 };
        let bytes = pack(&Record { stamp, ..record() }).unwrap();
        assert!(matches!(unpack(&bytes), Err(WireError::Epoch(_))));
    }

    #[test]
    fn the_layout_of_version_1_stays() {
        // The first bytes of a record: version, array of 4, "main", array of 2 with epoch and seq.
        let bytes = pack(&record()).unwrap();
        let head = [1, 0x94, 0xa4, b'm', b'a', b'i', b'n', 0x92, 0xcf];
        assert_eq!(bytes[..head.len()], head);
    }

    proptest! {
        #[test]
        fn truncated_bytes_are_refused_without_a_panic(cut in 0_usize..400) {
            let bytes = pack(&record()).unwrap();
            let cut = cut % bytes.len();
            prop_assert!(unpack(&bytes[..cut]).is_err());
        }

        #[test]
        fn garbage_never_panics(garbage in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut versioned = vec![VERSION];
            versioned.extend(&garbage);
            let _ = unpack(&garbage);
            let _ = unpack(&versioned);
            let _ = unpack_message(&garbage);
            let _ = unpack_message(&versioned);
            let _ = unpack_put(&garbage, &versioned);
        }

        #[test]
        fn a_flipped_byte_never_panics(at in any::<prop::sample::Index>(), with in any::<u8>()) {
            let mut bytes = pack(&record()).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = with;
            let _ = unpack(&bytes);
        }
    }
}
