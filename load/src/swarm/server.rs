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
    resident(&text).ok_or_else(|| garbled(&path))
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

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernel_s_lines() {
        let stat = "71 (a (b) c) S 1 71 71 0 -1 4194560 100 0 0 0 250 17 0 0 20 0 1 0";
        assert_eq!(ticks(stat), Some(267));
        assert_eq!(resident("Name:\tx\nVmRSS:\t    1234 kB\n"), Some(1234));
    }

    #[test]
    fn sees_itself_and_says_who_is_missing() {
        assert!(cpu_seconds("self").is_ok() && resident_kib("self").unwrap() > 100);
        let missing = cpu_seconds("0").unwrap_err().to_string();
        assert!(missing.contains("/proc/0/stat"), "{missing}");
    }
}
