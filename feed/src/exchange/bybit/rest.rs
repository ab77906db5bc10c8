//! Bybit's REST answers, and its list of instruments.

use crate::exchange::{Instrument, RestFault, text::Text};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The code of success.
const SUCCESS: &str = "0";
/// The code of a refusal for the laws of a region, in Bybit's list of errors.
const REGION: &str = "10024";
/// The status of an instrument that can be traded.
const TRADING: &str = "Trading";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(borrow)]
    ret_code: Text<'a>,
    #[serde(borrow, default)]
    ret_msg: Text<'a>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
}

/// Every result of ours is a list.
#[derive(Deserialize)]
struct Listed<T> {
    list: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow)]
    symbol: Text<'a>,
    #[serde(borrow)]
    base_coin: Text<'a>,
    #[serde(borrow)]
    quote_coin: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
}

/// The list of a successful answer.
pub(super) fn list<'a, T: Deserialize<'a>>(answer: &'a str) -> Result<Vec<T>, RestFault> {
    let answer: Answer<'a> = serde_json::from_str(answer).map_err(|_| RestFault::Garbage)?;
    let (code, message) = (answer.ret_code.as_str(), answer.ret_msg.as_str());
    match code {
        SUCCESS => {}
        REGION => return Err(RestFault::Region { message: format!("{message} (code {code})") }),
        _ => {
            let (code, message) = (code.to_owned(), message.to_owned());
            return Err(RestFault::Venue { code, message });
        }
    }
    let result = answer.result.ok_or(RestFault::Garbage)?;
    let listed: Listed<T> = serde_json::from_str(result.get()).map_err(|_| RestFault::Garbage)?;
    Ok(listed.list)
}

/// The instruments of a list answer, which was asked for spot.
pub(super) fn instruments(answer: &str) -> Result<Vec<Instrument>, RestFault> {
    let rows: Vec<Row<'_>> = list(answer)?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            let (base, quote) = (row.base_coin.as_str(), row.quote_coin.as_str());
            Instrument::of(base, quote, row.symbol.as_str(), row.status.as_str() == TRADING)
        })
        .collect())
}
