//! One client of the swarm: reads, checks, answers pings, keeps next to nothing.

use super::{
    check,
    dial::Target,
    frames::{self, Frame},
    tally::{Newest, Tally},
};
use serde_json::Value;
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
use tickcast_shared::clock::{Clock, Micros};
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::TcpStream,
    sync::Semaphore,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// What all clients of all threads share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) target: Target,
    pub(super) check: bool,
    pub(super) clock: Clock,
    pub(super) measuring: AtomicBool,
    pub(super) connected: AtomicUsize,
    pub(super) failed: AtomicUsize,
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

/// Why a connection is over, for the count of disconnects.
struct Ended(String);

/// Lives from its dial to the end of the swarm or of its connection.
pub(super) async fn run(local: Local, dial_at: Instant) {
    let shared = local.shared.clone();
    let mut stop = pin!(shared.stop.cancelled());
    let dialled = tokio::select! {
        () = &mut stop => return,
        // On the heap and gone afterwards: thousands of clients wait with what is left.
        dialled = Box::pin(dial(&local, dial_at)) => dialled,
    };
    let (mut stream, early) = match dialled {
        Ok(open) => open,
        Err(reason) => {
            local.tally.borrow_mut().failures.add(reason, 1);
            shared.failed.fetch_add(1, Ordering::Relaxed);
            return;
        }
    };
    shared.connected.fetch_add(1, Ordering::Relaxed);
    let mut client = Client::default();
    let mut outcome = client.take(&early, &shared, &mut local.tally.borrow_mut());
    drop(early);
    while let Ok(replies) = &outcome {
        if !replies.is_empty() {
            // A full socket loses the pong; the server's patience covers more than one.
            let _ = stream.try_write(replies);
        }
        outcome = tokio::select! {
            biased;
            () = &mut stop => break,
            read = poll_fn(|cx| client.poll_read(cx, &mut stream, &local)) => read,
        };
    }
    let mut tally = local.tally.borrow_mut();
    tally.per_client.push(client.deliveries);
    match outcome {
        Err(Ended(reason)) => tally.disconnects.add(reason, 1),
        Ok(_) => {
            // Polite, and unanswered: the swarm is over.
            let _ = stream.try_write(&frames::masked(frames::CLOSE, &1000_u16.to_be_bytes()));
            tally.finals.push(client.newest);
        }
    }
}

async fn dial(local: &Local, at: Instant) -> Result<(TcpStream, Vec<u8>), String> {
    sleep_until(at).await;
    let _turn = local.dials.acquire().await.map_err(|error| error.to_string())?;
    local.shared.target.dial().await
}

#[derive(Default)]
struct Client {
    /// The beginning of a frame whose rest has not come.
    partial: Vec<u8>,
    /// Earlier fragments of a message.
    fragments: Vec<u8>,
    newest: Newest,
    deliveries: u64,
    greeted: bool,
}

