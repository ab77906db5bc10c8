//! Faults on request, in builds for tests only: what becomes of a process when one of its tasks
//! breaks or stands still can then be shown with the real process.

use axum::Router;

/// `GET /testing/{fault}/{task}` with the faults `panic`, `hang` (it waits for ever) and `block` (so
/// does its thread); nothing in builds that are not for tests.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    #[cfg(feature = "testing")]
    return asked::routes();
    #[cfg(not(feature = "testing"))]
    Router::new()
}

/// The task itself; in builds for tests one that breaks when it is asked to by that name.
pub async fn breakable<T>(name: &'static str, task: impl Future<Output = T>) -> T {
    #[cfg(feature = "testing")]
    {
        // Pinned out here: a task that hangs is not dropped.
        let mut task = std::pin::pin!(task);
        tokio::select! {
            result = &mut task => result,
            fault = asked::asked(name) => fault.happen(name).await,
        }
    }
    #[cfg(not(feature = "testing"))]
    {
        let _ = name;
        task.await
    }
}

#[cfg(feature = "testing")]
mod asked {
    use axum::{Router, extract::Path, http::StatusCode, routing::get};
    use std::sync::LazyLock;
    use tokio::sync::watch;

    static ASKED: LazyLock<watch::Sender<Option<(Fault, String)>>> =
        LazyLock::new(|| watch::Sender::new(None));

    /// What is to become of a task.
    #[derive(Debug, Clone, Copy)]
    pub(super) enum Fault {
        Panic,
        Hang,
        Block,
    }

    impl Fault {
        fn of(name: &str) -> Option<Self> {
            match name {
                "panic" => Some(Self::Panic),
                "hang" => Some(Self::Hang),
                "block" => Some(Self::Block),
                _ => None,
            }
        }

        pub(super) async fn happen<T>(self, task: &str) -> T {
            match self {
                Self::Panic => panic!("{task} was asked to panic"),
                Self::Hang => std::future::pending().await,
                Self::Block => loop {
                    std::thread::park();
                },
            }
        }
    }

    pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
        // One task of that name breaks, or the next one that is started.
        let asked = async |Path((fault, task)): Path<(String, String)>| match Fault::of(&fault) {
            Some(fault) => {
                ASKED.send_replace(Some((fault, task)));
                (StatusCode::OK, "asked\n")
            }
            None => (StatusCode::NOT_FOUND, "panic, hang or block\n"),
        };
        Router::new().route("/testing/{fault}/{task}", get(asked))
    }

    /// Returns when the task of this name is to break, and how.
    pub(super) async fn asked(name: &str) -> Fault {
        let mut told = ASKED.subscribe();
        loop {
            let mut taken = None;
            // One task a request: whoever takes the name breaks.
            ASKED.send_if_modified(|asked| {
                taken = asked.take_if(|(_, task)| task == name);
                taken.is_some()
            });
            if let Some((fault, _)) = taken {
                return fault;
            }
            // The sender is never dropped.
            let _ = told.changed().await;
        }
    }
}
