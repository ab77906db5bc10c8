//! Panics on request, in builds for tests only: what becomes of a process when one of its tasks
//! breaks can then be shown with the real process.

use axum::Router;

/// `GET /testing/panic/{task}`; nothing in builds that are not for tests.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    #[cfg(feature = "testing")]
    return asked::routes();
    #[cfg(not(feature = "testing"))]
    Router::new()
}

/// The task itself; in builds for tests one that panics when it is asked to by that name.
pub async fn breakable<T>(name: &'static str, task: impl Future<Output = T>) -> T {
    #[cfg(feature = "testing")]
    tokio::select! {
        result = task => result,
        () = asked::asked(name) => panic!("{name} was asked to panic"),
    }
    #[cfg(not(feature = "testing"))]
    {
        let _ = name;
        task.await
    }
}

#[cfg(feature = "testing")]
mod asked {
    use axum::{Router, extract::Path, routing::get};
    use std::sync::LazyLock;
    use tokio::sync::watch;

    static ASKED: LazyLock<watch::Sender<String>> = LazyLock::new(|| watch::Sender::new("".into()));

    pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
        // One task of that name breaks, or the next one that is started.
        let asked = async |Path(name): Path<String>| {
            ASKED.send_replace(name);
            "asked\n"
        };
        Router::new().route("/testing/panic/{task}", get(asked))
    }

    /// Returns when the task of this name is to panic.
    pub(super) async fn asked(name: &str) {
        let mut told = ASKED.subscribe();
        loop {
            // One task a request: whoever takes the name breaks.
            if ASKED.send_if_modified(|asked| *asked == name && !std::mem::take(asked).is_empty()) {
                return;
            }
            // The sender is never dropped.
            let _ = told.changed().await;
        }
    }
}
