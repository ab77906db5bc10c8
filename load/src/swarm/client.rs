//! One client of the swarm, from its dial to its end.

use super::{
    dial::{self, Opening, Target},
    frames,
    group::{Ask, DEFLATE, Group, Reading},
    reader::{Ended, Reader, Seen},
    slow,
    tally::Tally,
};
use std::{
    cell::RefCell,
    future::poll_fn,
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};
use tickcast_shared::clock::Clock;
use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    sync::Semaphore,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// What all clients of all threads share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) targets: Vec<Target>,
    pub(super) groups: Vec<Group>,
    pub(super) check: bool,
    pub(super) clock: Clock,
    pub(super) measuring: AtomicBool,
    pub(super) connected: AtomicUsize,
    /// Clients that are in, or never will be.
    pub(super) settled: AtomicUsize,
    pub(super) stop: CancellationToken,
}

/// What the clients of a thread share.
#[derive(Clone)]
pub(super) struct Local {
    pub(super) shared: Arc<Shared>,
    pub(super) tally: Rc<RefCell<Tally>>,
    /// Dials at the same time.
    pub(super) dials: Rc<Semaphore>,
}

/// Which client this is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat {
    /// Among all clients.
    pub(super) client: usize,
    pub(super) group: usize,
    pub(super) dial_at: Instant,
}

/// Lives from its dial to the end of the swarm or of its connection.
pub(super) async fn run(local: Local, seat: Seat) {
    let shared = local.shared.clone();
    let (group, target) =
        (&shared.groups[seat.group], &shared.targets[seat.client % shared.targets.len()]);
    let mut stop = pin!(shared.stop.cancelled());
    let dialled = tokio::select! {
        () = &mut stop => return,
        // On the heap and gone afterwards: thousands of clients wait with what is left.
        dialled = Box::pin(connect(&local, seat, group, target)) => dialled,
    };
    let (begun, mut stream, early) = match dialled {
        Ok(open) => open,
        Err(reason) => {
            local.tally.borrow_mut().part.failures.add(reason, 1);
            shared.settled.fetch_add(1, Ordering::Relaxed);
            return;
        }
    };
    shared.connected.fetch_add(1, Ordering::Relaxed);
    if group.reading != Reading::All {
        local.joined(begun);
        return slow::run(&local, group.reading, (stream, early), stop).await;
    }
    let mut client = Client { seat, begun, is_in: false, reader: Reader::default() };
    client.reader.joined = match &group.ask {
        Ask::Url => true,
        Ask::Tickcast(_) => group.topics.is_empty(),
        Ask::Other(dialect) => dialect.subscribed.is_none(),
    };
    let mut outcome = client.take(&early, &local);
    drop(early);
    while outcome.is_ok() {
        if !client.reader.replies.is_empty() {
            // A full socket loses the pong; the server's patience covers more than one.
            let _ = stream.try_write(&std::mem::take(&mut client.reader.replies));
        }
        outcome = tokio::select! {
            biased;
            () = &mut stop => break,
            read = poll_fn(|cx| client.poll_read(cx, &mut stream, &local)) => read,
        };
    }
    if outcome.is_ok() && !target.is_raw {
        // Polite, and unanswered: the swarm is over.
        let _ = stream.try_write(&frames::masked(frames::CLOSE, &1000_u16.to_be_bytes()));
    }
    client.end(outcome, &local);
}

type Dialled = Result<(Instant, TcpStream, Vec<u8>), String>;

async fn connect(local: &Local, seat: Seat, group: &Group, target: &Target) -> Dialled {
    sleep_until(seat.dial_at).await;
    let _turn = local.dials.acquire().await.map_err(|error| error.to_string())?;
    let begun = Instant::now();
    let topics = group.topics_of(seat.client);
    let opening = Opening {
        query: group.query(&topics),
        subprotocol: group.subprotocol(),
        extensions: group.deflate.then_some(DEFLATE),
        source: dial::source(seat.client),
        headers: Vec::new(),
        receive_buffer: (group.reading != Reading::All).then_some(slow::RECEIVE_BUFFER),
    };
    let (mut stream, early) = target.dial(&opening).await.map_err(|error| error.to_string())?;
    for hello in group.hello(&topics) {
        let bytes = match target.is_raw {
            true => hello.into_bytes(),
            false => frames::masked(frames::TEXT, hello.as_bytes()),
        };
        stream.write_all(&bytes).await.map_err(|error| error.kind().to_string())?;
    }
    Ok((begun, stream, early))
}

impl Local {
    /// A client that began to dial then is in.
    fn joined(&self, begun: Instant) {
        let (shared, now) = (&self.shared, Instant::now());
        let part = &mut self.tally.borrow_mut().part;
        part.joined += 1;
        let micros = now.duration_since(begun).as_micros();
        part.joining.record(u64::try_from(micros).unwrap_or(u64::MAX));
        part.joined_last = part.joined_last.max(Some(shared.clock.now().0));
        shared.settled.fetch_add(1, Ordering::Relaxed);
    }
}

struct Client {
    seat: Seat,
    begun: Instant,
    /// Whether its joining has been counted.
    is_in: bool,
    reader: Reader,
}

impl Client {
    fn take(&mut self, bytes: &[u8], local: &Local) -> Result<(), Ended> {
        let shared = &*local.shared;
        let mut tally = local.tally.borrow_mut();
        let mut seen = Seen {
            now: shared.clock.now(),
            measured: shared.measuring.load(Ordering::Relaxed),
            check: shared.check,
            group: &shared.groups[self.seat.group],
            number: self.seat.group,
            is_raw: shared.targets[self.seat.client % shared.targets.len()].is_raw,
            tally: &mut tally,
        };
        let outcome = self.reader.take(bytes, &mut seen);
        drop(tally);
        if self.reader.joined && !self.is_in {
            self.is_in = true;
            local.joined(self.begun);
        }
        outcome
    }

    /// One read into the thread's shared buffer.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut TcpStream,
        local: &Local,
    ) -> Poll<Result<(), Ended>> {
        let mut scratch = std::mem::take(&mut local.tally.borrow_mut().scratch);
        let mut buffer = ReadBuf::new(&mut scratch);
        let polled = Pin::new(stream).poll_read(cx, &mut buffer);
        let outcome = polled.map(|read| match read {
            Ok(()) if buffer.filled().is_empty() => Err(Ended("closed without a frame".to_owned())),
            Ok(()) => self.take(buffer.filled(), local),
            Err(error) => Err(Ended(error.kind().to_string())),
        });
        local.tally.borrow_mut().scratch = scratch;
        Poll::Ready(ready!(outcome))
    }

    fn end(self, outcome: Result<(), Ended>, local: &Local) {
        let mut tally = local.tally.borrow_mut();
        tally.ended(self.seat.group, self.reader.deliveries);
        match outcome {
            Err(ended) => {
                ended.count(&mut tally.part.disconnects);
                if !self.is_in {
                    local.shared.settled.fetch_add(1, Ordering::Relaxed);
                }
            }
            Ok(()) => {
                let group = &local.shared.groups[self.seat.group];
                tally.stayed(self.seat.group, group, &self.reader.held);
            }
        }
    }
}
