//! One topic as a line of text: what the price is, and what must not be overlooked about it.

use super::message::{Belief, Quote};
use owo_colors::{OwoColorize, Style};
use std::time::Duration;
use tickcast_shared::{clock::Micros, market::Price};

/// The newest state of a topic.
#[derive(Debug)]
pub struct Row {
    quote: Quote,
    moved: Moved,
}

/// Which way the price last went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moved {
    Nowhere,
    Up,
    Down,
}

/// A piece of a line and how it looks where there are colours.
#[derive(Debug)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Row {
    /// A topic's first state.
    pub fn new(quote: Quote) -> Self {
        Self { quote, moved: Moved::Nowhere }
    }

    /// A newer state of the same topic.
    pub fn update(&mut self, quote: Quote) {
        match (self.quote.last_price, quote.last_price) {
            (Some(old), Some(new)) if new > old => self.moved = Moved::Up,
            (Some(old), Some(new)) if new < old => self.moved = Moved::Down,
            _ => {}
        }
        self.quote = quote;
    }

    /// The gateway is gone: whatever the price was, it is not known to be live.
    pub fn disown(&mut self) {
        self.quote.state = Belief::Unknown;
    }

    /// The line's cells at the gateway's time `now`: topic, price, bid, ask, age, state, origin.
    pub fn cells(&self, now: Micros) -> [Cell; 7] {
        let Quote { topic, last_price, bid_price, ask_price, received_ts, .. } = &self.quote;
        let age = received_ts.map_or_else(String::new, |at| age_text(now.since(at)));
        let (state, state_style) = self.state();
        let origin = if self.quote.simulated { "SIMULATED" } else { "" };
        let plain = Style::new();
        [
            Cell { text: topic.clone(), style: plain },
            Cell { text: price_text(*last_price), style: self.price_style() },
            Cell { text: format!("bid {}", price_text(*bid_price)), style: plain },
            Cell { text: format!("ask {}", price_text(*ask_price)), style: plain },
            Cell { text: age, style: plain.dimmed() },
            Cell { text: state.to_owned(), style: state_style },
            Cell { text: origin.to_owned(), style: plain.black().on_magenta() },
        ]
    }

    /// The line without colours, at the gateway's time `now`.
    pub fn plain(&self, now: Micros) -> String {
        let texts = self.cells(now).map(|cell| cell.text);
        texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// The state's word. Everything but `live` is loud.
    fn state(&self) -> (&'static str, Style) {
        let loud = Style::new().bold();
        match self.quote.state {
            Belief::Live => ("live", Style::new().dimmed()),
            Belief::Pending => ("pending", loud.yellow()),
            Belief::Stale => ("STALE", loud.white().on_red()),
            Belief::Halted => ("HALTED", loud.white().on_red()),
            Belief::Unknown => ("NOT LIVE", loud.white().on_red()),
        }
    }

    /// A price that is not live never looks like one.
    fn price_style(&self) -> Style {
        let style = Style::new();
        match (self.quote.state, self.moved) {
            (Belief::Live, Moved::Up) => style.green().bold(),
            (Belief::Live, Moved::Down) => style.red().bold(),
            (Belief::Live, Moved::Nowhere) => style.bold(),
            _ => style.dimmed(),
        }
    }
}

impl Cell {
    /// Characters it takes on the line.
    pub fn width(&self) -> usize {
        self.text.chars().count()
    }

    /// Its text, filled up to `width`.
    pub fn padded(&self, width: usize) -> String {
        format!("{:<width$}", self.text)
    }

    /// Its text in colours, filled up to `width` with what has none.
    pub fn painted(&self, width: usize) -> String {
        let fill = " ".repeat(width.saturating_sub(self.width()));
        format!("{}{fill}", self.text.style(self.style))
    }
}

fn price_text(price: Option<Price>) -> String {
    price.map_or_else(|| "-".to_owned(), |price| price.to_string())
}

/// `0.3 s`, `45 s`, `12 min` or `7 h`.
pub fn age_text(age: Duration) -> String {
    match age.as_secs() {
        0..10 => format!("{:.1} s", age.as_secs_f64()),
        seconds @ 10..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(last: &str, state: Belief) -> Quote {
        Quote {
            topic: "ticker:kucoin:BTC-USDT".into(),
            last_price: Some(last.parse().unwrap()),
            bid_price: None,
            ask_price: Some("67220.1".parse().unwrap()),
            state,
            simulated: true,
            received_ts: Some(Micros(1_000_000)),
        }
    }

    fn text(row: &Row) -> String {
        let cells = row.cells(Micros(3_500_000));
        cells.map(|cell| cell.text).join("|")
    }

    #[test]
    fn says_everything_on_one_line() {
        let row = Row::new(quote("67220", Belief::Live));
        assert_eq!(
            text(&row),
            "ticker:kucoin:BTC-USDT|67220|bid -|ask 67220.1|2.5 s|live|SIMULATED"
        );
    }

    #[test]
    fn whatever_is_not_live_says_so() {
        for (state, word) in
            [(Belief::Stale, "STALE"), (Belief::Halted, "HALTED"), (Belief::Unknown, "NOT LIVE")]
        {
            assert!(text(&Row::new(quote("1", state))).contains(word));
        }
    }

    #[test]
    fn a_move_is_coloured_only_while_live() {
        let mut row = Row::new(quote("10", Belief::Live));
        row.update(quote("11", Belief::Live));
        assert_eq!(row.moved, Moved::Up);
        let price = |row: &Row| row.cells(Micros(0))[1].painted(0);
        assert_eq!(price(&row), "11".style(Style::new().green().bold()).to_string());
        row.update(quote("10.5", Belief::Stale));
        assert_eq!(price(&row), "10.5".style(Style::new().dimmed()).to_string());
    }

    #[test]
    fn ages_are_short() {
        let ages = [300, 9_900, 45_000, 600_000, 10_000_000].map(Duration::from_millis);
        assert_eq!(ages.map(age_text), ["0.3 s", "9.9 s", "45 s", "10 min", "2 h"]);
    }
}
