//! The payloads of permessage-deflate (RFC 7692) without context takeover.
//!
//! One compressor and one decompressor a thread serve all its connections: nothing of a message is
//! kept for the next, so that a connection that compresses costs no more memory than another.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use std::cell::RefCell;

/// On messages of half a KiB the slowest level saves less than 1 % more than the fastest.
const LEVEL: Compression = Compression::new(1);
/// What a flush ends with and a sender leaves out (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// The same and a last empty block: its end is reached only if the message's blocks are whole.
const TAIL_AND_END: [u8; 9] = [0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff];
/// How much larger than its input the output is expected to be. Messages that compress better make
/// the buffer grow.
const USUAL_GROWTH: usize = 4;
/// The smallest step in which that buffer grows, in bytes.
const LEAST_ROOM: usize = 64;

/// Why a compressed payload gave no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// It is longer than allowed.
    #[error("message too big")]
    TooBig,
    /// Not the output of DEFLATE, or cut off.
    #[error("not a compressed message")]
    Corrupt,
}

thread_local! {
    static COMPRESS: RefCell<Compress> = RefCell::new(Compress::new(LEVEL, false));
    static DECOMPRESS: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// The compressed payload, if it is shorter.
#[must_use]
pub fn shrink(payload: &[u8]) -> Option<Vec<u8>> {
    compress(payload, payload.len())
}

/// The largest payload that can be a compressed message of `max` bytes, with room for a sender
/// whose compressor makes it larger (zlib's own most careful estimate, and some blocks more).
#[must_use]
pub fn compressed_limit(max: usize) -> usize {
    max.saturating_add(max / 8).saturating_add(64)
}

/// The message of a compressed payload; at most `max` bytes, and no more memory than that.
///
/// # Errors
/// [`InflateError`].
pub fn inflate(mut payload: Vec<u8>, max: usize) -> Result<Vec<u8>, InflateError> {
    payload.reserve_exact(TAIL_AND_END.len());
    payload.extend(TAIL_AND_END);
    let mut message = Vec::new();
    DECOMPRESS.with_borrow_mut(|state| decompress(state, &payload, max, &mut message))?;
    Ok(message)
}

/// The compressed payload, if it has fewer bytes than `room`.
fn compress(payload: &[u8], room: usize) -> Option<Vec<u8>> {
    // Room for all of it even if it does not shrink: what a compressor could not write stays in it.
    let mut compressed = Vec::with_capacity(compressed_limit(payload.len()) + TAIL.len());
    let is_whole = COMPRESS.with_borrow_mut(|state| {
        state.reset();
        let done = state.compress_vec(payload, &mut compressed, FlushCompress::Sync);
        let is_whole = done.is_ok()
            && state.total_in() == payload.len() as u64
            // A flush that fills the buffer to the end may not be over.
            && compressed.len() < compressed.capacity()
            && compressed.ends_with(&TAIL);
        if !is_whole {
            // A reset of zlib-rs (0.6.8) would not give back the space of what is left in it.
            *state = Compress::new(LEVEL, false);
        }
        is_whole
    });
    if !is_whole || compressed.len() >= room + TAIL.len() {
        return None;
    }
    compressed.truncate(compressed.len() - TAIL.len());
    Some(compressed)
}

fn decompress(
    state: &mut Decompress,
    mut input: &[u8],
    max: usize,
    message: &mut Vec<u8>,
) -> Result<(), InflateError> {
    state.reset(false);
    grow(message, input.len().saturating_mul(USUAL_GROWTH), max);
    loop {
        let (read, written) = (state.total_in(), message.len());
        let status = state
            .decompress_vec(input, message, FlushDecompress::None)
            .map_err(|_| InflateError::Corrupt)?;
        let used = usize::try_from(state.total_in() - read).unwrap_or(input.len());
        input = &input[used..];
        if message.len() > max {
            return Err(InflateError::TooBig);
        }
        match status {
            Status::StreamEnd if input.is_empty() => return Ok(()),
            // A last block of the sender's; what follows stands for itself.
            Status::StreamEnd => state.reset(false),
            _ if message.len() == message.capacity() => {
                grow(message, message.len().max(LEAST_ROOM), max);
            }
            _ if used == 0 && message.len() == written => return Err(InflateError::Corrupt),
            _ => {}
        }
    }
}

/// Makes room for `more` bytes, within the limit and one byte: that one tells that it is passed.
fn grow(message: &mut Vec<u8>, more: usize, max: usize) {
    let wanted = message.len().saturating_add(more).min(max.saturating_add(1));
    message.reserve_exact(wanted - message.len());
}

#[cfg(test)]
mod tests {
    use super::*;
    use miniz_oxide::{deflate::compress_to_vec, inflate::decompress_to_vec};
    use proptest::prelude::*;

    const MAX: usize = 1000;

    /// What another DEFLATE makes of a payload, brought into the form that goes over the wire.
    fn compressed_elsewhere(message: &[u8], level: u8) -> Vec<u8> {
        let mut payload = compress_to_vec(message, level);
        // Its last block is marked as such, so an empty block follows, less its tail.
        payload.push(0);
        payload
    }

    /// The examples of RFC 7692 section 7.2.3.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let once: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
        let stored: &[u8] = b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00";
        let last_block: &[u8] = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
        let two_blocks: &[u8] = b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
        for payload in [once, stored, last_block, two_blocks] {
            assert_eq!(inflate(payload.to_vec(), MAX).unwrap(), b"Hello", "{payload:x?}");
        }
        assert_eq!(inflate(vec![0], MAX), Ok(Vec::new()));
    }

    #[test]
    fn the_example_of_the_rfc_is_written() {
        let payload = compress(b"Hello", 64);
        assert_eq!(payload.as_deref(), Some(&b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..]));
        // The same again: nothing is taken over.
        assert_eq!(compress(b"Hello", 64), payload);
        assert_eq!(compress(b"", 64).as_deref(), Some(&b"\x00"[..]));
    }

    /// What a compressor had no room for must not be left in it: the next messages would have less
    /// room each, and one of them none.
    #[test]
    fn messages_that_do_not_shrink_leave_nothing_behind() {
        let mut state = 1_u64;
        let mut noise = |length: usize| -> Vec<u8> {
            let bytes = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.to_be_bytes()[0]
            });
            bytes.take(length).collect()
        };
        for length in [500, 5000, 50_000, 200_000] {
            for _ in 0..300_000 / length {
                assert_eq!(shrink(&noise(length)), None);
            }
        }
        assert_eq!(compress(b"Hello", 64).as_deref(), Some(&b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..]));
    }

    #[test]
    fn only_what_shrinks_is_compressed() {
        assert_eq!(shrink(b"Hello"), None);
        assert_eq!(shrink(b""), None);
        assert!(shrink(&[b'a'; 100]).unwrap().len() < 20);
        let compressed = compress(&[b'a'; 100], 64).unwrap();
        assert_eq!(compress(&[b'a'; 100], compressed.len()), None);
        assert!(compress(&[b'a'; 100], compressed.len() + 1).is_some());
    }

    #[test]
    fn a_bomb_is_refused_within_the_limit_of_memory() {
        let bomb = compressed_elsewhere(&vec![0; 16 << 20], 9);
        assert_eq!(inflate(bomb.clone(), MAX), Err(InflateError::TooBig));
        let mut message = Vec::new();
        let mut state = Decompress::new(false);
        let refused = decompress(&mut state, &bomb, MAX, &mut message);
        assert_eq!(refused, Err(InflateError::TooBig));
        assert!(message.capacity() <= MAX + 1);
        let fits = compressed_elsewhere(&[0; MAX], 9);
        assert_eq!(inflate(fits, MAX), Ok(vec![0; MAX]));
        assert_eq!(inflate(compressed_elsewhere(&[0; MAX + 1], 9), MAX), Err(InflateError::TooBig));
    }

    #[test]
    fn what_was_cut_off_is_no_message() {
        let whole = compress(&serde_json::to_vec(&vec![1234; 50]).unwrap(), MAX).unwrap();
        for end in 0..whole.len() {
            assert_eq!(inflate(whole[..end].to_vec(), MAX), Err(InflateError::Corrupt), "{end}");
        }
    }

    #[test]
    fn many_last_blocks_in_a_row_are_read() {
        let blocks = [3, 0].repeat(500).into_iter().chain([0]).collect();
        assert_eq!(inflate(blocks, MAX), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn another_decoder_reads_what_is_compressed(
            message in "([a-z]{0,9}|[{}\":,0-9]{0,9}|\\PC{0,3}){0,60}",
        ) {
            let message = message.into_bytes();
            let mut payload = compress(&message, compressed_limit(message.len())).unwrap();
            prop_assert_eq!(&inflate(payload.clone(), message.len()).unwrap(), &message);
            payload.extend(TAIL_AND_END);
            prop_assert_eq!(decompress_to_vec(&payload).unwrap(), message);
        }

        #[test]
        fn what_another_encoder_compressed_is_read(
            message in proptest::collection::vec(0_u8..9, 0..3000),
            level in 0_u8..10,
        ) {
            let payload = compressed_elsewhere(&message, level);
            prop_assert!(payload.len() <= compressed_limit(message.len()));
            let read = inflate(payload, MAX);
            match message.len() {
                0..=MAX => prop_assert_eq!(read.unwrap(), message),
                _ => prop_assert_eq!(read, Err(InflateError::TooBig)),
            }
        }

        #[test]
        fn hostile_payloads_stay_within_the_limit(
            payload in proptest::collection::vec(any::<u8>(), 0..300),
            max in 0_usize..400,
        ) {
            let mut message = Vec::new();
            let mut state = Decompress::new(false);
            let _ = decompress(&mut state, &payload, max, &mut message);
            prop_assert!(message.capacity() <= max + 1);
            if let Ok(message) = inflate(payload, max) {
                prop_assert!(message.len() <= max);
            }
        }
    }
}
