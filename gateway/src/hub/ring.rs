//! Sends to many sockets in few system calls, through io_uring.
// The kernel reads the bytes by address, which safe Rust cannot express; each block says why they
// outlive the kernel's reading.
#![allow(unsafe_code)]

use io_uring::{IoUring, Probe, opcode, types};
use socket2::SockRef;
use std::{
    fmt, io,
    os::fd::{AsRawFd, BorrowedFd},
};

/// One send: the socket, and the bytes it is to get.
pub type Outgoing<'a> = (BorrowedFd<'a>, &'a [u8]);

/// Never wait: a full socket, even one in blocking mode, answers EAGAIN at once instead of keeping
/// the send until there is room. And no SIGPIPE for a peer that has gone.
const FLAGS: libc::c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;

/// Longest send whose count still fits an answer of the kernel; it cuts longer ones as well.
const MAX_BYTES: u32 = i32::MAX.unsigned_abs();

/// A batch of sends through io_uring.
pub struct Ring {
    /// `None` once the kernel has refused a batch: from then on sends are plain ones.
    uring: Option<IoUring>,
    /// Most sends of one system call.
    entries: usize,
}

/// The kernel did not take the last `left` sends of a batch.
struct Refused {
    left: usize,
    error: io::Error,
}

impl Ring {
    /// A ring for `entries` sends a system call (rounded up to a power of two).
    ///
    /// # Errors
    /// When io_uring is not to be had: a kernel before 5.6, forbidden by seccomp (as in containers)
    /// or by `kernel.io_uring_disabled`, no memory, or `entries` not within 1..=32768. The message
    /// names the likely cause, the kind stays that of the kernel's answer.
    pub fn new(entries: u32) -> io::Result<Self> {
        let uring = IoUring::builder().dontfork().build(entries).map_err(explained)?;
        let mut probe = Probe::new();
        uring.submitter().register_probe(&mut probe).map_err(explained)?;
        if !probe.is_supported(opcode::Send::CODE) {
            let why = "this kernel's io_uring cannot send (Linux 5.6 is the first that can)";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        let entries = uring.params().sq_entries() as usize;
        Ok(Self { uring: Some(uring), entries })
    }

    /// Sends to each socket what it is to get, without waiting for any. `results` is replaced:
    /// `results[i]` is what send(2) would have answered for `sends[i]`, a count of bytes that may be
    /// short, or an error (`WouldBlock` is a full socket). The kernel is done with all of them when
    /// this returns. Sends go out in order, but give each socket one a batch: after a short send
    /// a second one would tear the stream.
    ///
    /// # Errors
    /// When the kernel has refused the ring's service. Nothing is lost by it: `results` is complete
    /// all the same, the rest went out by send(2), and so will all later batches, without
    /// telling again. A new `Ring` may be tried at any time.
    pub fn send_all(
        &mut self,
        sends: &[Outgoing<'_>],
        results: &mut Vec<io::Result<usize>>,
    ) -> io::Result<()> {
        results.clear();
        results.reserve(sends.len());
        let mut health = Ok(());
        for batch in sends.chunks(self.entries) {
            let start = results.len();
            if let Some(uring) = &mut self.uring {
                results.resize_with(start + batch.len(), || Ok(0));
                if let Err(refused) = submit(uring, batch, &mut results[start..]) {
                    // Its queue still lists what it has not taken, by address: it must never be
                    // entered again.
                    self.uring = None;
                    results.truncate(results.len() - refused.left);
                    health = Err(refused.error);
                }
            }
            let done = results.len() - start;
            results.extend(batch[done..].iter().map(send));
        }
        health
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_service = self.uring.is_some();
        f.debug_struct("Ring")
            .field("entries", &self.entries)
            .field("in_service", &in_service)
            .finish()
    }
}

/// Hands a batch of at most `entries` sends to the kernel and collects its answers. When it
/// returns, the kernel knows none of the addresses any more, except, after an error, as entries of
/// the queue that it has not taken: the caller drops the ring then.
///
/// Nothing between the first `push` and the return can panic, so no unwinding leaves early.
fn submit(
    uring: &mut IoUring,
    batch: &[Outgoing<'_>],
    results: &mut [io::Result<usize>],
) -> Result<(), Refused> {
    let (submitter, mut queue, mut answers) = uring.split();
    for (at, (socket, bytes)) in (0..).zip(batch) {
        let length = u32::try_from(bytes.len()).unwrap_or(MAX_BYTES);
        let socket = types::Fd(socket.as_raw_fd());
        let entry = opcode::Send::new(socket, bytes.as_ptr(), length).flags(FLAGS).build();
        // SAFETY: the kernel looks at an entry, its descriptor and its bytes no earlier than in
        // `submit_and_wait` below and no later than its answer. Until then `batch` borrows both:
        // the loop below is left only with every taken entry answered, and an entry that was not
        // taken is not read outside of `submit_and_wait` (there is no SQPOLL thread), which is
        // never called again for this ring since the caller drops it.
        if unsafe { queue.push(&entry.user_data(at)) }.is_err() {
            // Cannot be: every batch leaves the queue empty. Nothing of this one is taken yet.
            let error = io::Error::from(io::ErrorKind::StorageFull);
            return Err(Refused { left: batch.len(), error });
        }
    }
    queue.sync();
    let mut open = batch.len();
    while open > 0 {
        // MSG_DONTWAIT makes the kernel answer while it takes the entry: nothing is armed or handed
        // to a worker, so one call does it all. The loop stays right if that were ever different.
        let entered = submitter.submit_and_wait(open);
        queue.sync();
        answers.sync();
        for answer in &mut answers {
            open = open.saturating_sub(1);
            if let Some(result) = results.get_mut(answer.user_data() as usize) {
                *result = outcome(answer.result());
            }
        }
        if let Err(error) = entered
            && error.kind() != io::ErrorKind::Interrupted
        {
            let left = queue.len();
            if open > left {
                // Sends are under way and the kernel will not let us wait for them. To return would
                // let it read memory that is no longer ours: better to end here.
                std::process::abort();
            }
            return Err(Refused { left, error });
        }
    }
    Ok(())
}

/// An answer of the kernel as send(2) would have given it.
fn outcome(answer: i32) -> io::Result<usize> {
    usize::try_from(answer).map_err(|_| io::Error::from_raw_os_error(answer.saturating_neg()))
}

/// The same send without a ring. It does not wait, so no signal interrupts it.
fn send((socket, bytes): &Outgoing<'_>) -> io::Result<usize> {
    SockRef::from(socket).send_with_flags(bytes, FLAGS)
}

/// Adds what such an error means when a ring is made.
fn explained(error: io::Error) -> io::Error {
    let hint = match error.raw_os_error() {
        Some(libc::ENOSYS) => "the kernel has no io_uring, or seccomp hides it",
        Some(libc::EPERM | libc::EACCES) => "forbidden by seccomp or kernel.io_uring_disabled",
        Some(libc::ENOMEM) => "no memory, or RLIMIT_MEMLOCK is too low",
        Some(libc::EINVAL) => "wrong number of entries, or the kernel is too old",
        Some(libc::EMFILE | libc::ENFILE) => "no descriptor left",
        _ => "no io_uring",
    };
    io::Error::new(error.kind(), format!("{hint}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read, Write},
        net::{Shutdown, TcpListener, TcpStream},
        os::fd::AsFd,
        sync::mpsc,
        time::Duration,
    };

    /// Far beyond what any of these tests needs; a send that is kept for later never answers.
    const DEADLINE: Duration = Duration::from_secs(20);

    /// A sender in blocking mode, so that only the flags keep it from waiting, and its peer.
    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let peer = listener.accept().unwrap().0;
        peer.set_read_timeout(Some(DEADLINE)).unwrap();
        (sender, peer)
    }

    fn send_one(ring: &mut Ring, socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
        let mut results = Vec::new();
        ring.send_all(&[(socket.as_fd(), bytes)], &mut results).unwrap();
        assert_eq!(results.len(), 1);
        results.remove(0)
    }

    /// Runs a test on a thread of its own: a hang fails, and what it does to its thread ends there.
    fn apart(test: impl FnOnce() + Send + 'static) {
        let (done, is_done) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            test();
            done.send(()).unwrap();
        });
        match is_done.recv_timeout(DEADLINE) {
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("hangs"),
            _ => thread.join().unwrap(),
        }
    }

    fn everyone_got_their_own(pairs: &mut [(TcpStream, TcpStream)], messages: &[Vec<u8>]) {
        for ((sender, peer), message) in pairs.iter_mut().zip(messages) {
            sender.shutdown(Shutdown::Write).unwrap();
            let mut got = Vec::new();
            peer.read_to_end(&mut got).unwrap();
            assert_eq!(&got, message);
        }
    }

    fn pairs_and_messages(count: u8) -> (Vec<(TcpStream, TcpStream)>, Vec<Vec<u8>>) {
        let messages = (0..count).map(|at| vec![at; 1 + usize::from(at) * 100]).collect();
        ((0..count).map(|_| pair()).collect(), messages)
    }

    fn outgoing<'a>(
        pairs: &'a [(TcpStream, TcpStream)],
        messages: &'a [Vec<u8>],
    ) -> Vec<Outgoing<'a>> {
        let sockets = pairs.iter().map(|(sender, _)| sender.as_fd());
        sockets.zip(messages.iter().map(Vec::as_slice)).collect()
    }

    #[test]
    fn all_bytes_arrive_from_more_sends_than_entries() {
        let mut ring = Ring::new(4).unwrap();
        let (mut pairs, messages) = pairs_and_messages(11);
        let mut results = vec![Ok(99)];
        ring.send_all(&outgoing(&pairs, &messages), &mut results).unwrap();
        let sent: Vec<usize> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!(sent, messages.iter().map(Vec::len).collect::<Vec<_>>());
        everyone_got_their_own(&mut pairs, &messages);
    }

    #[test]
    fn a_full_socket_answers_at_once_and_nothing_is_kept_for_later() {
        apart(|| {
            let mut ring = Ring::new(8).unwrap();
            let (mut sender, mut peer) = pair();
            let mut sent = 0;
            let full = loop {
                match send_one(&mut ring, &sender, &[b'x'; 10_000]) {
                    Ok(count) => sent += count,
                    Err(error) => break error,
                }
            };
            assert_eq!(full.raw_os_error(), Some(libc::EAGAIN));
            let mut got = vec![0; sent];
            peer.read_exact(&mut got).unwrap();
            // There is room again, and the ring works: the moment for a kept send to go out.
            let (other, _other_peer) = pair();
            assert_eq!(send_one(&mut ring, &other, b"ping").unwrap(), 4);
            sender.write_all(b"end").unwrap();
            sender.shutdown(Shutdown::Write).unwrap();
            let mut rest = Vec::new();
            peer.read_to_end(&mut rest).unwrap();
            assert_eq!(rest, b"end");
        });
    }

    #[test]
    fn a_short_write_is_reported() {
        apart(|| {
            let mut ring = Ring::new(8).unwrap();
            let (sender, mut peer) = pair();
            let message = vec![b'x'; 64 << 20];
            let sent = send_one(&mut ring, &sender, &message).unwrap();
            assert!(0 < sent && sent < message.len(), "{sent}");
            sender.shutdown(Shutdown::Write).unwrap();
            let mut got = Vec::new();
            assert_eq!(peer.read_to_end(&mut got).unwrap(), sent);
        });
    }

    fn sigpipe_is_pending() -> bool {
        // SAFETY: an all-zero signal set is a valid one, and the call fills it.
        unsafe {
            let mut pending: libc::sigset_t = std::mem::zeroed();
            libc::sigpending(&mut pending);
            libc::sigismember(&pending, libc::SIGPIPE) == 1
        }
    }

    #[test]
    fn a_closed_peer_is_an_error_and_no_signal() {
        apart(|| {
            // SAFETY: the set is initialised before its use; only this thread's mask changes. A
            // blocked signal stays pending even though the process ignores it.
            unsafe {
                let mut set: libc::sigset_t = std::mem::zeroed();
                libc::sigaddset(&mut set, libc::SIGPIPE);
                libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
            }
            let mut ring = Ring::new(8).unwrap();
            let (gone, peer) = pair();
            let (alive, mut alive_peer) = pair();
            drop(peer);
            // The first bytes may still be taken; the peer's answer to them ends the connection.
            let mut results: Vec<io::Result<usize>> = vec![Ok(0)];
            while !matches!(&results[0], Err(error) if error.kind() == io::ErrorKind::BrokenPipe) {
                let sends = [(gone.as_fd(), &b"x"[..]), (alive.as_fd(), &b"y"[..])];
                ring.send_all(&sends, &mut results).unwrap();
                assert_eq!(*results[1].as_ref().unwrap(), 1, "the neighbour is not harmed");
                alive_peer.read_exact(&mut [0]).unwrap();
            }
            assert!(!sigpipe_is_pending());
            SockRef::from(&gone).send_with_flags(b"x", 0).unwrap_err();
            assert!(sigpipe_is_pending(), "without the flag there is one: the check works");
        });
    }

    #[test]
    fn a_wrong_number_of_entries_is_an_error() {
        for entries in [0, 32_769] {
            let error = Ring::new(entries).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
        }
    }

    /// Makes a system call fail on this thread, always or when its second argument is `second`.
    fn forbid(call: libc::c_long, second: Option<u32>, errno: i32) {
        let step = |code, k, jf| libc::sock_filter { code: code as u16, jt: 0, jf, k };
        let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
        let unless = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
        let answer = libc::BPF_RET | libc::BPF_K;
        // Offsets in `seccomp_data`: the call's number, and (little end first) its second argument.
        let (number, argument) = (0, 24);
        let mut filter = vec![step(load, number, 0), step(unless, call as u32, 1)];
        if let Some(second) = second {
            filter[1].jf = 3;
            filter.extend([step(load, argument, 0), step(unless, second, 1)]);
        }
        filter.push(step(answer, libc::SECCOMP_RET_ERRNO | errno.unsigned_abs(), 0));
        filter.push(step(answer, libc::SECCOMP_RET_ALLOW, 0));
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
        // SAFETY: the program points to as many instructions as it says, alive during the call.
        unsafe {
            assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
            assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program), 0);
        }
    }

    #[test]
    fn a_forbidden_ring_is_an_error() {
        apart(|| {
            forbid(libc::SYS_io_uring_setup, None, libc::EPERM);
            let error = Ring::new(8).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
            assert!(error.to_string().contains("seccomp"), "{error}");
        });
    }

    #[test]
    fn a_ring_that_is_refused_half_way_sends_the_rest_without_it() {
        apart(|| {
            let mut ring = Ring::new(4).unwrap();
            let (mut pairs, messages) = pairs_and_messages(11);
            // The batches have 4, 4 and 3 sends: the last one is refused.
            forbid(libc::SYS_io_uring_enter, Some(3), libc::EAGAIN);
            let mut results = Vec::new();
            let error = ring.send_all(&outgoing(&pairs, &messages), &mut results).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EAGAIN));
            assert!(format!("{ring:?}").contains("in_service: false"));
            let sent: Vec<usize> = results.into_iter().map(Result::unwrap).collect();
            assert_eq!(sent, messages.iter().map(Vec::len).collect::<Vec<_>>());
            everyone_got_their_own(&mut pairs, &messages);
            let (sender, mut peer) = pair();
            assert_eq!(send_one(&mut ring, &sender, b"more").unwrap(), 4);
            peer.read_exact(&mut [0; 4]).unwrap();
        });
    }
}
