//! Binance's list of instruments and its refusals by REST.

use crate::exchange::{Instrument, RestFault, text::Text};
use serde::Deserialize;

/// The status of an instrument that can be traded.
const TRADING: &str = "TRADING";

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    symbols: Vec<Row<'a>>,
}

/// What an error answer holds instead.
#[derive(Deserialize)]
struct Refusal<'a> {
    #[serde(borrow)]
    code: Text<'a>,
    #[serde(borrow, default)]
    msg: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow)]
    symbol: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    base_asset: Text<'a>,
    #[serde(borrow)]
    quote_asset: Text<'a>,
    #[serde(default = "spot_unless_said")]
    is_spot_trading_allowed: bool,
}

/// The list is asked for with `permissions=SPOT` already.
fn spot_unless_said() -> bool {
    true
}

/// What is wrong with an answer that is not what was asked for.
pub(super) fn refusal(answer: &str) -> RestFault {
    serde_json::from_str(answer).map_or(RestFault::Garbage, |refusal: Refusal<'_>| {
        RestFault::Venue {
            code: refusal.code.as_str().to_owned(),
            message: refusal.msg.as_str().to_owned(),
        }
    })
}

/// The instruments of a list answer.
pub(super) fn instruments(answer: &str) -> Result<Vec<Instrument>, RestFault> {
    let answer: Answer<'_> = serde_json::from_str(answer).map_err(|_| refusal(answer))?;
    Ok(answer
        .symbols
        .iter()
        .filter(|row| row.is_spot_trading_allowed)
        .filter_map(|row| {
            let (base, quote) = (row.base_asset.as_str(), row.quote_asset.as_str());
            Instrument::of(base, quote, row.symbol.as_str(), row.status.as_str() == TRADING)
        })
        .collect())
}
