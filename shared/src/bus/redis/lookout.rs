//! Notices that a connection which still works leads to the wrong server.

use std::future::Future;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// Watches beside a connection for as long as that is kept.
pub(super) struct Lookout {
    over: CancellationToken,
    _task: Option<AbortOnDropHandle<()>>,
}

impl Lookout {
    /// For a server that cannot be the wrong one.
    pub(super) fn none() -> Self {
        Self { over: CancellationToken::new(), _task: None }
    }

    /// The connection is to be left once `moved` returns.
    pub(super) fn until(moved: impl Future<Output = ()> + Send + 'static) -> Self {
        let over = CancellationToken::new();
        let guard = over.clone().drop_guard();
        let task = tokio::spawn(async move {
            moved.await;
            drop(guard);
        });
        Self { over, _task: Some(AbortOnDropHandle::new(task)) }
    }

    /// Whether the connection is to be left.
    pub(super) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// Waits until the connection is to be left.
    pub(super) async fn over(&self) {
        self.over.cancelled().await;
    }
}
