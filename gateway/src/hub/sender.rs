//! How the writes of a pass reach the kernel: one system call each, or many in one by io_uring.

use super::{members::MemberId, pass::Batch};
use crate::client::{Conn, conn::Written};
use slab::Slab;
use std::rc::Rc;
use tracing::warn;

#[cfg(all(feature = "io-uring", target_os = "linux"))]
use super::ring::{Outgoing, Ring};

/// Writes of a pass that are made before other work gets its turn: some 2 ms.
const PLAIN_AT_ONCE: usize = 256;
/// The same with io_uring, which gains with every write in a batch; some 4 ms.
#[cfg(all(feature = "io-uring", target_os = "linux"))]
const RING_AT_ONCE: u32 = 1024;

/// The way of a shard's passes into the kernel.
#[derive(Debug)]
pub enum Sender {
    /// One send(2) a write.
    Plain,
    /// Batches through io_uring.
    #[cfg(all(feature = "io-uring", target_os = "linux"))]
    Ring(Box<Ring>),
}

impl Sender {
    /// The way that is wanted, or plain sends where io_uring is not to be had.
    #[must_use]
    pub fn new(wants_ring: bool) -> Self {
        if !wants_ring {
            return Self::Plain;
        }
        #[cfg(all(feature = "io-uring", target_os = "linux"))]
        match Ring::new(RING_AT_ONCE) {
            Ok(ring) => {
                tracing::info!("writes go through io_uring");
                return Self::Ring(Box::new(ring));
            }
            Err(error) => warn!(%error, "no io_uring; writes are plain sends"),
        }
        #[cfg(not(all(feature = "io-uring", target_os = "linux")))]
        warn!("built without io_uring; writes are plain sends");
        Self::Plain
    }

    /// How many writes it takes at once.
    #[must_use]
    pub fn at_once(&self) -> usize {
        match self {
            Self::Plain => PLAIN_AT_ONCE,
            #[cfg(all(feature = "io-uring", target_os = "linux"))]
            Self::Ring(_) => RING_AT_ONCE as usize,
        }
    }

    /// Makes the writes of a batch; `note` is told of those that were not taken whole.
    pub fn send(
        &mut self,
        batch: &Batch,
        conns: &Slab<Rc<Conn>>,
        mut note: impl FnMut(MemberId, Written),
    ) {
        let writes = batch.writes.iter().filter_map(|(id, payload)| {
            Some((*id, conns.get(id.index())?, &batch.payloads[*payload as usize]))
        });
        let mut noted = |id, written| {
            if written != Written::All {
                note(id, written);
            }
        };
        match self {
            Self::Plain => writes.for_each(|(id, conn, bytes)| noted(id, conn.write(bytes))),
            #[cfg(all(feature = "io-uring", target_os = "linux"))]
            Self::Ring(ring) => {
                use std::os::fd::AsFd;
                let (encrypted, writes): (Vec<_>, Vec<_>) =
                    writes.partition(|(_, conn, _)| conn.is_encrypted());
                encrypted.into_iter().for_each(|(id, conn, bytes)| noted(id, conn.write(bytes)));
                let sends: Vec<Outgoing<'_>> =
                    writes.iter().map(|(_, conn, bytes)| (conn.as_fd(), bytes.as_ref())).collect();
                let mut results = Vec::new();
                if let Err(error) = ring.send_all(&sends, &mut results) {
                    warn!(%error, "io_uring refused a batch; writes are plain sends from now on");
                }
                for ((id, conn, bytes), result) in writes.into_iter().zip(results) {
                    noted(id, conn.sent(result, bytes));
                }
            }
        }
    }
}
