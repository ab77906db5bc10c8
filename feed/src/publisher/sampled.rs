//! The feed's spans of sampled updates (see [`tickcast_shared::spans`]).

use std::sync::Arc;
use tickcast_shared::{
    bus::{Record, ShardBatch},
    clock::Clock,
    market::{State, Topic},
    spans::{Attribute, Hop, Span, Spans, TraceId},
};

/// The sampled ones among updates that are being published; none are looked for where no spans are
/// wanted.
pub(super) struct Sampled(Vec<(TraceId, Topic, Arc<Record>)>);

impl Sampled {
    /// Those of these batches.
    pub(super) fn of(batches: &[ShardBatch], spans: &Spans) -> Self {
        let Some(sampler) = spans.sampler() else { return Self(Vec::new()) };
        let puts = batches.iter().flat_map(|batch| &batch.puts);
        let sampled = puts.filter_map(|(topic, record)| {
            Some((sampler.trace(topic, record.stamp)?, topic.clone(), record.clone()))
        });
        Self(sampled.collect())
    }

    /// The bus has confirmed them.
    pub(super) fn published(self, spans: &Spans, clock: &Clock) {
        if self.0.is_empty() {
            return;
        }
        let now = clock.now();
        for (trace, topic, record) in self.0 {
            let number = |count: u64| Attribute::Number(i64::try_from(count).unwrap_or(i64::MAX));
            let attributes = || {
                vec![
                    ("messaging.destination.name", Attribute::Text(topic.to_string())),
                    ("tickcast.epoch", number(record.stamp.epoch)),
                    ("tickcast.seq", number(record.stamp.seq)),
                ]
            };
            let sealed = record.published;
            // A change of state by the passing of time came from no frame, and a bar from many.
            let ticker = record.body.ticker().filter(|ticker| ticker.state == State::Live);
            if let Some(start) = ticker.and_then(|ticker| ticker.received_ts) {
                let exchange_ts = ticker.and_then(|ticker| ticker.exchange_ts);
                let mut attributes = attributes();
                let made = exchange_ts.map(|at| Attribute::Number(at.0));
                attributes.extend(made.map(|made| ("tickcast.exchange_ts_us", made)));
                let hop = Hop::FeedDecode;
                spans.record(Span { trace, hop, start, end: sealed, attributes });
            }
            let (hop, attributes) = (Hop::FeedPublish, attributes());
            spans.record(Span { trace, hop, start: sealed, end: now, attributes });
        }
    }
}
