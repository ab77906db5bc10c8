//! Clients that come back: each dials again whenever it loses its connection, as a good client does,
//! and remembers how long it went without values.
//!
//! - `client`: one of them; [`book`]: what they all remember

pub mod book;
mod client;

pub use book::{Absence, Book, Latency};

use crate::{
    descriptors::{self, DescriptorError},
    swarm::{TargetError, dial::Target, scan::Scanner},
};
use std::{
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};
use tickcast_shared::clock::Clock;
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Between two looks at what they remember.
const LOOK: Duration = Duration::from_millis(10);

/// What clients there are.
#[derive(Debug, Clone)]
pub struct RegularsConfig {
    /// Where they dial, again and again: a balancer or a gateway.
    pub url: String,
    /// How many.
    pub clients: usize,
    /// What each subscribes to, in its address.
    pub topics: Vec<String>,
    /// First dials a second.
    pub connect_rate: u32,
    /// Where they dial from; nothing: as the system likes.
    pub source: Option<Ipv4Addr>,
}

/// They could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RegularsError {
    /// The address cannot be dialled.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Too few descriptors.
    #[error(transparent)]
    Descriptors(#[from] DescriptorError),
    /// Their thread does not start.
    #[error("cannot start the thread of clients: {0}")]
    Thread(#[from] io::Error),
}

/// Running clients. Dropped, they go.
#[derive(Debug)]
pub struct Regulars {
    book: Arc<Mutex<Book>>,
    stop: Option<DropGuard>,
    thread: Option<JoinHandle<()>>,
}

/// What all of them share.
#[derive(Debug)]
struct Shared {
    target: Target,
    config: RegularsConfig,
    scanner: Scanner,
    clock: Clock,
    book: Arc<Mutex<Book>>,
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }
}

impl Regulars {
    /// Starts a thread with all of them, which start to dial at once.
    ///
    /// # Errors
    /// [`RegularsError`]
    pub async fn start(config: RegularsConfig) -> Result<Self, RegularsError> {
        descriptors::provide(config.clients)?;
        let target = Target::find(&config.url).await?;
        let book = Arc::new(Mutex::new(Book::new(config.clients, config.topics.len())));
        let (scanner, clock) = (Scanner::new(), Clock::start());
        let shared = Arc::new(Shared { target, config, scanner, clock, book: book.clone() });
        let stop = CancellationToken::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stopped = stop.clone();
        let live = async move {
            let begun = Instant::now();
            for number in 0..shared.config.clients {
                // A count of clients, at most some tens of thousands.
                let nth = u32::try_from(number).unwrap_or(u32::MAX);
                let at = begun + Duration::from_secs(1) * nth / shared.config.connect_rate.max(1);
                tokio::spawn(client::run(shared.clone(), number, at));
            }
            stopped.cancelled().await;
        };
        let name = "regulars".to_owned();
        let thread =
            std::thread::Builder::new().name(name).spawn(move || runtime.block_on(live))?;
        Ok(Self { book, stop: Some(stop.drop_guard()), thread: Some(thread) })
    }

    /// What they remember so far.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    /// Waits until all have values of all topics on the connection that they have; whether it came to
    /// that in time.
    pub async fn all_served(&self, within: Duration) -> bool {
        self.until(within, |book| book.unserved() == 0).await
    }

    /// Waits until that holds; whether it came to that in time.
    pub async fn until(&self, within: Duration, holds: impl Fn(&Book) -> bool) -> bool {
        let begun = Instant::now();
        while !holds(&self.book()) {
            if begun.elapsed() > within {
                return false;
            }
            sleep(LOOK).await;
        }
        true
    }

    /// How many have, after that time, an older value of some topic than another one has now: what they
    /// missed.
    pub async fn behind(&self, within: Duration) -> usize {
        let marks = self.book().newest();
        self.until(within, |book| book.behind(&marks) == 0).await;
        self.book().behind(&marks)
    }
}

impl Drop for Regulars {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has panicked, or has ended: nothing to do about either.
            let _ = thread.join();
        }
    }
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}
