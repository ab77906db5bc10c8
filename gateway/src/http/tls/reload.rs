//! Takes over a new certificate when its files change. Connections that are open keep theirs.

use super::certificate::{Certificate, Mistake, Pem};
use crate::{config::TlsConfig, metrics::Metrics};
use rustls::ServerConfig;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{sync::watch, task::spawn_blocking};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// How often the files are read. What they hold counts, not their dates: certificates come by
/// rewriting, by renaming and by links that are moved.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks at the files of the certificate in force.
pub struct Watcher {
    files: TlsConfig,
    in_force: watch::Sender<Arc<ServerConfig>>,
    metrics: Metrics,
    last: Found,
    doubt: Option<Mistake>,
}

type Found = Result<Pem, Mistake>;

/// What a look at the files has shown.
enum News {
    Nothing,
    Certificate(Certificate),
    /// They cannot be used, and it is not that they are just being written.
    Broken(Mistake),
}

impl Watcher {
    /// Begins with the certificate in force.
    #[must_use]
    pub fn new(
        files: TlsConfig,
        pem: Pem,
        in_force: watch::Sender<Arc<ServerConfig>>,
        metrics: Metrics,
    ) -> Self {
        Self { files, in_force, metrics, last: Ok(pem), doubt: None }
    }

    /// Looks until cancelled.
    ///
    /// # Errors
    /// None.
    pub async fn run(mut self, token: CancellationToken) -> Result<(), Infallible> {
        loop {
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let files = self.files.clone();
            // It fails only while the process ends.
            let Ok(found) = spawn_blocking(move || Pem::read(&files)).await else { continue };
            match self.look(found) {
                News::Nothing => {}
                News::Certificate(new) => self.take_over(new),
                News::Broken(mistake) => {
                    error!(%mistake, "the new certificate is not used; the old one stays in force");
                    self.metrics.certificate_is_broken();
                }
            }
        }
    }

    /// A mistake is told when the next look finds the same: two files are not written at once.
    fn look(&mut self, found: Found) -> News {
        if found == self.last {
            return self.doubt.take().map_or(News::Nothing, News::Broken);
        }
        let loaded = found.as_ref().map_err(Clone::clone).and_then(|pem| pem.load(&self.files));
        self.last = found;
        match loaded {
            Ok(certificate) => {
                self.doubt = None;
                News::Certificate(certificate)
            }
            Err(mistake) => {
                self.doubt = Some(mistake);
                News::Nothing
            }
        }
    }

    fn take_over(&self, certificate: Certificate) {
        info!(expires = certificate.expires, "a new certificate is in force");
        self.metrics.certificate(certificate.expires);
        self.metrics.certificate_reloads.increment(1);
        self.in_force.send_replace(certificate.config);
    }
}
