//! Pings and heartbeat time-outs: one sweep a shard, a share of the members at a time.

use super::{members::MemberId, shard::Shard};
use crate::{
    client::{closing, conn::Phase, conn::Written},
    wire::encode,
};
use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};
use tickcast_shared::protocol::Close;
use tokio::time::MissedTickBehavior;

/// Parts into which a heartbeat interval is cut, so that pings do not go out all at once.
const SLICES: u32 = 16;
/// Heartbeats that may pass in silence.
const MISSES: u32 = 3;

/// Runs for as long as the shard.
pub async fn run(shard: Rc<RefCell<Shard>>) {
    let heartbeat = shard.borrow().config.limits.heartbeat();
    let mut timer = tokio::time::interval(heartbeat / SLICES);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ping = encode::ping();
    let mut slice = 0;
    loop {
        timer.tick().await;
        slice = (slice + 1) % SLICES as usize;
        sweep(&shard, slice, heartbeat, &ping);
    }
}

fn sweep(shard: &Rc<RefCell<Shard>>, slice: usize, heartbeat: Duration, ping: &[u8]) {
    let now = Instant::now();
    let due: Vec<MemberId> = shard
        .borrow()
        .members
        .iter()
        .map(|(id, _)| id)
        .filter(|id| id.0 % SLICES as usize == slice)
        .collect();
    for id in due {
        let Some(conn) = shard.borrow().members.get(id).map(|member| member.conn.clone()) else {
            continue;
        };
        // A connection that catches up has its own deadline, and a ping would cut its frame.
        if conn.phase() != Phase::Open {
            continue;
        }
        let close = if now.duration_since(conn.heard()) >= heartbeat * MISSES {
            Some((Close::HeartbeatTimeout, &ping[..0]))
        } else {
            match conn.write(ping) {
                Written::All | Written::Gone => None,
                Written::Part(0) => Some((Close::SlowConsumer, &ping[..0])),
                Written::Part(count) => Some((Close::SlowConsumer, &ping[count..])),
            }
        };
        if let Some((close, rest)) = close {
            let mut shard = shard.borrow_mut();
            shard.detach(id);
            shard.metrics.closed(close);
            closing::tell(&conn, rest, close, None);
        }
    }
}
