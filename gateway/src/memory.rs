//! How much memory the process may take, how much it has, and what is done when it gets short: first
//! newcomers are refused, then the slowest clients have to go.

mod bound;

use crate::{
    door::Door,
    hub::Hub,
    metrics::Metrics,
    reload::{InForce, Setup},
};
use bound::Bound;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often it is looked: faster than clients can fill what is left.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Looks between two rounds of closing clients: the allocator gives pages back after a second, and
/// what the last round freed should be seen before the next.
const LOOKS_BETWEEN_SHEDS: u32 = 6;
/// Parts of a hundred of the bound from which on newcomers are refused.
const REFUSE_FROM: u64 = 85;
/// The same from which on clients have to go.
const SHED_FROM: u64 = 92;
/// They are let in again below this: not at once after having been refused.
const ACCEPT_BELOW: u64 = 80;

/// Watches until cancelled, by the bound that is in force; without any there is nothing to watch.
pub async fn watch(
    mut in_force: InForce,
    door: Arc<Door>,
    hub: Hub,
    metrics: Metrics,
    token: CancellationToken,
) -> Result<(), Infallible> {
    let mut watcher = Watcher::default();
    loop {
        let configured_mib = in_force.borrow_and_update().config.limits.max_memory_mib;
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = watcher.watch(configured_mib, &door, &hub, &metrics) => {}
            () = another_bound(&mut in_force, configured_mib) => {}
        }
    }
}

async fn another_bound(in_force: &mut InForce, configured_mib: u64) {
    let differs = |setup: &Arc<Setup>| setup.config.limits.max_memory_mib != configured_mib;
    if in_force.wait_for(differs).await.is_err() {
        // Nobody is left who could put other settings in force.
        std::future::pending::<()>().await;
    }
}

impl Watcher {
    /// Looks for ever.
    async fn watch(&mut self, configured_mib: u64, door: &Door, hub: &Hub, metrics: &Metrics) {
        let Some(bound) = Bound::find(configured_mib) else {
            self.is_short = false;
            door.set_memory_is_short(false);
            return std::future::pending().await;
        };
        info!(mib = bound.bytes() >> 20, "memory is bounded");
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Some(used) = bound.used() else { continue };
            metrics.memory_used(used as f64 / bound.bytes() as f64);
            let act = self.look(used, bound.bytes());
            door.set_memory_is_short(self.is_short);
            if act {
                hub.shed().await;
            }
        }
    }
}

/// What the last looks have shown.
#[derive(Debug, Default)]
struct Watcher {
    is_short: bool,
    looks_since_shed: u32,
}

impl Watcher {
    /// Whether clients have to go now.
    fn look(&mut self, used: u64, bound: u64) -> bool {
        let part = used.saturating_mul(100) / bound.max(1);
        let was_short = self.is_short;
        self.is_short = part >= if was_short { ACCEPT_BELOW } else { REFUSE_FROM };
        if self.is_short != was_short {
            let (used_mib, bound_mib) = (used >> 20, bound >> 20);
            if self.is_short {
                warn!(used_mib, bound_mib, "memory is short; refusing new connections");
            } else {
                info!(used_mib, bound_mib, "memory suffices again; accepting connections");
            }
        }
        self.looks_since_shed = self.looks_since_shed.saturating_add(1);
        let shed = part >= SHED_FROM && self.looks_since_shed >= LOOKS_BETWEEN_SHEDS;
        if shed {
            self.looks_since_shed = 0;
        }
        shed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newcomers_are_refused_before_anybody_has_to_go() {
        let mut watcher = Watcher { looks_since_shed: LOOKS_BETWEEN_SHEDS, ..Watcher::default() };
        assert!(!watcher.look(84, 100) && !watcher.is_short);
        assert!(!watcher.look(85, 100) && watcher.is_short);
        assert!(watcher.look(92, 100), "the first look that is too high");
        for _ in 1..LOOKS_BETWEEN_SHEDS {
            assert!(!watcher.look(99, 100), "what was freed is not seen yet");
        }
        assert!(watcher.look(99, 100));
        assert!(!watcher.look(80, 100) && watcher.is_short, "not at the first sign of room");
        assert!(!watcher.look(79, 100) && !watcher.is_short);
    }
}
