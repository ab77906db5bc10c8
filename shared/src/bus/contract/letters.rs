//! Dead letters: kept in order, read newest first, bounded.

use super::rig::{every, main_group};
use crate::{
    bus::{Bus, Kept, Letter},
    clock::Micros,
};

fn letter(number: i64) -> Letter {
    Letter {
        exchange: "okx".parse().unwrap(),
        reason: "wrong_market".to_owned(),
        time: Micros(number),
        group: main_group(),
        raw: format!("{{\"é\":{number}}}\n"),
    }
}

async fn keep(bus: &Bus, numbers: std::ops::Range<i64>, most: usize) {
    let letters: Vec<Letter> = numbers.map(letter).collect();
    bus.dead_letters().append(&letters, most).await.unwrap();
}

fn numbers(kept: &[Kept]) -> Vec<i64> {
    kept.iter().map(|kept| kept.letter.time.0).collect()
}

#[tokio::test]
async fn letters_are_read_newest_first_and_page_by_page() {
    every(async |rig| {
        let bus = rig.bus();
        let mut letters = bus.dead_letters();
        assert!(letters.read(9, None).await.unwrap().is_empty());
        letters.append(&[], 100).await.unwrap();
        keep(&bus, 0..5, 100).await;
        let newest = letters.read(3, None).await.unwrap();
        assert_eq!(numbers(&newest), [4, 3, 2]);
        assert_eq!(newest[0].letter, letter(4), "nothing is lost on the way");
        let older = letters.read(3, Some(&newest[2].id)).await.unwrap();
        assert_eq!(numbers(&older), [1, 0]);
        let again = letters.get(&older[0].id).await.unwrap();
        assert_eq!(again.as_ref(), Some(&older[0]));
        assert_eq!(letters.get("99-0").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_oldest_letters_give_way() {
    every(async |rig| {
        let bus = rig.bus();
        for from in [0, 500, 1000] {
            keep(&bus, from..from + 500, 300).await;
        }
        let kept = bus.dead_letters().read(5000, None).await.unwrap();
        // Redis cuts whole blocks of a hundred entries.
        assert!((300..=400).contains(&kept.len()), "{}", kept.len());
        assert_eq!(kept[0].letter.time, Micros(1499));
    })
    .await;
}
