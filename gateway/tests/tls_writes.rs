//! Whatever is written to a connection with TLS arrives, however little its socket takes at once.

use crate::support::{
    eventually,
    tls::{Identity, TLS12, TLS13, files, server_name},
};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use rustls::{ClientConnection, ServerConfig, ServerConnection, StreamOwned};
use std::{
    io::Read,
    net::{SocketAddr, TcpListener, TcpStream},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::Duration,
};
use tickcast_gateway::{
    client::{
        Conn, Tls,
        conn::{Turn, Written},
    },
    http::tls::certificate::Pem,
};
use tokio::{
    sync::Notify,
    task::{LocalSet, spawn_local},
};

/// More than a socket takes at once.
const LARGE_BYTES: usize = 300_000;
/// Written to one connection.
const TOTAL_BYTES: usize = 1 << 20;

fn server_config(identity: &Identity) -> Arc<ServerConfig> {
    let folder = tempfile::tempdir().unwrap();
    identity.write(folder.path());
    let files = files(folder.path());
    Pem::read(&files).and_then(|pem| pem.load(&files)).unwrap_or_else(|it| panic!("{it}")).config
}

struct Reader {
    thread: JoinHandle<Vec<u8>>,
    /// Bytes so far.
    read: Arc<AtomicUsize>,
}

/// Reads everything, in pieces of changing size and with pauses now and then.
fn reader(address: SocketAddr, config: Arc<rustls::ClientConfig>, seed: u64) -> Reader {
    let read = Arc::new(AtomicUsize::new(0));
    let count_to = read.clone();
    let thread = std::thread::spawn(move || {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&address.into()).unwrap();
        let session = ClientConnection::new(config, server_name()).unwrap();
        let mut stream = StreamOwned::new(session, TcpStream::from(socket));
        let mut random = StdRng::seed_from_u64(seed);
        let mut got = Vec::new();
        loop {
            let mut piece = vec![0; random.random_range(1..20_000)];
            // A clean end only: close_notify came.
            match stream.read(&mut piece).unwrap() {
                0 => return got,
                count => got.extend_from_slice(&piece[..count]),
            }
            count_to.store(got.len(), Relaxed);
            if random.random_range(0..20) == 0 {
                std::thread::yield_now();
            }
        }
    });
    Reader { thread, read }
}

fn accept(listener: &TcpListener, config: Arc<ServerConfig>) -> Conn {
    let (mut socket, peer) = listener.accept().unwrap();
    let mut session = ServerConnection::new(config).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut socket).unwrap();
    }
    socket.set_nonblocking(true).unwrap();
    let tls = Tls::new(session).unwrap();
    Conn::new(socket, Some(Box::new(tls)), peer, 1, Duration::from_secs(60)).unwrap()
}

/// What a session's task does: it waits for something to do, and tells when there is room.
async fn serve(conn: Rc<Conn>, room: Rc<Notify>) {
    while conn.turn().await.unwrap() == Turn::Write {
        room.notify_one();
    }
    assert!(conn.is_closing(), "the client sends nothing");
}

/// Writes all of it as a shard does: what is not taken goes on when there is room.
async fn write_all(conn: &Conn, room: &Notify, bytes: &[u8]) {
    let mut rest = bytes;
    loop {
        match conn.write(rest) {
            Written::All => return,
            Written::Part(count) => rest = &rest[count..],
            Written::Gone => panic!("the client has gone"),
        }
        conn.wait_for(true, false);
        room.notified().await;
    }
}

async fn all_arrives(version: &'static rustls::SupportedProtocolVersion, seed: u64) {
    let identity = Identity::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let reader = reader(address, identity.trusted(version), seed);
    let conn = Rc::new(accept(&listener, server_config(&identity)));
    let room = Rc::new(Notify::new());
    let served = spawn_local(serve(conn.clone(), room.clone()));
    let mut random = StdRng::seed_from_u64(seed);
    let mut sent = Vec::new();
    while sent.len() < TOTAL_BYTES {
        let most = [10, 1000, 20_000, 200_000][random.random_range(0..4)];
        let mut bytes = vec![0; random.random_range(1..=most)];
        random.fill_bytes(&mut bytes);
        write_all(&conn, &room, &bytes).await;
        sent.extend_from_slice(&bytes);
    }
    // The end of a large one has to wait for room, and nothing comes behind it.
    let large = vec![b'x'; LARGE_BYTES];
    write_all(&conn, &room, &large).await;
    sent.extend_from_slice(&large);
    // What is still encrypted for a full socket goes out by itself.
    eventually(|| reader.read.load(Relaxed) == sent.len()).await;
    conn.finish(b"the end");
    served.await.unwrap();
    let got = tokio::task::spawn_blocking(|| reader.thread.join().unwrap()).await.unwrap();
    sent.extend_from_slice(b"the end");
    assert_eq!(got.len(), sent.len());
    assert!(got == sent, "other bytes arrived");
}

#[tokio::test]
async fn random_writes_arrive_intact() {
    let runs = async {
        for seed in 0..4 {
            all_arrives(&TLS13, seed).await;
            all_arrives(&TLS12, seed).await;
        }
    };
    LocalSet::new().run_until(runs).await;
}
