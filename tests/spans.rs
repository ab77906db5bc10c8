//! Sampled ticks reach an OpenTelemetry collector as one trace each, from feed and gateway, and a
//! collector that is away harms nobody.

use crate::support::{Market, Role, eventually, start};
use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
};
use prost::Message;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tickcast_load::venue::Tick;
use tokio::net::TcpListener;

const TOPIC: &str = "ticker:kucoin:BTC-USDT";
/// The spans of a tick, in order.
const HOPS: [&str; 4] = ["feed.decode", "feed.publish", "gateway.ingest", "gateway.pass"];
/// Flushing the last spans takes two seconds at most.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

/// A span as the collector was sent it.
#[derive(Debug, Clone)]
struct Seen {
    role: String,
    service: String,
    name: String,
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
    start: u64,
    end: u64,
    attributes: HashMap<String, String>,
}

/// A collector of our own.
struct Collector {
    url: String,
    spans: Arc<Mutex<Vec<Seen>>>,
}

impl Collector {
    async fn start() -> Self {
        let spans = Arc::<Mutex<Vec<Seen>>>::default();
        let taken = spans.clone();
        let take = async move |body: Bytes| match ExportTraceServiceRequest::decode(body) {
            Ok(request) => {
                taken.lock().unwrap().extend(seen(request));
                StatusCode::OK
            }
            Err(_) => StatusCode::BAD_REQUEST,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/v1/traces", post(take));
        tokio::spawn(axum::serve(listener, routes).into_future());
        Self { url, spans }
    }

    /// The traces that have all spans of a tick, each in the order of its hops.
    fn whole(&self) -> Vec<Vec<Seen>> {
        let mut traces: HashMap<Vec<u8>, Vec<Seen>> = HashMap::new();
        for span in self.spans.lock().unwrap().iter() {
            traces.entry(span.trace.clone()).or_default().push(span.clone());
        }
        let place = |span: &Seen| HOPS.iter().position(|name| *name == span.name);
        traces.values_mut().for_each(|spans| spans.sort_by_key(place));
        traces.into_values().filter(|spans| spans.iter().map(|it| &it.name).eq(HOPS)).collect()
    }
}

fn texts(attributes: &[KeyValue]) -> HashMap<String, String> {
    let text = |it: &KeyValue| {
        let value = match it.value.as_ref()?.value.as_ref()? {
            Value::StringValue(text) => text.clone(),
            Value::IntValue(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        Some((it.key.clone(), value))
    };
    attributes.iter().filter_map(text).collect()
}

fn seen(request: ExportTraceServiceRequest) -> Vec<Seen> {
    let mut all = Vec::new();
    for of_process in request.resource_spans {
        let resource = texts(&of_process.resource.unwrap_or_default().attributes);
        for span in of_process.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            all.push(Seen {
                role: resource["tickcast.role"].clone(),
                service: resource["service.name"].clone(),
                name: span.name,
                trace: span.trace_id,
                id: span.span_id,
                parent: span.parent_span_id,
                start: span.start_time_unix_nano,
                end: span.end_time_unix_nano,
                attributes: texts(&span.attributes),
            });
        }
    }
    all
}

fn config(market: &Market, endpoint: &str) -> String {
    let telemetry = format!("[telemetry]\notlp_endpoint = {endpoint:?}\nsample_ratio = 1.0\n");
    format!("{}{telemetry}", market.config())
}

async fn apart(market: &Market, endpoint: &str) -> (Role, Role) {
    let config = config(market, endpoint);
    let feed = start(&["feed"]).config(&config).ready();
    let gateway = start(&["gateway"]).config(&config).ready();
    tokio::join!(feed, gateway)
}

fn push(market: &Market, price: u32) {
    let (bid, ask) = (price.to_string(), (price + 1).to_string());
    market.venue().control.push_tick(Tick::quote("BTC-USDT", &bid, &ask).with_last(&bid));
}

#[tokio::test]
async fn a_tick_is_one_trace_from_the_feeds_frame_to_the_gateways_sockets() {
    let collector = Collector::start().await;
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let (_feed, gateway) = apart(&market, &collector.url).await;
    let _client = gateway.client(&["BTC-USDT"]).await;
    market.venue().control.until_subscribed(&["BTC-USDT"]).await;
    let mut price = 100_000;
    let whole = eventually("a whole trace that reached a socket", async || {
        price = 100_000 + (price + 1) % 100;
        push(&market, price);
        let whole = collector.whole();
        whole.into_iter().find(|spans| spans[3].attributes["tickcast.sockets"] == "1")
    })
    .await;
    let roles: Vec<&str> = whole.iter().map(|span| span.role.as_str()).collect();
    assert_eq!(roles, ["feed", "feed", "gateway", "gateway"]);
    assert!(whole.iter().all(|span| span.service == "tickcast"), "{whole:?}");
    assert!(whole[0].parent.is_empty(), "the first has no parent: {whole:?}");
    for pair in whole.windows(2) {
        assert_eq!(pair[1].parent, pair[0].id, "{whole:?}");
    }
    assert!(whole.iter().all(|span| span.start <= span.end), "{whole:?}");
    // Within a process one ends where the next begins; the bus's readers may be faster than its writer
    // hears that it is done.
    assert_eq!(whole[0].end, whole[1].start, "{whole:?}");
    assert_eq!(whole[2].end, whole[3].start, "{whole:?}");
    for at in [0, 1, 2] {
        assert_eq!(whole[at].attributes["messaging.destination.name"], TOPIC);
        assert_eq!(whole[at].attributes["tickcast.seq"], whole[0].attributes["tickcast.seq"]);
    }
}

#[tokio::test]
async fn without_a_collector_prices_go_on_and_the_process_ends_promptly() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    // Nothing listens there.
    let (mut feed, mut gateway) = apart(&market, "http://127.0.0.1:1").await;
    let mut client = gateway.client(&["BTC-USDT"]).await;
    market.venue().control.until_subscribed(&["BTC-USDT"]).await;
    for price in 100..103 {
        push(&market, price);
        client
            .ticker_where(TOPIC, |it| it["last_price"].as_str() == Some(&price.to_string()))
            .await;
    }
    for role in [&mut feed, &mut gateway] {
        let said = eventually("the loss is told", async || {
            let lines = role.process.stderr.all();
            let told = |line: &&String| line.contains("the collector does not take spans");
            Some(lines.iter().filter(told).count()).filter(|count| *count > 0)
        })
        .await;
        assert_eq!(said, 1, "one line a cause");
        let began = Instant::now();
        assert_eq!(role.stop().await.code(), Some(0));
        assert!(began.elapsed() < STOPS_WITHIN, "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn mistakes_in_its_settings_are_named() {
    for (line, wanted) in [
        ("otlp_endpoint = \"127.0.0.1:4317\"", "telemetry.otlp_endpoint = \"127.0.0.1:4317\""),
        ("sample_ratio = 2.0", "telemetry.sample_ratio = 2 does not fit: expected 0 to 1"),
        ("service_name = \"\"", "telemetry.service_name is empty"),
        ("endpoint = \"x\"", "telemetry.endpoint"),
    ] {
        let checked = start(&["check"]).config(&format!("[telemetry]\n{line}\n")).ended().await;
        assert_eq!(checked.code, 2, "{checked:?}");
        assert!(checked.stderr.contains(wanted), "{line}: {checked:?}");
    }
}
