//! A certificate for this machine, made for one test.

use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use std::{fs, path::Path, sync::Arc};

/// It signs itself, for `localhost` and 127.0.0.1.
#[derive(Debug)]
pub struct Certificate {
    der: CertificateDer<'static>,
}

impl Certificate {
    /// Made and written: `fullchain.pem`, `privkey.pem`, and both in `both.pem`.
    pub fn write(folder: &Path) -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        for (name, text) in [
            ("both.pem", &format!("{chain}{key}")),
            ("fullchain.pem", &chain),
            ("privkey.pem", &key),
        ] {
            fs::write(folder.join(name), text).expect("a file");
        }
        Self { der: made.cert.der().clone() }
    }

    /// A client that trusts it, and offers these protocols.
    pub fn trusted(&self, protocols: &[&str]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("known versions");
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        config
    }
}
