//! KuCoin's REST answers: the token and the list of symbols.

use super::{DEFAULT_PING, DEFAULT_TIMEOUT, keepalive};
use crate::exchange::{Instrument, RestFault, Socket, text::Text};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;
use url::Url;

/// The code of success. Any other is an error, even with HTTP status 200.
const SUCCESS: &str = "200000";
/// Codes of a refusal by region.
const REGION: [&str; 2] = ["400301", "400302"];
/// Shortest times that are believed; a smaller interval would turn into a flood of pings.
const MIN_PING: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    code: Text<'a>,
    #[serde(borrow, default)]
    msg: Text<'a>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
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
    #[serde(default)]
    ping_interval: Option<u64>,
    #[serde(default)]
    ping_timeout: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow)]
    symbol: Text<'a>,
    #[serde(borrow)]
    base_currency: Text<'a>,
    #[serde(borrow)]
    quote_currency: Text<'a>,
    enable_trading: bool,
}

/// The data of a successful answer.
pub(super) fn data(answer: &str) -> Result<&str, RestFault> {
    let answer: Answer<'_> = serde_json::from_str(answer).map_err(|_| RestFault::Garbage)?;
    let code = answer.code.as_str();
    if REGION.contains(&code) {
        let message = format!("{} (code {code})", answer.msg.as_str());
        return Err(RestFault::Region { message });
    }
    if code != SUCCESS {
        return Err(RestFault::Venue {
            code: code.to_owned(),
            message: answer.msg.as_str().to_owned(),
        });
    }
    answer.data.map(RawValue::get).ok_or(RestFault::Garbage)
}

/// The socket that a token answer leads to.
pub(super) fn socket(answer: &str, nonce: u64) -> Result<Socket, RestFault> {
    let token: Token = serde_json::from_str(data(answer)?).map_err(|_| RestFault::Garbage)?;
    let servers = token.instance_servers;
    let turn = u64::try_from(servers.len()).ok().and_then(|count| nonce.checked_rem(count));
    let server =
        turn.and_then(|turn| servers.get(usize::try_from(turn).ok()?)).ok_or(RestFault::Garbage)?;
    let mut url = Url::parse(&server.endpoint).map_err(|_| RestFault::Garbage)?;
    url.query_pairs_mut()
        .append_pair("token", &token.token)
        .append_pair("connectId", &nonce.to_string());
    let interval = server.ping_interval.map_or(DEFAULT_PING, Duration::from_millis);
    let pong = server.ping_timeout.map_or(DEFAULT_TIMEOUT, Duration::from_millis);
    let keepalive = keepalive(interval.max(MIN_PING), pong.max(MIN_PING));
    Ok(Socket { url: url.into(), keepalive })
}

/// The instruments of a list answer.
pub(super) fn instruments(answer: &str) -> Result<Vec<Instrument>, RestFault> {
    let rows: Vec<Row<'_>> = serde_json::from_str(data(answer)?).map_err(|_| RestFault::Garbage)?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            let (base, quote) = (row.base_currency.as_str(), row.quote_currency.as_str());
            Instrument::of(base, quote, row.symbol.as_str(), row.enable_trading)
        })
        .collect())
}
