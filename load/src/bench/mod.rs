//! Whole scenarios: started, measured and reported.
//!
//! - [`scenario`]: what a file says; [`target`]: what is to be reached
//! - [`server`]: servers under test, [`builtin`] or described by files; [`rig`]: those of a run
//! - [`publish`]: the open loop; [`crowd`]: the clients
//! - [`run`]: one run; [`pairs`]: several; [`results`]: all; [`report`]: for people and programs

pub mod builtin;
pub mod bus_watch;
mod choice;
pub mod crowd;
pub mod fetch;
pub mod figures;
pub mod file;
pub mod machine;
pub mod metrics;
pub mod order;
pub mod pairs;
pub mod process;
pub mod publish;
pub mod report;
pub mod results;
pub mod rig;
pub mod run;
pub mod scenario;
pub mod server;
pub mod side;
pub mod target;
pub mod template;

pub use choice::{Choice, ChoiceError};

use crate::limit::FULL_BYTES;
use figures::Run;
use machine::Machine;
use order::Workshop;
use results::{Compared, Results};
use rig::RigError;
use run::RunError;
use scenario::Scenario;
use side::Side;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};
use tokio_util::sync::CancellationToken;

/// How often a run is made until its figures count: something else may have had the machine.
const ATTEMPTS: usize = 2;

/// What a benchmark shall do.
#[derive(Debug, Clone)]
pub struct BenchConfig {
    /// What is run.
    pub scenarios: Vec<Scenario>,
    /// Programs, folders and cores.
    pub workshop: Workshop,
    /// Where results go.
    pub out: PathBuf,
}

/// A benchmark could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The results cannot be written.
    #[error("cannot write the results to {0}: {1}")]
    Write(PathBuf, io::Error),
    /// It was told to stop.
    #[error("interrupted; what was measured so far is in {0}")]
    Interrupted(PathBuf),
}

/// Runs all scenarios, prints a table of each and writes the results after each. Whether all of
/// them ran without failures and faults; missed targets are none.
///
/// # Errors
/// [`BenchError`] when results cannot be written, or the token is cancelled.
pub async fn run(config: BenchConfig, token: CancellationToken) -> Result<bool, BenchError> {
    let machine = Machine::look(&config.workshop.cores);
    let mut results = Results { machine, scenarios: Vec::new() };
    let write = |results: &Results| {
        report::write(results, &config.out)
            .map_err(|error| BenchError::Write(config.out.clone(), error))
    };
    let count = config.scenarios.len();
    for (number, scenario) in config.scenarios.iter().enumerate() {
        let place = format!("{}/{count} {}", number + 1, scenario.name);
        results.scenarios.push(Compared::new(scenario));
        let Some(compared) = results.scenarios.last_mut() else { continue };
        let comparing = compare(&config.workshop, scenario, compared, &place);
        let finished = token.run_until_cancelled(comparing).await;
        compared.conclude(&scenario.targets);
        print(&report::table(compared));
        versions(&config.workshop, scenario, &mut results.machine);
        write(&results)?;
        if finished.is_none() {
            return Err(BenchError::Interrupted(config.out));
        }
    }
    print(&format!("results: {0}/results.json, {0}/report.html", config.out.display()));
    Ok(!results.scenarios.iter().any(Compared::has_failed))
}

