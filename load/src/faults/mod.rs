//! What faults and attacks do to a gateway and its other clients, measured on real processes.
//!
//! - [`row`]: which faults there are; `rows`: how each is made and measured, a file each
//! - `scene`: Redis, publisher, gateway; `crowd`: clients that behave; `attack`: those that do not
//! - `market`: exchange, feeds, Redis, gateways and a client, for faults behind the gateway
//! - [`figure`]: what is required and measured; [`report`]: all of it

mod attack;
mod crowd;
pub mod figure;
mod market;
pub mod report;
pub mod row;
mod rows;
mod scene;

pub use row::Row;

use crate::bench::{crowd::CrowdError, machine, machine::Machine, order::Workshop, rig::RigError};
use crate::{balancer::BalancerError, regulars::RegularsError, swarm::server::ServerError};
use report::{Measured, Outcome, Report};
use std::{
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct FaultsConfig {
    /// The faults.
    pub rows: Vec<Row>,
    /// Programs and cores.
    pub workshop: Workshop,
    /// How often each window of a comparison is measured.
    pub pairs: usize,
    /// Length of such a window.
    pub window: Duration,
    /// The longest outage or freeze; none: as long as the row says.
    pub hold: Option<Duration>,
    /// How often a feed is killed.
    pub kills: usize,
    /// Clients of three gateways behind HAProxy.
    pub clients: usize,
    /// An older program to upgrade from.
    pub old: Option<PathBuf>,
    /// Folder of the report.
    pub out: PathBuf,
}

/// A fault could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum FaultsError {
    /// This gateway has nothing to measure there.
    #[error("{0}")]
    Missing(String),
    /// The servers.
    #[error(transparent)]
    Rig(#[from] RigError),
    /// The clients that behave.
    #[error(transparent)]
    Crowd(#[from] CrowdError),
    /// The clients that do not.
    #[error("the attack: {0}")]
    Attack(String),
    /// The clients that come back.
    #[error(transparent)]
    Regulars(#[from] RegularsError),
    /// HAProxy.
    #[error(transparent)]
    Balancer(BalancerError),
    /// The gateway's process.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A request, a file, a description.
    #[error(transparent)]
    System(#[from] io::Error),
    /// The token was cancelled.
    #[error("interrupted; what was measured so far is in {0}")]
    Interrupted(PathBuf),
}

impl From<BalancerError> for FaultsError {
    fn from(error: BalancerError) -> Self {
        match error {
            BalancerError::Missing => Self::Missing(error.to_string()),
            other => Self::Balancer(other),
        }
    }
}

/// Which rows are meant by these names and numbers; all without any.
///
/// # Errors
/// [`FaultsError::Missing`] names what is not known.
pub fn choose(only: &[String]) -> Result<Vec<Row>, FaultsError> {
    if only.is_empty() {
        return Ok(Row::all().to_vec());
    }
    let find = |text: &String| {
        let found = Row::all().iter().copied().find(|row| row.is_called(text));
        let names: Vec<String> = Row::all().iter().map(|row| row.name()).collect();
        found.ok_or_else(|| {
            FaultsError::Missing(format!("no fault {text:?}; there are {}", names.join(", ")))
        })
    };
    only.iter().map(find).collect()
}

/// Measures all rows, prints each, and writes the report after each. Whether nothing was found
/// wanting.
///
/// # Errors
/// [`FaultsError`] when the report cannot be written, or the token is cancelled.
pub async fn run(config: FaultsConfig, token: CancellationToken) -> Result<bool, FaultsError> {
    let program = config.workshop.tickcast.to_string_lossy().into_owned();
    let version = machine::first_line(&[program, "--version".to_owned()]).unwrap_or_default();
    let machine = Machine::look(&config.workshop.cores);
    let mut report = Report { machine, version, rows: Vec::new() };
    for (number, row) in config.rows.iter().enumerate() {
        let name = row.name();
        let place = format!("[{}/{} {name}]", number + 1, config.rows.len());
        // Long enough for a person to wonder.
        let _ = writeln!(io::stderr(), "{place} {}", row.fault());
        let measuring = Box::pin(rows::measure(*row, &config));
        let outcome = match token.run_until_cancelled(measuring).await {
            Some(Ok(figures)) => Outcome::Measured(figures),
            Some(Err(FaultsError::Missing(why))) => Outcome::Skipped(why),
            Some(Err(error)) => Outcome::Failed(error.to_string()),
            None => return Err(FaultsError::Interrupted(config.out)),
        };
        let measured = Measured::new(*row, outcome);
        // A closed pipe is no reason to stop measuring.
        let _ = writeln!(io::stdout(), "{measured}");
        report.rows.push(measured);
        report.write(&config.out)?;
    }
    let _ = writeln!(io::stdout(), "report: {}/report.json", config.out.display());
    Ok(report.rows.iter().all(Measured::is_good))
}
