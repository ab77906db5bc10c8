//! The task that sends spans to a collector: OTLP over HTTP, protobuf.

use super::{Attribute, Hop, Span, TelemetryConfig, TelemetryError};
use crate::{clock::Micros, config::redact_url, metric::table, telemetry::one_line};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{self as wire, ResourceSpans, ScopeSpans, span::SpanKind},
};
use prost::Message;
use reqwest::{Client, header::CONTENT_TYPE};
use std::{collections::HashSet, time::Duration};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Spans of one request: some 150 KB.
const BATCH: usize = 512;
/// How long spans wait for others of their batch.
const GATHER: Duration = Duration::from_millis(500);
/// Longest request; a collector takes one in milliseconds.
const EXPORT_WITHIN: Duration = Duration::from_secs(5);
/// Most causes of failure that are told; what a collector says may differ each time.
const MOST_CAUSES: usize = 16;
/// The content type of OTLP/HTTP in its binary form.
const PROTOBUF: &str = "application/x-protobuf";
/// `flags` of a span: sampled, and that it is known whether the parent is of another process (bits 0
/// and 8 of the field in the protocol's `trace.proto`),
const FLAGS: u32 = 0x101;
/// and that it is (bit 9).
const PARENT_IS_REMOTE: u32 = 0x200;

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
    let client = Client::builder().timeout(EXPORT_WITHIN).build();
    let client = client.map_err(|error| TelemetryError::Exporter(one_line(&error)))?;
    let shown = redact_url(&url);
    info!(
        url = shown,
        sample_ratio = config.sample_ratio,
        "sampled ticks go to an OpenTelemetry collector"
    );
    let attributes = vec![
        text("service.name", config.service_name.clone()),
        text("service.version", version.to_owned()),
        text("service.instance.id", format!("{:016x}", rand::random::<u64>())),
        text("tickcast.role", role.to_owned()),
    ];
    let resource = Resource { attributes, ..Resource::default() };
    let scope = InstrumentationScope {
        name: "tickcast".to_owned(),
        version: version.to_owned(),
        ..InstrumentationScope::default()
    };
    let task = Task { client, url, shown, resource, scope, causes: HashSet::new() };
    Ok(task.run(spans, stop))
}

struct Task {
    client: Client,
    url: String,
    /// The same without a password.
    shown: String,
    resource: Resource,
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
            tokio::select! {
                () = stop.cancelled() => {}
                _ = timeout(GATHER, gather(&mut spans, &mut batch)) => {}
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
        let request = self.request(batch);
        match self.send(request).await {
            Ok(refused) => {
                table::SPANS_EXPORTED.of([]).increment(count.saturating_sub(refused));
                table::SPANS_LOST.of([]).increment(refused);
                if !self.causes.is_empty() {
                    info!(url = self.shown, "the collector takes spans again");
                    self.causes.clear();
                }
            }
            Err(error) => {
                table::SPANS_LOST.of([]).increment(count);
                self.complain(error);
            }
        }
    }

    /// Once a cause, until it works again.
    fn complain(&mut self, error: String) {
        if self.causes.len() < MOST_CAUSES && self.causes.insert(error.clone()) {
            warn!(
                url = self.shown,
                error, "the collector does not take spans; they are dropped, prices go on"
            );
        }
    }

    fn request(&self, batch: &mut Vec<Span>) -> Vec<u8> {
        let spans = batch.drain(..).map(on_the_wire).collect();
        let scope = Some(self.scope.clone());
        let scope_spans = vec![ScopeSpans { scope, spans, ..ScopeSpans::default() }];
        let resource = Some(self.resource.clone());
        let resource_spans =
            vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
        ExportTraceServiceRequest { resource_spans }.encode_to_vec()
    }

    /// How many spans of the request the collector refused, having taken the others.
    async fn send(&self, request: Vec<u8>) -> Result<u64, String> {
        let sent = self.client.post(&self.url).header(CONTENT_TYPE, PROTOBUF).body(request).send();
        let response = sent.await.map_err(|error| one_line(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("it answers {status}"));
        }
        let body = response.bytes().await.map_err(|error| one_line(&error))?;
        let partial =
            ExportTraceServiceResponse::decode(body).ok().and_then(|it| it.partial_success);
        Ok(partial.map_or(0, |partial| u64::try_from(partial.rejected_spans).unwrap_or(0)))
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

fn on_the_wire(span: Span) -> wire::Span {
    let Span { trace, hop, start, end, attributes } = span;
    let parent = hop.parent();
    let is_remote = parent.is_some_and(|it| it.is_of_feed() != hop.is_of_feed());
    let kind = match hop {
        Hop::FeedPublish => SpanKind::Producer,
        Hop::GatewayIngest => SpanKind::Consumer,
        Hop::FeedDecode | Hop::GatewayPass => SpanKind::Internal,
    };
    wire::Span {
        trace_id: trace.bytes().to_vec(),
        span_id: trace.span(hop).to_vec(),
        parent_span_id: parent.map(|it| trace.span(it).to_vec()).unwrap_or_default(),
        flags: FLAGS | if is_remote { PARENT_IS_REMOTE } else { 0 },
        name: hop.name().to_owned(),
        kind: kind.into(),
        start_time_unix_nano: nanos(start),
        // A span that ends before it begins is refused by some collectors.
        end_time_unix_nano: nanos(end.max(start)),
        attributes: attributes.into_iter().map(attribute).collect(),
        ..wire::Span::default()
    }
}

fn attribute((key, value): (&'static str, Attribute)) -> KeyValue {
    match value {
        Attribute::Text(value) => text(key, value),
        Attribute::Number(value) => pair(key, Value::IntValue(value)),
    }
}

fn text(key: &'static str, value: String) -> KeyValue {
    pair(key, Value::StringValue(value))
}

fn pair(key: &'static str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// Nanoseconds since the Unix epoch.
fn nanos(at: Micros) -> u64 {
    u64::try_from(at.0).unwrap_or(0).saturating_mul(1000)
}
