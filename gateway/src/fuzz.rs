//! What must hold for any input of a stranger, as functions that panic where it does not: the bodies
//! of the targets in `tests/fuzz` and of the tests in `tests/hostile_input.rs`.

use crate::{
    GatewayConfig,
    wire::{Assembler, Bounds, Encoding, Format, Incoming, deflate},
};
use serde::{Deserialize, Serialize};
use std::time::Instant;
use tickcast_shared::protocol::Close;

/// Small, so that short inputs reach it.
const MAX_BYTES: usize = 300;
/// Room for a header, a control frame and the bookkeeping of a message.
const OVERHEAD: usize = 512;

/// Frames of a client: the first three bytes choose what was agreed, the limit of fragments and
/// where the rest is cut. However it is cut it says the same, in bounded memory.
pub fn client_frames(input: &[u8]) {
    let Some(([agreed, fragments, piece], bytes)) = input.split_first_chunk() else { return };
    let format = if agreed & 1 == 0 { Format::Json } else { Format::MsgPack };
    let encoding = Encoding { format, deflate: agreed & 2 != 0 };
    let bounds = Bounds { bytes: MAX_BYTES, fragments: u32::from(fragments % 8) };
    let whole = read(encoding, bounds, bytes, bytes.len().max(1));
    let cut = read(encoding, bounds, bytes, usize::from(*piece).max(1));
    assert_eq!(whole, cut, "cut into pieces of {piece}");
    for message in &whole.0 {
        let written = match message {
            Incoming::Text(text) => (0x81, text.as_bytes()),
            Incoming::Binary(bytes) => (0x82, &bytes[..]),
            Incoming::Ping(payload) => (0x89, &payload[..]),
            Incoming::Pong | Incoming::Close(_) => continue,
        };
        assert!(written.1.len() <= MAX_BYTES, "a message of {} bytes", written.1.len());
        let again = read(encoding, bounds, &masked(written.0, written.1), 1);
        assert_eq!(again, (vec![message.clone()], Ok(())));
    }
}

fn read(
    encoding: Encoding,
    bounds: Bounds,
    bytes: &[u8],
    piece: usize,
) -> (Vec<Incoming>, Result<(), Close>) {
    let (mut assembler, mut incoming) = (Assembler::new(encoding), Vec::new());
    for piece in bytes.chunks(piece) {
        let pushed = assembler.push(piece, bounds, Instant::now(), &mut incoming);
        let held = assembler.held();
        assert!(held <= deflate::compressed_limit(MAX_BYTES) + OVERHEAD, "{held} bytes held");
        assert_eq!(assembler.since().is_some(), held > 0);
        if pushed.is_err() {
            assert_eq!(held, 0, "kept after a mistake");
            return (incoming, pushed);
        }
    }
    (incoming, Ok(()))
}

/// A frame of at most [`MAX_BYTES`] whose mask changes nothing.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = match u8::try_from(payload.len()) {
        Ok(short @ 0..126) => vec![0x80 | short],
        _ => [vec![0x80 | 126], (payload.len() as u64).to_be_bytes()[6..].to_vec()].concat(),
    };
    [&[first][..], &length, &[0; 4], payload].concat()
}

/// The text of a configuration file, read as the `[gateway]` section and checked.
pub fn configuration(text: &str) {
    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct File {
        gateway: GatewayConfig,
    }
    let mut sample = File::default();
    sample.gateway.allowed_origins = Some(vec!["https://prices.example".to_owned()]);
    sample.gateway.proxy_listen = Some(sample.gateway.listen);
    if let Some(file) = tickcast_shared::fuzz::configuration(&sample, text) {
        let _ = file.gateway.validate();
    }
}
