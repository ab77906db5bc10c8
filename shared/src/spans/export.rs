//! The task that sends spans to a collector by OTLP over HTTP.

use super::{Attribute, Span, TelemetryConfig, TelemetryError};
use crate::clock::Micros;
use metrics::{counter, describe_counter};
use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanEvents, SpanExporter, SpanLinks},
};
use std::{
    collections::HashSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Spans of one request: some 200 KB.
const BATCH: usize = 512;
/// How long spans wait for others of their batch.
const GATHER: Duration = Duration::from_millis(500);
/// Longest request, with what the exporter itself repeats of it.
const EXPORT_WITHIN: Duration = Duration::from_secs(5);
/// Most causes of failure that are told apart; what a collector says may differ each time.
const MOST_CAUSES: usize = 16;

/// The exporter as a future that runs until it is told to stop and has sent what waited.
///
/// # Errors
/// [`TelemetryError`] when it cannot be set up.
pub(super) fn run(
    config: &TelemetryConfig,
    role: &'static str,
    version: &'static str,
    spans: mpsc::Receiver<Span>,
    stop: CancellationToken,
) -> Result<impl Future<Output = ()> + use<>, TelemetryError> {
    let url = config.traces_url()?.map(String::from).unwrap_or_default();
    let exporter = OtlpExporter::builder().with_http().with_endpoint(&url);
    let mut exporter = exporter
        .with_timeout(EXPORT_WITHIN)
        .build()
        .map_err(|error| TelemetryError::Exporter(error.to_string()))?;
    let resource = Resource::builder_empty()
        .with_service_name(config.service_name.clone())
        .with_attribute(KeyValue::new("service.version", version))
        .with_attribute(KeyValue::new(
            "service.instance.id",
            format!("{:016x}", rand::random::<u64>()),
        ))
        .with_attribute(KeyValue::new("tickcast.role", role))
        .build();
    exporter.set_resource(&resource);
    describe_counter!("tickcast_spans_exported_total", "Spans that the collector took");
    describe_counter!("tickcast_spans_lost_total", "Spans that the collector did not take");
    info!(
        url,
        sample_ratio = config.sample_ratio,
        "sampled ticks go to an OpenTelemetry collector"
    );
    let task = Task { exporter, url, scope: scope(version), causes: HashSet::new() };
    Ok(task.run(spans, stop))
}

fn scope(version: &'static str) -> InstrumentationScope {
    InstrumentationScope::builder("tickcast").with_version(version).build()
}

struct Task {
    exporter: OtlpExporter,
    url: String,
    scope: InstrumentationScope,
    /// What was said already of why spans are not taken.
    causes: HashSet<String>,
}

impl Task {
    async fn run(mut self, mut spans: mpsc::Receiver<Span>, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                count = spans.recv_many(&mut batch, BATCH) => if count == 0 { break },
            }
            // Whoever stops the process does not wait for more to come.
            let gathering = gather(&mut spans, &mut batch);
            tokio::select! {
                () = stop.cancelled() => {}
                _ = timeout(GATHER, gathering) => {}
            }
            self.export(&mut batch).await;
        }
        while let Ok(span) = spans.try_recv() {
            batch.push(span);
            if batch.len() == BATCH {
                self.export(&mut batch).await;
            }
        }
        if !batch.is_empty() {
            self.export(&mut batch).await;
        }
    }

    async fn export(&mut self, batch: &mut Vec<Span>) {
        let count = batch.len() as u64;
        let data = batch.drain(..).map(|span| data(span, &self.scope)).collect();
        let failed = match timeout(EXPORT_WITHIN, self.exporter.export(data)).await {
            Ok(Ok(())) => {
                counter!("tickcast_spans_exported_total").increment(count);
                if !self.causes.is_empty() {
                    info!(url = self.url, "the collector takes spans again");
                    self.causes.clear();
                }
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        counter!("tickcast_spans_lost_total").increment(count);
        if self.causes.len() < MOST_CAUSES && self.causes.insert(failed.clone()) {
            warn!(
                url = self.url,
                error = failed,
                "the collector does not take spans; they are dropped, prices go on"
            );
        }
    }
}

/// Fills a batch.
async fn gather(spans: &mut mpsc::Receiver<Span>, batch: &mut Vec<Span>) {
    while batch.len() < BATCH {
        if spans.recv_many(batch, BATCH - batch.len()).await == 0 {
            return;
        }
    }
}

fn data(span: Span, scope: &InstrumentationScope) -> SpanData {
    let Span { trace, hop, start, end, attributes } = span;
    let id = |hop| SpanId::from_bytes(trace.span(hop));
    let parent = hop.parent();
    SpanData {
        span_context: SpanContext::new(
            TraceId::from_bytes(trace.bytes()),
            id(hop),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: parent.map_or(SpanId::INVALID, id),
        parent_span_is_remote: parent.is_some_and(|it| it.is_of_feed() != hop.is_of_feed()),
        span_kind: match hop {
            super::Hop::FeedPublish => SpanKind::Producer,
            super::Hop::GatewayIngest => SpanKind::Consumer,
            super::Hop::FeedDecode | super::Hop::GatewayPass => SpanKind::Internal,
        },
        name: hop.name().into(),
        start_time: time(start),
        // A span that ends before it begins is refused by some collectors.
        end_time: time(end.max(start)),
        attributes: attributes.into_iter().map(attribute).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: scope.clone(),
    }
}

fn attribute((key, value): (&'static str, Attribute)) -> KeyValue {
    match value {
        Attribute::Text(text) => KeyValue::new(key, text),
        Attribute::Number(number) => KeyValue::new(key, number),
    }
}

fn time(at: Micros) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(at.0).unwrap_or(0))
}
