//! The sockets that clients come in by: bound here, or inherited from a supervisor that keeps them.

use crate::config::{BadValue, GatewayConfig};
use std::net::{SocketAddr, TcpListener as StdListener};
use tickcast_shared::admin::{BACKLOG, BindError, bind};
use tokio::net::TcpListener;

/// What a connection begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its client's own bytes.
    Direct,
    /// A PROXY v2 header.
    Proxied,
}

/// A listening socket.
#[derive(Debug)]
pub struct Entrance {
    /// The socket.
    pub listener: TcpListener,
    /// What its connections begin with.
    pub kind: Kind,
    /// Whether a supervisor keeps it open when this process is gone, so that connections wait in its
    /// queue for the next one.
    pub is_inherited: bool,
}

/// All of a gateway's.
#[derive(Debug)]
pub struct Entrances {
    /// `gateway.listen`
    pub public: Entrance,
    /// `gateway.proxy_listen`
    pub proxied: Option<Entrance>,
}

/// Why a gateway cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The settings do not say who may connect.
    #[error(transparent)]
    Exposed(#[from] BadValue),
    /// What the supervisor passed on is of no use.
    #[error("the socket passed on by the supervisor cannot be used: {0}")]
    Inherited(std::io::Error),
}

impl Entrances {
    /// Takes the sockets of a supervisor (`LISTEN_FDS` of systemd.socket(5)) in the order of the
    /// settings, `listen` and then `proxy_listen`, and binds what there is none for. To be called
    /// inside a runtime.
    ///
    /// # Errors
    /// [`ListenError`]
    pub fn open(
        config: &GatewayConfig,
        inherited: impl IntoIterator<Item = StdListener>,
    ) -> Result<Self, ListenError> {
        let mut inherited = inherited.into_iter();
        let mut open = |address: SocketAddr, flag, kind| {
            match inherited.next() {
                Some(socket) => taken_over(socket).map(|listener| (listener, true)),
                None => Ok((bind(address, flag, BACKLOG)?, false)),
            }
            .map(|(listener, is_inherited)| Entrance { listener, kind, is_inherited })
        };
        let public = open(config.listen, "--listen", Kind::Direct)?;
        config.check_exposure("gateway.listen", public.address(config.listen))?;
        let proxied = config
            .proxy_listen
            .map(|address| open(address, "gateway.proxy_listen", Kind::Proxied))
            .transpose()?;
        Ok(Self { public, proxied })
    }
}

impl Entrance {
    /// Where it listens; `wanted` if the system does not say.
    #[must_use]
    pub fn address(&self, wanted: SocketAddr) -> SocketAddr {
        self.listener.local_addr().unwrap_or(wanted)
    }
}

fn taken_over(socket: StdListener) -> Result<TcpListener, ListenError> {
    socket
        .set_nonblocking(true)
        .and_then(|()| TcpListener::from_std(socket))
        .map_err(ListenError::Inherited)
}
