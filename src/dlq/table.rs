//! Dead letters as a table for people.

use super::Letter;
use crate::watch::age_text;
use std::fmt::Write;
use tickcast_shared::clock::Micros;

/// Characters of a message that a line shows.
const SHOWN_RAW: usize = 100;

/// The letters, one a line, under a head.
pub fn of(letters: &[Letter], now: Micros) -> String {
    let id_width = letters.iter().map(|it| it.id.len()).max().unwrap_or(0).max("ID".len());
    let mut table = String::new();
    let mut line = |cells: [&str; 5]| {
        let [id, age, exchange, reason, raw] = cells;
        // A string takes everything.
        let _ = writeln!(table, "{id:<id_width$}  {age:>7}  {exchange:<8}  {reason:<20}  {raw}");
    };
    line(["ID", "AGE", "EXCHANGE", "REASON", "MESSAGE"]);
    for letter in letters {
        let age = age_text(now.since(letter.time));
        let raw = beginning(&letter.raw);
        line([&letter.id, &age, &letter.exchange, &letter.reason, &raw]);
    }
    table
}

/// The beginning of a message on one line, without what a terminal would obey.
fn beginning(raw: &str) -> String {
    let mut shown: String = raw.chars().take(SHOWN_RAW).map(plain).collect();
    if raw.chars().nth(SHOWN_RAW).is_some() {
        shown.push_str("...");
    }
    shown
}

fn plain(letter: char) -> char {
    if letter.is_control() { ' ' } else { letter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_letter() {
        let letter = |id: &str, raw: &str| Letter {
            id: id.to_owned(),
            exchange: "okx".to_owned(),
            reason: "unconfirmed".to_owned(),
            time: Micros(0),
            group: None,
            raw: raw.to_owned(),
        };
        let long = "x".repeat(200);
        let table = of(&[letter("17-0", "a\u{1b}[31m\nb"), letter("9", &long)], Micros(45_000_000));
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 3, "{table}");
        assert_eq!(lines[1], "17-0     45 s  okx       unconfirmed           a [31m b");
        assert!(lines[2].ends_with("xxx...") && lines[2].len() < 160);
    }
}
