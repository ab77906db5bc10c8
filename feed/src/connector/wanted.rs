//! What is wanted of a venue, told while its roster works.

use crate::{
    config::{Selection, VenuePlan},
    quality::Change,
};
use std::{
    collections::HashSet,
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tickcast_shared::market::Topic;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What is wanted of a venue; it can be changed while the roster works. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Wanted(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    selection: Mutex<Selection>,
    changed: Notify,
    /// Topics found before anybody has asked for them; `None` from then on.
    early: Mutex<Option<Vec<Change>>>,
    /// Topics announced after that, until somebody asks for them.
    late: Mutex<HashSet<Topic>>,
    late_came: Notify,
    /// Cancelled when the patterns have been expanded for the first time.
    expanded: CancellationToken,
    /// What patterns may expand to.
    most: AtomicUsize,
    /// Nothing is wanted any more: the roster ends once everything has been removed.
    is_retired: AtomicBool,
}

impl Wanted {
    pub(crate) fn new(selection: Selection, most: usize) -> Self {
        let expanded = CancellationToken::new();
        if !selection.has_patterns() {
            expanded.cancel();
        }
        Self(Arc::new(Inner {
            selection: Mutex::new(selection),
            changed: Notify::new(),
            early: Mutex::new(Some(Vec::new())),
            late: Mutex::default(),
            late_came: Notify::new(),
            expanded,
            most: AtomicUsize::new(most),
            is_retired: AtomicBool::new(false),
        }))
    }

    /// Wants these symbols from now on: new ones are announced and subscribed to, those that are
    /// not among them are shown as `halted/unconfigured` and then removed, all others go on as if
    /// nothing had happened.
    pub fn set(&self, selection: Selection) {
        *self.0.selection.lock().unwrap_or_else(PoisonError::into_inner) = selection;
        self.0.changed.notify_one();
    }

    /// Wants what a plan says from now on, see [`Self::set`].
    pub fn follow(&self, plan: &VenuePlan) {
        self.0.most.store(plan.max_symbols, Ordering::Relaxed);
        self.0.is_retired.store(false, Ordering::Relaxed);
        self.set(plan.selection.clone());
    }

    /// Wants nothing any more. Once all topics are removed the roster ends, unless it is given
    /// something to do again before.
    pub fn retire(&self) {
        self.0.is_retired.store(true, Ordering::Relaxed);
        self.set(Selection::default());
    }

    pub(super) fn is_retired(&self) -> bool {
        self.0.is_retired.load(Ordering::Relaxed)
    }

    /// What patterns may expand to.
    pub(super) fn most(&self) -> usize {
        self.0.most.load(Ordering::Relaxed)
    }

    /// The topics to begin with, once the patterns have been expanded for the first time or
    /// `patience` is over. What is found later is announced like any other change.
    pub async fn first_topics(&self, patience: Duration) -> Vec<Change> {
        let _ = tokio::time::timeout(patience, self.0.expanded.cancelled()).await;
        let mut early = self.0.early.lock().unwrap_or_else(PoisonError::into_inner);
        early.take().unwrap_or_default()
    }

    /// The topics announced after the first ones and not asked for yet, once there is one.
    pub(crate) async fn late_topics(&self) -> Vec<Topic> {
        loop {
            let late = mem::take(&mut *self.0.late.lock().unwrap_or_else(PoisonError::into_inner));
            if !late.is_empty() {
                return late.into_iter().collect();
            }
            self.0.late_came.notified().await;
        }
    }

    /// Announces a topic: kept for whoever asks for the first ones, or given back, to be told to all.
    pub(super) fn announce(&self, announced: Change) -> Option<Change> {
        if let Some(early) = &mut *self.0.early.lock().unwrap_or_else(PoisonError::into_inner) {
            early.push(announced);
            return None;
        }
        let mut late = self.0.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.insert(announced.0.clone());
        self.0.late_came.notify_one();
        Some(announced)
    }

    /// Patterns have been expanded.
    pub(super) fn expanded(&self) {
        self.0.expanded.cancel();
    }

    /// Waits for something else to be wanted.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// It is to be looked at once more.
    pub(super) fn look_again(&self) {
        self.0.changed.notify_one();
    }

    pub(super) fn selection(&self) -> Selection {
        self.0.selection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
