//! The venues' REST interface: one request, one bounded answer.

use super::Loss;
use reqwest::{Client, RequestBuilder, Response, header::RETRY_AFTER, redirect};
use std::{error::Error, sync::Once, time::Duration};

/// Largest answer that is read; Binance's list of instruments has several megabytes.
const MAX_BODY_BYTES: usize = 64 << 20;
/// Redirects followed; the venues use none, a proxy in between may.
const MAX_REDIRECTS: usize = 3;
/// What we call ourselves towards the venues.
const USER_AGENT: &str = concat!("tickcast/", env!("CARGO_PKG_VERSION"));

/// Chooses the one crypto provider of the process, once.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Refused only if the process has chosen one already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// A client for REST requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Rest(Client);

impl Rest {
    /// A client that takes the same way as the sockets: no proxy from the environment.
    ///
    /// # Errors
    /// When TLS cannot be set up on this machine.
    pub fn new() -> Result<Self, reqwest::Error> {
        install_crypto();
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .no_proxy()
            .redirect(redirect::Policy::limited(MAX_REDIRECTS))
            .build()?;
        Ok(Self(client))
    }

    /// The body of the answer to a GET within the time.
    ///
    /// # Errors
    /// [`Loss`] when there is no answer, or one with another status than 2xx and no body to judge.
    pub async fn get(&self, url: &str, within: Duration) -> Result<Answer, Loss> {
        fetch(self.0.get(url).timeout(within)).await
    }

    /// The same for a POST without content.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post(&self, url: &str, within: Duration) -> Result<Answer, Loss> {
        fetch(self.0.post(url).timeout(within)).await
    }
}

/// An answer with its status, which may be a refusal.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    body: String,
}

impl Answer {
    /// Reads the body by `read`. The venue's own words in it go before the HTTP status.
    ///
    /// # Errors
    /// [`Loss`] when the venue refuses, by status or in the body.
    pub fn read<T, E: Into<Loss>>(
        &self,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Loss> {
        let succeeded = (200..300).contains(&self.status);
        match read(&self.body).map_err(Into::into) {
            Err(region @ Loss::Region(_)) => Err(region),
            _ if !succeeded => Err(Loss::from_status(self.status, self.retry_after)),
            result => result,
        }
    }
}

async fn fetch(request: RequestBuilder) -> Result<Answer, Loss> {
    let lost = |error: reqwest::Error| Loss::Unreachable(chain(&error.without_url()));
    let mut response = request.send().await.map_err(lost)?;
    let (status, retry_after) = (response.status().as_u16(), wait_asked_for(&response));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(Loss::Broken(format!("an answer of more than {MAX_BODY_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    let body = String::from_utf8(body).unwrap_or_default();
    Ok(Answer { status, retry_after, body })
}

fn wait_asked_for(response: &Response) -> Option<Duration> {
    seconds(response.headers().get(RETRY_AFTER)?.to_str().ok()?)
}

/// The whole seconds of a `Retry-After` header. Its other form, a date, no venue uses.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

/// An error with all its causes in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    text
}
