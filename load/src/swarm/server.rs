//! What a server process has used, from `/proc`.

use std::{fs, io};

/// Clock ticks a second in `/proc/PID/stat`; Linux shows 100 to every process, whatever it counts
/// in itself.
const TICKS_PER_SECOND: f64 = 100.0;
/// Place of `utime` among the fields after the command's closing bracket; `stime` is the next.
const UTIME: usize = 11;

/// The server process cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {source}")]
pub struct ServerError {
    path: String,
    source: io::Error,
}

/// CPU seconds, user and system, of all threads of a process.
///
/// # Errors
/// [`ServerError`] when there is no such process.
pub fn cpu_seconds(process: &str) -> Result<f64, ServerError> {
    let path = format!("/proc/{process}/stat");
    let text = read(&path)?;
    let ticks = ticks(&text).ok_or_else(|| garbled(&path))?;
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// Resident memory of a process in KiB.
///
/// # Errors
/// [`ServerError`] when there is no such process.
pub fn resident_kib(process: &str) -> Result<u64, ServerError> {
    let path = format!("/proc/{process}/status");
    let text = read(&path)?;
    kib(&text, "VmRSS:").ok_or_else(|| garbled(&path))
}

/// The part of it that is no page of a file, such as the program's own.
///
/// # Errors
/// As above.
pub fn anonymous_kib(process: &str) -> Result<u64, ServerError> {
    let path = format!("/proc/{process}/status");
    let text = read(&path)?;
    kib(&text, "RssAnon:").ok_or_else(|| garbled(&path))
}

/// Processes of a process group, this one included.
#[must_use]
pub fn process_group(group: u32) -> Vec<String> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let processes = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    let is_member = |pid: &String| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        group_of(&stat) == Some(group)
    };
    processes.filter(is_member).collect()
}

/// Busy and total ticks so far of a core. What runs at a lower priority gives way and is not counted
/// as busy.
///
/// # Errors
/// [`ServerError`] when the system does not tell.
pub fn core_ticks(core: usize) -> Result<(u64, u64), ServerError> {
    let path = "/proc/stat";
    let text = read(path)?;
    let name = format!("cpu{core} ");
    let line =
        text.lines().find_map(|line| line.strip_prefix(&name)).ok_or_else(|| garbled(path))?;
    let ticks: Vec<u64> = line.split_ascii_whitespace().filter_map(|it| it.parse().ok()).collect();
    // Guest time is part of user time already.
    let total = ticks.iter().take(8).sum();
    // user, nice, system, idle, iowait, ...
    let free: u64 = [1, 3, 4].iter().filter_map(|at| ticks.get(*at)).sum();
    Ok((total - free, total))
}

fn read(path: &str) -> Result<String, ServerError> {
    fs::read_to_string(path).map_err(|source| ServerError { path: path.to_owned(), source })
}

fn garbled(path: &str) -> ServerError {
    ServerError { path: path.to_owned(), source: io::ErrorKind::InvalidData.into() }
}

fn ticks(stat: &str) -> Option<u64> {
    // The command may contain anything, brackets and spaces included.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(UTIME);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The process group, two fields after the state.
fn group_of(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(2)?.parse().ok()
}

/// A row of `/proc/PID/status`.
fn kib(status: &str, row: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(row))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernel_s_lines() {
        let stat = "71 (a (b) c) S 1 71 71 0 -1 4194560 100 0 0 0 250 17 0 0 20 0 1 0";
        assert_eq!((ticks(stat), group_of(stat)), (Some(267), Some(71)));
        assert_eq!(kib("Name:\tx\nVmRSS:\t    1234 kB\n", "VmRSS:"), Some(1234));
    }

    #[test]
    fn sees_itself_and_says_who_is_missing() {
        assert!(cpu_seconds("self").is_ok() && resident_kib("self").unwrap() > 100);
        let (busy, total) = core_ticks(0).unwrap();
        assert!(0 < busy && busy < total);
        let missing = cpu_seconds("0").unwrap_err().to_string();
        assert!(missing.contains("/proc/0/stat"), "{missing}");
    }
}
