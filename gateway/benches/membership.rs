//! What joining, leaving and changing a subscription cost a shard that is full already. Run it with
//! `cargo bench -p tickcast-gateway`.

use divan::{Bencher, black_box};
use std::sync::Arc;
use tickcast_gateway::{
    hub::{Change, Quote, Settings, Table, Tick, TopicId, Update, fan::Fan, members::MemberId},
    wire::{Encoding, Frames},
};
use tickcast_shared::{bus::Stamp, clock::Micros, market::State};

/// Topics of the shard.
const TOPICS: u32 = 1000;
/// Members of the shard.
const MEMBERS: u32 = 10_000;
/// Topics of a client with a set of its own.
const OWN: u32 = 20;
const NOW: Micros = Micros(1_000_000);

fn main() {
    divan::main();
}

fn fan() -> Fan {
    let mut fan = Fan::new(TOPICS as usize, Default::default());
    let updates: Vec<_> = (0..TOPICS).map(|id| tick(id).keyed()).collect();
    fan.begin(&updates, NOW);
    let _ = fan.end();
    fan
}

fn tick(id: u32) -> Update {
    Update::Tick(Arc::new(Tick {
        mark: None,
        id: TopicId(id),
        topic: format!("ticker:okx:C{id}-USDT")
            .parse()
            .unwrap_or_else(|_| unreachable!("letters and digits make a symbol")),
        stamp: Stamp { epoch: 1, seq: 1 },
        quote: Quote { state: State::Live, last: None, bid: None, ask: None },
        bar: None,
        frames: Frames::new(vec![b'x'; 500]),
    }))
}

/// A table of topics from `first` on, `step` apart.
fn table(first: u32, count: u32, step: u32) -> Table {
    let mut table = Table::empty(Encoding::default());
    for n in 0..count {
        table.add_topic(TopicId((first + n * step) % TOPICS), Settings::default());
    }
    table
}

/// Gives a member a table and sends it all that it is owed.
fn change(fan: &mut Fan, id: MemberId, table: Table) {
    fan.change(id, table, Change::default(), NOW);
    while let Some(piece) = fan.next_piece(id) {
        let count = piece.len();
        fan.accepted(id, count, NOW);
    }
}

/// A cohort of 10 000 members with all 1000 topics: one more joins it and leaves it again.
#[divan::bench]
fn join_and_leave_a_full_cohort(bencher: Bencher) {
    let mut fan = fan();
    for _ in 0..MEMBERS {
        let id = fan.enter(Encoding::default());
        change(&mut fan, id, table(0, TOPICS, 1));
    }
    let all = table(0, TOPICS, 1);
    bencher.bench_local(|| {
        let id = fan.enter(Encoding::default());
        change(&mut fan, id, all.clone());
        black_box(fan.forget(id));
    });
}

/// 10 000 members with 20 topics of their own each: one more comes with a set of its own and leaves.
#[divan::bench]
fn join_and_leave_with_a_set_of_ones_own(bencher: Bencher) {
    let mut fan = fan_of_own_sets();
    let own = table(7, OWN, 13);
    bencher.bench_local(|| {
        let id = fan.enter(Encoding::default());
        change(&mut fan, id, own.clone());
        black_box(fan.forget(id));
    });
}

/// The same shard: a client adds a topic to its set and takes it out again.
#[divan::bench]
fn change_a_set_of_ones_own(bencher: Bencher) {
    let mut fan = fan_of_own_sets();
    let id = fan.enter(Encoding::default());
    let (less, more) = (table(7, OWN, 13), table(7, OWN + 1, 13));
    bencher.bench_local(|| {
        change(&mut fan, id, more.clone());
        change(&mut fan, id, less.clone());
    });
}

/// A cohort of all 1000 topics whose only member leaves, in a shard where 10 000 others have them.
#[divan::bench(sample_count = 20)]
fn a_cohort_of_a_thousand_topics_comes_and_goes(bencher: Bencher) {
    let mut fan = fan_of_own_sets();
    let all = table(0, TOPICS, 1);
    bencher.bench_local(|| {
        let id = fan.enter(Encoding::default());
        change(&mut fan, id, all.clone());
        black_box(fan.forget(id));
    });
}

fn fan_of_own_sets() -> Fan {
    let mut fan = fan();
    for n in 0..MEMBERS {
        let id = fan.enter(Encoding::default());
        change(&mut fan, id, table(n * 31, OWN, 1 + n % 47));
    }
    fan
}
