//! What must hold for any input of a stranger, as functions that panic where it does not: the bodies
//! of the targets in `tests/fuzz` and of the tests in `tests/hostile_input.rs`.

use crate::{
    GatewayConfig,
    http::{forwarded::ForwardedHeader, proxy},
    wire::{Assembler, Bounds, Encoding, Format, Incoming, deflate},
};
use axum::http::{HeaderMap, HeaderValue};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Instant,
};
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
            Incoming::Pong | Incoming::Deflated(_) | Incoming::Close(_) => continue,
        };
        assert!(written.1.len() <= MAX_BYTES, "a message of {} bytes", written.1.len());
        let again = read(encoding, bounds, &masked(written.0, written.1), 1);
        assert_eq!(again, (vec![message.clone()], Ok(())));
    }
}

/// What is said up to a mistake, and the mistake. Compressed messages take no more memory than what
/// came of them until they are looked into.
fn read(
    encoding: Encoding,
    bounds: Bounds,
    bytes: &[u8],
    piece: usize,
) -> (Vec<Incoming>, Result<(), Close>) {
    let (mut assembler, mut said) = (Assembler::new(encoding), Vec::new());
    for piece in bytes.chunks(piece) {
        let mut incoming = Vec::new();
        let pushed = assembler.push(piece, bounds, Instant::now(), &mut incoming);
        let held = assembler.held();
        assert!(held <= deflate::compressed_limit(MAX_BYTES) + OVERHEAD, "{held} bytes held");
        assert_eq!(assembler.since().is_some(), held > 0);
        if pushed.is_err() {
            assert_eq!(held, 0, "kept after a mistake");
        }
        for message in incoming {
            if let Incoming::Deflated(message) = &message {
                let held = message.capacity();
                assert!(held <= deflate::compressed_limit(MAX_BYTES), "{held} bytes wait");
            }
            match message.inflated(bounds) {
                Ok(message) => said.push(message),
                Err(close) => return (said, Err(close)),
            }
        }
        if pushed.is_err() {
            return (said, pushed);
        }
    }
    (said, Ok(()))
}

/// A frame of at most [`MAX_BYTES`] whose mask changes nothing.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = match u8::try_from(payload.len()) {
        Ok(short @ 0..126) => vec![0x80 | short],
        _ => [vec![0x80 | 126], (payload.len() as u64).to_be_bytes()[6..].to_vec()].concat(),
    };
    [&[first][..], &length, &[0; 4], payload].concat()
}

/// A proxy that is trusted, and its network.
const PROXY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PROXIES: &str = "10.0.0.0/8";
/// Fixed part of a PROXY header, and the longest rest that is read.
const PROXY_FIXED_BYTES: usize = 16;
const PROXY_REST_BYTES: usize = 2048;

/// What a client may write into the header that its proxy then adds to, on the same line or behind it:
/// whatever it is, the client is whom the proxy names.
pub fn forwarded_header(input: &[u8]) {
    let (Ok(trusted), client) = (PROXIES.parse::<IpNet>(), Ipv4Addr::new(192, 0, 2, 1)) else {
        return;
    };
    for (header, own) in [
        (ForwardedHeader::XForwardedFor, "192.0.2.1, 10.0.0.2"),
        (ForwardedHeader::Forwarded, "for=192.0.2.1;proto=https, for=\"10.0.0.2:80\""),
    ] {
        let lines = input.split(|byte| *byte == b'\n');
        let lines = lines.filter_map(|line| HeaderValue::from_bytes(line).ok());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header.name(), line);
        }
        // Alone it may say anything.
        let _ = header.client(IpAddr::V4(PROXY), &headers, &[trusted]);
        let last = input.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        for line in [own.as_bytes().to_vec(), [last, b", ", own.as_bytes()].concat()] {
            let Ok(line) = HeaderValue::from_bytes(&line) else { continue };
            let mut headers = headers.clone();
            headers.append(header.name(), line);
            let found = header.client(IpAddr::V4(PROXY), &headers, &[trusted]);
            assert_eq!(found, IpAddr::V4(client), "{header:?}: {headers:?}");
        }
    }
}

/// A PROXY header: the length of its rest is bounded and known from its fixed part, and what follows
/// it does not change what it says.
pub fn proxy_header(input: &[u8]) {
    let Some(fixed) = input.get(..PROXY_FIXED_BYTES) else {
        assert!(proxy::rest_of(input).is_err());
        return;
    };
    let Ok(rest) = proxy::rest_of(fixed) else { return };
    assert!(rest <= PROXY_REST_BYTES, "{rest} bytes would be read");
    if let Some(header) = input.get(..PROXY_FIXED_BYTES + rest) {
        let said = proxy::client(header).ok();
        assert!(said.is_some(), "a whole header that is none");
        assert_eq!(proxy::client(input).ok(), said);
    }
}

/// The text of a configuration file, read as the `[gateway]` section and checked.
pub fn configuration(text: &str) {
    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct File {
        gateway: GatewayConfig,
    }
    let sample = File { gateway: GatewayConfig::sample() };
    if let Some(file) = tickcast_shared::fuzz::configuration(&sample, text) {
        let _ = file.gateway.validate();
    }
}
