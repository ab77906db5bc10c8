//! A Redis server of our own, to be killed, frozen and starved.

use crate::{
    bench::{order::free_port, process::Program},
    faults::FaultsError,
};
use rustix::process::Signal;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// How long it may take to start.
const READY: Duration = Duration::from_secs(10);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two attempts.
const LOOK: Duration = Duration::from_millis(5);

/// A server without persistence. Dropped, it ends.
pub(in crate::faults) struct Redis {
    pub(in crate::faults) address: SocketAddr,
    program: Option<Program>,
    folder: PathBuf,
}

impl Redis {
    pub(super) async fn start(folder: &Path) -> Result<Self, FaultsError> {
        let address = (Ipv4Addr::LOCALHOST, free_port(Ipv4Addr::LOCALHOST)?).into();
        let mut redis = Self { address, program: None, folder: folder.to_owned() };
        redis.restart().await?;
        Ok(redis)
    }

    /// Kills it.
    pub(in crate::faults) fn kill(&mut self) {
        self.program = None;
    }

    /// Starts it on the same port, empty; returns when it answers.
    pub(in crate::faults) async fn restart(&mut self) -> Result<(), FaultsError> {
        self.kill();
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.address.port().to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(&self.folder);
        let started = Program::start(command, "redis-server", &self.folder, None, false);
        let missing = |_| FaultsError::Missing("redis-server is not installed".to_owned());
        self.program = Some(started.map_err(missing)?);
        let begun = Instant::now();
        while self.ask(&["PING"]).await.is_err() {
            if begun.elapsed() > READY {
                return Err(FaultsError::Attack("redis-server does not answer".to_owned()));
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Stops it in its tracks: sockets stay open and nothing is answered.
    pub(in crate::faults) fn freeze(&self) -> Result<(), FaultsError> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub(in crate::faults) fn thaw(&self) -> Result<(), FaultsError> {
        self.signal(Signal::CONT)
    }

    /// CPU seconds that it has used.
    pub(in crate::faults) fn cpu_seconds(&self) -> Result<f64, FaultsError> {
        let program = self.program.as_ref().ok_or_else(gone)?;
        Ok(program.cpu_seconds()?)
    }

    /// Its address for Tickcast.
    pub(in crate::faults) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Runs a command; its answer as text, without what Redis puts around it.
    pub(in crate::faults) async fn command(&self, words: &[&str]) -> Result<String, FaultsError> {
        let answer = self.ask(words).await?;
        let (kind, text) = answer.split_at_checked(1).unwrap_or_default();
        match kind {
            "-" => Err(FaultsError::Attack(format!("Redis: {text}"))),
            // What follows the length.
            "$" => Ok(text.split_once('\n').map(|(_, text)| text.to_owned()).unwrap_or_default()),
            _ => Ok(text.to_owned()),
        }
    }

    fn signal(&self, signal: Signal) -> Result<(), FaultsError> {
        Ok(self.program.as_ref().ok_or_else(gone)?.signal(signal)?)
    }

    async fn ask(&self, words: &[&str]) -> io::Result<String> {
        let words = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        let words: Vec<String> = words.collect();
        let command = format!("*{}\r\n{}", words.len(), words.concat());
        let asking = async {
            let mut stream = TcpStream::connect(self.address).await?;
            stream.write_all(command.as_bytes()).await?;
            let mut answer = Vec::new();
            while !is_complete(&answer) {
                if stream.read_buf(&mut answer).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Ok(String::from_utf8_lossy(&answer).trim_end().replace("\r\n", "\n"))
        };
        timeout(PATIENCE, asking).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Whether a line is there, or, after the length of a text, another one.
fn is_complete(answer: &[u8]) -> bool {
    let lines = answer.iter().filter(|byte| **byte == b'\n').count();
    let is_text = answer.starts_with(b"$") && !answer.starts_with(b"$-1");
    lines > usize::from(is_text)
}

fn gone() -> FaultsError {
    FaultsError::Attack("Redis does not run".to_owned())
}
