//! Programs started for a run: on which cores, with their output kept, ended with the run.

use crate::swarm::server::{self, ServerError};
use rustix::{
    process::{Pid, Signal, kill_process_group},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};
use std::{
    fs::{self, File},
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{self, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
};

/// Longest end of a log that is shown when something fails, in bytes.
const LOG_END_BYTES: usize = 1500;

/// Cores by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cores(pub Vec<usize>);

/// Who runs where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Cores of the server; nothing: wherever the system puts it.
    pub server: Option<Cores>,
    /// Cores of everything else.
    pub load: Cores,
}

impl Cores {
    /// Those that this process may use.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn available() -> io::Result<Self> {
        let set = sched_getaffinity(None)?;
        Ok(Self((0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()))
    }

    /// Puts this thread, and whatever it starts from now on, on these cores.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn enter(&self) -> io::Result<()> {
        let mut set = CpuSet::new();
        self.0.iter().for_each(|core| set.set(*core));
        Ok(sched_setaffinity(None, &set)?)
    }

    /// So many of these for a server and the rest for all others; not separated when there are
    /// too few, or 0 are asked for.
    #[must_use]
    pub fn layout(&self, server: usize) -> Layout {
        if server == 0 || self.0.len() <= server {
            return Layout { server: None, load: self.clone() };
        }
        let (server, load) = self.0.split_at(server);
        Layout { server: Some(Self(server.to_vec())), load: Self(load.to_vec()) }
    }
}

/// A program that runs. Dropped, it ends, and all that it has started.
#[derive(Debug)]
pub struct Program {
    child: process::Child,
    name: String,
    log: PathBuf,
}

impl Program {
    /// Starts a program in a process group of its own, its error output (and its standard output,
    /// unless `piped`) in `<name>.log` in `folder`.
    ///
    /// # Errors
    /// When it cannot be started; `NotFound` when there is no such program.
    pub fn start(
        mut command: Command,
        name: &str,
        folder: &Path,
        cores: Option<&Cores>,
        piped: bool,
    ) -> io::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log)?;
        command.stdin(Stdio::piped()).stderr(file.try_clone()?).process_group(0);
        command.stdout(if piped { Stdio::piped() } else { file.into() });
        let child = match cores.cloned() {
            None => command.spawn()?,
            // A thread of its own: the new process takes over the cores of whoever starts it.
            Some(cores) => {
                let start = move || cores.enter().and_then(|()| command.spawn());
                let broken = |_| io::Error::other("the starting thread panicked");
                std::thread::spawn(start).join().map_err(broken)??
            }
        };
        Ok(Self { child, name: name.to_owned(), log })
    }

    /// Its process number, also that of its group.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to it and all that it has started.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let group = group.ok_or(io::ErrorKind::NotFound)?;
        Ok(kill_process_group(group, signal)?)
    }

    /// Its standard input and, if piped, output; each can be had once.
    pub fn pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>) {
        (self.child.stdin.take(), self.child.stdout.take())
    }

    /// How it has ended, if it has.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// What is wrong if it has ended already: its exit code and the end of its log.
    pub fn ended(&mut self) -> Option<String> {
        let status = self.status()?;
        let log = fs::read(&self.log).unwrap_or_default();
        let end = String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_END_BYTES)..]);
        Some(format!("{} ended ({status}): {}", self.name, end.trim()))
    }

    /// CPU seconds used so far by it and its descendants.
    ///
    /// # Errors
    /// [`ServerError`] when it is gone.
    pub fn cpu_seconds(&self) -> Result<f64, ServerError> {
        let mut sum = server::cpu_seconds(&self.pid().to_string())?;
        for pid in self.descendants() {
            // It may end while it is looked at.
            sum += server::cpu_seconds(&pid).unwrap_or(0.0);
        }
        Ok(sum)
    }

    /// Resident memory of it and its descendants, KiB.
    ///
    /// # Errors
    /// [`ServerError`] when it is gone.
    pub fn resident_kib(&self) -> Result<u64, ServerError> {
        let mut sum = server::resident_kib(&self.pid().to_string())?;
        for pid in self.descendants() {
            sum += server::resident_kib(&pid).unwrap_or(0);
        }
        Ok(sum)
    }

    fn descendants(&self) -> Vec<String> {
        let own = self.pid().to_string();
        let mut group = server::process_group(self.pid());
        group.retain(|pid| *pid != own);
        group
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{BufRead, BufReader},
        time::{Duration, Instant},
    };

    fn shell(script: &str, folder: &Path) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Program::start(command, "shell", folder, None, true).unwrap()
    }

    fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Some(found) = look() {
                return found;
            }
            std::thread::yield_now();
        }
        panic!("it did not come to that");
    }

    #[test]
    fn what_a_program_has_started_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut program = shell("sleep 600 & echo $!; wait", folder.path());
        let mut line = String::new();
        BufReader::new(program.pipes().1.unwrap()).read_line(&mut line).unwrap();
        let child = PathBuf::from(format!("/proc/{}/stat", line.trim()));
        assert_eq!(program.descendants(), [line.trim()]);
        assert!(program.cpu_seconds().is_ok() && program.resident_kib().unwrap() > 100);
        drop(program);
        until(|| {
            let stat = fs::read_to_string(&child).unwrap_or_default();
            (stat.is_empty() || stat.contains(") Z ")).then_some(())
        });
    }

    #[test]
    fn a_program_that_ends_is_explained() {
        let folder = tempfile::tempdir().unwrap();
        let mut program = shell("echo no such port >&2; exit 3", folder.path());
        let reason = until(|| program.ended());
        assert!(reason.contains("shell ended") && reason.contains("no such port"), "{reason}");
    }

    #[test]
    fn a_server_has_its_cores_for_itself_where_there_are_enough() {
        let cores = Cores(vec![2, 3, 5]);
        let layout = cores.layout(1);
        assert_eq!((layout.server, layout.load), (Some(Cores(vec![2])), Cores(vec![3, 5])));
        assert_eq!(cores.layout(3).server, None);
        assert_eq!(cores.layout(0), Layout { server: None, load: cores });
        assert!(!Cores::available().unwrap().0.is_empty());
    }
}
