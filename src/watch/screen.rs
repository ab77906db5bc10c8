//! One line a topic, redrawn in place.

use super::{
    message::Quote,
    row::{Cell, Row},
};
use std::{
    collections::BTreeMap,
    io::{self, Write},
};
use terminal_size::{Height, Width};
use tickcast_shared::clock::Micros;

/// What is assumed of a terminal that does not tell its size.
const USUAL_SIZE: (Width, Height) = (Width(80), Height(24));
/// Cursor off, and no wrapping: a line wider than the terminal is cut instead of breaking the
/// redraw (DEC private modes 25 and 7).
const BEGIN: &str = "\x1b[?25l\x1b[?7l";
/// The opposite of [`BEGIN`].
const END: &str = "\x1b[?7h\x1b[?25h";
/// From the cursor to the end of the screen.
const CLEAR_BELOW: &str = "\x1b[J";
/// From the cursor to the end of the line.
const CLEAR_LINE: &str = "\x1b[K";

/// The topics by name, and what is on the terminal.
pub struct Screen {
    rows: BTreeMap<String, Row>,
    footer: String,
    drawn_lines: usize,
    drawn_at: Micros,
    colours: bool,
}

impl Screen {
    /// An empty screen.
    pub fn new() -> Self {
        Self {
            rows: BTreeMap::new(),
            footer: String::new(),
            drawn_lines: 0,
            drawn_at: Micros::default(),
            colours: std::env::var_os("NO_COLOR").is_none(),
        }
    }

    /// Takes over a topic's newest state.
    pub fn update(&mut self, quote: Quote) {
        match self.rows.get_mut(&quote.topic) {
            Some(row) => row.update(quote),
            None => {
                self.rows.insert(quote.topic.clone(), Row::new(quote));
            }
        }
    }

    /// Sets the line below the topics.
    pub fn set_footer(&mut self, text: String) {
        self.footer = text;
    }

    /// Draws everything over what was drawn before.
    pub fn draw(&mut self, now: Micros) -> io::Result<()> {
        let (_, Height(height)) = terminal_size::terminal_size().unwrap_or(USUAL_SIZE);
        let lines = self.lines(now, usize::from(height));
        let mut text = format!("{BEGIN}{}", up(self.drawn_lines));
        for line in &lines {
            text.push_str(line);
            text.push_str(CLEAR_LINE);
            text.push('\n');
        }
        text.push_str(CLEAR_BELOW);
        self.drawn_lines = lines.len();
        self.drawn_at = now;
        write(&text)
    }

    /// Nothing vouches for the prices any more: shows them as such, with the ages they had.
    pub fn disown(&mut self) -> io::Result<()> {
        self.rows.values_mut().for_each(Row::disown);
        self.draw(self.drawn_at)
    }

    /// Takes what was drawn off the terminal, so that something else can be written there.
    pub fn erase(&mut self) -> io::Result<()> {
        let text = format!("{}{CLEAR_BELOW}{END}", up(self.drawn_lines));
        self.drawn_lines = 0;
        write(&text)
    }

    /// Gives the terminal back; the last prices stay on it.
    pub fn close(&mut self) -> io::Result<()> {
        write(END)
    }

    /// As many topics as fit, what was left out, and the footer.
    fn lines(&self, now: Micros, height: usize) -> Vec<String> {
        // The footer, the line that counts what was left out, and the cursor's own.
        let room = height.saturating_sub(3).max(1);
        let shown: Vec<[Cell; 7]> =
            self.rows.values().take(room).map(|row| row.cells(now)).collect();
        let mut lines: Vec<String> = {
            let widths = widths(&shown);
            shown.iter().map(|cells| self.line(cells, &widths)).collect()
        };
        if self.rows.len() > room {
            lines.push(format!("... and {} more", self.rows.len() - room));
        }
        lines.push(self.footer.clone());
        lines
    }

    fn line(&self, cells: &[Cell; 7], widths: &[usize; 7]) -> String {
        let pairs = cells.iter().zip(widths).filter(|(_, width)| **width > 0);
        let texts: Vec<String> = if self.colours {
            pairs.map(|(cell, width)| cell.painted(*width)).collect()
        } else {
            pairs.map(|(cell, width)| cell.padded(*width)).collect()
        };
        texts.join("  ")
    }
}

/// The widest cell of each column.
fn widths(rows: &[[Cell; 7]]) -> [usize; 7] {
    let mut widths = [0; 7];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    widths
}

/// Back to the start of the first of `lines` lines above the cursor.
fn up(lines: usize) -> String {
    if lines == 0 { "\r".to_owned() } else { format!("\x1b[{lines}F") }
}

fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::message::Belief;

    fn quote(topic: &str, last: &str) -> Quote {
        Quote {
            topic: topic.into(),
            last_price: Some(last.parse().unwrap()),
            bid_price: None,
            ask_price: None,
            state: Belief::Live,
            simulated: false,
            received_ts: None,
            bar: None,
        }
    }

    fn screen() -> Screen {
        Screen { colours: false, ..Screen::new() }
    }

    #[test]
    fn a_topic_keeps_its_line() {
        let mut screen = screen();
        for (topic, last) in [("bb", "200"), ("a", "1"), ("a", "3")] {
            screen.update(quote(topic, last));
        }
        screen.set_footer("connected".into());
        assert_eq!(
            screen.lines(Micros(0), 24),
            ["a   3    bid -  ask -  live", "bb  200  bid -  ask -  live", "connected"]
        );
    }

    #[test]
    fn more_topics_than_lines_are_counted() {
        let mut screen = screen();
        for n in 0..10 {
            screen.update(quote(&format!("topic {n}"), "1"));
        }
        let lines = screen.lines(Micros(0), 7);
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[4], "... and 6 more");
    }
}
