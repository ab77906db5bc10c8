//! Three times the caps: those inside are served as before, the others are refused at once.

use super::hostile;
use crate::{
    faults::{FaultsConfig, FaultsError, crowd, figure::Figure, scene::Scene},
    hostile::{HostileConfig, HostileReport, Kind},
};
use std::time::Duration;

/// Connections that are allowed.
const CAP: usize = 300;
/// Clients that behave.
const OTHERS: usize = 250;
/// Dials a second that are allowed: those of the others at their start, too.
const DIALS: u32 = 600;
/// Commands a second of a connection that are allowed.
const COMMANDS: u32 = 5;
/// Connections that send too many of them.
const TALKING: usize = 20;
/// So many times the caps.
const TIMES: u32 = 3;

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let limits = format!(
        "[gateway.limits]\nmax_connections = {CAP}\ndials_per_second = {DIALS}\n\
         commands_per_second = {COMMANDS}\n"
    );
    let scene = Scene::start(config, OTHERS, &limits).await?;
    let long = config.window + Duration::from_secs(1);
    let attack =
        |kind, clients, rate| HostileConfig { rate, ..hostile(&scene, kind, clients, long) };
    let attacks = [
        attack(Kind::Connections, CAP * TIMES as usize, 1),
        attack(Kind::DialStorm, 1, DIALS * TIMES),
        attack(Kind::Flood, TALKING, COMMANDS * TIMES),
    ];
    let compared = crowd::compare(&scene, config, &attacks).await?;
    let refused: u64 = compared.attacks.iter().map(refusals).sum();
    let unanswered: u64 = compared.attacks.iter().map(|report| report.count("no answer")).sum();
    Ok(vec![
        Figure::at_least("goodput, times that without", 0.9, compared.goodput_ratio()),
        Figure::at_most("others cut off", 0.0, Some(compared.cut_off())),
        Figure::at_least("refusals", 1.0, Some(refused as f64)),
        Figure::at_most("refused within, p99 ms", 100.0, refused_within(&compared.attacks)),
        Figure::at_most("dials without an answer", 0.0, Some(unanswered as f64)),
        Figure::told("others' p99 without them, ms", compared.p99_without()),
        Figure::told("others' p99 with them, times that without", compared.p99_ratio()),
    ])
}

fn refusals(report: &HostileReport) -> u64 {
    report.count("HTTP") + report.count("close 1013")
}

/// The slowest 99th percentile of a refusal before the upgrade, milliseconds.
fn refused_within(reports: &[HostileReport]) -> Option<f64> {
    let answers = reports.iter().flat_map(|report| report.of("HTTP"));
    let p99s = answers.filter_map(|seen| seen.after).map(|after| after.p99);
    p99s.max().map(|micros| micros as f64 / 1000.0)
}
