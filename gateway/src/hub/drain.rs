//! Shutdown of a shard: every connection is told to come back elsewhere, spread over a window.

use super::{members::MemberId, shard::Shard};
use std::{
    cell::RefCell,
    rc::Rc,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tickcast_shared::protocol::Close;
use tokio::{sync::oneshot, time::Instant};

/// A shard closes at least so many connections a second: a window is there to protect the other
/// gateways from a storm, and a handful of clients is none.
const MIN_CLOSES_PER_SECOND: u32 = 100;
/// Upper end of the wait that clients are told, so that those closed together do not dial together. Short
/// enough for a client to have values again within two seconds; the window spreads them over more.
const MAX_RECONNECT_AFTER_MS: u64 = 1500;
/// Between the waits of two clients that are told one after the other.
const STEP_MS: u64 = 1103;
/// How long after the last close connections may take to go.
const LAST_CALL: Duration = Duration::from_secs(3);
/// How often it is looked whether all are gone.
const CHECK_EVERY: Duration = Duration::from_millis(20);

/// Closes all connections; answers when none is left or the last call is over.
pub async fn run(shard: Rc<RefCell<Shard>>, done: oneshot::Sender<()>) {
    let (members, window) = {
        let mut shard = shard.borrow_mut();
        shard.is_draining = true;
        (shard.members(), Duration::from_millis(shard.config.limits.drain_window_ms))
    };
    let start = Instant::now();
    let count = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let span = window.min(Duration::from_secs(1) * count / MIN_CLOSES_PER_SECOND);
    for (position, id) in (0_u32..).zip(members) {
        tokio::time::sleep_until(start + span * position / count).await;
        close(&mut shard.borrow_mut(), id);
    }
    let deadline = Instant::now() + LAST_CALL;
    while !shard.borrow().is_empty() && Instant::now() < deadline {
        tokio::time::sleep(CHECK_EVERY).await;
        // Connections that were being handed over when the drain began.
        let late = shard.borrow().members();
        late.into_iter().for_each(|id| close(&mut shard.borrow_mut(), id));
    }
    for conn in shard.borrow().members().iter().filter_map(|id| shard.borrow().conn(*id).cloned()) {
        conn.reset();
    }
    // Nobody waits for it any more: nothing is lost.
    let _ = done.send(());
}

/// Tells one connection to come back after a while that differs from the others'.
pub fn close(shard: &mut Shard, id: MemberId) {
    shard.close(id, Close::Restart, Some(reconnect_after_ms()));
}

/// A wait that differs from those told before: steps of a number prime to the whole range reach each
/// value of it once before any again.
#[must_use]
pub fn reconnect_after_ms() -> u64 {
    static TOLD: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(rand::random()));
    TOLD.fetch_add(STEP_MS, Ordering::Relaxed) % MAX_RECONNECT_AFTER_MS + 1
}
