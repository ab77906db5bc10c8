//! Shutdown of a shard: every connection is told to come back elsewhere, spread over a window.

use super::{members::MemberId, shard::Shard};
use crate::client::{closing, conn::Phase};
use std::{cell::RefCell, rc::Rc, time::Duration};
use tickcast_shared::protocol::Close;
use tokio::{sync::oneshot, time::Instant};

/// A shard closes at least so many connections a second: a window is there to protect the other
/// gateways from a storm, and a handful of clients is none.
const MIN_CLOSES_PER_SECOND: u32 = 100;
/// Upper end of the wait that clients are told, so that those closed together do not dial together.
const MAX_RECONNECT_AFTER_MS: u64 = 3000;
/// How long after the last close connections may take to go.
const LAST_CALL: Duration = Duration::from_secs(3);
/// How often it is looked whether all are gone.
const CHECK_EVERY: Duration = Duration::from_millis(20);

/// Closes all connections; answers when none is left or the last call is over.
pub async fn run(shard: Rc<RefCell<Shard>>, done: oneshot::Sender<()>) {
    let (members, window) = {
        let mut shard = shard.borrow_mut();
        shard.draining = true;
        let members: Vec<MemberId> = shard.members.iter().map(|(id, _)| id).collect();
        (members, Duration::from_millis(shard.config.limits.drain_window_ms))
    };
    let start = Instant::now();
    let count = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let span = window.min(Duration::from_secs(1) * count / MIN_CLOSES_PER_SECOND);
    for (position, id) in (0_u32..).zip(members) {
        tokio::time::sleep_until(start + span * position / count).await;
        close(&shard, id);
    }
    let deadline = Instant::now() + LAST_CALL;
    while !shard.borrow().members.is_empty() && Instant::now() < deadline {
        tokio::time::sleep(CHECK_EVERY).await;
        // Connections that were being handed over when the drain began.
        let late: Vec<MemberId> = shard.borrow().members.iter().map(|(id, _)| id).collect();
        late.into_iter().for_each(|id| close(&shard, id));
    }
    for (_, member) in shard.borrow().members.iter() {
        member.conn.reset();
    }
    // Nobody waits for it any more: nothing is lost.
    let _ = done.send(());
}

/// Tells one connection to come back after a while that differs from the others'. One that catches
/// up is told by its own session, at the end of the piece that is under way.
pub fn close(shard: &Rc<RefCell<Shard>>, id: MemberId) {
    let mut shard = shard.borrow_mut();
    let Some(conn) = shard.members.get(id).map(|member| member.conn.clone()) else { return };
    match conn.phase() {
        Phase::Closing | Phase::CatchingUp { .. } => {}
        Phase::Open => {
            shard.detach(id);
            shard.metrics.closed(Close::Restart);
            let wait = rand::random_range(1..=MAX_RECONNECT_AFTER_MS);
            closing::tell(&conn, &[], Close::Restart, Some(wait));
        }
    }
}
