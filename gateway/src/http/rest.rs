//! REST: last prices, topics, symbols, exchanges.

use super::{
    App,
    answers::{ExchangeRow, Exchanges, Prices, SymbolRow, Symbols, Topics},
    reply::Refusal,
};
use crate::{auth::Access, client::commands::Wanted, registry};
use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
};
use serde_json::value::RawValue;
use std::collections::HashSet;
use tickcast_shared::{
    market::{Channel, ExchangeId, Topic},
    protocol::command::{DEFAULT_TOPICS_PAGE, MAX_TOPICS_PAGE},
};

/// Most symbols of one `/v1/prices` request.
const MAX_SYMBOLS: usize = 500;

/// `GET /v1/price/{symbol}?exchange=`
pub async fn price(
    State(app): State<App>,
    access: Access,
    symbol: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<Box<RawValue>>, Refusal> {
    ready(&app)?;
    let Path(symbol) = symbol.map_err(|error| Refusal::bad_topic(error.body_text()))?;
    let [exchange] = named(query.as_deref(), ["exchange"])?;
    let exchange = exchange_or_default(&app, exchange.as_deref())?;
    let topic = ticker(&symbol, &exchange)?;
    if !access.allows(&topic) {
        return Err(Refusal::not_allowed(&topic));
    }
    app.prices.price(&topic).map(Json).ok_or_else(|| {
        Refusal::unknown_topic(format!("no feed has announced {topic}; see /v1/topics"))
    })
}

/// `GET /v1/prices?symbols=A,B&exchange=`
pub async fn prices(
    State(app): State<App>,
    access: Access,
    RawQuery(query): RawQuery,
) -> Result<Json<Prices>, Refusal> {
    ready(&app)?;
    let [symbols, exchange] = named(query.as_deref(), ["symbols", "exchange"])?;
    let symbols = symbols.unwrap_or_default();
    let symbols: Vec<&str> = symbols.split(',').filter(|text| !text.is_empty()).collect();
    if symbols.is_empty() || symbols.len() > MAX_SYMBOLS {
        let message = format!("symbols must name 1 to {MAX_SYMBOLS} symbols, as in A-B,C-D");
        return Err(Refusal::bad_field(message));
    }
    let exchange = exchange_or_default(&app, exchange.as_deref())?;
    let mut answer = Prices { prices: Vec::new(), missing: Vec::new() };
    let mut named = HashSet::new();
    for symbol in symbols {
        // What cannot be a symbol is as missing as one that is not listed.
        let topic = ticker(symbol, &exchange).ok();
        let name = topic.as_ref().map_or_else(|| symbol.to_owned(), ToString::to_string);
        if !named.insert(name) {
            continue;
        }
        if let Some(topic) = topic.as_ref().filter(|topic| !access.allows(topic)) {
            return Err(Refusal::not_allowed(topic));
        }
        match topic.and_then(|topic| app.prices.price(&topic)) {
            Some(price) => answer.prices.push(price),
            None => answer.missing.push(symbol.to_owned()),
        }
    }
    Ok(Json(answer))
}

/// `GET /v1/topics?match=&limit=&cursor=`
pub async fn topics(
    State(app): State<App>,
    access: Access,
    RawQuery(query): RawQuery,
) -> Result<Json<Topics>, Refusal> {
    ready(&app)?;
    let [matching, limit, cursor] = named(query.as_deref(), ["match", "limit", "cursor"])?;
    let limit = match limit.as_deref().map(str::parse) {
        None => DEFAULT_TOPICS_PAGE,
        Some(Ok(limit @ 1..=MAX_TOPICS_PAGE)) => limit,
        Some(_) => {
            return Err(Refusal::bad_field(format!("limit must be 1 to {MAX_TOPICS_PAGE}")));
        }
    };
    let wanted = Wanted::filter(matching.as_deref(), &app.config.default_exchange)
        .map_err(Refusal::bad_topic)?;
    let all = app.prices.all();
    let present = all.iter().map(|(topic, _)| topic).filter(|topic| access.allows(topic));
    let (topics, cursor) = registry::page(present, wanted.as_ref(), limit, cursor.as_deref());
    Ok(Json(Topics { topics, cursor }))
}

/// `GET /v1/symbols?exchange=`
pub async fn symbols(
    State(app): State<App>,
    access: Access,
    RawQuery(query): RawQuery,
) -> Result<Json<Symbols>, Refusal> {
    ready(&app)?;
    let [exchange] = named(query.as_deref(), ["exchange"])?;
    let exchange = exchange.map(|name| exchange_id(&name)).transpose()?;
    let mut all = app.prices.all();
    all.retain(|(topic, _)| {
        topic.channel() == Channel::Ticker
            && access.allows(topic)
            && exchange.as_ref().is_none_or(|wanted| wanted.as_str() == topic.exchange())
    });
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    let rows = all.iter().filter_map(|(topic, shown)| {
        let ticker = shown.record.body.ticker()?;
        let (base, quote) = topic.symbol().split_once('-').unwrap_or_default();
        Some(SymbolRow {
            symbol: topic.symbol().to_owned(),
            exchange: topic.exchange().to_owned(),
            base: base.to_owned(),
            quote: quote.to_owned(),
            venue_symbol: ticker.venue_symbol.clone(),
            state: shown.state,
            simulated: ticker.simulated,
        })
    });
    Ok(Json(Symbols { symbols: rows.collect() }))
}

/// `GET /v1/exchanges`
pub async fn exchanges(
    State(app): State<App>,
    access: Access,
    RawQuery(query): RawQuery,
) -> Result<Json<Exchanges>, Refusal> {
    ready(&app)?;
    let [] = named(query.as_deref(), [])?;
    let known = app.prices.exchanges().into_iter();
    let shown = known.filter(|(exchange, _)| access.meets_exchange(exchange.as_str()));
    let rows = shown.map(|(exchange, life)| ExchangeRow {
        exchange,
        state: life.judgement.state,
        reason: life.judgement.reason,
        since: life.judgement.since,
        last_received: life.link.proven,
        reconnects: life.link.reconnects,
        source: life.link.source,
    });
    Ok(Json(Exchanges { exchanges: rows.collect() }))
}

pub(super) fn ready(app: &App) -> Result<(), Refusal> {
    if app.prices.complete.is_ready() { Ok(()) } else { Err(Refusal::not_ready()) }
}

pub(super) fn exchange_or_default(app: &App, name: Option<&str>) -> Result<ExchangeId, Refusal> {
    name.map_or_else(|| Ok(app.config.default_exchange.clone()), exchange_id)
}

/// The ticker topic of a symbol, which may also be a full ticker topic.
fn ticker(text: &str, exchange: &ExchangeId) -> Result<Topic, Refusal> {
    let topic = Topic::parse_client(text, exchange)
        .map_err(|error| Refusal::bad_topic(error.to_string()))?;
    if topic.channel() == Channel::Ticker {
        Ok(topic)
    } else {
        Err(Refusal::bad_topic(format!("{topic} is no ticker")))
    }
}

fn exchange_id(name: &str) -> Result<ExchangeId, Refusal> {
    name.parse().map_err(|error| Refusal::bad_field(format!("exchange: {error}")))
}

/// The values of the keys that a path has; any other key is an error that names it.
pub(super) fn named<const N: usize>(
    query: Option<&str>,
    keys: [&str; N],
) -> Result<[Option<String>; N], Refusal> {
    let mut values = [const { None }; N];
    for (key, value) in pairs(query.unwrap_or_default())? {
        match keys.iter().position(|known| *known == key) {
            Some(at) => values[at] = Some(value).filter(|value| !value.is_empty()),
            None if N == 0 => {
                return Err(Refusal::unknown_field(format!("no parameter {key:?}; there is none")));
            }
            None => {
                let message = format!("no parameter {key:?}; there are {}", keys.join(", "));
                return Err(Refusal::unknown_field(message));
            }
        }
    }
    Ok(values)
}

/// The decoded keys and values of a query.
///
/// # Errors
/// 400 when the query is not well formed.
pub fn pairs(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let uri = format!("/?{query}");
    let uri = uri.parse().map_err(|_| Refusal::bad_field("the query is not a valid URL".into()))?;
    axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri)
        .map(|axum::extract::Query(pairs)| pairs)
        .map_err(|error| Refusal::bad_field(error.to_string()))
}
