//! The lines of a recorded session.

use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;
use tickcast_shared::clock::Micros;

/// What is known of the connections of a file.
#[derive(Debug, Default)]
pub(super) struct Session {
    addresses: HashMap<String, String>,
}

/// A frame that was received.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Received<'a> {
    pub(super) text: String,
    pub(super) at: Micros,
    /// What its connection was dialled under; empty when the file does not say.
    pub(super) addr: &'a str,
}

#[derive(Deserialize)]
struct Record<'a> {
    t: Option<String>,
    #[serde(default)]
    conn: String,
    #[serde(borrow)]
    ts: Option<&'a RawValue>,
    addr: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl Session {
    /// Reads one line: a record, or the bare text of a frame. Nothing when it is no received frame.
    pub(super) fn read(&mut self, line: &str) -> serde_json::Result<Option<Received<'_>>> {
        let record = match serde_json::from_str::<Record>(line) {
            Ok(record) => record,
            // Protocols whose frames are arrays, in a file of bare frames.
            Err(_) if line.starts_with('[') => return Ok(Some(bare(line))),
            Err(error) => return Err(error),
        };
        let Some(kind) = record.t else { return Ok(Some(bare(line))) };
        if let Some(addr) = record.addr {
            self.addresses.insert(record.conn.clone(), addr);
        }
        let ("recv", Some(data)) = (kind.as_str(), record.data) else { return Ok(None) };
        let text = serde_json::from_str::<String>(data.get())?;
        let at = record.ts.map_or(Micros::default(), |ts| micros(ts.get()));
        let addr = self.addresses.get(&record.conn).map_or("", String::as_str);
        Ok(Some(Received { text, at, addr }))
    }
}

fn bare(line: &str) -> Received<'static> {
    Received { text: line.to_owned(), at: Micros::default(), addr: "" }
}

/// Seconds with a fraction, as text, to microseconds; 0 when it is not a number.
fn micros(seconds: &str) -> Micros {
    let exact = Decimal::from_str_exact(seconds).ok();
    let micros = exact.and_then(|seconds| (seconds * Decimal::from(1_000_000)).to_i64());
    Micros(micros.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_received_frame_knows_its_connection() {
        let mut session = Session::default();
        let connect = r#"{"t":"connect","conn":"B.1","ts":1.5,"addr":"wss://x/linear"}"#;
        assert_eq!(session.read(connect).unwrap(), None);
        let received = r#"{"t":"recv","conn":"B.1","ts":2.25,"data":"{}"}"#;
        let expected =
            Received { text: "{}".to_owned(), at: Micros(2_250_000), addr: "wss://x/linear" };
        assert_eq!(session.read(received).unwrap(), Some(expected));
        assert!(session.read("nonsense").is_err());
        assert!(session.read(r#"{"t":"recv","data":{}}"#).is_err());
    }

    #[test]
    fn a_line_may_be_a_frame_itself() {
        let mut session = Session::default();
        for line in
            [r#"{"channel":"ticker","data":[{"symbol":"A/B"}]}"#, r#"[1,{},"ticker","A/B"]"#]
        {
            let read = session.read(line).unwrap().unwrap();
            assert_eq!((read.text.as_str(), read.addr), (line, ""));
        }
    }
}
