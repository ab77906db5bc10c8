//! The OpenAPI 3.1 document of the REST interface.

use super::{info, schemas::Schemas};
use crate::{
    http::{
        answers::{Exchanges, Mistake, Prices, Symbols, Topics},
        klines::{self, MOST_BARS},
    },
    prices::Price,
};
use serde_json::{Map, Value, json};
use tickcast_shared::{market::Interval, protocol::command::MAX_TOPICS_PAGE};

/// A path and what it is for.
#[derive(Debug)]
pub struct Path {
    /// As routes name it.
    pub path: &'static str,
    /// In one line.
    pub summary: &'static str,
    /// Its parameters by name.
    parameters: &'static [&'static str],
    answer: Answer,
    /// Statuses besides 200 and those that every path may answer.
    refusals: &'static [u16],
}

/// What a path answers.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Price,
    Prices,
    Topics,
    Symbols,
    Klines,
    Exchanges,
    Events,
}

/// All paths that are for programs, in the order of the documentation.
pub const PATHS: [Path; 7] = [
    Path {
        path: "/v1/price/{symbol}",
        summary: "The last price of a symbol, and how far it may be believed",
        parameters: &["symbol", "exchange"],
        answer: Answer::Price,
        refusals: &[403, 404],
    },
    Path {
        path: "/v1/prices",
        summary: "The last prices of several symbols of an exchange",
        parameters: &["symbols", "exchange"],
        answer: Answer::Prices,
        refusals: &[403],
    },
    Path {
        path: "/v1/topics",
        summary: "What can be subscribed, page by page",
        parameters: &["match", "limit", "cursor"],
        answer: Answer::Topics,
        refusals: &[],
    },
    Path {
        path: "/v1/symbols",
        summary: "The symbols of all exchanges, or of one",
        parameters: &["only_exchange"],
        answer: Answer::Symbols,
        refusals: &[],
    },
    Path {
        path: "/v1/klines/{symbol}",
        summary: "Bars of a symbol, oldest first",
        parameters: &["symbol", "exchange", "interval", "bars", "end"],
        answer: Answer::Klines,
        refusals: &[403, 404],
    },
    Path {
        path: "/v1/exchanges",
        summary: "How each exchange is",
        parameters: &[],
        answer: Answer::Exchanges,
        refusals: &[],
    },
    Path {
        path: "/v1/stream",
        summary: "The messages of the WebSocket as server-sent events, without an end",
        parameters: &["topics", "interval_ms", "min_change_bps", "max_silence_ms", "history"],
        answer: Answer::Events,
        refusals: &[403],
    },
];

/// Statuses that every path may answer.
const COMMON_REFUSALS: [(u16, &str); 4] = [
    (400, "A parameter is wrong, missing or unknown"),
    (401, "A key or token is needed, or not good"),
    (429, "Too many requests; come back after Retry-After"),
    (503, "No prices yet, or too much to do; come back after Retry-After"),
];

/// The document.
pub(super) fn document() -> Value {
    let mut schemas = Schemas::of_writing();
    let mistake = schemas.refer::<Mistake>();
    let paths: Map<String, Value> = PATHS
        .iter()
        .map(|it| (it.path.to_owned(), json!({"get": operation(it, &mistake, &mut schemas)})))
        .collect();
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": info("Tickcast REST", "Last prices, topics and bars. Prices and quantities are \
            decimal strings, times are microseconds since the Unix epoch."),
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "token": {"type": "apiKey", "in": "query", "name": "token"},
            },
        },
        // Who is let in is configured; without keys everyone is.
        "security": [{}, {"bearer": []}, {"api_key": []}, {"token": []}],
    })
}

fn operation(path: &Path, mistake: &Value, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    responses.insert("200".into(), answer(path.answer, schemas));
    let common = COMMON_REFUSALS.iter().copied();
    let own = path.refusals.iter().map(|status| match status {
        403 => (403, "Not for this key, token or origin"),
        _ => (404, "No feed has announced it"),
    });
    for (status, description) in common.chain(own) {
        let content = json!({"application/json": {"schema": mistake}});
        responses
            .insert(status.to_string(), json!({"description": description, "content": content}));
    }
    let parameters: Vec<Value> = path.parameters.iter().map(|name| parameter(name)).collect();
    json!({"summary": path.summary, "parameters": parameters, "responses": responses})
}

fn answer(answer: Answer, schemas: &mut Schemas) -> Value {
    let schema = match answer {
        Answer::Price => schemas.refer::<Price<'static>>(),
        Answer::Prices => schemas.refer::<Prices>(),
        Answer::Topics => schemas.refer::<Topics>(),
        Answer::Symbols => schemas.refer::<Symbols>(),
        Answer::Klines => schemas.refer::<klines::Answer>(),
        Answer::Exchanges => schemas.refer::<Exchanges>(),
        Answer::Events => {
            let content = json!({"text/event-stream": {"schema": {"type": "string"}}});
            let description = "An event with `data` for every message; see the AsyncAPI document";
            return json!({"description": description, "content": content});
        }
    };
    json!({"description": "As asked", "content": {"application/json": {"schema": schema}}})
}

/// A parameter by its name here; the same everywhere.
fn parameter(name: &str) -> Value {
    let (schema, description) = match name {
        "symbol" => (text(SYMBOL), "A symbol such as BTC-USDT; a full topic does as well"),
        "symbols" => (text(LIST), "1 to 500 symbols by commas"),
        "topics" => (json!({"type": "string"}), "Symbols, topics or patterns, by commas"),
        "exchange" => (text(EXCHANGE), "An exchange; the gateway's default if left out"),
        "only_exchange" => (text(EXCHANGE), "An exchange; all of them if left out"),
        "match" => (json!({"type": "string"}), "A pattern such as ticker:*:BTC-USDT, or a topic"),
        "limit" => (whole(1, MAX_TOPICS_PAGE), "Most topics of a page; 500 if left out"),
        "bars" => (whole(1, MOST_BARS), "Most bars"),
        "cursor" => (json!({"type": "string"}), "Where the last page ended"),
        "interval" => (json!({"enum": Interval::ALL.map(Interval::as_str)}), "1m if left out"),
        "end" => (
            json!({"type": "integer", "minimum": 0}),
            "Only bars that opened before, in microseconds since the Unix epoch",
        ),
        "interval_ms" => (whole(0, 3_600_000), "At most one message a topic in that time"),
        "min_change_bps" => (whole(0, 10_000), "Smallest move worth a message"),
        "max_silence_ms" => (whole(100, 3_600_000), "At least one message in that time"),
        _ => (whole(0, 500), "Past bars of a kline that come first; 100 if left out"),
    };
    let place = if name == "symbol" { "path" } else { "query" };
    let required = matches!(name, "symbol" | "symbols" | "topics");
    let name = match name {
        "bars" => "limit",
        "only_exchange" => "exchange",
        name => name,
    };
    json!({
        "name": name, "in": place, "required": required, "description": description,
        "schema": schema,
    })
}

/// As [`tickcast_shared::market::Symbol`] reads it.
const SYMBOL: &str = "^[A-Z0-9._]{1,24}-[A-Z0-9._]{1,24}$";
/// As [`tickcast_shared::market::ExchangeId`] reads it; empty is as good as left out.
const EXCHANGE: &str = "^[a-z0-9]{0,16}$";
/// Whatever is no symbol is missing, and no mistake.
const LIST: &str = "^[^,]+(,[^,]+)*$";

fn text(pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern})
}

fn whole(least: usize, most: usize) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most})
}
