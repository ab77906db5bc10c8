//! What the exchanges have said. Each price tells by itself which one it is: they only rise.

use std::collections::HashMap;
use tickcast_load::venue::Tick;

/// Where prices begin, in thousandths.
const BASE: u64 = 10_000_000;
/// What one push adds, in thousandths; far below what a guard against jumps would ask about.
const STEP: u64 = 10;
/// Half the spread, in thousandths.
const HALF: u64 = 4;

/// How often each topic was pushed.
#[derive(Debug, Default)]
pub struct Model(HashMap<String, u64>);

impl Model {
    /// The topic's next tick.
    pub fn next(&mut self, exchange: &str, symbol: &str) -> Tick {
        let pushed = self.0.entry(format!("ticker:{exchange}:{symbol}")).or_default();
        *pushed += 1;
        tick(symbol, *pushed)
    }

    /// The number of the topic's last tick.
    pub fn last(&self, topic: &str) -> u64 {
        self.0.get(topic).copied().unwrap_or_default()
    }
}

fn tick(symbol: &str, number: u64) -> Tick {
    let last = BASE + number * STEP;
    Tick::quote(symbol, &text(last - HALF), &text(last + HALF)).with_last(&text(last))
}

fn text(thousandths: u64) -> String {
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

/// Which push a last price, bid or ask belongs to; none if nobody ever said it.
pub fn number_of(price: &str) -> Option<u64> {
    let (whole, part) = price.split_once('.').unwrap_or((price, ""));
    let part = format!("{part:0<3}");
    let thousandths = whole.parse::<u64>().ok()? * 1000 + part.parse::<u64>().ok()?;
    let beyond = thousandths.checked_sub(BASE)?;
    let number = (beyond + STEP / 2) / STEP;
    let off = beyond.abs_diff(number * STEP);
    (number > 0 && (off == 0 || off == HALF)).then_some(number)
}