impl Client {
    /// One read into the thread's shared buffer; answers for the server, if it asked something.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut TcpStream,
        local: &Local,
    ) -> Poll<Result<Vec<u8>, Ended>> {
        let mut tally = local.tally.borrow_mut();
        let mut scratch = std::mem::take(&mut tally.scratch);
        let mut buffer = ReadBuf::new(&mut scratch);
        let polled = Pin::new(stream).poll_read(cx, &mut buffer);
        let outcome = polled.map(|read| match read {
            Ok(()) if buffer.filled().is_empty() => Err(Ended("closed without a frame".to_owned())),
            Ok(()) => self.take(buffer.filled(), &local.shared, &mut tally),
            Err(error) => Err(Ended(error.kind().to_string())),
        });
        tally.scratch = scratch;
        Poll::Ready(ready!(outcome))
    }

    /// Takes what was read, whatever the boundaries of the frames in it.
    fn take(&mut self, bytes: &[u8], shared: &Shared, tally: &mut Tally) -> Result<Vec<u8>, Ended> {
        let now = shared.clock.now();
        let measured = shared.measuring.load(Ordering::Relaxed);
        let mut seen = Seen { now, measured, check: shared.check, tally };
        seen.tally.window.reads += u64::from(measured && !bytes.is_empty());
        let mut replies = Vec::new();
        if self.partial.is_empty() {
            let used = self.frames(bytes, &mut seen, &mut replies)?;
            if used < bytes.len() {
                self.partial = bytes[used..].to_vec();
            }
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(bytes);
            let used = self.frames(&joined, &mut seen, &mut replies)?;
            if used < joined.len() {
                joined.drain(..used);
                self.partial = joined;
            }
        }
        Ok(replies)
    }

    /// All whole frames; returns how many bytes they took.
    fn frames(
        &mut self,
        bytes: &[u8],
        seen: &mut Seen,
        replies: &mut Vec<u8>,
    ) -> Result<usize, Ended> {
        let mut used = 0;
        loop {
            match frames::first(&bytes[used..]) {
                Ok(Some(frame)) => {
                    used += frame.size;
                    self.frame(&frame, seen, replies)?;
                }
                Ok(None) => return Ok(used),
                Err(fault) => {
                    seen.tally.violations.add(|| fault.to_owned());
                    return Err(Ended(format!("protocol error: {fault}")));
                }
            }
        }
    }

    fn frame(
        &mut self,
        frame: &Frame,
        seen: &mut Seen,
        replies: &mut Vec<u8>,
    ) -> Result<(), Ended> {
        if seen.measured {
            seen.tally.window.frames += 1;
            seen.tally.window.bytes += frame.size as u64;
        }
        match frame.opcode {
            frames::TEXT if frame.is_final => self.message(frame.payload, seen),
            frames::TEXT | frames::CONTINUATION => {
                self.fragments.extend_from_slice(frame.payload);
                if frame.is_final {
                    let message = std::mem::take(&mut self.fragments);
                    self.message(&message, seen);
                }
            }
            frames::PING => replies.extend(frames::masked(frames::PONG, frame.payload)),
            frames::PONG => {}
            frames::CLOSE => return Err(Ended(close_text(frame.payload))),
            other => seen.tally.violations.add(|| format!("a frame with opcode {other}")),
        }
        Ok(())
    }

    fn message(&mut self, message: &[u8], seen: &mut Seen) {
        match seen.tally.scanner.kind(message) {
            Some(b"ticker" | b"kline") => self.value(message, seen),
            Some(b"klines") => {}
            Some(b"welcome") if self.greeted => {
                seen.tally.violations.add(|| "welcome is not the first message".to_owned());
            }
            Some(_) => seen.answer(message),
            None if message == b"pong" => return,
            None => {}
        }
        self.greeted = true;
        if seen.check
            && let Some(fault) = check::fault_of(message)
        {
            seen.tally.violations.add(|| format!("{fault}: {}", String::from_utf8_lossy(message)));
        }
    }

    fn value(&mut self, message: &[u8], seen: &mut Seen) {
        let tally = &mut *seen.tally;
        let Some(fields) = tally.scanner.fields(message) else {
            tally
                .violations
                .add(|| format!("no topic, epoch or seq: {}", String::from_utf8_lossy(message)));
            return;
        };
        let newer = tally.advance(&mut self.newest, &fields, seen.measured);
        if !seen.measured {
            return;
        }
        tally.window.deliveries += 1;
        self.deliveries += 1;
        if !newer {
            return;
        }
        match tally.scanner.latency(message, seen.now) {
            Some(micros) => tally.due.saturating_record(micros),
            None => tally.window.unstamped += 1,
        }
        if let Some(published) = fields.published {
            let micros = u64::try_from(seen.now.0 - published.0).unwrap_or(0);
            tally.published.saturating_record(micros);
        }
    }
}

/// What a read is judged with.
struct Seen<'a> {
    now: Micros,
    measured: bool,
    check: bool,
    tally: &'a mut Tally,
}

impl Seen<'_> {
    /// Messages that are neither values nor frequent.
    fn answer(&mut self, message: &[u8]) {
        let Ok(value) = serde_json::from_slice::<Value>(message) else {
            self.tally.violations.add(|| "an answer that is not JSON".to_owned());
            return;
        };
        match value["type"].as_str() {
            Some("subscribed") => {
                for rejected in value["rejected"].as_array().into_iter().flatten() {
                    self.tally.rejected.add(|| {
                        format!("{}: {}", text(&rejected["topic"]), text(&rejected["message"]))
                    });
                }
            }
            Some("error") => {
                let error = || format!("{}: {}", text(&value["code"]), text(&value["message"]));
                self.tally.errors.add(error);
            }
            _ => {}
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn close_text(payload: &[u8]) -> String {
    match payload.split_first_chunk::<2>() {
        Some((code, reason)) => {
            let code = u16::from_be_bytes(*code);
            format!("{code} {}", String::from_utf8_lossy(reason)).trim_end().to_owned()
        }
        None => "close frame without a code".to_owned(),
    }
}
