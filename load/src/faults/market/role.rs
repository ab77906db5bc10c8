//! A feed or a gateway in a process of its own.

use crate::{
    bench::{fetch, process::Program},
    faults::FaultsError,
};
use rustix::process::Signal;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// Where a role listens, and where its files go.
pub(super) struct Place<'a> {
    pub(super) listen: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) folder: &'a Path,
    /// Of its files.
    pub(super) name: &'a str,
}

/// A running feed or gateway. Dropped, it is killed.
pub(in crate::faults) struct Role {
    program: Program,
    listen: SocketAddr,
    admin: SocketAddr,
    is_going: bool,
}

impl Role {
    pub(super) fn start(
        tickcast: &Path,
        role: &str,
        config: &str,
        environment: &BTreeMap<String, String>,
        place: &Place<'_>,
    ) -> Result<Self, FaultsError> {
        let path = place.folder.join(format!("{}.toml", place.name));
        fs::write(&path, config)?;
        let mut command = Command::new(tickcast);
        command.args([role, "--log-level", "warn", "--config"]).arg(path).envs(environment);
        let program = Program::start(command, place.name, place.folder, None, false)?;
        Ok(Self { program, listen: place.listen, admin: place.admin, is_going: false })
    }

    /// Where clients connect, for every topic.
    pub(super) fn ws(&self) -> String {
        format!("ws://{}/ws?topics=ticker:*:*", self.listen)
    }

    /// What `/readyz` says, if it says anything.
    pub(in crate::faults) async fn readiness(&self) -> Option<String> {
        self.admin("/readyz").await.ok().map(|(_, body)| body)
    }

    /// The admin listener's answer.
    pub(in crate::faults) async fn admin(&self, path: &str) -> io::Result<(u16, String)> {
        fetch::get(&format!("http://{}{path}", self.admin)).await
    }

    /// How long the admin listener took to answer.
    pub(in crate::faults) async fn answers_after(&self) -> io::Result<Duration> {
        let begun = Instant::now();
        self.admin("/livez").await.map(|_| begun.elapsed())
    }

    /// Status and body of REST.
    pub(in crate::faults) async fn price(&self, symbol: &str) -> Result<(u16, Value), FaultsError> {
        let url = format!("http://{}/v1/price/{symbol}?exchange=kucoin", self.listen);
        let (status, body) = fetch::get(&url).await?;
        Ok((status, serde_json::from_str(&body).map_err(io::Error::from)?))
    }

    /// The sum of a metric's rows that contain that text; 0 without any.
    pub(in crate::faults) async fn metric(
        &self,
        name: &str,
        label: &str,
    ) -> Result<f64, FaultsError> {
        let (_, text) = self.admin("/metrics").await?;
        let rows = text.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with([' ', '{']) && rest.contains(label))
        });
        Ok(rows.filter_map(|row| row.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
    }

    pub(in crate::faults) fn resident_kib(&self) -> Result<f64, FaultsError> {
        Ok(self.program.resident_kib()? as f64)
    }

    /// Asks it to stop, once; when that was.
    pub(in crate::faults) fn tell_to_go(&mut self) -> Result<Option<Instant>, FaultsError> {
        if std::mem::replace(&mut self.is_going, true) {
            return Ok(None);
        }
        self.program.signal(Signal::TERM)?;
        Ok(Some(Instant::now()))
    }

    /// Whether its process is gone.
    pub(in crate::faults) fn has_ended(&mut self) -> bool {
        self.program.status().is_some()
    }

    /// Stops it in its tracks.
    pub(in crate::faults) fn freeze(&self) -> Result<(), FaultsError> {
        Ok(self.program.signal(Signal::STOP)?)
    }

    /// Lets it go on.
    pub(in crate::faults) fn thaw(&self) -> Result<(), FaultsError> {
        Ok(self.program.signal(Signal::CONT)?)
    }
}
