//! One topic as a line of text: what the price is, and what must not be overlooked about it.

use super::message::{Belief, Quote};
use owo_colors::{OwoColorize, Style};
use std::time::Duration;
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Price},
};

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
        if let Some(bar) = &self.quote.bar {
            return self.bar_cells(bar);
        }
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

    /// The same of a bar: topic, close, open, high and low, opening, whether it is final.
    fn bar_cells(&self, bar: &Bar) -> [Cell; 7] {
        let plain = Style::new();
        let (state, state_style) = match (self.quote.state, bar.closed) {
            (Belief::Live, true) => ("closed", plain),
            (Belief::Live, false) => ("open", plain.dimmed()),
            _ => self.state(),
        };
        let note = if bar.complete { "" } else { "incomplete" };
        [
            Cell { text: self.quote.topic.clone(), style: plain },
            Cell { text: bar.close.to_string(), style: self.price_style() },
            Cell { text: format!("open {}", bar.open), style: plain },
            Cell { text: format!("high {} low {}", bar.high, bar.low), style: plain },
            Cell { text: opening(bar.open_time), style: plain.dimmed() },
            Cell { text: state.to_owned(), style: state_style },
            Cell { text: note.to_owned(), style: plain.yellow() },
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

/// When a bar opened: `10-24 08:15`, UTC.
fn opening(at: Micros) -> String {
    let minutes = at.0.div_euclid(60_000_000);
    let (month, day) = month_and_day(minutes.div_euclid(24 * 60));
    let minutes = minutes.rem_euclid(24 * 60);
    format!("{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
}

/// The date of a day since 1970-01-01, by the proleptic Gregorian calendar: years begin in March, so
/// that the leap day is the last, and 400 years have 146097 days.
fn month_and_day(days: i64) -> (i64, i64) {
    let in_cycle = (days + 719_468).rem_euclid(146_097);
    let year = (in_cycle - in_cycle / 1460 + in_cycle / 36_524 - in_cycle / 146_096) / 365;
    let in_year = in_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    ((month + 2) % 12 + 1, day)
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
            bar: None,
        }
    }

    #[test]
    fn a_bar_says_what_it_was_and_whether_it_is_final() {
        let bar = |closed, complete| {
            serde_json::from_value(serde_json::json!({
                "open_time": 1_729_757_700_000_000_i64, "close_time": 1_729_757_760_000_000_i64,
                "open": "2", "high": "4", "low": "1", "close": "3", "ticks": 7,
                "closed": closed, "complete": complete, "source": "ticker",
            }))
            .unwrap()
        };
        let topic = || "kline:okx:BTC-USDT:1m".to_owned();
        let row = Row::new(Quote::of_bar(topic(), bar(false, true)));
        assert_eq!(
            row.plain(Micros(0)),
            format!("{} 3 open 2 high 4 low 1 10-24 08:15 open", topic())
        );
        let mut row = Row::new(Quote::of_bar(topic(), bar(true, false)));
        assert!(row.plain(Micros(0)).ends_with("closed incomplete"));
        row.disown();
        assert!(row.plain(Micros(0)).contains("NOT LIVE"));
    }

    #[test]
    fn a_day_has_its_date() {
        for (day, date) in
            [(0, (1, 1)), (58, (2, 28)), (59, (3, 1)), (19_782, (2, 29)), (20_453, (12, 31))]
        {
            assert_eq!(month_and_day(day), date, "{day}");
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
