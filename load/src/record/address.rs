//! Where an exchange's public market data are.

use super::RecordError;
use crate::venue::Exchange;
use serde::Deserialize;
use std::time::Duration;
use url::Url;

/// How long a token may take.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);
/// Part of KuCoin's ping interval after which a ping is sent.
const PING_SHARE: f64 = 0.8;
/// KuCoin's ping interval should it name none.
const KUCOIN_INTERVAL_MS: u64 = 18_000;
/// Shortest time between pings that is believed.
const MIN_PING: Duration = Duration::from_millis(100);

/// The base address of an exchange.
#[derive(Debug)]
pub(super) struct Address {
    exchange: Exchange,
    base: Url,
    /// Connections dialled, which KuCoin wants to be named.
    dials: u64,
}

/// A socket to dial.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) url: String,
    /// The same without its token, for the file.
    pub(super) shown: String,
    /// How often to ping, where the exchange has said so.
    pub(super) ping_every: Option<Duration>,
}

#[derive(Deserialize)]
struct Answer {
    code: String,
    #[serde(default)]
    msg: String,
    data: Option<Token>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    token: String,
    instance_servers: Vec<Server>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Server {
    endpoint: String,
    ping_interval: Option<u64>,
}

impl Address {
    /// The exchange's own address, or the given one with the exchange's path.
    pub(super) fn new(exchange: Exchange, given: Option<&str>) -> Result<Self, RecordError> {
        let (own, path) = public(exchange);
        let text = given.unwrap_or(own);
        let mut base = Url::parse(text)
            .map_err(|source| RecordError::Url { text: text.to_owned(), source })?;
        if base.path() == "/" {
            base.set_path(path);
        }
        Ok(Self { exchange, base, dials: 0 })
    }

    /// The socket of the next connection.
    pub(super) async fn socket(&mut self) -> Result<Socket, RecordError> {
        self.dials += 1;
        if self.exchange == Exchange::Kucoin {
            return self.with_token().await;
        }
        let url = self.base.to_string();
        Ok(Socket { shown: url.clone(), url, ping_every: None })
    }

    async fn with_token(&self) -> Result<Socket, RecordError> {
        let url = self.base.to_string();
        let failed = |source| RecordError::Token { url: url.clone(), source };
        let client = reqwest::Client::builder().no_proxy().timeout(TOKEN_TIMEOUT).build();
        let request = client.map_err(failed)?.post(&url);
        let answer =
            request.send().await.map_err(failed)?.json::<Answer>().await.map_err(failed)?;
        let refused = || RecordError::Refused(format!("{} {}", answer.code, answer.msg));
        let token = answer.data.as_ref().ok_or_else(refused)?;
        let server = token.instance_servers.first().ok_or_else(refused)?;
        Ok(socket_of(token, server, self.dials))
    }
}

fn socket_of(token: &Token, server: &Server, number: u64) -> Socket {
    let with = |token: &str| format!("{}?token={token}&connectId={number}", server.endpoint);
    let interval = Duration::from_millis(server.ping_interval.unwrap_or(KUCOIN_INTERVAL_MS));
    Socket {
        url: with(&token.token),
        shown: with("TOKEN"),
        ping_every: Some(interval.mul_f64(PING_SHARE).max(MIN_PING)),
    }
}

/// An exchange's public base address and the path that is asked for there.
fn public(exchange: Exchange) -> (&'static str, &'static str) {
    match exchange {
        Exchange::Kucoin => ("https://api.kucoin.com", "/api/v1/bullet-public"),
        Exchange::Binance => ("wss://stream.binance.com:9443", "/stream"),
        Exchange::Okx => ("wss://ws.okx.com:8443", "/ws/v5/public"),
        Exchange::Coinbase => ("wss://ws-feed.exchange.coinbase.com", "/"),
        Exchange::Kraken => ("wss://ws.kraken.com", "/v2"),
        Exchange::Bybit => ("wss://stream.bybit.com", "/v5/public/spot"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_path_is_added_to_a_base() {
        let url = async |exchange, given| {
            Address::new(exchange, given).unwrap().socket().await.unwrap().url
        };
        assert_eq!(url(Exchange::Kraken, None).await, "wss://ws.kraken.com/v2");
        let own = Some("ws://127.0.0.1:9001");
        assert_eq!(url(Exchange::Okx, own).await, "ws://127.0.0.1:9001/ws/v5/public");
        let whole = Some("ws://127.0.0.1:9001/x");
        assert_eq!(url(Exchange::Bybit, whole).await, "ws://127.0.0.1:9001/x");
        assert!(Address::new(Exchange::Okx, Some("nowhere")).is_err());
    }

    #[test]
    fn a_token_is_never_shown() {
        let server = Server { endpoint: "wss://x/".to_owned(), ping_interval: Some(10_000) };
        let token = Token { token: "secret".to_owned(), instance_servers: Vec::new() };
        let socket = socket_of(&token, &server, 3);
        assert_eq!(socket.url, "wss://x/?token=secret&connectId=3");
        assert_eq!(socket.shown, "wss://x/?token=TOKEN&connectId=3");
        assert_eq!(socket.ping_every, Some(Duration::from_secs(8)));
    }
}
