//! `GET /trace` of the admin listener: one topic's next updates and when each was where, as lines of
//! JSON that come as they happen.

use super::{admin::Operators, reply::Refusal, rest};
use crate::{
    prices::Prices,
    trace::{
        MAX_TRACES,
        assembly::Assembly,
        line::{End, Line},
        probe::Reports,
    },
};
use axum::{
    body::Body,
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use std::{
    collections::VecDeque,
    convert::Infallible,
    time::{Duration, Instant},
};
use tickcast_shared::{
    market::{ExchangeId, Topic},
    protocol::ErrorCode,
};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

/// Longest trace: one that was forgotten gives its place back.
const LONGEST: Duration = Duration::from_secs(3600);
/// Silence after which the topic's state is told, so that whoever waits knows what for.
const TELL_AFTER: Duration = Duration::from_secs(3);
/// The content type of one JSON value a line.
const LINES_OF_JSON: &str = "application/x-ndjson";

/// `GET /trace?topic=&count=`: the next `count` updates; 0 or none: until the client goes, an hour at
/// most.
pub async fn trace(
    State(operators): State<Operators>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let config = operators.in_force.borrow().config.clone();
    let (topic, count) = asked(query.as_deref(), &config.default_exchange)?;
    if !operators.prices.complete.is_ready() {
        return Err(Refusal::not_ready());
    }
    let shown = operators.prices.get(&topic).ok_or_else(|| {
        Refusal::unknown_topic(format!("no feed has announced {topic}; see /v1/topics"))
    })?;
    let slot = operators.tracers.slot().ok_or_else(too_many)?;
    let reports = operators.tracers.follow(topic.clone(), slot, Instant::now() + LONGEST).await;
    let reports = reports.ok_or_else(Refusal::not_ready)?;
    let shards = operators.hub.shards();
    let begin = Line::Begin { topic: topic.clone(), state: shown.state, shards };
    let trace = Trace {
        topic,
        reports,
        assembly: Assembly::new(shards),
        left: (count > 0).then_some(count),
        lines: VecDeque::from([begin]),
        told: Instant::now(),
        heard: Instant::now(),
        is_over: false,
        prices: operators.prices,
        drained: operators.drained,
    };
    let lines = Body::from_stream(stream::unfold(trace, Trace::next));
    Ok(([(header::CONTENT_TYPE, LINES_OF_JSON)], lines).into_response())
}

/// The topic and the count that a query names.
fn asked(query: Option<&str>, default_exchange: &ExchangeId) -> Result<(Topic, u64), Refusal> {
    let [topic, count] = rest::named(query, ["topic", "count"])?;
    let topic = topic.ok_or_else(|| {
        Refusal::bad_field("topic is missing, as in /trace?topic=BTC-USDT".to_owned())
    })?;
    let topic = Topic::parse_client(&topic, default_exchange)
        .map_err(|error| Refusal::bad_topic(error.to_string()))?;
    let count = count.map_or(Ok(0), |count| count.parse());
    let wrong = |_| Refusal::bad_field("count must be a number, 0 for no end".to_owned());
    Ok((topic, count.map_err(wrong)?))
}

fn too_many() -> Refusal {
    let message = format!("{MAX_TRACES} traces run already: end one of them first");
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, message)
}

/// A trace under way. It is only moved on as fast as the client reads; what comes meanwhile waits
/// in its bounded queue.
struct Trace {
    topic: Topic,
    reports: Reports,
    assembly: Assembly,
    /// Updates still to be told; none: no end.
    left: Option<u64>,
    lines: VecDeque<Line>,
    /// When something was last told,
    told: Instant,
    /// and when an update last was.
    heard: Instant,
    is_over: bool,
    prices: Prices,
    drained: CancellationToken,
}

impl Trace {
    async fn next(mut self) -> Option<(Result<Vec<u8>, Infallible>, Self)> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                self.told = Instant::now();
                let mut text = serde_json::to_vec(&line).unwrap_or_default();
                text.push(b'\n');
                return Some((Ok(text), self));
            }
            if self.is_over {
                return None;
            }
            self.advance().await;
        }
    }

    /// Waits for something to tell.
    async fn advance(&mut self) {
        let tell = self.told + TELL_AFTER;
        let wake = self.assembly.due().map_or(tell, |due| due.min(tell));
        let updates = tokio::select! {
            biased;
            () = self.drained.cancelled() => return self.end(End::Shutdown),
            seen = self.reports.next() => match seen {
                Some(seen) => self.assembly.take(seen, Instant::now()),
                None => return self.end(End::TimeLimit),
            },
            () = sleep_until(wake.into()) => self.assembly.overdue(Instant::now()),
        };
        let dropped = self.reports.take_dropped();
        if dropped > 0 {
            self.lines.push_back(Line::Dropped { count: dropped });
        }
        for update in updates {
            self.heard = Instant::now();
            self.lines.push_back(Line::Update(Box::new(update)));
            if let Some(left) = &mut self.left {
                *left -= 1;
                if *left == 0 {
                    return self.end(End::Count);
                }
            }
        }
        if self.lines.is_empty() && self.told.elapsed() >= TELL_AFTER {
            let silent = self.heard.elapsed().as_millis();
            self.lines.push_back(Line::Waiting {
                state: self.prices.get(&self.topic).map(|shown| shown.state),
                silent_ms: u64::try_from(silent).unwrap_or(u64::MAX),
            });
        }
    }

    fn end(&mut self, reason: End) {
        self.lines.push_back(Line::End { reason });
        self.is_over = true;
    }
}
