//! `tickcast trace`: the hops of a topic's next updates, from the venue to the sockets.

mod gateway;
mod summary;
mod table;

use crate::{
    cli,
    outcome::Failure,
    watch::{told_to_stop, way_out},
};
use anyhow::{Context, anyhow};
use gateway::Lines;
use std::io::{self, ErrorKind, Write};
use summary::Summary;
use tickcast_gateway::trace::line::{End, Line};
use tokio::signal::unix::SignalKind;

/// What `--help` adds: how the lines are to be read.
pub const COLUMNS: &str = "\
Examples:
  tickcast trace BTC-USDT
  tickcast trace ticker:okx:ETH-USDT --count 0 --json

Each line is an update, each column the time in milliseconds from one hop to the
next:
  to feed     from the venue's quote to the feed (clocks of the venue and ours)
  in feed     from the frame's arrival until the update was sealed and numbered
  to bus      until the bus published it
  to gateway  until the gateway took it
  to pass     until a shard began the pass that wrote it
  to sockets  until it was written to the last socket of that pass
  total       from the frame's arrival at the feed to the last socket
A value marked ~ stands between clocks that differ: it is the time beyond the
fastest message of the last seconds. A value marked ! is below zero: the clocks
differ, and by how much is unknown.";

/// Follows the topic's updates and prints their hops.
///
/// # Errors
/// When there is no gateway or no such topic, or the trace broke off.
pub async fn trace(args: cli::Trace) -> Result<(), Failure> {
    way_out::open(&[SignalKind::terminate(), SignalKind::interrupt()])?;
    let lines = gateway::open(&args.admin, &args.topic, args.count).await?;
    let mut output = Output { json: args.json, summary: Summary::default() };
    let ended = tokio::select! {
        ended = follow(lines, &mut output, &args.admin) => ended,
        () = told_to_stop() => Ok(()),
    };
    match ended.and_then(|()| output.close()) {
        Err(Stop::ReaderGone) | Ok(()) => Ok(()),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

/// Why a trace stops before its end.
enum Stop {
    /// Nobody reads our output any more.
    ReaderGone,
    Failed(Failure),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Failed(anyhow!(error).context("cannot write").into()),
        }
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error.into())
    }
}

async fn follow(mut lines: Lines, output: &mut Output, admin: &str) -> Result<(), Stop> {
    while let Some(text) = lines.next().await.with_context(|| admin.to_owned())? {
        let line: Line = serde_json::from_str(&text)
            .with_context(|| format!("{admin}: a line that is none of a trace"))?;
        output.show(&text, &line)?;
        match line {
            Line::End { reason: End::Shutdown } => {
                return Err(anyhow!("{admin}: the gateway is stopping").into());
            }
            Line::End { .. } => return Ok(()),
            _ => {}
        }
    }
    Err(anyhow!("{admin}: the trace broke off; has the gateway ended?").into())
}

/// Where lines go.
struct Output {
    json: bool,
    summary: Summary,
}

impl Output {
    fn show(&mut self, text: &str, line: &Line) -> io::Result<()> {
        if self.json {
            return print(text);
        }
        match line {
            Line::Begin { topic, state, shards } => {
                let shards =
                    if *shards == 1 { "1 shard".into() } else { format!("{shards} shards") };
                print(&format!("{topic} ({}), {shards}; times in ms", table::name(state)))?;
                print(&table::header())
            }
            Line::Update(update) => {
                self.summary.add(update);
                print(&table::row(update))
            }
            Line::Waiting { state, silent_ms } => {
                let seconds = silent_ms / 1000;
                note(&match state {
                    Some(state) => {
                        format!("no update for {seconds} s; the topic is {}", table::name(state))
                    }
                    None => format!("no update for {seconds} s; the topic is gone"),
                })
            }
            Line::Dropped { count } => {
                note(&format!("{count} reports were dropped: they are read too slowly here"))
            }
            Line::End { reason: End::TimeLimit } => note("the trace has taken as long as it may"),
            Line::End { .. } | Line::Unknown => Ok(()),
        }
    }

    /// The percentiles of all that was shown.
    fn close(&mut self) -> Result<(), Stop> {
        if !self.json {
            self.summary.lines().iter().try_for_each(|line| print(line))?;
        }
        Ok(())
    }
}

fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

fn note(text: &str) -> io::Result<()> {
    writeln!(io::stderr().lock(), "tickcast: {text}")
}
