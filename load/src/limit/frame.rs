//! A ticker message of an exact size, in one WebSocket frame.

use crate::venue::source::stamp_text;
use tickcast_shared::clock::Micros;

/// Smallest message: its time stamps and the shortest padding.
pub const MIN_BYTES: usize = 180;
/// From this size on the message has all keys of a real ticker.
pub const FULL_BYTES: usize = 560;
/// First byte of a whole text message: FIN and opcode 1 (RFC 6455 section 5.2).
const TEXT: u8 = 0x81;
/// Says that the length follows in two bytes.
const TWO_BYTES: u8 = 126;
/// Says that it follows in eight.
const EIGHT_BYTES: u8 = 127;

/// What changes from one message to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticker {
    /// When it was due, told in the bid's size.
    pub(super) due: Micros,
    /// When it is sent.
    pub(super) published: Micros,
    /// The same for all messages of a run.
    pub(super) epoch: i64,
    /// Counts them.
    pub(super) seq: u64,
}

/// Writes the frame of a message of `size` bytes into `frame`.
pub(super) fn build(ticker: &Ticker, size: usize, frame: &mut Vec<u8>) {
    frame.clear();
    frame.push(TEXT);
    if let Ok(length) = u16::try_from(size) {
        if length < u16::from(TWO_BYTES) {
            frame.extend(length.to_be_bytes().last());
        } else {
            frame.push(TWO_BYTES);
            frame.extend(length.to_be_bytes());
        }
    } else {
        frame.push(EIGHT_BYTES);
        frame.extend((size as u64).to_be_bytes());
    }
    frame.extend_from_slice(text(ticker, size).as_bytes());
}

fn text(ticker: &Ticker, size: usize) -> String {
    let stamp = stamp_text(ticker.due);
    let epoch = u64::try_from(ticker.epoch).unwrap_or(0);
    payload("ticker:limit:BTC-USDT", &stamp, ticker.published.0, epoch, ticker.seq, size)
}

/// A ticker of a topic as JSON, padded to `size` bytes; longer when that is less than it needs.
#[must_use]
pub fn payload(
    topic: &str,
    stamp: &str,
    published: i64,
    epoch: u64,
    seq: u64,
    size: usize,
) -> String {
    let head = if size < FULL_BYTES {
        format!(r#"{{"type":"ticker","topic":"{topic}","bid_qty":"{stamp}","pad":""#)
    } else {
        format!(
            concat!(
                r#"{{"type":"ticker","topic":"{topic}","exchange":"limit","#,
                r#""symbol":"BTC-USDT","last_price":"67220","bid_price":"67218.6","#,
                r#""bid_qty":"{stamp}","ask_price":"67218.7","ask_qty":"1.92318539","#,
                r#""open_24h":null,"high_24h":null,"low_24h":null,"volume_24h":null,"#,
                r#""quote_volume_24h":null,"state":"live","source":"stream","simulated":true,"#,
                r#""exchange_ts":null,"trade_ts":null,"received_ts":{received},"pad":""#
            ),
            topic = topic,
            stamp = stamp,
            received = published,
        )
    };
    let tail = format!(r#"","published_ts":{published},"epoch":{epoch},"seq":{seq}}}"#);
    let padding = size.saturating_sub(head.len() + tail.len());
    format!("{head}{}{tail}", "x".repeat(padding))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(size: usize) -> serde_json::Value {
        let now = Micros(1_729_799_999_999_999);
        let ticker = Ticker { due: now, published: now, epoch: now.0, seq: u64::MAX };
        let mut frame = Vec::new();
        build(&ticker, size, &mut frame);
        let header = if size > 65_535 { 10 } else { 4 };
        assert_eq!(frame.len(), size + header);
        serde_json::from_slice(&frame[header..]).unwrap()
    }

    #[test]
    fn has_exactly_the_size_and_is_json() {
        for size in [MIN_BYTES, 200, FULL_BYTES - 1, FULL_BYTES, 4096, 70_000] {
            let message = message(size);
            assert_eq!(
                (&message["bid_qty"], &message["seq"]),
                (&"99999.999999".into(), &u64::MAX.into())
            );
        }
        assert_eq!(message(FULL_BYTES)["state"], "live");
    }
}
