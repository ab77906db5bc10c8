//! What the figures were measured on.

use super::process::Cores;
use serde::Serialize;
use std::{
    fs,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// The machine and what ran on it.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Model of the processor.
    pub cpu: String,
    /// Cores that could be used.
    pub cores: usize,
    /// Kernel.
    pub kernel: String,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// When, in UTC.
    pub date: String,
    /// Commit of the working copy, `+` when it is changed.
    pub commit: Option<String>,
    /// Versions of the servers, by label.
    pub versions: std::collections::BTreeMap<String, String>,
}

impl Machine {
    /// This one, now.
    #[must_use]
    pub fn look(cores: &Cores) -> Self {
        let (info, memory) = (text("/proc/cpuinfo"), text("/proc/meminfo"));
        let memory_kib: u64 = after(&memory, "MemTotal:")
            .and_then(|value| value.split_whitespace().next()?.parse().ok())
            .unwrap_or(0);
        Self {
            cpu: after(&info, "model name")
                .unwrap_or("unknown")
                .trim_start_matches(':')
                .trim()
                .to_owned(),
            cores: cores.0.len(),
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            memory_mib: memory_kib / 1024,
            date: date(SystemTime::now()),
            commit: commit(),
            versions: Default::default(),
        }
    }
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim)
}

/// The first line that a command prints; nothing when it cannot be run.
#[must_use]
pub fn first_line(words: &[String]) -> Option<String> {
    let (program, words) = words.split_first()?;
    let output = Command::new(program).args(words).output().ok()?;
    // Some print their version as an error.
    let printed = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    let line = String::from_utf8_lossy(&printed).lines().next()?.trim().to_owned();
    (!line.is_empty()).then_some(line)
}

fn commit() -> Option<String> {
    let git = |words: &[&str]| {
        first_line(
            &std::iter::once("git")
                .chain(words.iter().copied())
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    if !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some();
    Some(if changed { commit + "+" } else { commit })
}

/// Date and time in UTC, `2026-11-21T12:30:05Z`.
#[must_use]
pub fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = civil(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a day counted from 1970.
fn civil(mut day: u64) -> (u64, usize, u64) {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 0;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month + 1, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_704_067_199, "2023-12-31T23:59:59Z"),
            (1_795_264_205, "2026-11-21T12:30:05Z"),
        ] {
            assert_eq!(date(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn the_machine_is_described() {
        let machine = Machine::look(&Cores(vec![0]));
        assert!(machine.memory_mib > 0 && !machine.kernel.is_empty() && machine.cores == 1);
    }
}
