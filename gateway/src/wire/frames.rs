//! One fanned-out message as a frame of every encoding, each made at most once.

use super::{Encoding, Format, deflate, encode};
use bytes::Bytes;
use serde::Serialize;
use std::sync::OnceLock;

/// The frames of one message. JSON is there from the beginning; the rest is made by the first
/// shard that has a client for it.
#[derive(Debug)]
pub struct Frames {
    json: Bytes,
    /// Size of the header before the JSON.
    header: usize,
    msgpack: OnceLock<Bytes>,
    deflated_json: OnceLock<Bytes>,
    deflated_msgpack: OnceLock<Bytes>,
    event: OnceLock<Bytes>,
}

impl Frames {
    /// The frames of a message of ours, given as JSON.
    #[must_use]
    pub fn new(json: Vec<u8>) -> Self {
        let frame = encode::text(&json);
        Self {
            header: frame.len() - json.len(),
            json: frame.into(),
            msgpack: OnceLock::new(),
            deflated_json: OnceLock::new(),
            deflated_msgpack: OnceLock::new(),
            event: OnceLock::new(),
        }
    }

    /// The frames of a message of ours.
    #[must_use]
    pub fn of(message: &impl Serialize) -> Self {
        Self::new(encode::payload(message))
    }

    /// The complete frame for connections of an encoding.
    #[must_use]
    pub fn get(&self, encoding: Encoding) -> &Bytes {
        let Encoding { format, deflate } = encoding;
        match (format, deflate) {
            (Format::Json, false) => &self.json,
            (Format::Json, true) => self.deflated_json.get_or_init(|| {
                deflated(format, self.payload()).unwrap_or_else(|| self.json.clone())
            }),
            (Format::Events, _) => {
                self.event.get_or_init(|| encode::data(format, self.payload()).into())
            }
            (Format::MsgPack, false) => {
                self.msgpack.get_or_init(|| encode::data(format, self.payload()).into())
            }
            (Format::MsgPack, true) => self.deflated_msgpack.get_or_init(|| {
                let packed = encode::packed(self.payload()).unwrap_or_default();
                deflated(format, &packed).unwrap_or_else(|| self.get(PACKED).clone())
            }),
        }
    }

    /// The JSON without its header.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.json[self.header..]
    }
}

const PACKED: Encoding = Encoding { format: Format::MsgPack, deflate: false };

/// A compressed frame, if it is shorter than a plain one.
fn deflated(format: Format, payload: &[u8]) -> Option<Bytes> {
    deflate::shrink(payload).map(|compressed| encode::deflated(format, &compressed).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::msgpack;
    use serde_json::{Value, json};
    use std::sync::Arc;

    const JSON: Encoding = Encoding { format: Format::Json, deflate: false };
    const DEFLATED: Encoding = Encoding { format: Format::Json, deflate: true };
    const PACKED_DEFLATED: Encoding = Encoding { format: Format::MsgPack, deflate: true };

    fn ticker() -> Value {
        json!({
            "type": "ticker", "topic": "ticker:kucoin:BTC-USDT", "exchange": "kucoin",
            "symbol": "BTC-USDT", "last_price": "67220", "bid_price": "67218.6",
            "bid_qty": "0.01045638", "ask_price": "67218.7", "ask_qty": "1.92318539",
            "open_24h": null, "high_24h": null, "low_24h": null, "volume_24h": null,
            "quote_volume_24h": null, "state": "live", "source": "stream", "simulated": false,
            "exchange_ts": null, "trade_ts": 1_729_757_723_612_000_u64, "seq": 1042,
        })
    }

    /// The payload of a frame below 64 KiB.
    fn payload(frame: &[u8]) -> &[u8] {
        &frame[if frame[1] == 126 { 4 } else { 2 }..]
    }

    fn inflated(frame: &[u8]) -> Vec<u8> {
        let compressed = [payload(frame), &[0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff]].concat();
        miniz_oxide::inflate::decompress_to_vec(&compressed).unwrap()
    }

    #[test]
    fn every_encoding_carries_the_same_message() {
        let message = ticker();
        let json = serde_json::to_vec(&message).unwrap();
        let frames = Frames::new(json.clone());
        assert_eq!(frames.payload(), json);
        assert_eq!(frames.get(JSON), &encode::text(&json));
        let packed = msgpack::from_json(&json).unwrap();
        assert_eq!(frames.get(PACKED), &encode::binary(&packed));
        assert_eq!(rmp_serde::from_slice::<Value>(&packed).unwrap(), message);
        for (encoding, first, plain) in [(DEFLATED, 0xc1, &json), (PACKED_DEFLATED, 0xc2, &packed)]
        {
            let frame = frames.get(encoding);
            assert_eq!(frame[0], first, "{encoding:?}");
            assert_eq!(&inflated(frame), plain, "{encoding:?}");
            assert!(frame.len() < plain.len());
        }
    }

    #[test]
    fn what_does_not_shrink_is_sent_as_it_is() {
        let frames = Frames::new(b"[1,2]".to_vec());
        assert_eq!(frames.get(DEFLATED), &encode::text(b"[1,2]"));
        assert_eq!(frames.get(PACKED_DEFLATED), &encode::binary(b"\x92\x01\x02"));
    }

    #[test]
    fn threads_share_one_frame_of_an_encoding() {
        let frames = Arc::new(Frames::new(serde_json::to_vec(&ticker()).unwrap()));
        for encoding in [JSON, DEFLATED, PACKED, PACKED_DEFLATED] {
            let addresses: Vec<usize> = std::thread::scope(|scope| {
                let get = || scope.spawn(|| frames.get(encoding).as_ptr().addr());
                let threads = [get(), get(), get()];
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(addresses.iter().all(|address| *address == addresses[0]), "{encoding:?}");
        }
    }
}
