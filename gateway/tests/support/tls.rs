//! Certificates in files, and clients that trust them.

use super::{Client, NARROW_BYTES, Stage};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use std::{fs, path::Path, sync::Arc};
use tempfile::TempDir;
use tickcast_gateway::config::TlsConfig;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{Connector, MaybeTlsStream, client_async_tls_with_config};

/// The name in every certificate.
pub const NAME: &str = "localhost";
pub use rustls::version::{TLS12, TLS13};

/// A certificate that signs itself, and its key.
pub struct Identity {
    certificate: String,
    private_key: String,
    pub der: CertificateDer<'static>,
}

impl Identity {
    pub fn new() -> Self {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
        Self {
            certificate: made.cert.pem(),
            private_key: made.signing_key.serialize_pem(),
            der: made.cert.der().clone(),
        }
    }

    /// Writes both files.
    pub fn write(&self, folder: &Path) {
        fs::write(folder.join("certificate.pem"), &self.certificate).unwrap();
        fs::write(folder.join("private_key.pem"), &self.private_key).unwrap();
    }

    /// A client that trusts this certificate only.
    pub fn trusted(&self, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider);
        let config = config.with_protocol_versions(&[version]).unwrap();
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    }
}

/// The files' names in a folder.
pub fn files(folder: &Path) -> TlsConfig {
    TlsConfig {
        certificate: folder.join("certificate.pem"),
        private_key: folder.join("private_key.pem"),
    }
}

/// A gateway with a certificate.
pub struct Secured {
    pub stage: Stage,
    pub identity: Identity,
    pub folder: TempDir,
}

impl Secured {
    pub async fn start(change: impl FnOnce(&mut tickcast_gateway::GatewayConfig)) -> Self {
        let (identity, folder) = (Identity::new(), TempDir::new().unwrap());
        identity.write(folder.path());
        let tls = Some(files(folder.path()));
        let stage = Stage::start(|config| {
            config.tls = tls;
            change(config);
        })
        .await;
        Self { stage, identity, folder }
    }

    /// A WebSocket client by TLS 1.3 that has read its welcome.
    pub async fn client(&self, query: &str) -> Client {
        self.client_of(query, &self.identity.trusted(&TLS13)).await
    }

    /// A WebSocket client that has read its welcome.
    pub async fn client_of(&self, query: &str, config: &Arc<ClientConfig>) -> Client {
        let socket = TcpStream::connect(self.stage.address).await.unwrap();
        upgrade(socket, query, config).await
    }

    /// The same with a receive buffer that is soon full.
    pub async fn narrow(&self, query: &str) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(NARROW_BYTES).unwrap();
        let socket = socket.connect(self.stage.address).await.unwrap();
        upgrade(socket, query, &self.identity.trusted(&TLS13)).await
    }

    /// A connection that has nothing but TLS.
    pub async fn bare(&self) -> TlsStream<TcpStream> {
        let socket = TcpStream::connect(self.stage.address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let connector = TlsConnector::from(self.identity.trusted(&TLS13));
        connector.connect(server_name(), socket).await.unwrap()
    }
}

pub fn server_name() -> ServerName<'static> {
    ServerName::try_from(NAME).unwrap()
}

async fn upgrade(socket: TcpStream, query: &str, config: &Arc<ClientConfig>) -> Client {
    let (url, connector) = (url(query), Connector::Rustls(config.clone()));
    let dialled = client_async_tls_with_config(url, socket, None, Some(connector)).await;
    let mut client = Client { socket: dialled.unwrap().0 };
    assert_eq!(client.next().await["type"], "welcome");
    client
}

pub fn url(query: &str) -> String {
    format!("wss://{NAME}/ws{query}")
}

/// What a client knows of its TLS.
pub fn session(client: &Client) -> &rustls::ClientConnection {
    match client.socket.get_ref() {
        MaybeTlsStream::Rustls(stream) => stream.get_ref().1,
        _ => panic!("no TLS"),
    }
}
