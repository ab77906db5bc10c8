//! Bars that are to be kept without being published: only the writer of a group may write.

use tickcast_shared::{
    bus::{ShardBatch, ShardId},
    market::{Bar, Topic},
};
use tokio::sync::{mpsc, oneshot};

/// Requests that wait for the writer: each venue has at most one under way.
const CAPACITY: usize = 16;
/// Bars in one write: put under newer ones, each costs the server a walk through the list.
const MAX_BARS: usize = 64;

/// Where bars are handed in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shelf(mpsc::Sender<Request>);

/// Where the writer takes them from.
#[derive(Debug)]
pub struct Requests(mpsc::Receiver<Request>);

/// Bars that are to be kept; none asks only whether the group is held.
#[derive(Debug)]
pub(super) struct Request {
    pub batch: ShardBatch,
    done: oneshot::Sender<()>,
}

/// The writer could not confirm it: they may be kept or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bus did not confirm the write")]
pub struct NotKept;

/// A shelf, and the writer's end of it.
#[must_use]
pub fn shelf() -> (Shelf, Requests) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    (Shelf(sender), Requests(receiver))
}

impl Shelf {
    /// Waits until this feed holds its group, however long that takes; for ever where the writer
    /// ends first.
    pub(crate) async fn held(&self) {
        if self.ask(ShardBatch::default()).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Keeps the bars as soon as this feed holds its group, and returns when that is confirmed.
    ///
    /// # Errors
    /// [`NotKept`] when the write failed, or the writer ended.
    pub(crate) async fn keep(&self, topic: &Topic, bars: &[Bar]) -> Result<(), NotKept> {
        for bars in bars.chunks(MAX_BARS) {
            let bars = bars.iter().map(|bar| (topic.clone(), bar.clone())).collect();
            self.ask(ShardBatch { shard: ShardId::of(topic), bars, ..ShardBatch::default() })
                .await?;
        }
        Ok(())
    }

    async fn ask(&self, batch: ShardBatch) -> Result<(), NotKept> {
        let (done, answer) = oneshot::channel();
        self.0.send(Request { batch, done }).await.map_err(|_| NotKept)?;
        answer.await.map_err(|_| NotKept)
    }
}

impl Requests {
    /// Waits for the next request; for ever where nobody has a shelf.
    pub(super) async fn next(&mut self) -> Request {
        match self.0.recv().await {
            Some(request) => request,
            None => std::future::pending().await,
        }
    }

    /// A request that waits.
    pub(super) fn waiting(&mut self) -> Option<Request> {
        self.0.try_recv().ok()
    }
}

impl Request {
    /// The bars are kept.
    pub(super) fn confirm(self) {
        // Whoever asked may be gone.
        let _ = self.done.send(());
    }
}
