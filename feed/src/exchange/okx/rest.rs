//! OKX's list of instruments.

use crate::exchange::{Instrument, RestFault, text::Text};
use serde::Deserialize;

/// The code of success.
const SUCCESS: &str = "0";
/// The state of an instrument that can be traded.
const LIVE: &str = "live";

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    code: Text<'a>,
    #[serde(borrow, default)]
    msg: Text<'a>,
    #[serde(borrow, default)]
    data: Vec<Row<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow)]
    inst_id: Text<'a>,
    #[serde(borrow)]
    base_ccy: Text<'a>,
    #[serde(borrow)]
    quote_ccy: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
}

/// The instruments of a list answer.
pub(super) fn instruments(answer: &str) -> Result<Vec<Instrument>, RestFault> {
    let answer: Answer<'_> = serde_json::from_str(answer).map_err(|_| RestFault::Garbage)?;
    if answer.code.as_str() != SUCCESS {
        return Err(RestFault::Venue {
            code: answer.code.as_str().to_owned(),
            message: answer.msg.as_str().to_owned(),
        });
    }
    Ok(answer
        .data
        .iter()
        .filter_map(|row| {
            let (base, quote) = (row.base_ccy.as_str(), row.quote_ccy.as_str());
            Instrument::of(base, quote, row.inst_id.as_str(), row.state.as_str() == LIVE)
        })
        .collect())
}
