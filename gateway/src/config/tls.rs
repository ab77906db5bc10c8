//! The `[gateway.tls]` section: where the certificate is.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The gateway's certificate, in PEM files that are looked at again while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate, followed by those that lead to one the clients trust.
    pub certificate: PathBuf,
    /// Its private key, not encrypted.
    pub private_key: PathBuf,
}
