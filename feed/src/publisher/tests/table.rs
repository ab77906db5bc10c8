//! The table by itself: numbers, order, what a takeover writes.

use super::rig::{live, pending, price, seen, topic};
use crate::{
    outbox::Change,
    publisher::table::{Changes, REMOVE_AFTER, Table},
};
use std::{collections::HashMap, sync::Arc};
use tickcast_shared::{
    bus::{Body, Group, Record, ShardBatch, ShardId, Stamp},
    clock::Micros,
    market::{State, Topic},
};
use tokio::time::Instant;

const NOW: Micros = Micros(1_000);

fn table(names: &[&str]) -> Table {
    let configured = names.iter().map(|name| (topic(name), Body::Ticker(pending()))).collect();
    let mut table = Table::new(Group::new("main"), configured);
    table.enter(7);
    table
}

fn put(name: &str, price: u64) -> (Topic, Change) {
    (topic(name), Change::Put(Box::new(Body::Ticker(live(price)))))
}

fn remove(name: &str) -> (Topic, Change) {
    (topic(name), Change::Remove)
}

fn cached(name: &str, price: u64) -> (Topic, Arc<Record>) {
    let record = Record {
        group: Group::new("main"),
        stamp: Stamp { epoch: 6, seq: 40 },
        published: Micros(1),
        body: Body::Ticker(live(price)),
    };
    (topic(name), Arc::new(record))
}

fn puts(batches: &[ShardBatch]) -> Vec<(Topic, Stamp, Option<String>)> {
    let puts = batches.iter().flat_map(|batch| &batch.puts);
    puts.map(|(topic, record)| (topic.clone(), record.stamp, price(record))).collect()
}

fn by_topic(changes: Changes) -> HashMap<Topic, Vec<Change>> {
    let mut by_topic: HashMap<Topic, Vec<Change>> = HashMap::new();
    for (topic, change) in changes {
        by_topic.entry(topic).or_default().push(change);
    }
    by_topic
}

fn states(changes: &[Change]) -> Vec<(State, String)> {
    let state = |change: &Change| match change {
        Change::Put(body) => {
            let ticker = body.ticker().expect("a ticker");
            (ticker.state, ticker.reason.to_string())
        }
        Change::Remove => panic!("a removal"),
    };
    changes.iter().map(state).collect()
}

#[test]
fn numbers_count_up_per_topic_and_start_again_with_an_epoch() {
    let mut table = table(&["A", "B"]);
    let batches = table.seal_heard(vec![put("A", 1), put("B", 1), put("A", 2)], NOW);
    let mut of_a: Vec<_> = puts(&batches).into_iter().filter(|it| it.0 == topic("A")).collect();
    of_a.sort();
    let stamp = |epoch, seq| Stamp { epoch, seq };
    assert_eq!(of_a[0], (topic("A"), stamp(7, 1), Some("1".into())));
    assert_eq!(of_a[1], (topic("A"), stamp(7, 2), Some("2".into())));
    let again = table.rewrite(Instant::now());
    let rewritten = puts(&table.seal_own(again, NOW));
    assert!(rewritten.contains(&(topic("A"), stamp(7, 3), Some("2".into()))));
    table.enter(8);
    assert_eq!(puts(&table.seal_heard(vec![put("A", 3)], NOW))[0].1, stamp(8, 1));
}

#[test]
fn every_value_goes_to_its_shard_with_the_time_of_sealing() {
    let mut table = table(&[]);
    let changes = (0..50).map(|n| put(&format!("T{n}"), n + 1)).collect();
    let batches = table.seal_heard(changes, NOW);
    assert!(batches.len() <= 16, "one batch a shard");
    for batch in &batches {
        for (topic, record) in &batch.puts {
            assert_eq!(ShardId::of(topic), batch.shard);
            assert_eq!(record.published, NOW);
        }
    }
    assert_eq!(puts(&batches).len(), 50);
}

#[test]
fn a_value_after_a_removal_goes_into_a_later_batch_under_a_later_number() {
    let mut table = table(&["A"]);
    let batches = table.seal_heard(vec![put("A", 1), remove("A"), put("A", 2)], NOW);
    assert_eq!(batches.len(), 2);
    assert_eq!((batches[0].puts.len(), batches[0].removes.len()), (1, 1));
    assert_eq!((batches[1].puts.len(), batches[1].removes.len()), (1, 0));
    assert_eq!(batches[1].puts[0].1.stamp.seq, 2);
}

