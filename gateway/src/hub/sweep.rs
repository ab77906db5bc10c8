//! One sweep a shard: pings and heartbeat time-outs, a share of the members at a time, and clients
//! that have been slow for too long, in reading or in ending what they began to send.

use super::{drain, members::MemberId, shard::Shard};
use crate::wire::encode;
use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};
use tickcast_shared::{
    clock::Micros,
    progress::{IDLE_TURN, Mark},
    protocol::Close,
};
use tokio::time::MissedTickBehavior;

/// Parts into which a heartbeat interval is cut, so that pings do not go out all at once.
const SLICES: u32 = 16;
/// Heartbeats that may pass in silence.
pub const MISSES: u32 = 3;
/// Looks at slow clients in the time that they are granted: how exactly it is kept.
const LOOKS: u32 = 20;

/// One connection of so many goes when memory is short.
const SHED_PART: usize = 50;
/// How often it is looked for tokens that have expired, or have not come in time.
const TOKENS_EVERY: Duration = Duration::from_millis(250);

/// Runs for as long as the shard, by the times that are in force.
pub async fn run(shard: Rc<RefCell<Shard>>, mark: Mark) {
    let configured = shard.borrow().configured.clone();
    loop {
        tokio::select! {
            () = sweep(&shard, &mark) => {}
            () = configured.notified() => {}
        }
    }
}

async fn sweep(shard: &RefCell<Shard>, mark: &Mark) {
    let (heartbeat, patience, message) = {
        let limits = &shard.borrow().config.limits;
        (limits.heartbeat(), limits.slow_client_timeout(), limits.message_timeout())
    };
    let mut beat = tokio::time::interval(heartbeat / SLICES);
    let mut look = tokio::time::interval(patience / LOOKS);
    let mut tokens = tokio::time::interval(TOKENS_EVERY);
    tokens.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut unfinished = tokio::time::interval(message / LOOKS);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    unfinished.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut slice = 0;
    let mut idle = tokio::time::interval(IDLE_TURN);
    loop {
        mark.turn();
        tokio::select! {
            _ = idle.tick() => {}
            _ = beat.tick() => {
                slice = (slice + 1) % SLICES;
                ping_slice(&mut shard.borrow_mut(), slice, heartbeat);
            }
            _ = tokens.tick() => shard.borrow_mut().close_overdue(),
            _ = look.tick() => {
                let mut shard = shard.borrow_mut();
                evict(&mut shard, patience);
                shard.show();
            }
            _ = unfinished.tick() => give_up(&mut shard.borrow_mut(), message),
        }
    }
}

fn ping_slice(shard: &mut Shard, slice: u32, heartbeat: Duration) {
    if slice == 0 {
        shard.paces.forget_quiet();
    }
    let now = Instant::now();
    for id in shard.members() {
        let Some(conn) = shard.conn(id) else { continue };
        let encoding = shard.fan.table(id).encoding();
        // Looked at in every slice: who is silent goes in time, wherever its own ping stands. A client
        // that can say nothing is told of by the kernel, which gives up what nobody acknowledges.
        let is_silent = now.duration_since(conn.heard()) >= heartbeat * MISSES;
        if is_silent && !encoding.only_listens() {
            shard.close(id, Close::HeartbeatTimeout, None);
        } else if id.0 % SLICES == slice && !conn.is_paused() && !conn.is_closing() {
            conn.ping_sent();
            shard.answer(id, encode::heartbeat(encoding));
        }
    }
}

/// Closes a part of the shard's connections, those that are behind for longest first.
pub fn shed(shard: &mut Shard) {
    let mut all = shard.members();
    all.retain(|id| shard.conn(*id).is_some_and(|conn| !conn.is_closing()));
    let count = all.len().div_ceil(SHED_PART);
    let mut behind: Vec<_> = shard.fan.behind().map(|(id, it)| (it.since(), id)).collect();
    behind.sort_unstable();
    let slowest = behind.into_iter().map(|(_, id)| id);
    // Where nobody is slow, those that came last go: their numbers are mostly the highest.
    let order: Vec<MemberId> = slowest.chain(all.into_iter().rev()).collect();
    for id in order.into_iter().take(count) {
        shard.metrics.limited("memory");
        shard.close(id, Close::Overloaded, Some(drain::reconnect_after_ms()));
    }
}

fn evict(shard: &mut Shard, patience: Duration) {
    let now = shard.clock.now();
    // Whoever would be over its time before the next look goes now: nobody has longer than granted.
    let granted = patience - patience / LOOKS;
    let since = Micros(now.0 - i64::try_from(granted.as_micros()).unwrap_or(i64::MAX));
    for id in shard.stalled_since(since) {
        shard.close(id, Close::SlowConsumer, None);
    }
}

/// Closes clients whose message does not end. Who is not read from until it has accepted its
/// answers may have sent the rest long ago, and gets the time anew.
fn give_up(shard: &mut Shard, patience: Duration) {
    for id in shard.unfinished.overdue(Instant::now(), patience) {
        if shard.conn(id).is_some_and(|conn| !conn.is_paused()) {
            shard.metrics.limited("message_time");
            shard.close(id, Close::Policy, None);
        }
    }
}
