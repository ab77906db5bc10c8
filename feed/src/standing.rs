//! How a feed does, in one line for operators.

use crate::outbox::Outbox;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tickcast_shared::{
    admin::{Readiness, Service},
    bus::{Group, LinkState},
};

/// `active in group main, epoch 1729757700001, 6 of 6 exchanges live`. Cheap to clone; looking never
/// waits.
#[derive(Debug, Clone)]
pub struct Standing {
    group: Group,
    outbox: Outbox,
    readiness: Readiness,
    /// The epoch that is held; 0 while there is none.
    epoch: Arc<AtomicU64>,
}

impl Standing {
    pub(crate) fn new(group: Group, outbox: Outbox, readiness: Readiness) -> Self {
        Self { group, outbox, readiness, epoch: Arc::default() }
    }

    pub(crate) fn hold(&self, epoch: u64) {
        self.epoch.store(epoch, Ordering::Relaxed);
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = &self.group;
        match (self.epoch.load(Ordering::Relaxed), self.readiness.service()) {
            (0, Service::Standby) => write!(f, "standing by for group {group}")?,
            (0, _) => write!(f, "not publishing: the lease of group {group} is not to be had yet")?,
            (epoch, _) => write!(f, "active in group {group}, epoch {epoch}")?,
        }
        let links = self.outbox.links();
        let live = links.iter().filter(|link| link.state == LinkState::Live).count();
        write!(f, ", {live} of {} exchanges live", links.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tickcast_shared::{
        admin::Queues,
        bus::LinkStatus,
        clock::Micros,
        market::{Reason, Source},
    };

    #[test]
    fn tells_what_the_feed_is_to_its_group() {
        let (outbox, readiness) = (Outbox::new(&Queues::default()), Readiness::default());
        let standing = Standing::new(Group::new("main"), outbox.clone(), readiness.clone());
        assert!(standing.to_string().starts_with("not publishing: "), "{standing}");
        readiness.enter(Service::Standby);
        for (exchange, state) in [("okx", LinkState::Live), ("kucoin", LinkState::Stale)] {
            let exchange = exchange.parse().unwrap();
            let (reason, since, source) = (Reason::NONE, Micros(1), Source::Stream);
            let (proven, reconnects) = (None, 0);
            let link = LinkStatus { exchange, state, reason, since, proven, reconnects, source };
            outbox.set_link(link);
        }
        assert_eq!(standing.to_string(), "standing by for group main, 1 of 2 exchanges live");
        standing.hold(7);
        assert_eq!(standing.to_string(), "active in group main, epoch 7, 1 of 2 exchanges live");
    }
}
