//! Group 6: text is UTF-8, and what is not is noticed before the rest has come.

use super::replay::{Case, END, FIRST_TEXT, MIDDLE, TEXT, case, fragmented, frame, run};

/// "kosme" in Greek, with a letter of three bytes in it.
const KOSME: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
/// A code point above U+10FFFF, which its second byte shows.
const BEYOND: &[u8] = b"\xf4\x90\x80\x80";

#[tokio::test]
async fn group_6_text_is_checked_and_comes_back() {
    let mut cases = whole_and_in_fragments();
    cases.extend(noticed_early());
    assert_eq!(cases.len(), 13);
    let sequences = sequences();
    for (group, sequences) in sequences.iter().zip(5..).map(|(it, group)| (group, it)) {
        for (bytes, number) in sequences.iter().zip(1..) {
            cases.push(text(format!("6.{group}.{number}"), bytes));
        }
    }
    run(145, cases).await;
}

/// What the table holds is good or bad by Unicode's own definition, not only by our decoder's.
#[test]
fn the_table_of_group_6_has_as_many_good_and_bad_texts_as_unicode_says() {
    let good = |group: usize| {
        let texts = &sequences()[group - 5];
        (texts.iter().filter(|it| std::str::from_utf8(it).is_ok()).count(), texts.len())
    };
    let wanted = [
        (5, 5, 5),
        (6, 5, 11),
        (7, 4, 4),
        (8, 0, 2),
        (9, 4, 4),
        (10, 0, 3),
        (11, 4, 5),
        (12, 0, 8),
        (13, 0, 5),
        (14, 0, 10),
        (15, 0, 1),
        (16, 0, 3),
        (17, 0, 5),
        (18, 0, 5),
        (19, 0, 5),
        (20, 0, 7),
        (21, 0, 8),
        (22, 34, 34),
        (23, 7, 7),
    ];
    for (group, right, all) in wanted {
        assert_eq!(good(group), (right, all), "6.{group}");
    }
}

fn text(name: String, bytes: &[u8]) -> Case {
    let sent = case(name).writes(frame(TEXT, bytes));
    match std::str::from_utf8(bytes) {
        Ok(_) => sent.hears(TEXT, bytes).ends_well(),
        Err(_) => sent.hears_close(1007),
    }
}

fn whole_and_in_fragments() -> Vec<Case> {
    let long = ["Hello-\u{b5}@\u{df}\u{f6}\u{e4}", "\u{fc}\u{e0}\u{e1}-UTF-8!!"];
    let both = long.concat().into_bytes();
    let bad = [KOSME, b"\xed\xa0\x80edited"].concat();
    let empty = [frame(FIRST_TEXT, b""), frame(MIDDLE, b""), frame(END, b"")];
    let middle = [frame(FIRST_TEXT, b""), frame(MIDDLE, b"middle"), frame(END, b"")];
    vec![
        text("6.1.1".into(), b""),
        case("6.1.2").writes(empty.concat()).hears(TEXT, b"").ends_well(),
        case("6.1.3").writes(middle.concat()).hears(TEXT, b"middle").ends_well(),
        text("6.2.1".into(), &both),
        case("6.2.2")
            .writes([frame(FIRST_TEXT, long[0]), frame(END, long[1])].concat())
            .hears(TEXT, both.clone())
            .ends_well(),
        case("6.2.3").writes(fragmented(TEXT, &both, 1)).hears(TEXT, both).ends_well(),
        case("6.2.4").writes(fragmented(TEXT, KOSME, 1)).hears(TEXT, KOSME).ends_well(),
        text("6.3.1".into(), &bad),
        case("6.3.2").writes(fragmented(TEXT, &bad, 1)).hears_close(1007),
    ]
}

/// Closed before the message is complete: the case ends where its text cannot be made good.
fn noticed_early() -> [Case; 4] {
    let by_fragment = |name, bad: &[u8]| {
        let started = case(name).writes(frame(FIRST_TEXT, KOSME));
        started.writes(frame(MIDDLE, bad)).hears_close(1007)
    };
    let in_one_frame = |name, bad: usize, piece| {
        let whole = frame(TEXT, [KOSME, BEYOND, b"edited"].concat());
        let shown = whole.len() - b"edited".len() - BEYOND.len() + bad;
        case(name).chops(&whole[..shown], piece).hears_close(1007)
    };
    [
        by_fragment("6.4.1", BEYOND),
        by_fragment("6.4.2", &BEYOND[..2]),
        in_one_frame("6.4.3", BEYOND.len(), usize::MAX),
        in_one_frame("6.4.4", 2, 1),
    ]
}

