//! The state of a venue's link, put together from all its connections.

use crate::{metrics, outbox::Outbox};
use std::sync::{Mutex, PoisonError};
use tickcast_shared::{
    bus::{LinkState, LinkStatus},
    clock::Micros,
    market::{ExchangeId, Reason, Source},
    metric::GaugeSeries,
};

/// The connections of one venue.
pub(super) struct Links {
    outbox: Outbox,
    /// What a connection starts with.
    pending: LinkStatus,
    connections: Mutex<Vec<LinkStatus>>,
    /// 1 while the whole link delivers.
    live: GaugeSeries,
}

impl Links {
    pub(super) fn new(exchange: &ExchangeId, outbox: Outbox, now: Micros) -> Self {
        let pending = LinkStatus {
            exchange: exchange.clone(),
            state: LinkState::Pending,
            reason: Reason::AWAITING_DATA,
            since: now,
            proven: None,
            reconnects: 0,
            source: Source::Stream,
        };
        outbox.set_link(pending.clone());
        let live = metrics::LINK_LIVE.of([exchange.as_str()]);
        live.set(0.0);
        Self { outbox, pending, connections: Mutex::default(), live }
    }

    /// Another connection; returns its place.
    pub(super) fn join(&self) -> usize {
        let mut all = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(self.pending.clone());
        all.len() - 1
    }

    /// Each connection as it is now.
    pub(super) fn connections(&self) -> Vec<LinkStatus> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a connection's values come by its socket or by REST.
    pub(super) fn set_source(&self, connection: usize, source: Source) {
        self.change(connection, |status| status.source = source);
    }

    /// A connection's state, from now on.
    pub(super) fn enter(&self, connection: usize, state: LinkState, reason: Reason, now: Micros) {
        self.change(connection, |status| {
            if status.state != state || status.reason != reason {
                status.state = state;
                status.reason = reason;
                status.since = now;
            }
        });
    }

    /// A connection's last proof of life.
    pub(super) fn prove(&self, connection: usize, proven: Micros) {
        self.change(connection, |status| status.proven = Some(proven));
    }

    /// How often a connection was dialled again after having been up.
    pub(super) fn count(&self, connection: usize, reconnects: u64) {
        self.change(connection, |status| status.reconnects = reconnects);
    }

    fn change(&self, connection: usize, change: impl FnOnce(&mut LinkStatus)) {
        let mut all = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(status) = all.get_mut(connection) {
            change(status);
        }
        if let Some(whole) = combined(&all) {
            self.live.set(f64::from(u8::from(whole.state == LinkState::Live)));
            self.outbox.set_link(whole);
        }
    }
}

/// The venue's link is as bad as its worst connection. One that has nothing to subscribe to does
/// not count beside others.
fn combined(connections: &[LinkStatus]) -> Option<LinkStatus> {
    let badness = |status: &&LinkStatus| match status.state {
        LinkState::Stale => 3,
        LinkState::Pending => 2,
        LinkState::Live => 1,
        LinkState::Halted => 0,
    };
    let oldest_proof = |status: &&LinkStatus| std::cmp::Reverse(status.proven);
    let worst = connections.iter().max_by_key(|it| (badness(it), oldest_proof(it)))?;
    let reconnects = connections.iter().map(|status| status.reconnects).sum();
    let polled = connections.iter().any(|status| status.source == Source::Poll);
    let source = if polled { Source::Poll } else { Source::Stream };
    Some(LinkStatus { reconnects, source, ..worst.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: LinkState, proven: i64) -> LinkStatus {
        LinkStatus {
            exchange: "okx".parse().unwrap(),
            state,
            reason: Reason::NONE,
            since: Micros(0),
            proven: Some(Micros(proven)),
            reconnects: 2,
            source: Source::Stream,
        }
    }

    #[test]
    fn the_worst_connection_decides() {
        use LinkState::{Halted, Live, Stale};
        let whole = combined(&[status(Live, 9), status(Stale, 5), status(Live, 7)]).unwrap();
        assert_eq!((whole.state, whole.reconnects), (Stale, 6));
        let whole = combined(&[status(Live, 9), status(Halted, 1), status(Live, 7)]).unwrap();
        assert_eq!((whole.state, whole.proven), (Live, Some(Micros(7))));
        assert_eq!(combined(&[status(Halted, 1)]).unwrap().state, Halted);
    }
}
