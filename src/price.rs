//! `tickcast price`: one price through REST.

use crate::{
    cli,
    outcome::Failure,
    watch::{Belief, Quote, quote_line},
};
use anyhow::{Context, anyhow};
use serde::Deserialize;
use std::{
    io::{self, Write},
    time::Duration,
};
use tickcast_shared::clock::Micros;
use url::Url;

/// Longest wait for the gateway's answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The part of `GET /v1/price/{symbol}` that fits on a line.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(flatten)]
    quote: Quote,
    age_ms: Option<u64>,
    stale: bool,
}

/// Prints the price.
///
/// # Errors
/// [`Failure::NotLive`] when there is one and it is not live.
pub async fn price(args: cli::Price) -> Result<(), Failure> {
    let url = rest_url(&args)?;
    let client = reqwest::Client::builder().timeout(ANSWER_TIMEOUT).build();
    let response = client.map_err(anyhow::Error::from)?.get(url.clone()).send().await;
    let response = response.with_context(|| format!("cannot reach {url}"))?;
    let status = response.status();
    let body = response.text().await.with_context(|| format!("{url}: answer cut off"))?;
    if !status.is_success() {
        return Err(anyhow!("{}: {status}: {}", args.symbol, message_of(&body)).into());
    }
    let answer: Answer =
        serde_json::from_str(&body).with_context(|| format!("{url}: not a price"))?;
    let live = answer.quote.state == Belief::Live && !answer.stale;
    print(if args.json { body } else { line(&answer) })?;
    if live { Ok(()) } else { Err(Failure::NotLive) }
}

/// The REST address of the gateway whose WebSocket address was given.
fn rest_url(args: &cli::Price) -> Result<Url, Failure> {
    let wrong =
        |why: String| Failure::Mistake(format!("--url = {:?} does not fit: {why}", args.url));
    let mut url = Url::parse(&args.url).map_err(|error| wrong(error.to_string()))?;
    let scheme = match url.scheme() {
        "ws" | "http" => "http",
        "wss" | "https" => "https",
        other => return Err(wrong(format!("{other}:// is neither ws:// nor http://"))),
    };
    url.set_scheme(scheme).map_err(|()| wrong(format!("it cannot become {scheme}://")))?;
    url.set_path("");
    url.path_segments_mut().map_err(|()| wrong("it has no path".to_owned()))?.extend([
        "v1",
        "price",
        &args.symbol,
    ]);
    url.set_query(None);
    if let Some(exchange) = &args.exchange {
        url.query_pairs_mut().append_pair("exchange", exchange);
    }
    Ok(url)
}

/// The gateway's own words on why there is no price.
fn message_of(body: &str) -> String {
    serde_json::from_str::<serde_json::Value>(body)
        .ok()
        .and_then(|body| Some(body.get("error")?.get("message")?.as_str()?.to_owned()))
        .unwrap_or_else(|| "no reason given".to_owned())
}

fn line(answer: &Answer) -> String {
    let age = Duration::from_millis(answer.age_ms.unwrap_or(0));
    let now = answer.quote.received_ts.map_or(Micros::default(), |at| at.plus(age));
    quote_line(&answer.quote, now)
}

fn print(text: String) -> Result<(), Failure> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow!(error).context("cannot write").into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url_of(url: &str, exchange: Option<&str>) -> Result<String, Failure> {
        let args = cli::Price {
            symbol: "BTC-USDT".into(),
            exchange: exchange.map(str::to_owned),
            url: url.into(),
            json: false,
        };
        rest_url(&args).map(String::from)
    }

    #[test]
    fn rest_is_where_the_websocket_is() {
        for (url, exchange, wanted) in [
            ("ws://127.0.0.1:8080/ws", None, "http://127.0.0.1:8080/v1/price/BTC-USDT"),
            ("wss://example.com", None, "https://example.com/v1/price/BTC-USDT"),
            ("http://h:1/x?y=z", Some("okx"), "http://h:1/v1/price/BTC-USDT?exchange=okx"),
        ] {
            assert_eq!(url_of(url, exchange).unwrap(), wanted);
        }
        assert!(url_of("redis://h", None).is_err());
        assert!(url_of("127.0.0.1", None).is_err());
    }
}
