//! The thread that writes: no event loop, no queue, one system call a delivery.

use super::{
    Counters,
    frame::{self, Ticker},
};
use crate::venue::schedule::Schedule;
use std::{
    io::{self, Write},
    net::TcpStream,
    sync::{Arc, atomic::Ordering, mpsc::Receiver},
    time::{Duration, Instant},
};
use tickcast_shared::clock::Clock;
use tokio_util::sync::CancellationToken;

/// How often a waiting writer looks for new connections and for its end.
const LOOK_AROUND: Duration = Duration::from_millis(20);

struct Connection {
    stream: TcpStream,
    /// What a partial write has left of a frame; it must go first.
    tail: Vec<u8>,
}

enum Written {
    Whole,
    Part,
    Full,
    Gone,
}

pub(super) struct Writer {
    incoming: Receiver<TcpStream>,
    counters: Arc<Counters>,
    token: CancellationToken,
    connections: Vec<Connection>,
}

impl Writer {
    pub(super) fn new(
        incoming: Receiver<TcpStream>,
        counters: Arc<Counters>,
        token: CancellationToken,
    ) -> Self {
        Self { incoming, counters, token, connections: Vec::new() }
    }

    pub(super) fn run(mut self, rate: u32, size: usize) {
        let (clock, start) = (Clock::start(), Instant::now());
        let schedule = Schedule::new(1, rate, Duration::from_secs(1));
        let mut frame = Vec::with_capacity(size + 16);
        for pass in 1_u64.. {
            let due = start + schedule.due(pass);
            if !self.wait_until(due) {
                return;
            }
            let ticker = Ticker {
                due: clock.at(due),
                published: clock.now(),
                epoch: clock.at(start).0,
                seq: pass,
            };
            frame::build(&ticker, size, &mut frame);
            self.pass(&frame);
        }
    }

    /// False when it shall end.
    fn wait_until(&mut self, due: Instant) -> bool {
        loop {
            while let Ok(stream) = self.incoming.try_recv() {
                self.connections.push(Connection { stream, tail: Vec::new() });
            }
            self.counters.connections.store(self.connections.len() as u64, Ordering::Relaxed);
            if self.token.is_cancelled() {
                return false;
            }
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::park_timeout(left.min(LOOK_AROUND));
        }
    }

    fn pass(&mut self, frame: &[u8]) {
        let (mut whole, mut part, mut full) = (0, 0, 0);
        self.connections.retain_mut(|connection| {
            match connection.write(frame) {
                Written::Whole => whole += 1,
                Written::Part => part += 1,
                Written::Full => full += 1,
                Written::Gone => return false,
            }
            true
        });
        self.counters.passes.fetch_add(1, Ordering::Relaxed);
        self.counters.writes.fetch_add(whole + part, Ordering::Relaxed);
        self.counters.partial.fetch_add(part, Ordering::Relaxed);
        self.counters.full.fetch_add(full, Ordering::Relaxed);
    }
}

impl Connection {
    fn write(&mut self, frame: &[u8]) -> Written {
        if !self.tail.is_empty() {
            return match self.stream.write(&self.tail) {
                Ok(written) => {
                    // This frame is lost to a slow reader, the one in flight is not cut.
                    self.tail.drain(..written);
                    Written::Full
                }
                Err(error) => unwritten(&error),
            };
        }
        match self.stream.write(frame) {
            Ok(written) if written == frame.len() => Written::Whole,
            Ok(written) => {
                self.tail.extend_from_slice(&frame[written..]);
                Written::Part
            }
            Err(error) => unwritten(&error),
        }
    }
}

fn unwritten(error: &io::Error) -> Written {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Written::Full,
        _ => Written::Gone,
    }
}
