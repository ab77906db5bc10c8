//! A gateway beside the bare loop: the same swarm against both, in turns, as pairs.

use crate::swarm::{self, Report, SwarmConfig, SwarmError};
use serde::Serialize;
use std::{
    fmt,
    io::{self, BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};
use tokio_util::sync::CancellationToken;

/// Bytes of a frame's header for messages between 126 and 65 535 bytes, as all tickers are.
const HEADER_BYTES: u64 = 4;

/// Why a comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A swarm could not run.
    #[error(transparent)]
    Swarm(#[from] SwarmError),
    /// The bare loop did not start.
    #[error("cannot run the bare loop: {0}")]
    Limit(#[from] io::Error),
    /// A run against the gateway or the bare loop was no good.
    #[error("the run against {0} failed: {1}")]
    Run(&'static str, String),
    /// There is no cost to compare.
    #[error("the gateway used no measurable CPU time; take more clients or seconds")]
    Nothing,
}

/// What to compare.
#[derive(Debug, Clone)]
pub struct PairConfig {
    /// The swarm for the gateway, its process included; the bare loop gets the same one.
    pub gateway: SwarmConfig,
    /// This program, which is the bare loop as well.
    pub program: PathBuf,
    /// How many pairs.
    pub pairs: usize,
    /// Messages per client and second of the bare loop; `None`: as many as the gateway's first run
    /// delivered, which is too few when the gateway conflates.
    pub rate: Option<u32>,
}

/// One run against each.
#[derive(Debug, Clone, Serialize)]
pub struct Pair {
    /// CPU microseconds per delivery of the gateway.
    pub gateway_us: f64,
    /// The same of the bare loop.
    pub limit_us: f64,
    /// The first by the second.
    pub ratio: f64,
    /// Median latency of the gateway in microseconds, from the due time if stamped.
    pub gateway_p50: Option<u64>,
    /// The same of the bare loop.
    pub limit_p50: Option<u64>,
}

/// All pairs.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Messages per client and second of the bare loop.
    pub rate: u32,
    /// Bytes of its messages, as the gateway's.
    pub size: usize,
    /// In the order in which they were run.
    pub pairs: Vec<Pair>,
    /// Median of the ratios.
    pub median_ratio: f64,
    /// Smallest ratio.
    pub least_ratio: f64,
    /// Largest ratio.
    pub largest_ratio: f64,
}

/// Looks at the gateway once to learn rate and size of its messages, then runs the pairs, the
/// order changing from one to the next (A B B A).
///
/// # Errors
/// [`PairError`] when a run fails: there is no comparing with half a result.
pub async fn run(config: PairConfig, token: CancellationToken) -> Result<Comparison, PairError> {
    let first = measure("the gateway", config.gateway.clone(), &token).await?;
    let per_client = first.deliveries as f64 / first.connected as f64 / first.seconds;
    // Both are small positive numbers: `as` cuts nothing off.
    let rate = config.rate.unwrap_or(per_client.round() as u32).max(1);
    let bytes = (first.bytes / first.frames.max(1)).saturating_sub(HEADER_BYTES);
    let size = usize::try_from(bytes).unwrap_or(usize::MAX).max(crate::limit::MIN_BYTES);
    let limit = BareLoop::start(&config.program, rate, size)?;
    let bare = SwarmConfig {
        url: limit.url.clone(),
        server_pid: Some(limit.child.id()),
        check: false,
        ..config.gateway.clone()
    };
    let mut pairs = Vec::new();
    for round in 0..config.pairs {
        let gateway = || measure("the gateway", config.gateway.clone(), &token);
        let limit = || measure("the bare loop", bare.clone(), &token);
        let (gateway, limit) = if round % 2 == 0 {
            let gateway = gateway().await?;
            (gateway, limit().await?)
        } else {
            let limit = limit().await?;
            (gateway().await?, limit)
        };
        pairs.push(pair(&gateway, &limit).ok_or(PairError::Nothing)?);
    }
    let mut ratios: Vec<f64> = pairs.iter().map(|pair| pair.ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let (Some(least), Some(largest)) = (ratios.first(), ratios.last()) else {
        return Err(PairError::Nothing);
    };
    let (least_ratio, largest_ratio) = (*least, *largest);
    Ok(Comparison { rate, size, median_ratio: median(&ratios), least_ratio, largest_ratio, pairs })
}

async fn measure(
    who: &'static str,
    config: SwarmConfig,
    token: &CancellationToken,
) -> Result<Report, PairError> {
    let report = swarm::run(config, token.clone()).await?;
    let mut failed = report.failed();
    if token.is_cancelled() {
        failed.push("interrupted".to_owned());
    }
    if failed.is_empty() { Ok(report) } else { Err(PairError::Run(who, failed.join(", "))) }
}

fn pair(gateway: &Report, limit: &Report) -> Option<Pair> {
    let cost = |report: &Report| report.server?.cpu_us_per_delivery.filter(|cost| *cost > 0.0);
    let p50 =
        |report: &Report| report.from_due.or(report.from_published).map(|latency| latency.p50);
    let (gateway_us, limit_us) = (cost(gateway)?, cost(limit)?);
    let ratio = gateway_us / limit_us;
    Some(Pair { gateway_us, limit_us, ratio, gateway_p50: p50(gateway), limit_p50: p50(limit) })
}

/// Of sorted numbers; the mean of the two in the middle of an even count.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match (sorted.get(middle), middle.checked_sub(1).and_then(|below| sorted.get(below))) {
        (Some(upper), Some(lower)) if sorted.len().is_multiple_of(2) => (upper + lower) / 2.0,
        (Some(upper), _) => *upper,
        (None, _) => f64::NAN,
    }
}

/// The bare loop in a process of its own, ended with this value.
struct BareLoop {
    child: Child,
    url: String,
}

impl BareLoop {
    fn start(program: &PathBuf, rate: u32, size: usize) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(["limit", "--listen", "127.0.0.1:0"])
            .args(["--rate", &rate.to_string(), "--size", &size.to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let url = line.split_whitespace().find(|word| word.starts_with("ws://"));
        let url = url.unwrap_or_default().to_owned();
        let started = Self { child, url };
        if started.url.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(started) }
    }
}

impl Drop for BareLoop {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} messages/s per client, {} bytes each", self.rate, self.size)?;
        writeln!(f, "pair  gateway us  bare us  ratio  gateway p50 ms  bare p50 ms")?;
        let ms = |micros: Option<u64>| micros.map_or(f64::NAN, |micros| micros as f64 / 1000.0);
        for (number, pair) in self.pairs.iter().enumerate() {
            writeln!(
                f,
                "{:>4}  {:>10.2}  {:>7.2}  {:>5.2}  {:>14.2}  {:>11.2}",
                number + 1,
                pair.gateway_us,
                pair.limit_us,
                pair.ratio,
                ms(pair.gateway_p50),
                ms(pair.limit_p50)
            )?;
        }
        write!(
            f,
            "CPU per delivery: {:.2} x the bare loop (median; {:.2} to {:.2})",
            self.median_ratio, self.least_ratio, self.largest_ratio
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[1.0, 2.0, 9.0]), 2.0);
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), 3.0);
        assert!(median(&[]).is_nan());
    }
}
