//! What a client makes of the bytes that it reads, keeping next to nothing.

use super::{
    check,
    frames::{self, Frame},
    group::{Ask, Format, Group},
    held::Held,
    part::Reasons,
    tally::Tally,
};
use serde_json::Value;
use tickcast_shared::clock::Micros;

/// Why a connection is over, for the count of disconnects.
pub(super) struct Ended(pub(super) String);

impl Ended {
    pub(super) fn count(self, reasons: &mut Reasons) {
        reasons.add(self.0, 1);
    }
}

/// What a read is judged with.
pub(super) struct Seen<'a> {
    pub(super) now: Micros,
    pub(super) measured: bool,
    pub(super) check: bool,
    /// The client's group and its number.
    pub(super) group: &'a Group,
    pub(super) number: usize,
    pub(super) is_raw: bool,
    pub(super) tally: &'a mut Tally,
}

/// One client's state.
#[derive(Default)]
pub(super) struct Reader {
    /// The beginning of a frame whose rest has not come.
    partial: Vec<u8>,
    /// Earlier fragments of a message.
    fragments: Vec<u8>,
    pub(super) held: Held,
    pub(super) deliveries: u64,
    greeted: bool,
    /// The subscription stands.
    pub(super) joined: bool,
    /// Frames to be sent.
    pub(super) replies: Vec<u8>,
}

impl Reader {
    /// Takes what was read, whatever the boundaries of the frames in it.
    pub(super) fn take(&mut self, bytes: &[u8], seen: &mut Seen) -> Result<(), Ended> {
        if seen.measured && !bytes.is_empty() {
            seen.window().reads += 1;
        }
        if self.partial.is_empty() {
            let used = self.cut(bytes, seen)?;
            if used < bytes.len() {
                self.partial = bytes[used..].to_vec();
            }
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(bytes);
            let used = self.cut(&joined, seen)?;
            if used < joined.len() {
                joined.drain(..used);
                self.partial = joined;
            }
        }
        Ok(())
    }

    /// All whole frames or lines; returns how many bytes they took.
    fn cut(&mut self, bytes: &[u8], seen: &mut Seen) -> Result<usize, Ended> {
        if seen.is_raw {
            return Ok(self.lines(bytes, seen));
        }
        let mut used = 0;
        loop {
            match frames::first(&bytes[used..]) {
                Ok(Some(frame)) => {
                    used += frame.size;
                    self.frame(&frame, seen)?;
                }
                Ok(None) => return Ok(used),
                Err(fault) => {
                    seen.tally.part.violations.add(|| fault.to_owned());
                    return Err(Ended(format!("protocol error: {fault}")));
                }
            }
        }
    }

