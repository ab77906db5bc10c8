//! Group 5: messages in fragments, and what may not stand between them.

use super::replay::{Case, END, FIRST_TEXT, MIDDLE, PING, PONG, TEXT, case, frame, run};

/// How frames are written: all at once, each by itself, byte by byte.
const WAYS: [&str; 3] = ["at once", "by frame", "by byte"];

fn writes(case: Case, frames: &[Vec<u8>], way: &str) -> Case {
    match way {
        "at once" => case.writes(frames.concat()),
        "by frame" => frames.iter().cloned().fold(case, Case::writes),
        _ => case.chops(frames.concat(), 1),
    }
}

/// The same frames in all three ways, as cases of consecutive numbers.
fn three(numbers: [u32; 3], frames: &[Vec<u8>], then: impl Fn(Case) -> Case) -> Vec<Case> {
    let cases = numbers.into_iter().zip(WAYS);
    cases.map(|(number, way)| then(writes(case(format!("5.{number}")), frames, way))).collect()
}

#[tokio::test]
async fn group_5_fragments_make_one_message_and_nothing_else() {
    let (start, end) = (frame(FIRST_TEXT, b"fragment1"), frame(END, b"fragment2"));
    let (ping, text) = (frame(PING, b"ping"), frame(TEXT, b"not fragmented"));
    let joined = b"fragment1fragment2";
    let mut cases = vec![
        case("5.1").writes([frame(0x09, b"frag"), frame(END, b"ment")].concat()).hears_close(1002),
        case("5.2").writes([frame(0x0a, b"frag"), frame(END, b"ment")].concat()).hears_close(1002),
    ];
    cases.extend(three([3, 4, 5], &[start.clone(), end.clone()], |case| {
        case.hears(TEXT, joined).ends_well()
    }));
    cases.extend(three([6, 7, 8], &[start.clone(), ping, end.clone()], |case| {
        case.hears(PONG, b"ping").hears(TEXT, joined).ends_well()
    }));
    let orphan = frame(END, b"orphan");
    cases.extend(three([9, 10, 11], &[orphan, text.clone()], |case| case.hears_close(1002)));
    let orphan = frame(MIDDLE, b"orphan");
    cases.extend(three([12, 13, 14], &[orphan.clone(), text.clone()], |case| {
        case.hears_close(1002)
    }));
    let late = [start.clone(), end.clone(), orphan.clone(), text].concat();
    cases.push(case("5.15").writes(late).hears(TEXT, joined).hears_close(1002));
    for (number, first) in [(16, orphan), (17, frame(END, b"orphan"))] {
        let twice = [first, start.clone(), end.clone()].concat().repeat(2);
        cases.push(case(format!("5.{number}")).writes(twice).hears_close(1002));
    }
    let two_starts = [start, frame(TEXT, b"fragment2")].concat();
    cases.push(case("5.18").writes(two_starts).hears_close(1002));
    cases.extend([("5.19", usize::MAX), ("5.20", 1)].map(|(name, piece)| five(name, piece)));
    run(20, cases).await;
}

/// Five fragments with two pings between them, the second half only after the first pong.
fn five(name: &str, piece: usize) -> Case {
    let half = |fragments: [Vec<u8>; 2], ping: &[u8]| {
        [&fragments[0][..], &fragments[1], &frame(PING, ping)].concat()
    };
    let first = half([frame(FIRST_TEXT, b"fragment1"), frame(MIDDLE, b"fragment2")], b"one");
    let second = half([frame(MIDDLE, b"fragment3"), frame(MIDDLE, b"fragment4")], b"two");
    case(name)
        .chops(first, piece)
        .hears(PONG, b"one")
        .chops(second, piece)
        .hears(PONG, b"two")
        .chops(frame(END, b"fragment5"), piece)
        .hears(TEXT, b"fragment1fragment2fragment3fragment4fragment5")
        .ends_well()
}
