//! A swarm in its phases: connecting, window open, window closed, ended.

use super::{
    SwarmConfig, SwarmError,
    client::{self, Local, Seat, Shared},
    dial::Target,
    part::Part,
    server,
    tally::Tally,
};
use crate::descriptors;
use std::{
    cell::RefCell,
    io,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tickcast_shared::clock::Clock;
use tokio::{sync::Semaphore, task::LocalSet};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Dials at the same time per thread; more would only wait in the server's backlog.
const DIALS_AT_ONCE: usize = 512;
/// How often the coordinator looks at its clients.
const LOOK: Duration = Duration::from_millis(20);

type Thread = JoinHandle<Result<Part, String>>;

/// A running swarm. Dropped, it ends.
#[derive(Debug)]
pub struct Swarm {
    shared: Arc<Shared>,
    threads: Vec<Thread>,
    clients: usize,
    begun: Instant,
    /// When the window was opened, and the CPU seconds used until then.
    opened: Option<(Instant, f64)>,
    /// Length of the window and CPU seconds used in it.
    window: (Duration, f64),
    stop: DropGuard,
}

impl Swarm {
    /// Starts the threads, which start to dial at once.
    ///
    /// # Errors
    /// [`SwarmError`] when the address cannot be dialled, or descriptors or threads are not to be
    /// had.
    pub async fn start(config: &SwarmConfig) -> Result<Self, SwarmError> {
        let clients = config.clients();
        descriptors::provide(clients)?;
        let mut targets = Vec::new();
        for url in &config.urls {
            targets.push(Target::find(url).await?);
        }
        if targets.is_empty() {
            return Err(SwarmError::Broken("no address to dial".to_owned()));
        }
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            targets,
            groups: config.groups.clone(),
            check: config.check,
            clock: Clock::start(),
            measuring: AtomicBool::new(false),
            connected: AtomicUsize::new(0),
            settled: AtomicUsize::new(0),
            stop: stop.clone(),
        });
        // Whatever goes wrong from here on, the threads are told to end.
        let stop = stop.drop_guard();
        let begun = Instant::now();
        let threads = start_threads(config, &shared)?;
        let window = (Duration::ZERO, 0.0);
        Ok(Self { shared, threads, clients, begun, opened: None, window, stop })
    }

    /// Clients that got through their handshake.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.shared.connected.load(Ordering::Relaxed)
    }

    /// Waits until every client is in or never will be, or the token is cancelled. Returns how
    /// long that took since the start; `look` is told how many are settled every now and then.
    pub async fn settle(&self, token: &CancellationToken, mut look: impl FnMut(usize)) -> Duration {
        while !token.is_cancelled() {
            let settled = self.shared.settled.load(Ordering::Relaxed);
            look(settled);
            if settled >= self.clients {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        self.begun.elapsed()
    }

    /// From now on is measured.
    ///
    /// # Errors
    /// [`SwarmError::Server`] when this process cannot look at itself.
    pub fn open(&mut self) -> Result<(), SwarmError> {
        self.opened = Some((Instant::now(), server::cpu_seconds("self")?));
        self.shared.measuring.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The end of the measured time.
    ///
    /// # Errors
    /// [`SwarmError::Server`] when this process cannot look at itself.
    pub fn close(&mut self) -> Result<(), SwarmError> {
        self.shared.measuring.store(false, Ordering::Relaxed);
        if let Some((opened, cpu)) = self.opened.take() {
            self.window = (opened.elapsed(), server::cpu_seconds("self")? - cpu);
        }
        Ok(())
    }

    /// Ends all connections and adds up what the threads have seen.
    ///
    /// # Errors
    /// [`SwarmError::Broken`] when a thread has failed.
    pub async fn finish(self) -> Result<Part, SwarmError> {
        let Self { shared, threads, clients, begun, window: (length, cpu), stop, .. } = self;
        drop(stop);
        let count = threads.len();
        let mut part = join(threads).await?;
        part.clients = clients as u64;
        part.connected = shared.connected.load(Ordering::Relaxed) as u64;
        part.begun = Some(shared.clock.at(begun).0);
        (part.seconds, part.own_cpu_seconds) = (length.as_secs_f64(), cpu);
        part.threads = count as u64;
        Ok(part)
    }
}

/// All clients, those of the groups mixed so that the server meets them mixed.
fn seats(config: &SwarmConfig) -> Vec<Seat> {
    let begun = tokio::time::Instant::now();
    let dial_at = |nth: usize| match config.connect_rate {
        0 => begun,
        rate => begun + Duration::from_secs(nth as u64) / rate,
    };
    let total = config.clients();
    let mut taken = vec![0_usize; config.groups.len()];
    let mut seats = Vec::with_capacity(total);
    for nth in 0..total {
        // The group that lags most behind its share.
        let behind = |group: &usize| {
            let (clients, taken) = (config.groups[*group].clients, taken[*group]);
            (clients as i128) * (nth as i128 + 1) - (taken as i128) * (total as i128)
        };
        let open = (0..taken.len()).filter(|group| taken[*group] < config.groups[*group].clients);
        let Some(group) = open.max_by_key(behind) else { break };
        taken[group] += 1;
        seats.push(Seat { client: config.first + nth, group, dial_at: dial_at(nth) });
    }
    seats
}

fn start_threads(config: &SwarmConfig, shared: &Arc<Shared>) -> io::Result<Vec<Thread>> {
    let seats = seats(config);
    let threads = config.threads.clamp(1, seats.len().max(1));
    let start = |thread: usize| {
        let seats: Vec<_> = seats.iter().copied().skip(thread).step_by(threads).collect();
        let shared = shared.clone();
        let name = format!("swarm-{thread}");
        std::thread::Builder::new().name(name).spawn(move || clients(&shared, seats))
    };
    (0..threads).map(start).collect()
}

/// One thread: its own event loop, its share of the clients.
fn clients(shared: &Arc<Shared>, seats: Vec<Seat>) -> Result<Part, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let local = Local {
        shared: shared.clone(),
        tally: Rc::new(RefCell::new(Tally::new(&shared.groups))),
        dials: Rc::new(Semaphore::new(DIALS_AT_ONCE)),
    };
    let set = LocalSet::new();
    for seat in seats {
        set.spawn_local(client::run(local.clone(), seat));
    }
    runtime.block_on(set);
    let Local { tally, .. } = local;
    // The set has run to its end, so the clients have let go.
    let tally = Rc::try_unwrap(tally).map_err(|_| "clients still run".to_owned())?;
    Ok(tally.into_inner().into_part())
}

async fn join(threads: Vec<Thread>) -> Result<Part, SwarmError> {
    let joined = tokio::task::spawn_blocking(move || {
        let mut all = Part::default();
        for thread in threads {
            match thread.join() {
                Ok(part) => all.merge(part.map_err(SwarmError::Broken)?),
                Err(_) => return Err(SwarmError::Broken("it panicked".to_owned())),
            }
        }
        Ok(all)
    });
    joined.await.map_err(|error| SwarmError::Broken(error.to_string()))?
}

#[cfg(test)]
mod tests {
    use super::{super::Group, *};

    #[test]
    fn groups_are_mixed_in_their_shares() {
        let mut config = SwarmConfig::new("ws://x/");
        config.groups = vec![Group::new("many", 90), Group::new("few", 10)];
        config.first = 500;
        let seats = seats(&config);
        assert_eq!((seats.len(), seats[0].client, seats[99].client), (100, 500, 599));
        for tenth in seats.chunks(20) {
            assert_eq!(tenth.iter().filter(|seat| seat.group == 1).count(), 2);
        }
    }
}
