//! Waiting for what must come true, with a deadline and never longer than needed.

use std::time::{Duration, Instant};

/// How long anything may take on a loaded machine before it counts as broken.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Waits until `look` finds something, for [`DEADLINE`] at most.
///
/// # Panics
/// When it never does; `what` says what was waited for.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(DEADLINE, what, look).await
}

/// [`eventually`] with a deadline of its own, where that is what the test is about.
pub async fn eventually_within<T>(
    deadline: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < deadline, "waited {deadline:?} in vain: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
