//! Opens deflated messages, of which only a sample is looked into.

use flate2::{Decompress, FlushDecompress, Status};

/// One deflated message in so many is opened: enough for percentiles, cheap for the swarm.
const SAMPLE: u64 = 64;
/// What a sender has cut off the end of a deflated message (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// Longest message opened, in bytes; more is not a ticker.
const MAX_BYTES: usize = 256 * 1024;

/// Opens messages, each for itself.
#[derive(Debug)]
pub(super) struct Inflater {
    state: Decompress,
    seen: u64,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self { state: Decompress::new(false), seen: 0 }
    }

    /// Whether the next message belongs to the sample.
    pub(super) fn is_sampled(&mut self) -> bool {
        self.seen += 1;
        self.seen % SAMPLE == 1
    }

    /// The message's bytes; nothing when they are no deflated data.
    pub(super) fn open(&mut self, payload: &[u8]) -> Option<Vec<u8>> {
        self.state.reset(false);
        let mut message = Vec::with_capacity(1024.max(payload.len() * 4));
        for part in [payload, &TAIL] {
            let mut rest = part;
            loop {
                let before = self.state.total_in();
                let flush = FlushDecompress::Sync;
                let status = self.state.decompress_vec(rest, &mut message, flush).ok()?;
                let used = usize::try_from(self.state.total_in() - before).ok()?;
                rest = rest.get(used..)?;
                let full = message.len() == message.capacity();
                if status == Status::StreamEnd || (rest.is_empty() && !full) {
                    break;
                }
                if !full || message.len() > MAX_BYTES {
                    return None;
                }
                message.reserve(message.len());
            }
        }
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};

    fn deflated(message: &[u8]) -> Vec<u8> {
        let mut packed = Vec::with_capacity(message.len() + 64);
        let mut compress = Compress::new(Compression::default(), false);
        compress.compress_vec(message, &mut packed, FlushCompress::Sync).unwrap();
        assert_eq!(packed.split_off(packed.len() - 4), TAIL);
        packed
    }

    #[test]
    fn opens_what_was_deflated_and_refuses_the_rest() {
        let mut inflater = Inflater::new();
        for message in ["{}".to_owned(), "price ".repeat(2000)] {
            let opened = inflater.open(&deflated(message.as_bytes())).unwrap();
            assert_eq!(opened, message.as_bytes());
        }
        assert_eq!(inflater.open(&[0xff; 40]), None);
    }

    #[test]
    fn a_sample_is_a_small_part() {
        let mut inflater = Inflater::new();
        let sampled = (0..640).filter(|_| inflater.is_sampled()).count();
        assert_eq!(sampled, 10);
    }
}
