//! `tickcast check`: the configuration and, with `--redis`, the servers that it names.

mod text;

use crate::{cli, config::Config, outcome::Failure};
use serde::Serialize;
use serde_json::json;
use std::{
    io::{self, Write},
    time::Duration,
};
use tickcast_shared::bus::redis::checkup::{Finding, Report, Role, Verdict};
use tokio::{
    pin,
    time::{interval, sleep},
};

/// After how long, and then how often, somebody who waits is told that it goes on.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the servers behind `redis_url` and says what they are like.
///
/// # Errors
/// [`Failure::Unfit`] when one of them is not what Tickcast needs.
pub async fn redis(args: &cli::Check, config: &Config) -> Result<(), Failure> {
    let redis = config.redis()?;
    let asked = redis.checkup(args.role.and_then(of_user));
    pin!(asked);
    let reports = tokio::select! {
        reports = &mut asked => reports,
        () = sleep(PATIENCE) => patiently(asked).await,
    };
    let worst = reports.iter().map(Report::verdict).max();
    let is_well = worst.is_none_or(|it| it < Verdict::Warn);
    if !(args.quiet && is_well) {
        write(&if args.json { lines_of_json(&reports)? } else { text::of(&reports) })?;
    }
    match worst {
        Some(Verdict::Fail) => Err(Failure::Unfit),
        _ => Ok(()),
    }
}

async fn patiently(asked: impl Future<Output = Vec<Report>>) -> Vec<Report> {
    let mut seconds = 0;
    let mut ticks = interval(PATIENCE);
    pin!(asked);
    loop {
        tokio::select! {
            reports = &mut asked => return reports,
            _ = ticks.tick() => {
                seconds += PATIENCE.as_secs();
                let _ = writeln!(io::stderr(), "tickcast: asking Redis since {seconds} s ...");
            }
        }
    }
}

/// A finding with its server, as a program reads it.
#[derive(Serialize)]
struct Line<'a> {
    server: &'a str,
    part: &'a str,
    #[serde(flatten)]
    finding: &'a Finding,
}

fn lines_of_json(reports: &[Report]) -> Result<String, Failure> {
    let mut lines = String::new();
    for report in reports {
        for finding in &report.findings {
            let line = Line { server: &report.server, part: report.part, finding };
            lines += &json!(line).to_string();
            lines.push('\n');
        }
    }
    Ok(lines)
}

/// Writes to stdout; whoever closed the pipe has read enough.
pub fn write(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).context("cannot write").into())
        }
        _ => Ok(()),
    }
}

/// Whose rights a Redis user needs for a role; `run` has no use for Redis.
fn of_user(role: cli::Role) -> Option<Role> {
    match role {
        cli::Role::Feed => Some(Role::Feed),
        cli::Role::Gateway => Some(Role::Gateway),
        cli::Role::Run => None,
    }
}
