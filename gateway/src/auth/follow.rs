//! The key sets of whatever authentication is in force are kept up to date; others are left alone.

use super::key_set::KeySet;
use crate::{metrics::Metrics, reload::InForce};
use std::sync::Arc;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Follows them until cancelled.
///
/// # Errors
/// When the task of a set has panicked.
pub async fn run(
    mut in_force: InForce,
    metrics: Metrics,
    stop: CancellationToken,
) -> Result<(), JoinError> {
    let mut followed: Vec<(Arc<KeySet>, DropGuard)> = Vec::new();
    let mut running = JoinSet::new();
    loop {
        let auth = in_force.borrow_and_update().auth.clone();
        let sets: Vec<Arc<KeySet>> =
            auth.iter().flat_map(|auth| auth.key_sets()).cloned().collect();
        followed.retain(|(set, _)| sets.iter().any(|it| Arc::ptr_eq(it, set)));
        for set in sets {
            if !followed.iter().any(|(it, _)| Arc::ptr_eq(it, &set)) {
                let token = stop.child_token();
                running.spawn(set.clone().follow(metrics.clone(), token.clone()));
                followed.push((set, token.drop_guard()));
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            Some(ended) = running.join_next() => drop(ended?),
            changed = in_force.changed() => {
                if changed.is_err() {
                    // Nobody is left who could put other settings in force.
                    stop.cancelled().await;
                }
            }
        }
    }
}
