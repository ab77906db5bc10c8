//! Stub.
use tickcast_shared::{admin::Queues, bus::LinkStatus, market::{Ticker, Topic}};
use std::sync::{Arc, Mutex};
/// Stub.
#[derive(Debug, Clone, Default)]
pub struct Outbox(Arc<Mutex<(Vec<(Topic, Ticker)>, Vec<LinkStatus>)>>);
#[allow(missing_docs, clippy::unwrap_used)]
impl Outbox {
    pub fn new(_queues: &Queues) -> Self { Self::default() }
    pub fn put(&self, topic: Topic, ticker: Ticker) { self.0.lock().unwrap().0.push((topic, ticker)); }
    pub fn remove(&self, _topic: Topic) {}
    pub fn set_link(&self, status: LinkStatus) { let mut i = self.0.lock().unwrap(); i.1.retain(|it| it.exchange != status.exchange); i.1.push(status); }
    pub fn links(&self) -> Vec<LinkStatus> { self.0.lock().unwrap().1.clone() }
}
