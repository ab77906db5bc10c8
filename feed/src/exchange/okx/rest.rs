//! OKX's REST answers, and its list of instruments.

use crate::exchange::{Instrument, RestFault, text::Text};
use serde::Deserialize;
use serde_json::value::RawValue;

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
    data: Option<&'a RawValue>,
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

/// The data of a successful answer.
pub(super) fn data<'a, T: Deserialize<'a>>(answer: &'a str) -> Result<T, RestFault> {
    let answer: Answer<'a> = serde_json::from_str(answer).map_err(|_| RestFault::Garbage)?;
    if answer.code.as_str() != SUCCESS {
        return Err(RestFault::Venue {
            code: answer.code.as_str().to_owned(),
            message: answer.msg.as_str().to_owned(),
        });
    }
    let data = answer.data.ok_or(RestFault::Garbage)?;
    serde_json::from_str(data.get()).map_err(|_| RestFault::Garbage)
}

/// The instruments of a list answer.
pub(super) fn instruments(answer: &str) -> Result<Vec<Instrument>, RestFault> {
    let rows: Vec<Row<'_>> = data(answer)?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            let (base, quote) = (row.base_ccy.as_str(), row.quote_ccy.as_str());
            Instrument::of(base, quote, row.inst_id.as_str(), row.state.as_str() == LIVE)
        })
        .collect())
}
