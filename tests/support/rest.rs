//! GET, with everything a test may want to know of the answer.

use reqwest::header::HeaderMap;
use serde_json::Value;
use std::{sync::OnceLock, time::Duration};

/// Longest wait for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// An answer to a GET.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is something else.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }
}

/// The answer to a GET, or `None` when nobody answers.
pub async fn get(url: &str) -> Option<Answer> {
    let response = http().get(url).send().await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Some(Answer { status, headers, body: response.text().await.ok()? })
}

fn http() -> reqwest::Client {
    static PROVIDER: OnceLock<()> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        // Whoever was first chose the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    // One client a request: connections must not outlive the runtime of their test.
    reqwest::Client::builder().timeout(ANSWER_TIMEOUT).build().expect("a client")
}