    fn lines(&mut self, bytes: &[u8], seen: &mut Seen) -> usize {
        let mut used = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            let line = &bytes[used..=end];
            used = end + 1;
            if seen.measured {
                seen.window().bytes += line.len() as u64;
                seen.window().frames += 1;
            }
            if let Some(reply) = self.foreign(line, seen) {
                self.replies.extend_from_slice(reply.as_bytes());
            }
        }
        used
    }

    fn frame(&mut self, frame: &Frame, seen: &mut Seen) -> Result<(), Ended> {
        if seen.measured {
            seen.window().frames += 1;
            seen.window().bytes += frame.size as u64;
        }
        match frame.opcode {
            frames::TEXT | frames::BINARY if frame.is_deflated => self.deflated(frame, seen),
            frames::TEXT | frames::BINARY if frame.is_final => self.message(frame.payload, seen),
            frames::TEXT | frames::BINARY | frames::CONTINUATION => {
                self.fragments.extend_from_slice(frame.payload);
                if frame.is_final {
                    let message = std::mem::take(&mut self.fragments);
                    self.message(&message, seen);
                }
            }
            frames::PING => self.replies.extend(frames::masked(frames::PONG, frame.payload)),
            frames::PONG => {}
            frames::CLOSE => return Err(Ended(close_text(frame.payload))),
            other => {
                let fault = || format!("a frame with opcode {other}");
                seen.tally.part.violations.add(fault);
            }
        }
        Ok(())
    }

    /// Once the client is in, a deflated message counts as a delivery, and a sample is looked into.
    fn deflated(&mut self, frame: &Frame, seen: &mut Seen) {
        if !seen.group.deflate || !frame.is_final {
            seen.tally.part.violations.add(|| "deflated without having been asked".to_owned());
            return;
        }
        if self.joined && seen.measured {
            self.deliveries += 1;
            seen.window().deliveries += 1;
        }
        if self.joined && !seen.tally.inflater.is_sampled() {
            return;
        }
        let Some(message) = seen.tally.inflater.open(frame.payload) else {
            seen.tally.part.violations.add(|| "a message that cannot be inflated".to_owned());
            return;
        };
        if self.joined {
            seen.latency(&message);
        } else {
            self.message(&message, seen);
        }
    }

    fn message(&mut self, message: &[u8], seen: &mut Seen) {
        if matches!(seen.group.ask, Ask::Other(_)) {
            if let Some(reply) = self.foreign(message, seen) {
                self.replies.extend(frames::masked(frames::TEXT, reply.as_bytes()));
            }
            return;
        }
        let kind = match seen.group.format {
            Format::Json => seen.tally.scanner.kind(message),
            Format::Msgpack => seen.tally.packed.kind(message),
        };
        match kind {
            Some(b"ticker" | b"kline") => self.value(message, seen),
            Some(b"klines") => {}
            Some(b"synced") => self.joined = true,
            Some(b"welcome") if self.greeted => {
                let fault = || "welcome is not the first message".to_owned();
                seen.tally.part.violations.add(fault);
            }
            Some(_) if seen.group.format == Format::Json => seen.answer(message),
            Some(_) => {}
            None if message == b"pong" => return,
            None => {}
        }
        self.greeted = true;
        if seen.check
            && seen.group.format == Format::Json
            && let Some(fault) = check::fault_of(message)
        {
            let fault = || format!("{fault}: {}", String::from_utf8_lossy(message));
            seen.tally.part.violations.add(fault);
        }
    }

    fn value(&mut self, message: &[u8], seen: &mut Seen) {
        let fields = match seen.group.format {
            Format::Json => seen.tally.scanner.fields(message),
            Format::Msgpack => seen.tally.packed.fields(message),
        };
        let Some(fields) = fields else {
            let text = String::from_utf8_lossy(message);
            seen.tally.part.violations.add(|| format!("no topic, epoch or seq: {text}"));
            return;
        };
        let newer = seen.tally.advance(seen.number, &mut self.held, &fields, seen.measured);
        if !seen.measured {
            return;
        }
        seen.window().deliveries += 1;
        self.deliveries += 1;
        if !newer {
            return;
        }
        seen.latency(message);
        if let Some(published) = fields.published {
            let micros = u64::try_from(seen.now.0 - published.0).unwrap_or(0);
            seen.tally.part.groups[seen.number].published.record(micros);
        }
    }

    /// A message of a server that is not Tickcast: every stamp in it is a delivery. Returns the
    /// answer to it, if it wants one.
    fn foreign(&mut self, message: &[u8], seen: &mut Seen) -> Option<String> {
        let Ask::Other(dialect) = &seen.group.ask else { return None };
        let mut stamps = 0;
        let part = &mut seen.tally.part.groups[seen.number];
        for latency in seen.tally.scanner.latencies(message, seen.now) {
            stamps += 1;
            if let (true, Some(micros)) = (seen.measured, latency) {
                part.due.record(micros);
            }
        }
        if stamps > 0 {
            if seen.measured {
                part.window.deliveries += stamps;
                self.deliveries += stamps;
            }
            return None;
        }
        let text = std::str::from_utf8(message).ok()?;
        if dialect.subscribed.as_ref().is_some_and(|sign| text.contains(sign)) {
            self.joined = true;
        }
        dialect.replies.get(text).or_else(|| dialect.replies.get(text.trim_end())).cloned()
    }
}

