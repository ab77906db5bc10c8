//! Where dead letters are read: Redis, or a running feed's admin listener.

use super::{Letter, args::Filter};
use crate::{config::Config, outcome::Failure};
use anyhow::{Context, anyhow};
use serde::{Deserialize, de::DeserializeOwned};
use std::{fmt, time::Duration};
use tickcast_shared::bus::{Bus, DeadLetters};
use url::Url;

/// Longest wait for a feed's answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Letters read from Redis in one call, while those that do not match are passed over.
const PAGE: usize = 500;

/// Where the letters are.
pub enum Source {
    /// On the bus; with its address for messages.
    Redis(Box<DeadLetters>, String),
    /// In a feed.
    Feed(Box<reqwest::Client>, Url),
}

/// The part of a feed's `/dlq` that is shown.
#[derive(Debug, Deserialize)]
struct Report {
    letters: Vec<Letter>,
}

impl Source {
    /// The feed at that address, or the Redis that the settings name. Nothing is dialled.
    pub fn open(url: Option<&str>, config: &Config) -> Result<Self, Failure> {
        let Some(text) = url else {
            let redis = config.redis()?;
            let address = redis.address().to_owned();
            return Ok(Self::Redis(Box::new(Bus::Redis(redis).dead_letters()), address));
        };
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| {
            Failure::Mistake(format!(
                "--url = {text:?} is no address of a feed; write http://127.0.0.1:9091"
            ))
        })?;
        let client = reqwest::Client::builder().timeout(ANSWER_TIMEOUT).build();
        Ok(Self::Feed(Box::new(client.map_err(anyhow::Error::from)?), url))
    }

    /// The newest letters that match.
    pub async fn list(&mut self, filter: &Filter) -> Result<Vec<Letter>, Failure> {
        match self {
            Self::Redis(letters, address) => read(letters, address, filter).await,
            Self::Feed(client, url) => {
                let mut url = url.clone();
                url.set_path("/dlq");
                let wanted = [("exchange", &filter.exchange), ("reason", &filter.reason)];
                for (key, value) in wanted.into_iter().filter_map(|(k, v)| Some((k, v.as_ref()?))) {
                    url.query_pairs_mut().append_pair(key, value);
                }
                url.query_pairs_mut().append_pair("limit", &filter.limit.to_string());
                let report: Option<Report> = ask(client, url).await?;
                Ok(report.ok_or_else(|| anyhow!("it has no /dlq; is it a feed?"))?.letters)
            }
        }
    }

    /// The letter of that number.
    pub async fn get(&mut self, id: &str) -> Result<Letter, Failure> {
        let found = match self {
            Self::Redis(letters, address) => {
                let found = letters.get(id).await.with_context(|| cannot_read(address))?;
                found.map(Letter::from)
            }
            Self::Feed(client, url) => {
                let mut url = url.clone();
                url.set_path("/dlq");
                url.path_segments_mut().map_err(|()| anyhow!("--url has no path"))?.push(id);
                ask(client, url).await?
            }
        };
        let missing =
            || anyhow!("no dead letter {id} at {self}; the oldest ones give way to newer");
        found.ok_or_else(|| missing().into())
    }
}

async fn read(
    letters: &mut DeadLetters,
    address: &str,
    filter: &Filter,
) -> Result<Vec<Letter>, Failure> {
    let is = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|it| it == is);
    let mut found: Vec<Letter> = Vec::new();
    let mut before = None;
    loop {
        let page = letters.read(PAGE, before.as_deref()).await;
        let page = page.with_context(|| cannot_read(address))?;
        before = page.last().map(|oldest| oldest.id.clone());
        let is_last = page.len() < PAGE;
        let wanted = page.into_iter().map(Letter::from).filter(|letter| {
            is(&filter.exchange, &letter.exchange) && is(&filter.reason, &letter.reason)
        });
        found.extend(wanted.take(filter.limit - found.len()));
        if is_last || found.len() == filter.limit {
            return Ok(found);
        }
    }
}

fn cannot_read(address: &str) -> String {
    format!("cannot read dead letters from Redis at {address}")
}

/// The answer to a GET; nothing when there is nothing at that path.
async fn ask<T: DeserializeOwned>(
    client: &reqwest::Client,
    url: Url,
) -> Result<Option<T>, Failure> {
    let answer = client.get(url.clone()).send().await;
    let answer = answer.with_context(|| format!("cannot reach {url}"))?;
    let status = answer.status();
    if status == reqwest::StatusCode::NOT_FOUND {
        return Ok(None);
    }
    if !status.is_success() {
        return Err(anyhow!("{url}: {status}").into());
    }
    let body = answer.text().await.with_context(|| format!("{url}: answer cut off"))?;
    let found = serde_json::from_str(&body).with_context(|| format!("{url}: no dead letters"))?;
    Ok(Some(found))
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redis(_, address) => write!(f, "Redis {address}"),
            Self::Feed(_, url) => write!(f, "{url}"),
        }
    }
}
