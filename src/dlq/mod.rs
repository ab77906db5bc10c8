//! `tickcast dlq`: the messages that feeds refused.

mod args;
mod letter;
mod retry;
mod routes;
mod source;
mod table;

pub use args::Args;
pub use routes::routes;

use crate::{config::Config, outcome::Failure};
use anyhow::anyhow;
use args::Command;
use letter::Letter;
use source::Source;
use std::io::{self, Write};
use tickcast_shared::clock::Clock;

/// Does what the arguments say.
///
/// # Errors
/// [`Failure::StillRefused`] when a retried message would be refused again; otherwise what went
/// wrong.
pub async fn dlq(args: &Args, config: &Config) -> Result<(), Failure> {
    let mut source = Source::open(args.url(), config)?;
    match &args.command {
        Command::List(list) => {
            let letters = source.list(&list.filter).await?;
            if letters.is_empty() {
                return note_nothing(&source);
            }
            show(&letters, list.json, |letters| table::of(letters, Clock::start().now()))
        }
        Command::Show(one) => {
            let letter = [source.get(&one.id).await?];
            show(&letter, one.json, |letters| letters.iter().map(Letter::whole).collect())
        }
        Command::Retry(asked) => {
            let letters = match &asked.id {
                Some(id) => vec![source.get(id).await?],
                None => source.list(&asked.filter).await?,
            };
            if letters.is_empty() {
                return note_nothing(&source);
            }
            let retried: Vec<_> = letters.iter().map(|it| retry::retry(it, config)).collect();
            show(&retried, asked.json, |all| all.iter().map(ToString::to_string).collect())?;
            let again = retried.iter().any(retry::Outcome::is_refused);
            if again { Err(Failure::StillRefused) } else { Ok(()) }
        }
    }
}

/// An empty answer is told apart from the output, which stays empty for scripts.
fn note_nothing(source: &Source) -> Result<(), Failure> {
    let _ = writeln!(io::stderr(), "tickcast: no dead letters that match at {source}");
    Ok(())
}

/// Writes a line of JSON for each item, or a text for people.
fn show<T: serde::Serialize>(
    items: &[T],
    json: bool,
    text: impl FnOnce(&[T]) -> String,
) -> Result<(), Failure> {
    let mut shown = String::new();
    if json {
        for item in items {
            shown += &serde_json::to_string(item).map_err(|error| Failure::Failed(error.into()))?;
            shown.push('\n');
        }
    } else {
        shown = text(items);
    }
    match io::stdout().lock().write_all(shown.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow!(error).context("cannot write").into())
        }
        _ => Ok(()),
    }
}
