//! The gateway's spans of sampled updates (see [`tickcast_shared::spans`]).

use super::{
    Tracers,
    assembly::Assembly,
    line::{Outcome, Update},
    probe::Reports,
};
use std::{convert::Infallible, time::Instant};
use tickcast_shared::{
    admin::Queues,
    bus::Stamp,
    clock::Micros,
    lifecycle::Tasks,
    spans::{Attribute, Hop, Span, Spans},
};
use tokio::time::sleep_until;

/// Starts making spans of what a gateway of so many shards does with sampled updates; does nothing
/// where none are wanted.
pub fn start(tracers: &Tracers, shards: usize, spans: Spans, queues: &Queues, tasks: &mut Tasks) {
    let Some(sampler) = spans.sampler() else { return };
    if let Some(reports) = tracers.follow_sampled(sampler, queues) {
        tasks.essential("spans", run(reports, Assembly::new(shards), spans));
    }
}

/// Runs until the ingest has ended.
async fn run(mut reports: Reports, mut assembly: Assembly, spans: Spans) -> Result<(), Infallible> {
    loop {
        let due = assembly.due();
        let updates = tokio::select! {
            seen = reports.next() => match seen {
                Some(seen) => assembly.take(seen, Instant::now()),
                None => return Ok(()),
            },
            () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {
                assembly.overdue(Instant::now())
            }
        };
        updates.iter().for_each(|update| record(update, &spans));
    }
}

fn record(update: &Update, spans: &Spans) {
    let stamp = Stamp { epoch: update.epoch, seq: update.seq };
    let Some(trace) = spans.trace(&update.topic, stamp) else { return };
    let span = |hop, start: Micros, end: Micros, attributes| {
        spans.record(Span { trace, hop, start, end, attributes });
    };
    let number = |count: u64| Attribute::Number(i64::try_from(count).unwrap_or(i64::MAX));
    let begun = update.pass_ts.unwrap_or(update.taken_ts);
    let mut ingest = vec![
        ("messaging.destination.name", Attribute::Text(update.topic.to_string())),
        ("tickcast.epoch", number(update.epoch)),
        ("tickcast.seq", number(update.seq)),
        ("tickcast.outcome", Attribute::Text(name(update.outcome).to_owned())),
    ];
    let skew = update.skew;
    for (key, value) in [
        ("tickcast.bus_ts_us", update.bus_ts.map(|at| at.0)),
        ("tickcast.skew.feed_to_gateway_us", skew.feed_to_gateway_us),
        ("tickcast.skew.bus_to_gateway_us", skew.bus_to_gateway_us),
    ] {
        ingest.extend(value.map(|value| (key, Attribute::Number(value))));
    }
    span(Hop::GatewayIngest, update.taken_ts, begun, ingest);
    if let Some(pass) = update.pass_ts {
        let counts = vec![
            ("tickcast.sockets", number(update.sockets)),
            ("tickcast.blocked", number(update.blocked)),
            ("tickcast.held", number(update.held)),
            ("tickcast.left_out", number(update.left_out)),
        ];
        span(Hop::GatewayPass, pass, update.written_ts.unwrap_or(pass), counts);
    }
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Written => "written",
        Outcome::Blocked => "blocked",
        Outcome::Conflated => "conflated",
        Outcome::Held => "held",
        Outcome::Unwanted => "unwanted",
        Outcome::Unfinished => "unfinished",
        Outcome::Unknown => "unknown",
    }
}
