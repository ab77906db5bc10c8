//! The gateway's end of a trace: its admin listener, and what else may be found at that address.

use crate::{cli, outcome::Failure};
use anyhow::{Context, anyhow, bail};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// Longest wait for a connection and for an answer to begin.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// A gateway writes a line at least every three seconds: silence of this length is its end.
const SILENCE: Duration = Duration::from_secs(15);
/// Longest line that is believed; one is some 1 KB.
const LONGEST_LINE: usize = 1024 * 1024;

/// The lines of a trace.
pub struct Lines {
    response: Response,
    unread: Vec<u8>,
}

/// Begins a trace.
///
/// # Errors
/// A mistake in the address or the topic; no gateway, something else, or no such topic there.
pub async fn open(admin: &str, topic: &str, count: u64) -> Result<Lines, Failure> {
    let mut url = address(admin)?;
    url.set_path("/trace");
    url.query_pairs_mut().append_pair("topic", topic).append_pair("count", &count.to_string());
    let client = Client::builder().connect_timeout(ANSWER_TIMEOUT).build();
    let client = client.map_err(anyhow::Error::from)?;
    let sent = timeout(ANSWER_TIMEOUT, client.get(url).send()).await;
    let response = sent.with_context(|| format!("{admin} accepts connections and does not answer"));
    let response = response?.with_context(|| {
        format!(
            "cannot reach {admin}. Is a gateway running there? --admin names its admin listener \
             (gateway.admin_listen)"
        )
    })?;
    match response.status() {
        StatusCode::OK => Ok(Lines { response, unread: Vec::new() }),
        status => Err(refused(&client, admin, topic, status, response).await),
    }
}

/// The base address of an admin listener.
fn address(admin: &str) -> Result<Url, Failure> {
    let url = Url::parse(admin).ok().filter(|url| url.scheme() == "http" && url.has_host());
    url.ok_or_else(|| {
        Failure::Mistake(format!(
            "--admin = {admin:?} does not fit: expected the address of a gateway's admin listener, \
             for example {}",
            cli::DEFAULT_ADMIN
        ))
    })
}

/// Why there is no trace, in words that say what to do.
async fn refused(
    client: &Client,
    admin: &str,
    topic: &str,
    status: StatusCode,
    response: Response,
) -> Failure {
    let body = timeout(ANSWER_TIMEOUT, response.json()).await;
    let body: Value = body.ok().and_then(Result::ok).unwrap_or_default();
    let told = |key: &str| body["error"][key].as_str().unwrap_or_default().to_owned();
    let message = told("message");
    match (status, told("code").as_str()) {
        (_, "bad_topic") => Failure::Mistake(format!("{topic:?} is no topic: {message}")),
        (_, "unknown_topic" | "not_ready" | "rate_limited") => anyhow!("{admin}: {message}").into(),
        (StatusCode::NOT_FOUND, _) => anyhow!(what_else(client, admin).await).into(),
        _ => anyhow!("{admin}: {status}: {message}").into(),
    }
}

/// What answers at an address that has no `/trace`.
async fn what_else(client: &Client, admin: &str) -> String {
    let hint =
        format!("--admin wants a gateway's admin listener, by default {}", cli::DEFAULT_ADMIN);
    let Ok(mut url) = Url::parse(admin) else { return hint };
    url.set_path("/health");
    let asked = timeout(ANSWER_TIMEOUT, async { client.get(url).send().await?.json().await });
    let health: Value = asked.await.ok().and_then(Result::ok).unwrap_or_default();
    match (health["role"].as_str(), health["version"].as_str()) {
        (Some("feed"), _) => {
            format!("{admin} is a feed's admin listener; updates are followed at a gateway. {hint}")
        }
        (Some(role), Some(version)) => {
            format!("the {role} at {admin} is of version {version}, which cannot trace")
        }
        _ => format!("what answers at {admin} is no admin listener. {hint}"),
    }
}

impl Lines {
    /// The next line; none when the gateway has ended it.
    ///
    /// # Errors
    /// When the connection broke or nothing comes any more.
    pub async fn next(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&line[..end]).into_owned()));
            }
            if self.unread.len() > LONGEST_LINE {
                bail!("what comes is no trace");
            }
            let chunk = timeout(SILENCE, self.response.chunk()).await;
            match chunk.context("the gateway has fallen silent")?.context("the connection broke")? {
                Some(chunk) => self.unread.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}
