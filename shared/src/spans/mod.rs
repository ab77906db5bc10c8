//! Sampled ticks as OpenTelemetry spans, one trace from the venue's frame to the sockets.
//!
//! | span | by | from | to |
//! |---|---|---|---|
//! | `feed.decode` | feed | the venue's frame received | the update sealed and numbered |
//! | `feed.publish` | feed | sealed | the bus confirmed the write |
//! | `gateway.ingest` | gateway | taken from the bus | a pass began |
//! | `gateway.pass` | gateway | the pass began | the last socket was written to |
//!
//! Each is the child of the one above it. Nothing of a trace travels over the bus: its id is a hash
//! of what every process knows of an update, its topic, epoch and number. The id also decides
//! whether the tick is sampled, by the rule of OpenTelemetry's `TraceIdRatioBased` sampler, so feed
//! and gateways of the same `sample_ratio` choose the same ticks, and with different ratios the
//! smaller choice is part of the larger. The feed's span ids follow from the trace id, too, so that
//! a gateway knows its parent; several gateways pass on the same tick, so theirs also depend on
//! a number that each process draws. See [`identity`].
//!
//! Times are the stamps that the update carries and the moments at which it was handled, each by its
//! own process's clock. Spans go through a bounded queue to a task that exports them ([`Exporter`]);
//! nothing waits for it. As metrics and logs do, spans go to one place a process: [`install`].

pub mod config;
#[cfg(feature = "otel")]
mod export;
pub mod identity;

pub use config::{TelemetryConfig, TelemetryError};
pub use identity::{Hop, Sampler, TraceId};

use crate::{
    admin::{Queue, Queues},
    bus::Stamp,
    clock::Micros,
    market::Topic,
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

// The table of metrics is the same in every build.
#[cfg(not(feature = "otel"))]
const _: [crate::metric::Counter<0>; 2] =
    [crate::metric::table::SPANS_EXPORTED, crate::metric::table::SPANS_LOST];

/// Spans that may wait for the exporter: some seconds of five hundred sampled ticks a second.
const CAPACITY: usize = 8192;
/// How long the last spans may take when the process ends.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);

/// One span.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Of which tick.
    pub trace: TraceId,
    /// Which part of its way.
    pub hop: Hop,
    /// When it began.
    pub start: Micros,
    /// When it ended.
    pub end: Micros,
    /// What else is known, by OpenTelemetry's names where there are any.
    pub attributes: Vec<(&'static str, Attribute)>,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// Text.
    Text(String),
    /// A number.
    Number(i64),
}

/// Where a process's spans go; nowhere unless an exporter was started. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Spans(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    sampler: Sampler,
    waiting: mpsc::Sender<Span>,
    queue: Arc<Queue>,
}

/// The one place where this process's spans go.
static INSTALLED: OnceLock<Spans> = OnceLock::new();

/// Lets this process's spans go there from now on. A second call changes nothing.
pub fn install(spans: Spans) {
    // Only the first is in force, as with the collector of metrics.
    let _ = INSTALLED.set(spans);
}

/// Where this process's spans go.
#[must_use]
pub fn installed() -> Spans {
    INSTALLED.get().cloned().unwrap_or_default()
}

impl Spans {
    /// Spans of ticks that the sampler takes, and the end at which they come out.
    #[must_use]
    pub fn new(sampler: Sampler, queues: &Queues) -> (Self, mpsc::Receiver<Span>) {
        let (waiting, out) = mpsc::channel(CAPACITY);
        let queue = queues.register("spans", CAPACITY);
        (Self(Some(Arc::new(Inner { sampler, waiting, queue }))), out)
    }

    /// The sampler, if spans are wanted at all.
    #[must_use]
    pub fn sampler(&self) -> Option<Sampler> {
        self.0.as_ref().map(|inner| inner.sampler)
    }

    /// The trace of an update, if it is sampled.
    #[must_use]
    pub fn trace(&self, topic: &Topic, stamp: Stamp) -> Option<TraceId> {
        self.sampler()?.trace(topic, stamp)
    }

    /// Hands a span to the exporter. Never waits: what finds no room is dropped and counted.
    pub fn record(&self, span: Span) {
        let Some(inner) = &self.0 else { return };
        if inner.waiting.try_send(span).is_err() {
            inner.queue.add_dropped(1);
        }
        inner.queue.set_depth(CAPACITY - inner.waiting.capacity());
    }
}

/// The task that exports spans.
#[derive(Debug, Default)]
pub struct Exporter(Option<Running>);

#[derive(Debug)]
#[cfg_attr(not(feature = "otel"), allow(dead_code, reason = "only the exporter makes one"))]
struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Starts exporting as configured, and installs where spans go. Without an endpoint nothing is
/// started. To be called within a runtime.
///
/// # Errors
/// [`TelemetryError`] when a setting does not fit or this build cannot export.
pub fn start(
    config: &TelemetryConfig,
    role: &'static str,
    version: &'static str,
    queues: &Queues,
) -> Result<Exporter, TelemetryError> {
    config.validate()?;
    if config.otlp_endpoint.is_none() {
        return Ok(Exporter::default());
    }
    #[cfg(feature = "otel")]
    {
        let (spans, out) = Spans::new(Sampler::new(config.sample_ratio), queues);
        let stop = CancellationToken::new();
        let task = tokio::spawn(export::run(config, role, version, out, stop.clone())?);
        install(spans);
        Ok(Exporter(Some(Running { stop, task })))
    }
    #[cfg(not(feature = "otel"))]
    {
        let _ = (role, version, queues);
        Err(TelemetryError::NotBuilt)
    }
}

impl Exporter {
    /// Exports what waits, within two seconds: to be called when all that makes spans has ended.
    pub async fn finish(self) {
        let Some(Running { stop, task }) = self.0 else { return };
        stop.cancel();
        if timeout(FLUSH_WITHIN, task).await.is_err() {
            warn!("the last spans were not taken by the collector in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_drops_and_counts_and_none_waits() {
        let queues = Queues::default();
        let (spans, mut out) = Spans::new(Sampler::new(1.0), &queues);
        let topic: Topic = "ticker:okx:BTC-USDT".parse().unwrap();
        let trace = spans.trace(&topic, Stamp { epoch: 1, seq: 1 }).unwrap();
        let hop = Hop::FeedDecode;
        let span = Span { trace, hop, start: Micros(1), end: Micros(2), attributes: Vec::new() };
        for _ in 0..CAPACITY + 3 {
            spans.record(span.clone());
        }
        assert_eq!(queues.rows()[0].dropped, 3);
        assert_eq!(out.recv().await, Some(span));
    }

    #[test]
    fn without_an_exporter_nothing_is_sampled() {
        let topic: Topic = "ticker:okx:BTC-USDT".parse().unwrap();
        assert_eq!(Spans::default().trace(&topic, Stamp { epoch: 1, seq: 1 }), None);
    }

    #[cfg(not(feature = "otel"))]
    #[test]
    fn a_build_without_the_feature_says_so() {
        let endpoint = Some("http://127.0.0.1:4318".to_owned());
        let config = TelemetryConfig { otlp_endpoint: endpoint, ..TelemetryConfig::default() };
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains("--features otel"), "{error}");
    }
}