#[test]
fn a_takeover_goes_on_with_what_was_heard_marks_stale_announces_and_halts() {
    let mut table = table(&["CACHED", "NEW", "HEARD"]);
    table.absorb(vec![put("HEARD", 5)], Instant::now());
    let cache = vec![cached("CACHED", 1), cached("HEARD", 2), cached("GONE", 3)];
    assert_eq!(Table::highest_epoch(&cache), 6);
    let changes = by_topic(table.take_over(cache, NOW, Instant::now()));
    assert_eq!(states(&changes[&topic("CACHED")]), [(State::Stale, "restart".into())]);
    assert_eq!(states(&changes[&topic("NEW")]), [(State::Pending, "awaiting_data".into())]);
    assert_eq!(states(&changes[&topic("GONE")]), [(State::Halted, "unconfigured".into())]);
    let heard = &changes[&topic("HEARD")];
    assert_eq!(states(heard), [(State::Live, "none".into())]);
    assert_eq!(changes.len(), 4);
}

#[test]
fn what_was_heard_here_before_the_cached_value_never_follows_it() {
    let quoted = |price, at| {
        let mut ticker = live(price);
        ticker.exchange_ts = Some(Micros(at));
        Box::new(Body::Ticker(ticker))
    };
    let mut table = table(&["A"]);
    table.absorb(vec![(topic("A"), Change::Put(quoted(5, 100)))], Instant::now());
    let (name, record) = cached("A", 6);
    let record = Record { body: *quoted(6, 101), ..(*record).clone() };
    let changes = table.take_over(vec![(name, Arc::new(record))], NOW, Instant::now());
    let written = puts(&table.seal_own(changes, NOW));
    assert_eq!(written, [(topic("A"), Stamp { epoch: 7, seq: 1 }, Some("6".into()))]);
    assert_eq!(states(&by_topic(table.rewrite(Instant::now()))[&topic("A")])[0].0, State::Stale);
    let next = table.seal_heard(vec![(topic("A"), Change::Put(quoted(7, 102)))], NOW);
    assert_eq!(puts(&next)[0].2, Some("7".into()), "the next word from the venue is live again");
}

#[test]
fn a_later_takeover_writes_what_the_connectors_said() {
    let mut table = table(&["A", "B"]);
    let first = table.take_over(Vec::new(), NOW, Instant::now());
    table.seal_own(first, NOW);
    table.seal_heard(vec![put("A", 5)], NOW);
    table.enter(9);
    let changes = table.take_over(vec![cached("A", 1), cached("B", 2)], NOW, Instant::now());
    let batches = table.seal_own(changes, NOW);
    let written: HashMap<_, _> = batches
        .iter()
        .flat_map(|batch| &batch.puts)
        .map(|(topic, record)| (topic.clone(), (record.stamp, seen(record))))
        .collect();
    assert_eq!(written.len(), 2);
    let stamp = Stamp { epoch: 9, seq: 1 };
    let live = (State::Live, "none".into(), Some("5".into()));
    assert_eq!(written[&topic("A")], (stamp, live));
    let inherited = (State::Stale, "restart".into(), Some("2".into()));
    assert_eq!(written[&topic("B")], (stamp, inherited), "nobody here has heard of it");
}

#[test]
fn an_unconfigured_topic_is_removed_in_due_time_unless_it_is_heard_again() {
    let (mut table, at) = (table(&[]), Instant::now());
    let cache = vec![cached("GONE", 1), cached("BACK", 2)];
    let changes = table.take_over(cache, NOW, at);
    table.seal_own(changes, NOW);
    assert_eq!(table.due_removals(at), []);
    table.seal_heard(vec![put("BACK", 3)], NOW);
    let due = table.due_removals(at + REMOVE_AFTER);
    assert_eq!(due, [remove("GONE")]);
    assert_eq!(by_topic(table.rewrite(at + REMOVE_AFTER))[&topic("GONE")], [Change::Remove]);
    let batches = table.seal_own(due, NOW);
    assert_eq!(batches[0].removes, [topic("GONE")]);
    assert_eq!(table.due_removals(at + REMOVE_AFTER), []);
    // The write failed: a rewrite repeats the removal until it is confirmed.
    assert_eq!(by_topic(table.rewrite(at + REMOVE_AFTER))[&topic("GONE")], [Change::Remove]);
    table.confirmed();
    assert!(!by_topic(table.rewrite(at + REMOVE_AFTER)).contains_key(&topic("GONE")));
}

#[test]
fn absorbing_keeps_the_newest_and_counts_the_others() {
    let mut table = table(&["A"]);
    let changes = vec![put("A", 1), put("B", 1), put("A", 2), remove("B")];
    assert_eq!(table.absorb(changes, Instant::now()), 2);
    let written = puts(&table.seal_own(vec![put("A", 9)], NOW));
    assert_eq!(written[0].1.seq, 1, "absorbing gives no numbers");
    let mut fresh = super::table::table(&["A"]);
    fresh.absorb(vec![put("A", 1), put("A", 2)], Instant::now());
    let changes = fresh.rewrite(Instant::now());
    assert_eq!(puts(&fresh.seal_own(changes, NOW))[0].2, Some("2".into()));
}