/// Groups 6.5 to 6.23, along Markus Kuhn's stress test of decoders.
fn sequences() -> Vec<Vec<Vec<u8>>> {
    let list = |texts: &[&[u8]]| texts.iter().map(|it| it.to_vec()).collect::<Vec<_>>();
    // Lead bytes of two to six bytes, without the bits that they carry.
    let leads = [(0xc0_u8, 0x1f_u8), (0xe0, 0x0f), (0xf0, 0x07), (0xf8, 0x03), (0xfc, 0x01)];
    let lead_and = |lead: u8, next: u8, count: usize| [vec![lead], vec![next; count]].concat();
    // Sequences of two to six bytes for the code point 0, and for the highest that one byte less holds.
    let overlong = |tails: [&[u8]; 5]| list(&tails);
    let cut_off: Vec<Vec<u8>> = [0x80_u8, 0xbf]
        .iter()
        .flat_map(|next| {
            let all = *next == 0xbf;
            (0..).zip(leads).map(move |(count, (lead, bits))| {
                lead_and(if all { lead | bits } else { lead }, *next, count)
            })
        })
        .collect();
    vec![
        list(&[
            b"hello$world",
            "hello\u{a2}world".as_bytes(),
            "hello\u{20ac}world".as_bytes(),
            "hello\u{24b62}world".as_bytes(),
            KOSME,
        ]),
        (1..=KOSME.len()).map(|end| KOSME[..end].to_vec()).collect(),
        list(&[b"\0", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]),
        list(&[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]),
        list(&[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]),
        list(&[b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
        list(&[b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf", BEYOND]),
        lonely_continuations(),
        lonely_leads(),
        cut_off.clone(),
        vec![cut_off.concat()],
        list(&[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]),
        overlong([
            b"\xc0\xaf",
            b"\xe0\x80\xaf",
            b"\xf0\x80\x80\xaf",
            b"\xf8\x80\x80\x80\xaf",
            b"\xfc\x80\x80\x80\x80\xaf",
        ]),
        overlong([
            b"\xc1\xbf",
            b"\xe0\x9f\xbf",
            b"\xf0\x8f\xbf\xbf",
            b"\xf8\x87\xbf\xbf\xbf",
            b"\xfc\x83\xbf\xbf\xbf\xbf",
        ]),
        leads.iter().zip(1..).map(|((lead, _), count)| lead_and(*lead, 0x80, count)).collect(),
        [0xd800_u16, 0xdb7f, 0xdb80, 0xdbff, 0xdc00, 0xdf80, 0xdfff].map(surrogate).to_vec(),
        surrogate_pairs(),
        noncharacters(),
        (0xfff9_u32..=0xffff).map(encoded).collect(),
    ]
}

fn lonely_continuations() -> Vec<Vec<u8>> {
    let alternating: Vec<u8> = [0x80, 0xbf].into_iter().cycle().take(7).collect();
    let mut texts = vec![vec![0x80], vec![0xbf]];
    texts.extend((2..=6).map(|count| alternating[..count].to_vec()));
    texts.push((0x80..=0xbf).collect());
    texts
}

/// Every lead byte of a length, each followed by a space.
fn lonely_leads() -> Vec<Vec<u8>> {
    let ranges = [0xc0..=0xdf, 0xe0..=0xef, 0xf0..=0xf7, 0xf8..=0xfb, 0xfc..=0xfd];
    ranges.map(|range| range.flat_map(|lead: u8| [lead, b' ']).collect()).to_vec()
}

/// The three bytes that a surrogate would have.
fn surrogate(code: u16) -> Vec<u8> {
    let six = |shift: u16| u8::try_from(code >> shift & 0x3f).unwrap() | 0x80;
    vec![0xed, six(6), six(0)]
}

fn surrogate_pairs() -> Vec<Vec<u8>> {
    let high = [0xd800, 0xdb7f, 0xdb80, 0xdbff];
    let pairs = high.into_iter().flat_map(|high| [0xdc00, 0xdfff].map(|low| (high, low)));
    pairs.map(|(high, low)| [surrogate(high), surrogate(low)].concat()).collect()
}

/// The last two code points of every plane: no characters, and good UTF-8.
fn noncharacters() -> Vec<Vec<u8>> {
    (0..=16_u32).flat_map(|plane| [0xfffe, 0xffff].map(|it| encoded(plane << 16 | it))).collect()
}

fn encoded(code: u32) -> Vec<u8> {
    char::from_u32(code).unwrap().to_string().into_bytes()
}
