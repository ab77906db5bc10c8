//! Fetching a key set: the one place where a gateway dials out for anything but its bus.

use reqwest::{Client, redirect};
use std::{error::Error, time::Duration};
use url::Url;

/// Time for the whole answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// Redirects followed.
const MAX_REDIRECTS: usize = 3;

/// One address and how it is asked.
#[derive(Debug)]
pub struct Fetcher {
    client: Client,
    url: Url,
}

impl Fetcher {
    /// Nothing is dialled yet.
    ///
    /// # Errors
    /// A line that says why the address can never be asked.
    pub fn new(url: &str) -> Result<Self, String> {
        // Refused only if the process has chosen one already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        let client = Client::builder()
            .user_agent(concat!("tickcast/", env!("CARGO_PKG_VERSION")))
            .timeout(ANSWER_TIMEOUT)
            // Keys that come over TLS do not come from a redirect to where anyone can change them.
            .https_only(url.scheme() == "https")
            .redirect(redirect::Policy::limited(MAX_REDIRECTS))
            .build()
            .map_err(|error| chain(&error))?;
        Ok(Self { client, url })
    }

    /// The body of the answer.
    ///
    /// # Errors
    /// What went wrong, without the address.
    pub async fn get(&self) -> Result<String, String> {
        let lost = |error: reqwest::Error| chain(&error.without_url());
        let mut response = self.client.get(self.url.clone()).send().await.map_err(lost)?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("answered with {status}"));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > super::MAX_FILE_BYTES {
                return Err(format!("answered with more than {} bytes", super::MAX_FILE_BYTES));
            }
            body.extend_from_slice(&chunk);
        }
        String::from_utf8(body).map_err(|_| "answered with text that is not UTF-8".to_owned())
    }

    /// The address as operators may see it: where, not with which password or query.
    #[must_use]
    pub fn name(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        format!("{}://{host}{}", self.url.scheme(), self.url.path())
    }
}

/// An error with all its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
