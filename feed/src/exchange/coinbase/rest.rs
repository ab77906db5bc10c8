//! Coinbase's list of products and its refusals by REST.

use super::answered_with;
use crate::exchange::{Instrument, RestFault, text::Text};
use serde::Deserialize;

/// The status of a product that can be traded.
const ONLINE: &str = "online";

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    base_currency: Text<'a>,
    #[serde(borrow)]
    quote_currency: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
    #[serde(default)]
    trading_disabled: bool,
}

/// What an error answer holds instead.
#[derive(Deserialize)]
struct Refusal<'a> {
    #[serde(borrow)]
    message: Text<'a>,
}

/// What is wrong with an answer that is not what was asked for.
pub(super) fn refusal(answer: &str) -> RestFault {
    serde_json::from_str(answer).map_or(RestFault::Garbage, |refusal: Refusal<'_>| {
        RestFault::Venue { code: "error".to_owned(), message: refusal.message.as_str().to_owned() }
    })
}

/// The products of a list answer, without those that are answered with another one's data.
pub(super) fn instruments(answer: &str) -> Result<Vec<Instrument>, RestFault> {
    let rows: Vec<Row<'_>> = serde_json::from_str(answer).map_err(|_| refusal(answer))?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            let (base, quote) = (row.base_currency.as_str(), row.quote_currency.as_str());
            let trading = row.status.as_str() == ONLINE && !row.trading_disabled;
            Instrument::of(base, quote, row.id.as_str(), trading)
        })
        .filter(|it| answered_with(&it.symbol).is_none())
        .collect())
}
