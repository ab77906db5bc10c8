//! Whom TLS to Redis trusts, and what it shows of itself: PEM files, read once at the start.

use redis::{ClientTlsConfig, TlsCertificates};
use rustls::{
    RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The `[redis_tls]` section: for servers with certificates of a CA of one's own, and for those that
/// ask who is there. Sentinels and the nodes of a cluster are spoken to in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TlsConfig {
    /// Certificates of the CAs whose servers are trusted, instead of those that this system trusts.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to servers that ask for one, followed by those that lead to a
    /// CA that they trust.
    pub certificate: Option<PathBuf>,
    /// Its private key, not encrypted.
    pub private_key: Option<PathBuf>,
}

/// Why a file of [`TlsConfig`] cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// It cannot be read.
    #[error("redis_tls.{key} = {path:?}: cannot be read: {why}")]
    Unreadable {
        /// Its key.
        key: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// There is not in it what should be.
    #[error("redis_tls.{key} = {path:?}: {why}")]
    Unfit {
        /// Its key.
        key: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A certificate without a key, or a key without a certificate.
    #[error("redis_tls.{given} needs redis_tls.{missing} beside it")]
    Half {
        /// What is there.
        given: &'static str,
        /// What is not.
        missing: &'static str,
    },
}

impl TlsConfig {
    /// Reads the files; nothing when none is named.
    ///
    /// # Errors
    /// [`TlsError`] names the key and what is wrong with its file.
    pub(super) fn read(&self) -> Result<Option<TlsCertificates>, TlsError> {
        let root_cert = self.ca.as_deref().map(read_ca).transpose()?;
        let client_tls = match (&self.certificate, &self.private_key) {
            (Some(certificate), Some(key)) => Some(read_own(certificate, key)?),
            (None, None) => None,
            (Some(_), None) => {
                return Err(TlsError::Half { given: "certificate", missing: "private_key" });
            }
            (None, Some(_)) => {
                return Err(TlsError::Half { given: "private_key", missing: "certificate" });
            }
        };
        let is_empty = root_cert.is_none() && client_tls.is_none();
        Ok((!is_empty).then_some(TlsCertificates { client_tls, root_cert }))
    }
}

fn read_ca(path: &Path) -> Result<Vec<u8>, TlsError> {
    let pem = read("ca", path)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca", path, &pem)? {
        roots.add(certificate).map_err(|error| unfit("ca", path, error.to_string()))?;
    }
    Ok(pem)
}

fn read_own(certificate: &Path, key: &Path) -> Result<ClientTlsConfig, TlsError> {
    let (client_cert, client_key) = (read("certificate", certificate)?, read("private_key", key)?);
    let chain = certificates("certificate", certificate, &client_cert)?;
    let private = PrivateKeyDer::from_pem_slice(&client_key)
        .map_err(|_| unfit("private_key", key, "no private key in it, or an encrypted one"))?;
    CertifiedKey::from_der(chain, private, &ring::default_provider())
        .map_err(|error| unfit("private_key", key, format!("not that certificate's: {error}")))?;
    Ok(ClientTlsConfig { client_cert, client_key })
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|why| TlsError::Unreadable { key, path: path.to_owned(), why })
}

fn certificates(
    key: &'static str,
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(unfit(key, path, "no certificate in it; it takes PEM")),
    }
}

fn unfit(key: &'static str, path: &Path, why: impl Into<String>) -> TlsError {
    TlsError::Unfit { key, path: path.to_owned(), why: why.into() }
}

/// What to do about a handshake that failed with these words of rustls', where that can be said.
pub(super) fn advice(error: &str) -> Option<&'static str> {
    let error = error.to_ascii_lowercase().replace(' ', "");
    let all = [
        (
            "unknownissuer",
            "it is by no CA in redis_tls.ca (without that key: by none that this system trusts)",
        ),
        ("badsignature", "it is by another CA than that in redis_tls.ca, of the same name"),
        ("certificateexpired", "renew the server's certificate, or look at this machine's clock"),
        ("certificatenotvalidyet", "look at the clocks of this machine and of the server"),
        ("notvalidforname", "name the server in redis_url as its certificate does"),
        (
            "certificaterequired",
            "the server asks for a certificate: set redis_tls.certificate and redis_tls.private_key",
        ),
        ("alert:unknownca", "the server does not trust the CA of redis_tls.certificate"),
        ("alert:certificateexpired", "renew redis_tls.certificate"),
        (
            "corruptmessage",
            "the server does not speak TLS there: name its TLS port, or write redis:// for rediss://",
        ),
    ];
    // What the server says of us contains what we would say of it.
    let by_length = all.iter().filter(|(word, _)| error.contains(word));
    by_length.max_by_key(|(word, _)| word.len()).map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn what_the_server_says_of_us_is_not_taken_for_what_we_say_of_it() {
        let ours = advice("invalid peer certificate: certificate expired: verification time 5");
        assert!(ours.is_some_and(|advice| advice.contains("the server's certificate")));
        let theirs = advice("received fatal alert: CertificateExpired");
        assert!(theirs.is_some_and(|advice| advice.contains("redis_tls.certificate")));
        assert_eq!(advice("connection refused"), None);
    }
}
