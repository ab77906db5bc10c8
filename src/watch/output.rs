//! Prices as lines: text for a person or a file, or the gateway's messages as they came.

use super::{
    line::quote_line,
    message::{Incoming, Quote, Welcome},
    news::News,
    times::time_of_day,
};
use crate::outcome::Failure;
use anyhow::anyhow;
use std::io::{self, Write};
use tickcast_shared::clock::{Clock, Micros};
use tokio::sync::mpsc::Receiver;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A price as text.
    Text,
    /// A message as it came.
    Json,
}

/// Prints what comes from `url`: `left` prices, or messages of [`Form::Json`]; without end for `None`.
///
/// # Errors
/// When the connection is over, or standard output does not take any more. A reader that has gone
/// has read enough.
pub async fn print(
    mut news: Receiver<News>,
    form: Form,
    left: Option<u64>,
    url: String,
) -> Result<(), Failure> {
    let mut printer = Printer { form, left, url, clock: Clock::start(), gateway_ahead: 0 };
    while let Some(piece) = news.recv().await {
        let piece = match piece {
            News::Over(failure) => return Err(failure),
            piece => piece,
        };
        match printer.hear(piece) {
            Ok(()) if printer.left == Some(0) => break,
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(error) => return Err(anyhow!(error).context("cannot write").into()),
        }
    }
    Ok(())
}

struct Printer {
    form: Form,
    left: Option<u64>,
    url: String,
    clock: Clock,
    gateway_ahead: i64,
}

impl Printer {
    fn hear(&mut self, piece: News) -> io::Result<()> {
        match piece {
            News::Message(text, message) => {
                let is_price = self.message(text.as_str(), message)?;
                if let Some(left) = &mut self.left
                    && (is_price || self.form == Form::Json)
                {
                    *left = left.saturating_sub(1);
                }
            }
            News::Warning(text) => note(&text),
            News::Lost { why, again_after } => {
                note(&format!("{why}; trying again in {:.1} s", again_after.as_secs_f64()));
            }
            News::Connected => note(&format!("connected to {}", self.url)),
            News::Dialling | News::Alive | News::Answered(_) | News::Over(_) => {}
        }
        Ok(())
    }

    /// Prints a message, if it is one of those that are printed; says whether it has prices.
    fn message(&mut self, text: &str, message: Incoming) -> io::Result<bool> {
        if self.form == Form::Json {
            line(text)?;
        }
        match message {
            Incoming::Welcome(Welcome { time, .. }) => {
                self.gateway_ahead = time.0 - self.clock.now().0;
                Ok(false)
            }
            Incoming::Ticker(quote) => self.quote(&quote).map(|()| true),
            Incoming::Kline { topic, bar } => self.quote(&Quote::of_bar(topic, bar)).map(|()| true),
            Incoming::Klines { topic, bars } => {
                let quotes = bars.into_iter().map(|bar| Quote::of_bar(topic.clone(), bar));
                quotes.into_iter().try_for_each(|quote| self.quote(&quote)).map(|()| true)
            }
            Incoming::Lagging { active: true } => {
                note("this terminal is slow: newest prices only");
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    /// `12:34:56.789 ticker:kucoin:BTC-USDT 67220 bid 67218.6 ask 67218.7 0.1 s live SIMULATED`
    fn quote(&self, quote: &Quote) -> io::Result<()> {
        if self.form == Form::Json {
            return Ok(());
        }
        let now = Micros(self.clock.now().0 + self.gateway_ahead);
        line(&format!("{} {}", time_of_day(now), quote_line(quote, now)))
    }
}

fn line(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// Tells the user what is going on, apart from prices.
pub fn note(text: &str) {
    // Whoever closed stderr does not want to read this.
    let _ = writeln!(io::stderr().lock(), "tickcast: {text}");
}
