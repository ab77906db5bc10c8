//! `tickcast dlq retry`: what would become of a letter now.

use super::Letter;
use crate::config::Config;
use serde::Serialize;
use std::fmt;
use tickcast_feed::{
    config::ExchangeConfig,
    exchange::by_name,
    retry::{Retried, retry as judge},
};
use tickcast_shared::market::{Price, State, Symbol, Ticker};

/// What would become of a letter.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Its number.
    id: String,
    /// Who sent it.
    exchange: String,
    /// Why it was refused.
    was: String,
    /// What would become of each statement in it.
    now: Vec<Now>,
}

/// What would become of a statement.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Now {
    /// It would be published.
    Published { topic: String, ticker: Box<Ticker> },
    /// It would be refused.
    Refused { reason: String },
    /// It would lead to nothing.
    Nothing { why: String },
}

/// Judges a letter again.
pub fn retry(letter: &Letter, config: &Config) -> Outcome {
    let now = match by_name(&letter.exchange) {
        Some(exchange) => {
            let configured = config.feed.exchange.iter().find(|it| it.name == letter.exchange);
            let symbols = configured.map(symbols).unwrap_or_default();
            judge(exchange, &symbols, &letter.raw, letter.time).into_iter().map(Now::from).collect()
        }
        None => vec![Now::Nothing { why: "this build does not know the exchange".to_owned() }],
    };
    let Letter { id, exchange, reason, .. } = letter.clone();
    Outcome { id, exchange, was: reason, now }
}

/// The symbols that are named one by one.
fn symbols(configured: &ExchangeConfig) -> Vec<Symbol> {
    configured.symbols.iter().filter_map(|text| text.parse().ok()).collect()
}

impl Outcome {
    /// Whether any of it would be refused.
    pub fn is_refused(&self) -> bool {
        self.now.iter().any(|now| matches!(now, Now::Refused { .. }))
    }
}

impl From<Retried> for Now {
    fn from(retried: Retried) -> Self {
        let nothing = |why: &str| Self::Nothing { why: why.to_owned() };
        match retried {
            Retried::Publish(change) => {
                Self::Published { topic: change.0.to_string(), ticker: Box::new(change.1) }
            }
            Retried::Refused(reason) => Self::Refused { reason: reason.as_str().to_owned() },
            Retried::Completes => nothing("it completes a price that other messages tell"),
            Retried::NoPrice => nothing("it is no price"),
            Retried::UnknownSymbol(name) => Self::Nothing {
                why: format!("{name} is none of the configured symbols; name the feed's --config"),
            },
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  {}  was refused: {}", self.id, self.exchange, self.was)?;
        for now in &self.now {
            match now {
                Now::Published { topic, ticker } => {
                    writeln!(f, "  would be published: {topic} {}", line(ticker))?;
                }
                Now::Refused { reason } => writeln!(f, "  would be refused: {reason}")?,
                Now::Nothing { why } => writeln!(f, "  nothing to publish: {why}")?,
            }
        }
        Ok(())
    }
}

fn line(ticker: &Ticker) -> String {
    let price = |price: Option<Price>| price.map_or("-".to_owned(), |price| price.to_string());
    let state = match ticker.state {
        State::Live => "live".to_owned(),
        _ => format!("not live: {}", ticker.reason),
    };
    let (bid, ask) = (price(ticker.bid_price), price(ticker.ask_price));
    format!("last {} bid {bid} ask {ask} ({state})", price(ticker.last_price))
}
