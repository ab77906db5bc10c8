//! The frames of one flush, as well or as badly as the faults in force want them.

use super::{
    faults::{Faults, Framing, framing},
    stage::Stage,
};
use std::sync::atomic::Ordering;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// What is about to be written, in order.
#[derive(Debug)]
pub(super) struct Outgoing {
    framing: Framing,
    garbage: bool,
    /// Market data that is not in a frame yet.
    due: Vec<Utf8Bytes>,
    frames: Vec<Message>,
    /// Messages of market data in all.
    pub(super) data: u64,
}

impl Outgoing {
    pub(super) fn new(faults: &Faults) -> Self {
        let (framing, garbage) = (faults.framing, faults.garbage);
        Self { framing, garbage, due: Vec::new(), frames: Vec::new(), data: 0 }
    }

    /// Adds market data.
    pub(super) fn data(&mut self, text: Utf8Bytes, stage: &Stage) {
        if self.garbage {
            let count = stage.counters.garbage.fetch_add(1, Ordering::Relaxed);
            self.other(framing::garbage(count));
        }
        self.data += 1;
        self.due.push(text);
    }

    /// Adds anything else, which no fault spoils.
    pub(super) fn other(&mut self, message: Message) {
        self.frame();
        self.frames.push(message);
    }

    pub(super) fn into_frames(mut self) -> Vec<Message> {
        self.frame();
        self.frames
    }

    fn frame(&mut self) {
        let texts = std::mem::take(&mut self.due);
        self.frames.extend(self.framing.frames(texts));
    }
}
