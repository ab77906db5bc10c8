//! REST: past bars.

use super::{
    App,
    reply::Refusal,
    rest::{exchange_or_default, named, ready},
};
use crate::{
    auth::Access,
    bars::{BarStore, BarsDue},
};
use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
};
use schemars::JsonSchema;
use serde::Serialize;
use std::{
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};
use tickcast_shared::{
    bus::{Bars, Bus},
    clock::Micros,
    market::{Bar, Channel, ExchangeId, Interval, Symbol, Topic},
};
use tokio::sync::Mutex;
use tracing::warn;

/// Most bars of one request.
pub const MOST_BARS: usize = 1000;
/// Bars of a request that does not say how many.
const DEFAULT_BARS: usize = 500;

/// For so long the bus is not tried again: whoever asks while it is away would wait for those before.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The way to past bars. Clones share it.
#[derive(Debug, Clone)]
pub struct Klines {
    /// One connection to the bus: requests take their turns, so that however many there are, they
    /// are one reader to it.
    bus: Arc<Mutex<Link>>,
    store: BarStore,
}

#[derive(Debug)]
struct Link {
    bars: Bars,
    /// When it last failed.
    failed: Option<Instant>,
}

/// The answer of `/v1/klines/{symbol}`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Klines")]
pub struct Answer {
    /// Full name.
    topic: Topic,
    /// The bars, oldest first; without `end` the last may still be in progress.
    bars: Vec<Bar>,
}

/// `GET /v1/klines/{symbol}?exchange=&interval=1m&limit=500&end=`
pub async fn klines(
    State(app): State<App>,
    access: Access,
    symbol: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<Answer>, Refusal> {
    ready(&app)?;
    let Path(symbol) = symbol.map_err(|error| Refusal::bad_topic(error.body_text()))?;
    let keys = ["exchange", "interval", "limit", "end"];
    let [exchange, interval, limit, end] = named(query.as_deref(), keys)?;
    let exchange = exchange_or_default(&app, exchange.as_deref())?;
    let topic = kline(&symbol, &exchange, interval.as_deref())?;
    let limit = limit_of(limit.as_deref())?;
    let end = end.as_deref().map(end_of).transpose()?;
    if !access.allows(&topic) {
        return Err(Refusal::not_allowed(&topic));
    }
    let Some(newest) = app.prices.get(&topic) else {
        let message = format!("no feed has announced {topic}; see /v1/topics");
        return Err(Refusal::unknown_topic(message));
    };
    let mut bars = app.klines.closed(&topic, end, limit).await?;
    if let Some(bar) = newest.record.body.bar().filter(|_| end.is_none())
        && bars.last().is_none_or(|last| last.open_time < bar.open_time)
    {
        bars.push(bar.clone());
        bars.drain(..bars.len().saturating_sub(limit));
    }
    Ok(Json(Answer { topic, bars }))
}

impl Klines {
    /// Past bars of this bus, and of the store while the bus cannot be reached.
    #[must_use]
    pub fn new(bus: &Bus, store: BarStore) -> Self {
        Self { bus: Arc::new(Mutex::new(Link { bars: bus.bars(), failed: None })), store }
    }

    async fn closed(
        &self,
        topic: &Topic,
        end: Option<Micros>,
        limit: usize,
    ) -> Result<Vec<Bar>, Refusal> {
        if let Some(bars) = self.bus.lock().await.read(topic, end, limit).await {
            return Ok(bars);
        }
        let until = Micros(end.map_or(i64::MAX, |end| end.0.saturating_sub(1)));
        let held = self.store.peek(topic, BarsDue::start(limit), until);
        held.ok_or_else(Refusal::bars_unreachable)
    }
}

impl Link {
    async fn read(&mut self, topic: &Topic, end: Option<Micros>, limit: usize) -> Option<Vec<Bar>> {
        if self.failed.is_some_and(|at| at.elapsed() < REST_AFTER_FAILURE) {
            return None;
        }
        let read = self.bars.read(topic, end, limit).await;
        self.failed = read.is_err().then(Instant::now);
        read.inspect_err(|error| warn!(%topic, %error, "bars could not be read from the bus")).ok()
    }
}

/// The kline topic of a symbol, which may also be a full kline topic.
fn kline(text: &str, exchange: &ExchangeId, interval: Option<&str>) -> Result<Topic, Refusal> {
    let interval = interval.map(known_interval).transpose()?;
    if let Ok(symbol) = text.parse::<Symbol>() {
        return Ok(Topic::kline(exchange, &symbol, interval.unwrap_or(Interval::M1)));
    }
    let topic: Topic = text.parse().map_err(|error| Refusal::bad_topic(format!("{error}")))?;
    match (topic.channel(), interval) {
        (Channel::Ticker, _) => Err(Refusal::bad_topic(format!("{topic} is no kline"))),
        (Channel::Kline, Some(interval)) if topic.interval() != Some(interval) => {
            Err(Refusal::bad_field(format!("interval: {topic} has another")))
        }
        (Channel::Kline, _) => Ok(topic),
    }
}

fn known_interval(text: &str) -> Result<Interval, Refusal> {
    Interval::from_str(text).map_err(|_| {
        let known = Interval::ALL.map(Interval::as_str).join(", ");
        Refusal::bad_field(format!("interval must be one of {known}"))
    })
}

fn limit_of(text: Option<&str>) -> Result<usize, Refusal> {
    match text.map(str::parse) {
        None => Ok(DEFAULT_BARS),
        Some(Ok(limit @ 1..=MOST_BARS)) => Ok(limit),
        Some(_) => Err(Refusal::bad_field(format!("limit must be 1 to {MOST_BARS}"))),
    }
}

/// A bar that opened then or later is left out.
fn end_of(text: &str) -> Result<Micros, Refusal> {
    let end = text.parse().ok().filter(|end| *end >= 0).map(Micros);
    end.ok_or_else(|| Refusal::bad_field("end must be microseconds since the Unix epoch".into()))
}