/// All rounds of one scenario.
async fn compare(workshop: &Workshop, scenario: &Scenario, compared: &mut Compared, place: &str) {
    let total = scenario.pairs * scenario.sides.len();
    let mut done = 0;
    let mut message_bytes = None;
    for round in 0..scenario.pairs {
        compared.sides.iter_mut().for_each(|side| side.runs.resize(round + 1, None));
        for at in pairs::order(scenario.sides.len(), round) {
            let (side, measured) = (&scenario.sides[at], &mut compared.sides[at]);
            done += 1;
            let line = format!("[{place}, run {done} of {total}] {}", side.label);
            if measured.skipped.is_some() {
                continue;
            }
            let size = side.topics.size.or(message_bytes).unwrap_or(FULL_BYTES);
            match undisturbed(workshop, side, size, &line).await {
                Ok(run) => {
                    if side.server == builtin::TICKCAST && message_bytes.is_none() {
                        message_bytes = run.message_bytes();
                    }
                    say(&format!("{line}: {}", in_short(&run)));
                    measured.runs[round] = Some(run);
                }
                Err(RunError::Rig(error @ RigError::Missing(_))) if !is_builtin(side) => {
                    say(&format!("{line}: {error}, skipped"));
                    measured.skipped = Some(error.to_string());
                }
                Err(error) => {
                    say(&format!("{line}: {error}"));
                    measured.failures.push(error.to_string());
                }
            }
        }
    }
}

/// A run whose figures count, if one of a few attempts does.
async fn undisturbed(
    workshop: &Workshop,
    side: &Side,
    size: usize,
    line: &str,
) -> Result<Run, RunError> {
    let mut run = once(workshop, side, size, line).await?;
    for _ in 1..ATTEMPTS {
        if run.is_valid() {
            break;
        }
        say(&format!("{line}: does not count ({}), again", run.invalid.join(", ")));
        run = once(workshop, side, size, line).await?;
    }
    Ok(run)
}

/// Whether the server is one that must be there; the others may be skipped.
fn is_builtin(side: &Side) -> bool {
    matches!(side.server.as_str(), builtin::TICKCAST | builtin::LIMIT)
}

/// One run in a folder of its own, which stays if the run fails.
async fn once(workshop: &Workshop, side: &Side, size: usize, line: &str) -> Result<Run, RunError> {
    let folder = tempfile::Builder::new().prefix("tickcast-bench-").tempdir()?;
    say(&format!("{line}: starting, {} s", side.secs));
    let told = |what: String| say(&format!("{line}: {what}"));
    let outcome = run::run(workshop, side, size, folder.path(), told).await;
    if !matches!(&outcome, Ok(_) | Err(RunError::Rig(RigError::Missing(_)))) {
        say(&format!("{line}: logs are in {}", folder.keep().display()));
    }
    outcome
}

fn in_short(run: &Run) -> String {
    let mut parts = Vec::new();
    for measure in [
        target::Measure::CpuUsPerDelivery,
        target::Measure::DeliveredShare,
        target::Measure::P99Ms,
        target::Measure::KibPerConnection,
        target::Measure::JoinSeconds,
    ] {
        if let Some(figure) = measure.of(run) {
            parts.push(format!("{} {}", measure.title(), results::short(figure)));
        }
    }
    let problems = run.invalid.iter().chain(&run.faults);
    parts.extend(problems.map(|problem| format!("[{problem}]")));
    parts.join(", ")
}

/// Versions of the servers that ran.
fn versions(workshop: &Workshop, scenario: &Scenario, machine: &mut Machine) {
    for side in &scenario.sides {
        let words = match side.server.as_str() {
            builtin::TICKCAST => builtin::tickcast(&workshop.tickcast, side, 1).version,
            builtin::LIMIT => builtin::limit(&workshop.own, side).version,
            name => {
                let path = workshop.peers.join(format!("{name}.toml"));
                let read = server::ServerSpec::read(&path);
                let here = |spec: server::ServerSpec| {
                    let here = spec.here.display().to_string();
                    spec.filled(&template::Template::new([("here", here)])).version
                };
                read.map(here).unwrap_or_default()
            }
        };
        if let Some(version) = machine::first_line(&words) {
            machine.versions.insert(side.server.clone(), version);
        }
    }
}

/// The folder for results of now, below `target/bench`.
#[must_use]
pub fn default_out() -> PathBuf {
    let date = machine::date(std::time::SystemTime::now());
    Path::new("target/bench").join(date.replace(':', ""))
}

/// A closed pipe is no reason to stop measuring.
fn print(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
