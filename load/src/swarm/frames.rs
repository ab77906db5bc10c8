//! Cuts a server's bytes into WebSocket frames without copying a payload.

/// A frame of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    pub(crate) is_final: bool,
    /// Its payload is deflated (RFC 7692 section 7.2.2).
    pub(crate) is_deflated: bool,
    pub(crate) payload: &'a [u8],
    /// Bytes of the whole frame.
    pub(crate) size: usize,
}

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// The FIN bit and the opcode share the first byte (RFC 6455 section 5.2).
const FIN: u8 = 0x80;
/// The reserved bit that permessage-deflate uses, if it was agreed on.
const DEFLATED: u8 = 0x40;
/// The reserved bits of the first byte that no extension uses.
const RESERVED: u8 = 0x30;
/// The mask bit of the second byte; a server must not set it.
const MASK: u8 = 0x80;
/// Payloads beyond this come from no gateway; a length that says so is garbage.
const MAX_PAYLOAD_BYTES: u64 = 64 * 1024 * 1024;

/// The frame at the start of `bytes`; nothing when it has not come whole.
pub(crate) fn first(bytes: &[u8]) -> Result<Option<Frame<'_>>, &'static str> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    if first & RESERVED != 0 {
        return Err("a reserved bit is set");
    }
    if second & MASK != 0 {
        return Err("a frame of the server is masked");
    }
    let (length, header) = match second {
        126 => match rest.first_chunk::<2>() {
            Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
            None => return Ok(None),
        },
        127 => match rest.first_chunk::<8>() {
            Some(length) => (u64::from_be_bytes(*length), 10),
            None => return Ok(None),
        },
        length => (u64::from(*length), 2),
    };
    if length > MAX_PAYLOAD_BYTES {
        return Err("a frame of absurd length");
    }
    // Below the bound just checked.
    let size = header + usize::try_from(length).unwrap_or(usize::MAX);
    let opcode = first & 0x0F;
    Ok(bytes.get(header..size).map(|payload| Frame {
        opcode,
        is_final: first & FIN != 0,
        is_deflated: first & DEFLATED != 0,
        payload,
        size,
    }))
}

/// A frame of a client, masked with zeros: a mask must be there, not be secret, when no browser
/// is involved.
pub(crate) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 14);
    frame.push(FIN | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length), _) if length < 126 => frame.push(MASK | length),
        (_, Ok(length)) => {
            frame.push(MASK | 126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(MASK | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_frames_of_all_three_lengths() {
        for length in [0_usize, 5, 125, 126, 65_535, 65_536] {
            let mut bytes = vec![FIN | TEXT];
            match length {
                0..=125 => bytes.push(length as u8),
                126..=65_535 => {
                    bytes.push(126);
                    bytes.extend((length as u16).to_be_bytes());
                }
                _ => {
                    bytes.push(127);
                    bytes.extend((length as u64).to_be_bytes());
                }
            }
            bytes.resize(bytes.len() + length, b'x');
            for cut in [0, 1, 2, 3, bytes.len() - 1] {
                if cut < bytes.len() {
                    assert_eq!(first(&bytes[..cut]), Ok(None), "{length} cut at {cut}");
                }
            }
            bytes.extend(b"next");
            let frame = first(&bytes).unwrap().unwrap();
            assert_eq!((frame.opcode, frame.is_final), (TEXT, true));
            assert_eq!((frame.payload.len(), frame.size), (length, bytes.len() - 4));
        }
    }

    #[test]
    fn refuses_what_a_server_may_not_send() {
        assert!(first(&[FIN | TEXT, MASK]).is_err());
        assert!(first(&[FIN | 0x20 | TEXT, 0]).is_err());
        assert!(first(&[FIN | TEXT, 127, 255, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn answers_are_masked() {
        assert_eq!(masked(PONG, b"hi"), [0x8A, 0x82, 0, 0, 0, 0, b'h', b'i']);
        assert_eq!(masked(TEXT, &[b'x'; 300])[..4], [0x81, 0xFE, 1, 44]);
        assert_eq!(masked(TEXT, &[b'x'; 70_000])[..10], [0x81, 0xFF, 0, 0, 0, 0, 0, 1, 17, 112]);
    }
}
