//! TLS for clients: the handshake, and the bare socket back after an upgrade.

pub mod certificate;
pub mod reload;

use super::patience::Patient;
use crate::{client::Tls, config::TlsConfig, metrics::Metrics};
use hyper::upgrade::{Parts, Upgraded};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use std::{io, net::SocketAddr, sync::Arc};
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tracing::debug;

/// Makes TLS connections of sockets, with the certificate that is in force.
#[derive(Debug, Clone)]
pub struct Acceptor {
    in_force: watch::Receiver<Arc<ServerConfig>>,
    metrics: Metrics,
}

/// Reads the certificate; the second part keeps it up to date when it is run.
///
/// # Errors
/// [`certificate::Mistake`] if it cannot be used.
pub fn start(
    files: TlsConfig,
    metrics: Metrics,
) -> Result<(Acceptor, reload::Watcher), certificate::Mistake> {
    let pem = certificate::Pem::read(&files)?;
    let certificate = pem.load(&files)?;
    metrics.certificate(certificate.expires);
    let (sender, in_force) = watch::channel(certificate.config);
    let acceptor = Acceptor { in_force, metrics: metrics.clone() };
    Ok((acceptor, reload::Watcher::new(files, pem, sender, metrics)))
}

impl Acceptor {
    /// Makes the handshake, until the deadline at most. None if it failed, which is counted unless
    /// the client just went away: many load balancers do no more than dial to see who is alive.
    pub async fn accept(
        &self,
        socket: TcpStream,
        peer: SocketAddr,
        deadline: Instant,
    ) -> Option<TlsStream<TcpStream>> {
        let config = self.in_force.borrow().clone();
        let handshake = TlsAcceptor::from(config).accept(socket);
        match timeout_at(deadline, handshake).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                debug!(%peer, "gone before TLS");
                return None;
            }
            Ok(Err(error)) => debug!(%peer, %error, "no TLS"),
            Err(_) => debug!(%peer, "TLS took too long"),
        }
        self.metrics.refused("tls");
        None
    }
}

/// An upgraded connection in its parts.
pub struct Taken {
    /// The socket, out of any event loop.
    pub socket: std::net::TcpStream,
    /// Its TLS, if it has any.
    pub tls: Option<Box<Tls>>,
    /// Bytes that the client sent behind its handshake.
    pub leftover: Vec<u8>,
}

/// Takes an upgraded connection apart.
///
/// # Errors
/// When the socket or its TLS is broken, or it is none that was accepted here.
pub fn take_apart(upgraded: Upgraded) -> io::Result<Taken> {
    let (taken, read) = match upgraded.downcast::<TokioIo<Patient<TcpStream>>>() {
        Ok(Parts { io, read_buf, .. }) => (plain(io.into_inner().into_inner())?, read_buf),
        Err(upgraded) => {
            let Parts { io, read_buf, .. } = upgraded
                .downcast::<TokioIo<Patient<TlsStream<TcpStream>>>>()
                .map_err(|_| io::Error::other("not a socket that was accepted here"))?;
            (encrypted(io.into_inner().into_inner())?, read_buf)
        }
    };
    // `read` is hyper's whole 8 KiB buffer: a connection that waits for its shard must not keep it.
    Ok(Taken { leftover: read.to_vec(), ..taken })
}

/// A socket without TLS.
///
/// # Errors
/// When it is broken.
pub fn plain(socket: TcpStream) -> io::Result<Taken> {
    Ok(Taken { socket: socket.into_std()?, tls: None, leftover: Vec::new() })
}

/// A socket and its TLS.
///
/// # Errors
/// When one of them is broken.
pub fn encrypted(stream: TlsStream<TcpStream>) -> io::Result<Taken> {
    let (socket, session) = stream.into_inner();
    let tls = Some(Box::new(Tls::new(session).map_err(io::Error::other)?));
    Ok(Taken { tls, ..plain(socket)? })
}
