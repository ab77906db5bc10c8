//! Kraken's REST answers, and its list of pairs.

use crate::exchange::{Instrument, RestFault, text::Text};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The status of a pair that can be traded.
const ONLINE: &str = "online";
/// What REST and version 1 of the protocol call other than the world: their names and ours. Version
/// 2 of the protocol uses ours.
const RENAMED: [(&str, &str); 2] = [("XBT", "BTC"), ("XDG", "DOGE")];

/// Every answer: errors such as `EQuery:Unknown asset pair`, or a result.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    error: Vec<Text<'a>>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
}

/// One pair; the key that it stands under is its name in REST requests.
#[derive(Deserialize)]
struct Pair<'a> {
    /// `XBT/USD`; dark pools have none.
    #[serde(borrow, default)]
    wsname: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
}

/// The result of a successful answer.
pub(super) fn result<'a, T: Deserialize<'a>>(answer: &'a str) -> Result<T, RestFault> {
    let answer: Answer<'a> = serde_json::from_str(answer).map_err(|_| RestFault::Garbage)?;
    if let Some(error) = answer.error.first() {
        let (code, message) = error.as_str().split_once(':').unwrap_or(("error", error.as_str()));
        return Err(RestFault::Venue { code: code.to_owned(), message: message.to_owned() });
    }
    let result = answer.result.ok_or(RestFault::Garbage)?;
    serde_json::from_str(result.get()).map_err(|_| RestFault::Garbage)
}

/// Our name of a currency.
fn currency(name: &str) -> &str {
    RENAMED.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, ours)| ours)
}

/// REST's name of a currency.
pub(super) fn rest_currency(name: &str) -> &str {
    RENAMED.iter().find(|(_, ours)| *ours == name).map_or(name, |(theirs, _)| theirs)
}

/// The pairs of a list answer. The venue itself writes base and quote apart.
pub(super) fn instruments(answer: &str) -> Result<Vec<Instrument>, RestFault> {
    let pairs: BTreeMap<String, Pair<'_>> = result(answer)?;
    Ok(pairs
        .into_iter()
        .filter_map(|(key, pair)| {
            let (base, quote) = pair.wsname.as_str().split_once('/')?;
            let (base, quote) = (currency(base), currency(quote));
            let trading = pair.status.as_str() == ONLINE;
            let it = Instrument::of(base, quote, &format!("{base}/{quote}"), trading)?;
            Some(Instrument { rest_symbol: Some(key), ..it })
        })
        .collect())
}
