//! The thread of a shard: its event loop, its passes, its connections.

use super::{Command, configure, drain, load::Load, mailbox::Mailbox, shard::Shard, sweep};
use crate::{auth::Auth, bars::BarStore, client::session, config::GatewayConfig, metrics::Metrics};
use std::{
    cell::RefCell,
    io,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tickcast_shared::{
    clock::Clock,
    panics::breakable,
    progress::{IDLE_TURN, Mark, Progress},
};
use tokio::{
    sync::{mpsc, watch},
    task::{LocalSet, spawn_local},
};

/// What a shard starts with.
#[derive(Debug)]
pub struct Worker {
    /// Its number, for names.
    pub number: usize,
    /// The configuration in force.
    pub config: Arc<GatewayConfig>,
    /// Who is let in; none if everyone is.
    pub auth: Option<Arc<Auth>>,
    /// Closed bars.
    pub bars: BarStore,
    /// The time for clients.
    pub clock: Clock,
    /// Counters.
    pub metrics: Metrics,
    /// Where updates come from.
    pub mailbox: Arc<Mailbox>,
    /// Where connections and requests come from; its end is the shard's end.
    pub commands: mpsc::Receiver<Command>,
    /// Dropped when the thread ends, however it ends.
    pub alive: watch::Receiver<()>,
    /// Where its loops mark their turns.
    pub progress: Progress,
}

/// Tells when a shard's thread has ended, by a panic or otherwise.
#[derive(Debug)]
pub struct Alive(watch::Sender<()>);

impl Alive {
    /// The watcher and the token that every thread holds.
    #[must_use]
    pub fn new() -> (Self, watch::Receiver<()>) {
        let (watcher, token) = watch::channel(());
        (Self(watcher), token)
    }

    /// Waits until fewer than `threads` threads hold their token.
    pub async fn fewer_than(&self, threads: usize) {
        while self.0.receiver_count() >= threads {
            tokio::time::sleep(CHECK_EVERY).await;
        }
    }
}

/// How often threads are counted: a dead shard is noticed within this time.
const CHECK_EVERY: Duration = Duration::from_millis(200);

/// Starts the thread of a shard.
///
/// # Errors
/// When the runtime or the thread cannot be made.
pub fn spawn(worker: Worker) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(format!("shard-{}", worker.number)).spawn(move || {
        LocalSet::new().block_on(&runtime, breakable("shard", run(worker)));
    })?;
    Ok(())
}

async fn run(worker: Worker) {
    let Worker { number, config, auth, bars, clock, metrics, mailbox, .. } = worker;
    let Worker { mut commands, alive, progress, .. } = worker;
    let mark = |of: &str| progress.watch(format!("{of} of shard {number}"));
    let (passing, sweeping) = (mark("passes"), mark("sweep"));
    let mut shard = Shard::new(config, bars, clock, metrics, mailbox.clone());
    (shard.number, shard.auth) = (number, auth);
    let shard = Rc::new(RefCell::new(shard));
    let mut passes = spawn_local(breakable("passes", passes(shard.clone(), mailbox, passing)));
    let mut sweeps = spawn_local(breakable("sweep", sweep::run(shard.clone(), sweeping)));
    loop {
        let command = tokio::select! {
            command = commands.recv() => command,
            // Both run for ever: an end is a panic, and the shard goes down with it.
            _ = &mut passes => break,
            _ = &mut sweeps => break,
        };
        match command {
            None => break,
            Some(Command::Serve(dialled)) => {
                if let Some(served) = session::serve(*dialled, shard.clone()) {
                    spawn_local(served);
                }
            }
            Some(Command::Report(answer)) => {
                // Nobody waits for it any more: nothing is lost.
                let _ = answer.send(shard.borrow().report());
            }
            Some(Command::Drain(done)) => {
                spawn_local(drain::run(shard.clone(), done));
            }
            Some(Command::Shed) => sweep::shed(&mut shard.borrow_mut()),
            Some(Command::Configure(config, auth, done)) => {
                spawn_local(configure::run(shard.clone(), config, auth, done));
            }
        }
    }
    drop(alive);
}

/// Writes whatever arrives: an idle shard at once, a busy one all that came meanwhile together.
async fn passes(shard: Rc<RefCell<Shard>>, mailbox: Arc<Mailbox>, mark: Mark) {
    let mut load = Load::default();
    loop {
        mark.turn();
        let due = shard.borrow().next_due_in();
        tokio::select! {
            () = mailbox.woken() => {}
            () = tokio::time::sleep(due.unwrap_or(IDLE_TURN).min(IDLE_TURN)) => {}
        }
        let begun = Instant::now();
        if !shard.borrow_mut().begin_pass() {
            continue;
        }
        while shard.borrow_mut().go_on() {
            tokio::task::yield_now().await;
        }
        shard.borrow_mut().end_pass();
        match load.gather_for(begun, Instant::now()) {
            Some(wait) => tokio::time::sleep(wait).await,
            // Whoever waited for the end of the pass goes first.
            None => tokio::task::yield_now().await,
        }
    }
}
