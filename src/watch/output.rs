//! Where prices go: a live screen, plain lines for a pipe, or the gateway's messages as they came.

use super::{message::Quote, row::Row, screen::Screen};
use std::io::{self, IsTerminal, Write};
use tickcast_shared::clock::Micros;

/// How prices are shown.
pub enum Output {
    /// Redrawn in place, for a terminal.
    Screen(Screen),
    /// A line for each message, for a pipe.
    Lines,
    /// The gateway's own messages, one a line.
    Json,
}

impl Output {
    /// What suits standard output, or JSON if that is asked for.
    pub fn choose(json: bool) -> Self {
        match (json, io::stdout().is_terminal()) {
            (true, _) => Self::Json,
            (false, true) => Self::Screen(Screen::new()),
            (false, false) => Self::Lines,
        }
    }

    /// Whether [`Self::redraw`] has anything to do.
    pub fn is_redrawn(&self) -> bool {
        matches!(self, Self::Screen(_))
    }

    /// Whether messages are wanted as they came.
    pub fn is_raw(&self) -> bool {
        matches!(self, Self::Json)
    }

    /// Writes a message as it came.
    pub fn raw(&mut self, message: &str) -> io::Result<()> {
        line(message)
    }

    /// Shows a topic's new state at the gateway's time `now`.
    pub fn quote(&mut self, quote: Quote, now: Micros) -> io::Result<()> {
        match self {
            Self::Screen(screen) => {
                screen.update(quote);
                Ok(())
            }
            Self::Lines => line(&plain(quote, now)),
            Self::Json => Ok(()),
        }
    }

    /// Tells the user what is going on, apart from prices.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        if let Self::Screen(screen) = self {
            screen.set_footer(text.to_owned());
            return Ok(());
        }
        writeln!(io::stderr().lock(), "tickcast: {text}")
    }

    /// Tells the user something that must stay readable.
    pub fn warn(&mut self, text: &str) -> io::Result<()> {
        if let Self::Screen(screen) = self {
            screen.erase()?;
        }
        writeln!(io::stderr().lock(), "tickcast: {text}")
    }

    /// Draws the screen anew, with ages at the gateway's time `now`.
    pub fn redraw(&mut self, now: Micros) -> io::Result<()> {
        match self {
            Self::Screen(screen) => screen.draw(now),
            Self::Lines | Self::Json => Ok(()),
        }
    }

    /// Tells the user that the connection is gone; no price is shown as live from here on.
    pub fn lost(&mut self, text: &str) -> io::Result<()> {
        self.note(text)?;
        match self {
            Self::Screen(screen) => screen.disown(),
            Self::Lines | Self::Json => Ok(()),
        }
    }

    /// Leaves the terminal as it was found.
    pub fn close(&mut self) -> io::Result<()> {
        match self {
            Self::Screen(screen) => screen.close(),
            Self::Lines | Self::Json => Ok(()),
        }
    }
}

fn line(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// `12:34:56.789 ticker:kucoin:BTC-USDT 67220 bid 67218.6 ask 67218.7 0.1 s live SIMULATED`
fn plain(quote: Quote, now: Micros) -> String {
    format!("{} {}", time_of_day(now), Row::new(quote).plain(now))
}

/// Hours, minutes, seconds and milliseconds, UTC.
fn time_of_day(now: Micros) -> String {
    let millis = now.0.div_euclid(1000).rem_euclid(24 * 3600 * 1000);
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    format!("{:02}:{:02}:{seconds:02}.{millis:03}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::message::Belief;

    #[test]
    fn a_line_has_time_price_and_state() {
        let quote = Quote {
            topic: "ticker:okx:ETH-USDT".into(),
            last_price: None,
            bid_price: None,
            ask_price: None,
            state: Belief::Pending,
            simulated: false,
            received_ts: None,
            bar: None,
        };
        let now = Micros(1_729_757_723_655_123);
        assert_eq!(plain(quote, now), "08:15:23.655 ticker:okx:ETH-USDT - bid - ask - pending");
    }
}
