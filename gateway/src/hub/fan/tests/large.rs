//! As many topics as a client may have: what is kept for a slow one stays small.

use super::{blocked::MOST_BYTES, market::live, stage::Stage, watch::watch, wishes::What};
use crate::{
    hub::{Key, Settings, Update},
    wire::Encoding,
};

const TOPICS: u32 = 1024;
/// A ticker is about that long.
const FRAME_BYTES: usize = 500;

fn all(stage: &mut Stage) -> Vec<(Key, Update)> {
    (0..TOPICS).map(|it| stage.market.tick(it, live(1))).collect()
}

fn stage() -> Stage {
    let mut stage = Stage::new(TOPICS as usize);
    stage.market.padding = FRAME_BYTES;
    let first = all(&mut stage);
    stage.pass(&first, 1);
    stage
}

fn check_newest(stage: &Stage, who: usize) {
    let watched = watch(&stage.clients[who]);
    assert_eq!(watched.newest.len(), TOPICS as usize);
    for (topic, seq) in watched.newest {
        assert_eq!(stage.market.value(topic).unwrap().stamp.seq, seq);
    }
}

#[test]
fn a_slow_client_of_1024_topics_takes_little_memory() {
    let mut stage = stage();
    let who = stage.enter(Encoding::default(), 20_000);
    stage.subscribe(who, &[What::Pattern(0)], Settings::default());
    for number in 0..40 {
        let updates = all(&mut stage);
        stage.pass(&updates, 1);
        stage.ping(who);
        stage.read(who, 5000 * (number % 4));
        assert!(stage.backlog_bytes(who) <= MOST_BYTES, "{}", stage.backlog_bytes(who));
        stage.check_frames(who);
    }
    stage.drain(who);
    check_newest(&stage, who);
}

#[test]
fn a_client_that_never_reads_is_owed_a_bounded_number_of_answers() {
    let mut stage = stage();
    let who = stage.enter(Encoding::default(), 1000);
    stage.subscribe(who, &[What::Pattern(0)], Settings::default());
    let mut commands = 0;
    while stage.may_command(who) {
        if commands % 8 == 0 {
            stage.subscribe(who, &[What::Topic(0)], Settings::default());
        } else {
            stage.ping(who);
        }
        commands += 1;
        assert!(commands < 1000 && stage.backlog_bytes(who) <= MOST_BYTES);
    }
    stage.drain(who);
    check_newest(&stage, who);
}

#[test]
fn a_write_that_would_be_too_large_has_the_newest_of_each_topic() {
    let mut stage = stage();
    let who = stage.enter(Encoding::default(), usize::MAX);
    stage.subscribe(who, &[What::Pattern(0)], Settings::default());
    stage.drain(who);
    let before = watch(&stage.clients[who]).values;
    let updates: Vec<_> = (0..300).map(|number| stage.market.tick(number % 3, live(1))).collect();
    stage.pass(&updates, 1);
    assert_eq!(watch(&stage.clients[who]).values - before, 3);
    assert_eq!(stage.fan.counts.conflated, 297);
    check_newest(&stage, who);
}
