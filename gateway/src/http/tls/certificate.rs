//! The certificate and its key, from files to what handshakes use.

use crate::config::TlsConfig;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{fs::File, io::Read, path::Path, path::PathBuf, sync::Arc};
use tracing::warn;
use x509_parser::parse_x509_certificate;

/// Longest file that is read: a certificate and what leads to it have a few KiB.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// The only protocol that is spoken inside (RFC 7301): a client that offers others too takes this.
const PROTOCOL: &[u8] = b"http/1.1";
/// Session tickets of a TLS 1.3 connection: a client comes back with one connection.
const TICKETS: usize = 1;

const CERTIFICATE_KEY: &str = "gateway.tls.certificate";
const PRIVATE_KEY_KEY: &str = "gateway.tls.private_key";

/// Why a certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {path:?}: {wrong}")]
pub struct Mistake {
    key: &'static str,
    path: PathBuf,
    wrong: String,
}

/// What the two files hold.
#[derive(Clone, PartialEq, Eq)]
pub struct Pem {
    certificate: Vec<u8>,
    private_key: Vec<u8>,
}

/// A certificate that can be used.
pub struct Certificate {
    /// What handshakes use.
    pub config: Arc<ServerConfig>,
    /// When it ceases to be good, in seconds since the Unix epoch.
    pub expires: i64,
}

impl Pem {
    /// Reads both files. Blocks.
    ///
    /// # Errors
    /// [`Mistake`] names the one that cannot be read.
    pub fn read(files: &TlsConfig) -> Result<Self, Mistake> {
        Ok(Self {
            certificate: read(CERTIFICATE_KEY, &files.certificate)?,
            private_key: read(PRIVATE_KEY_KEY, &files.private_key)?,
        })
    }

    /// Parses both and holds them against each other; `files` are named in errors.
    ///
    /// # Errors
    /// [`Mistake`] says what is wrong with which file.
    pub fn load(&self, files: &TlsConfig) -> Result<Certificate, Mistake> {
        let certificate = |wrong| mistake(CERTIFICATE_KEY, &files.certificate, wrong);
        let private_key = |wrong| mistake(PRIVATE_KEY_KEY, &files.private_key, wrong);
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|_| certificate("not PEM, or only a part of it".into()))?;
        let Some(first) = chain.first() else {
            return Err(certificate("holds no CERTIFICATE in PEM form".into()));
        };
        let (_, parsed) = parse_x509_certificate(first)
            .map_err(|_| certificate("holds something else than an X.509 certificate".into()))?;
        if !parsed.validity().is_valid() {
            warn!(path = %files.certificate.display(), "clients will not accept this certificate today");
        }
        let expires = parsed.validity().not_after.timestamp();
        let key = PrivateKeyDer::from_pem_slice(&self.private_key).map_err(|error| {
            private_key(format!("holds no unencrypted PRIVATE KEY in PEM form: {error}"))
        })?;
        let config = server_config(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                private_key(format!("does not belong to {}", files.certificate.display()))
            }
            rustls::Error::InvalidCertificate(_) => certificate(error.to_string()),
            error => private_key(error.to_string()),
        })?;
        Ok(Certificate { config: Arc::new(config), expires })
    }
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    // A crowd that comes back after a restart of the network resumes, which costs a fraction. The
    // key that tickets are sealed with goes with the certificate.
    config.ticketer = ring::Ticketer::new()?;
    config.send_tls13_tickets = TICKETS;
    Ok(config)
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, Mistake> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
    read.map_err(|error| mistake(key, path, format!("cannot be read: {error}")))?;
    Ok(bytes)
}

fn mistake(key: &'static str, path: &Path, wrong: String) -> Mistake {
    Mistake { key, path: path.to_owned(), wrong }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> TlsConfig {
        TlsConfig { certificate: "c.pem".into(), private_key: "k.pem".into() }
    }

    fn made() -> Pem {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Pem {
            certificate: made.cert.pem().into_bytes(),
            private_key: made.signing_key.serialize_pem().into_bytes(),
        }
    }

    fn wrong(pem: &Pem) -> String {
        pem.load(&files()).err().unwrap().to_string()
    }

    #[test]
    fn a_pair_that_belongs_together_is_good_until_its_end() {
        assert!(made().load(&files()).unwrap_or_else(|it| panic!("{it}")).expires > 1_700_000_000);
    }

    #[test]
    fn what_is_wrong_with_which_file_is_said() {
        let (pem, other) = (made(), made());
        let certificate = |bytes: &[u8]| Pem { certificate: bytes.to_vec(), ..pem.clone() };
        let private_key = |bytes: &[u8]| Pem { private_key: bytes.to_vec(), ..pem.clone() };
        let body = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (pem, said) in [
            (certificate(b""), "gateway.tls.certificate = \"c.pem\": holds no CERTIFICATE"),
            (certificate(&pem.certificate[..100]), "gateway.tls.certificate = \"c.pem\": not PEM"),
            (
                certificate(body.as_bytes()),
                "gateway.tls.certificate = \"c.pem\": holds something else",
            ),
            (private_key(b""), "gateway.tls.private_key = \"k.pem\": holds no unencrypted"),
            (private_key(&other.private_key), "k.pem\": does not belong to c.pem"),
        ] {
            let line = wrong(&pem);
            assert!(line.contains(said) && !line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn a_file_that_is_missing_is_named() {
        let error = Pem::read(&files()).err().unwrap().to_string();
        assert!(
            error.starts_with("gateway.tls.certificate = \"c.pem\": cannot be read"),
            "{error}"
        );
    }
}
