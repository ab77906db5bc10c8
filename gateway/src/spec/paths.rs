//! What can be asked over HTTP: paths, their parameters, what they answer.

use super::schemas::Schemas;
use crate::{
    http::{
        answers::{Exchanges, Prices, Symbols, Topics},
        klines,
    },
    prices::Price,
};
use serde_json::{Value, json};

/// A path and what it is for.
#[derive(Debug)]
pub struct Path {
    /// As routes name it.
    pub path: &'static str,
    /// In one line.
    pub summary: &'static str,
    /// What generated clients call it.
    pub(super) id: &'static str,
    /// Its parameters by name.
    pub(super) parameters: &'static [&'static str],
    pub(super) answer: Answer,
    /// Statuses besides 200 and those that every path may answer.
    pub(super) refusals: &'static [u16],
}

/// What a path answers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    Price,
    Prices,
    Topics,
    Symbols,
    Klines,
    Exchanges,
    Events,
    Document,
    Page,
}

/// All paths that are for programs, in the order of the documentation.
pub const PATHS: [Path; 7] = [
    Path {
        path: "/v1/price/{symbol}",
        summary: "The last price of a symbol, and how far it may be believed",
        id: "getPrice",
        parameters: &["ticker", "exchange"],
        answer: Answer::Price,
        refusals: &[400, 403, 404],
    },
    Path {
        path: "/v1/prices",
        summary: "The last prices of several symbols of an exchange",
        id: "getPrices",
        parameters: &["symbols", "exchange"],
        answer: Answer::Prices,
        refusals: &[400, 403],
    },
    Path {
        path: "/v1/topics",
        summary: "What can be subscribed, page by page",
        id: "getTopics",
        parameters: &["match", "limit", "cursor"],
        answer: Answer::Topics,
        refusals: &[400],
    },
    Path {
        path: "/v1/symbols",
        summary: "The symbols of all exchanges, or of one",
        id: "getSymbols",
        parameters: &["only_exchange"],
        answer: Answer::Symbols,
        refusals: &[400],
    },
    Path {
        path: "/v1/klines/{symbol}",
        summary: "Bars of a symbol, oldest first",
        id: "getKlines",
        parameters: &["symbol", "exchange", "interval", "bars", "end"],
        answer: Answer::Klines,
        refusals: &[400, 403, 404],
    },
    Path {
        path: "/v1/exchanges",
        summary: "How each exchange is",
        id: "getExchanges",
        parameters: &[],
        answer: Answer::Exchanges,
        refusals: &[400],
    },
    Path {
        path: "/v1/stream",
        summary: "The messages of the WebSocket as server-sent events, without an end",
        id: "stream",
        parameters: &["topics", "interval_ms", "min_change_bps", "max_silence_ms", "history"],
        answer: Answer::Events,
        refusals: &[400, 403],
    },
];

/// What tells about the others, and needs no key.
pub const DOCUMENTS: [Path; 4] = [
    document("/openapi.json", "getOpenApi", "This document", Answer::Document),
    document("/asyncapi.json", "getAsyncApi", "The WebSocket's messages", Answer::Document),
    document("/docs", "getDocs", "Both documents as a page", Answer::Page),
    document("/", "getLivePage", "The live page", Answer::Page),
];

const fn document(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    answer: Answer,
) -> Path {
    Path { path, summary, id, parameters: &[], answer, refusals: &[] }
}

impl Answer {
    /// The media type, and what is said in it.
    pub(super) fn content(self, schemas: &mut Schemas) -> (&'static str, Value) {
        let schema = match self {
            Self::Price => schemas.refer::<Price<'static>>(),
            Self::Prices => schemas.refer::<Prices>(),
            Self::Topics => schemas.refer::<Topics>(),
            Self::Symbols => schemas.refer::<Symbols>(),
            Self::Klines => schemas.refer::<klines::Answer>(),
            Self::Exchanges => schemas.refer::<Exchanges>(),
            Self::Document => json!({"type": "object"}),
            Self::Events => return ("text/event-stream", json!({"type": "string"})),
            Self::Page => return ("text/html", json!({"type": "string"})),
        };
        ("application/json", schema)
    }

    /// What is answered, in a line.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Events => "An event with `data` for every message; see the AsyncAPI document",
            Self::Document => "The document",
            Self::Page => "The page",
            _ => "As asked",
        }
    }
}
