//! Groups 9 and 10: long messages, in many fragments, in many pieces, and many messages.
//!
//! The suite sends up to 16 MiB in a message and a thousand messages a case to measure speed. Here
//! 4 MiB go once each way of framing, and the other cases are cut to the sizes below.

use super::replay::{BINARY, Case, TEXT, case, fragmented, frame, run};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// 9.1 and 9.2; the last two of 8 and 16 MiB.
const LENGTHS: [usize; 6] = [64 * KIB, 256 * KIB, MIB, 4 * MIB, MIB + 1, 2 * MIB - 1];
/// 9.3 and 9.4: sizes of the fragments of a message of 4 MiB.
const FRAGMENTS: [usize; 9] = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB];
const FRAGMENTED: usize = 512 * KIB;
/// 9.5 and 9.6: sizes of the pieces in which a message of 1 MiB is written.
const PIECES: [usize; 6] = [64, 128, 256, 512, KIB, 2 * KIB];
const CHOPPED: usize = 256 * KIB;
/// 9.7 and 9.8: a thousand messages of these lengths, each awaited.
const AWAITED: [usize; 6] = [0, 16, 64, 256, KIB, 4 * KIB];
const AWAITED_MESSAGES: usize = 50;

#[tokio::test]
async fn group_9_long_messages_and_many_messages_come_back() {
    let mut cases = Vec::new();
    for (opcode, byte, offset) in [(TEXT, b'*', 0), (BINARY, 0xfe, 1)] {
        let echoed = |name: String, bytes: Vec<u8>, piece, length| {
            case(name).chops(bytes, piece).hears(opcode, vec![byte; length]).ends_well()
        };
        for (length, number) in LENGTHS.into_iter().zip(1..) {
            let name = format!("9.{}.{number}", 1 + offset);
            cases.push(echoed(name, frame(opcode, vec![byte; length]), usize::MAX, length));
        }
        for (size, number) in FRAGMENTS.into_iter().zip(1..) {
            let name = format!("9.{}.{number}", 3 + offset);
            let length = FRAGMENTED.max(size);
            let bytes = fragmented(opcode, &vec![byte; length], size);
            cases.push(echoed(name, bytes, usize::MAX, length));
        }
        for (piece, number) in PIECES.into_iter().zip(1..) {
            let name = format!("9.{}.{number}", 5 + offset);
            cases.push(echoed(name, frame(opcode, vec![byte; CHOPPED]), piece, CHOPPED));
        }
        for (length, number) in AWAITED.into_iter().zip(1..) {
            let name = format!("9.{}.{number}", 7 + offset);
            cases.push(one_after_another(case(name), opcode, &vec![byte; length]));
        }
    }
    run(54, cases).await;
}

#[tokio::test]
async fn group_10_a_message_in_many_uneven_fragments_comes_back() {
    let payload = vec![b'*'; 64 * KIB];
    let bytes = fragmented(TEXT, &payload, 1300);
    run(1, vec![case("10.1.1").writes(bytes).hears(TEXT, payload).ends_well()]).await;
}

fn one_after_another(case: Case, opcode: u8, payload: &[u8]) -> Case {
    let sent = (0..AWAITED_MESSAGES)
        .fold(case, |case, _| case.writes(frame(opcode, payload)).hears(opcode, payload));
    sent.ends_well()
}
