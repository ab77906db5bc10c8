//! What a pass tells of updates that somebody follows, and that it does nothing for others.

use super::{market::live, stage::Stage, wishes::What};
use crate::{
    hub::{Settings, pass::Batch},
    trace::Passed,
    wire::Encoding,
};
use tickcast_shared::clock::Micros;

const FRAME_BYTES: usize = 500;

/// A topic that is there, with room for messages of a real size.
fn stage() -> Stage {
    let mut stage = Stage::new(8);
    stage.market.padding = FRAME_BYTES;
    let first: Vec<_> = (0..3).map(|number| stage.market.tick(number, live(1))).collect();
    stage.pass(&first, 1);
    stage.market.is_followed = true;
    stage
}

fn client(stage: &mut Stage, capacity: usize, settings: Settings) -> usize {
    let who = stage.enter(Encoding::default(), usize::MAX);
    stage.subscribe(who, &[What::Topic(0)], settings).unwrap();
    stage.drain(who);
    stage.clients[who].socket.capacity = capacity;
    who
}

/// What the pass over the next value of topic 0 tells.
fn passed(stage: &mut Stage, room: usize) -> Passed {
    let update = stage.market.tick(0, live(2));
    stage.now = Micros(stage.now.0 + 1000);
    stage.pass(&[update], room);
    let [followed] = &stage.followed[..] else { panic!("one is followed") };
    *followed.passed()
}

#[test]
fn what_nobody_follows_is_not_noted_and_no_clock_is_asked() {
    let mut stage = stage();
    stage.market.is_followed = false;
    client(&mut stage, usize::MAX, Settings::default());
    let update = stage.market.tick(0, live(2));
    stage.fan.begin(&[update], stage.now);
    let mut batch = Batch::default();
    stage.fan.next_writes(8, &mut batch, stage.now);
    assert_eq!(batch.writes.len(), 1);
    stage.fan.note_written(|| panic!("nobody wants to know"));
    assert!(stage.fan.take_followed().is_empty());
}

#[test]
fn sockets_that_take_it_are_told_from_those_that_do_not() {
    let mut stage = stage();
    for _ in 0..3 {
        client(&mut stage, usize::MAX, Settings::default());
    }
    let cut = client(&mut stage, FRAME_BYTES / 2, Settings::default());
    let first = passed(&mut stage, 2);
    assert_eq!((first.sockets, first.blocked), (3, 1), "one socket was full half way");
    assert_eq!((first.began, first.written), (stage.now, Some(stage.now)));
    let second = passed(&mut stage, 2);
    assert_eq!((second.sockets, second.blocked), (3, 1), "it is behind and takes no part");
    stage.leave(cut);
    let third = passed(&mut stage, 2);
    assert_eq!((third.sockets, third.blocked), (3, 0));
    assert_eq!(third.held + third.left_out, 0);
}

#[test]
fn what_an_interval_holds_back_is_neither_written_nor_lost() {
    let mut stage = stage();
    let slow = Settings { interval_ms: 60_000, ..Settings::default() };
    client(&mut stage, usize::MAX, slow);
    client(&mut stage, usize::MAX, slow);
    assert_eq!(passed(&mut stage, 8).sockets, 2, "the first goes at once");
    let held = passed(&mut stage, 8);
    assert_eq!((held.held, held.sockets, held.written), (2, 0, None));
}

#[test]
fn what_nobody_wants_reaches_nobody() {
    let mut stage = stage();
    let alone = passed(&mut stage, 8);
    assert_eq!((alone.sockets, alone.blocked, alone.held, alone.left_out), (0, 0, 0, 0));
    assert_eq!(alone.written, None);
}

#[test]
fn of_a_write_that_would_be_too_large_the_older_values_are_left_out() {
    let mut stage = stage();
    client(&mut stage, usize::MAX, Settings::default());
    client(&mut stage, usize::MAX, Settings::default());
    let count = 200;
    let updates: Vec<_> = (0..count).map(|_| stage.market.tick(0, live(1))).collect();
    stage.pass(&updates, 1);
    let passed: Vec<&Passed> = stage.followed.iter().map(|it| it.passed()).collect();
    let (newest, older) = passed.split_last().unwrap();
    assert_eq!((older.len(), newest.sockets, newest.left_out), (count - 1, 2, 0));
    for passed in older {
        assert_eq!((passed.sockets, passed.left_out, passed.written), (0, 2, None));
    }
}