impl Seen<'_> {
    fn window(&mut self) -> &mut super::part::Window {
        &mut self.tally.part.groups[self.number].window
    }

    fn latency(&mut self, message: &[u8]) {
        if let (true, Some(micros)) = (self.measured, self.tally.scanner.latency(message, self.now))
        {
            self.tally.part.groups[self.number].due.record(micros);
        }
    }

    /// Messages that are neither values nor frequent.
    fn answer(&mut self, message: &[u8]) {
        let part = &mut self.tally.part;
        let Ok(value) = serde_json::from_slice::<Value>(message) else {
            part.violations.add(|| "an answer that is not JSON".to_owned());
            return;
        };
        match value["type"].as_str() {
            Some("subscribed") => {
                for rejected in value["rejected"].as_array().into_iter().flatten() {
                    let (topic, why) = (text(&rejected["topic"]), text(&rejected["message"]));
                    part.rejected.add(|| format!("{topic}: {why}"));
                }
            }
            Some("error") => {
                let error = || format!("{}: {}", text(&value["code"]), text(&value["message"]));
                part.errors.add(error);
            }
            _ => {}
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

/// The code and reason of a close frame.
pub(super) fn close_text(payload: &[u8]) -> String {
    match payload.split_first_chunk::<2>() {
        Some((code, reason)) => {
            let code = u16::from_be_bytes(*code);
            format!("{code} {}", String::from_utf8_lossy(reason)).trim_end().to_owned()
        }
        None => "close frame without a code".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::group::Dialect, *};
    use flate2::{Compress, Compression, FlushCompress};

    const DUE: i64 = 1_729_745_296_123_456;
    const STAMP: &str = "45296.123456";

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first, 126];
        frame.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        frame.extend_from_slice(payload);
        frame
    }

    fn value(seq: u64) -> serde_json::Value {
        serde_json::json!({
            "type": "ticker", "topic": "ticker:kucoin:BTC-USDT", "bid_qty": STAMP,
            "published_ts": DUE, "epoch": 7, "seq": seq
        })
    }

    /// What a client of the group makes of these bytes, cut into pieces of seven.
    fn read(group: &Group, is_raw: bool, bytes: &[u8]) -> (Reader, Tally) {
        let mut tally = Tally::new(std::slice::from_ref(group));
        let mut reader = Reader::default();
        for piece in bytes.chunks(7) {
            let now = Micros(DUE + 1500);
            let tally = &mut tally;
            let mut seen =
                Seen { now, measured: true, check: false, group, number: 0, is_raw, tally };
            assert!(reader.take(piece, &mut seen).is_ok());
        }
        (reader, tally)
    }

    #[test]
    fn packed_values_are_measured_like_others() {
        let ask = Ask::Tickcast(Default::default());
        let group = Group { ask, format: Format::Msgpack, ..Group::new("packed", 1) };
        let synced = serde_json::json!({"type": "synced", "id": null});
        let packed = |value| frame(0x82, &rmp_serde::to_vec(value).unwrap());
        let bytes = [packed(&value(1)), packed(&synced), packed(&value(4))].concat();
        let (reader, tally) = read(&group, false, &bytes);
        let part = &tally.part.groups[0];
        assert!(reader.joined && tally.part.violations.count == 0);
        assert_eq!((part.window.deliveries, part.window.skipped), (2, 2));
        assert_eq!(part.due.summary().unwrap().p50, 1500);
    }

    #[test]
    fn deflated_values_are_counted_and_a_sample_is_measured() {
        let ask = Ask::Tickcast(Default::default());
        let group = Group { ask, deflate: true, ..Group::new("deflated", 1) };
        let deflated = |message: &str| {
            let mut payload = Vec::with_capacity(1024);
            let mut compress = Compress::new(Compression::default(), false);
            let flush = FlushCompress::Sync;
            compress.compress_vec(message.as_bytes(), &mut payload, flush).unwrap();
            payload.truncate(payload.len() - 4);
            frame(0xC1, &payload)
        };
        let mut bytes = deflated(r#"{"type":"synced","id":1}"#);
        (1..=100).for_each(|seq| {
            let message = value(seq).to_string().replace("{\"bid", "{\"type\":\"ticker\",\"bid");
            bytes.extend(deflated(&message));
        });
        let (reader, tally) = read(&group, false, &bytes);
        let part = &tally.part.groups[0];
        assert!(reader.joined && tally.part.violations.count == 0);
        assert_eq!((part.window.deliveries, part.due.summary().unwrap().count), (100, 2));
        let plain = Group { deflate: false, ..group };
        assert!(read(&plain, false, &bytes).1.part.violations.count > 0);
    }

    #[test]
    fn every_stamp_of_another_server_is_a_delivery_and_its_pings_are_answered() {
        let dialect = Dialect {
            subscribed: Some("+OK".to_owned()),
            replies: [("PING\r\n".to_owned(), "PONG\r\n".to_owned())].into(),
            ..Dialect::default()
        };
        let group = Group { ask: Ask::Other(dialect), ..Group::new("other", 1) };
        let payload = value(1).to_string();
        let lines = format!("+OK\r\nMSG a\r\n{payload}\r\nPING\r\nMSG a\r\n{payload}\r\n");
        let (reader, tally) = read(&group, true, lines.as_bytes());
        assert!(reader.joined);
        assert_eq!(reader.replies, b"PONG\r\n");
        assert_eq!((tally.part.groups[0].window.deliveries, reader.deliveries), (2, 2));
        let both = format!("{payload}{}", payload.replace('"', "\\\""));
        let (_, tally) = read(&group, false, &frame(0x82, both.as_bytes()));
        assert_eq!(tally.part.groups[0].due.summary().unwrap().count, 2);
    }
}
