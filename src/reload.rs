//! SIGHUP: the configuration is read again; what can change while the process runs does, what cannot
//! is named, and a configuration with a mistake changes nothing.

use crate::{
    cli::{self, Command},
    config::Config,
    outcome::Failure,
};
use anyhow::Context;
use std::{convert::Infallible, sync::Arc};
use tickcast_feed::Feed;
use tickcast_gateway::reload::{Prepared, Reload as GatewayReload};
use tickcast_shared::{admin::Configured, config::changed_keys, telemetry::LogLevel};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// What is said where keys or secrets differ and no setting does: a file has another content.
const KEYS: &str = "gateway.auth: keys or secrets";
/// What may become of an attempt, as metrics and `/health` call it.
const APPLIED: &str = "applied";
const UNCHANGED: &str = "unchanged";
const REFUSED: &str = "refused";
const OUTCOMES: [&str; 3] = [APPLIED, UNCHANGED, REFUSED];

/// SIGHUPs, which end the process no more. Those that come while one is served are served together
/// afterwards, so the last change of the file is never missed.
#[derive(Debug)]
pub struct Hangups(Signal);

impl Hangups {
    /// Takes them from now on. To be called inside a runtime.
    pub fn listen() -> Result<Self, Failure> {
        Ok(Self(signal(SignalKind::hangup()).context("cannot take SIGHUP")?))
    }
}

/// The parts of this process that follow the configuration.
#[derive(Debug, Default)]
pub struct Parts {
    /// The feed, if it has one.
    pub feed: Option<Feed>,
    /// The gateway, if it has one.
    pub gateway: Option<GatewayReload>,
}

/// What it takes to read the configuration again.
#[derive(Debug)]
pub struct Reload {
    hangups: Hangups,
    log_level: LogLevel,
    command: Arc<Command>,
    /// As it was read last.
    read: Config,
    /// As it is in force: the same but for what needs a restart.
    in_force: Config,
}

/// A configuration that can be put in force, and what that means.
struct Plan {
    wanted: Config,
    in_force: Config,
    gateway: Option<Prepared>,
    /// Keys that differ from what was read last.
    changed: Vec<String>,
    /// Keys that will be in force.
    applied: Vec<String>,
    /// Keys that take effect after a restart.
    waiting: Vec<String>,
}

impl Reload {
    /// For a process that starts with this configuration.
    pub fn new(hangups: Hangups, log_level: LogLevel, command: Command, config: Config) -> Self {
        let (command, in_force) = (Arc::new(command), config.clone());
        Self { hangups, log_level, command, read: config, in_force }
    }

    /// What the process was started as.
    pub fn command(&self) -> Arc<Command> {
        self.command.clone()
    }

    /// Reads the configuration again at every SIGHUP, one after the other, until cancelled.
    pub async fn run(
        mut self,
        parts: Parts,
        configured: Configured,
        stop: CancellationToken,
    ) -> Result<(), Infallible> {
        configured.show(OUTCOMES);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = self.hangups.0.recv() => {}
            }
            if matches!(*self.command, Command::Demo(_)) {
                warn!("SIGHUP: nothing to do; the demo keeps the settings that it started with");
                continue;
            }
            match self.reload(&parts).await {
                Ok((outcome, waiting)) => {
                    configured.loaded(outcome, waiting);
                    configured.count(outcome);
                }
                Err(failure) => {
                    let error = failure.line();
                    error!(error, "configuration refused; everything stays as it is");
                    configured.refused(error);
                    configured.count(REFUSED);
                }
            }
        }
    }

    /// Reads and applies; what became of it, and which keys wait for a restart.
    async fn reload(&mut self, parts: &Parts) -> Result<(&'static str, Vec<String>), Failure> {
        let plan = self.plan(parts.gateway.clone()).await?;
        let outcome = if plan.changed.is_empty() && plan.applied.is_empty() {
            info!("SIGHUP: the configuration has not changed");
            UNCHANGED
        } else {
            self.apply(parts, &plan)?;
            plan.tell();
            APPLIED
        };
        let Plan { wanted, in_force, gateway, applied, waiting, .. } = plan;
        if let (Some(part), Some(prepared)) =
            (&parts.gateway, gateway.filter(|_| !applied.is_empty()))
        {
            part.apply(prepared).await;
        }
        (self.read, self.in_force) = (wanted, in_force);
        Ok((outcome, waiting))
    }

    /// Everything that can fail. Files are read, so it is not for the event loop.
    async fn plan(&self, gateway: Option<GatewayReload>) -> Result<Plan, Failure> {
        let (command, read, in_force) =
            (self.command.clone(), self.read.clone(), self.in_force.clone());
        let planned = tokio::task::spawn_blocking(move || {
            Plan::make(&command, &read, &in_force, gateway.as_ref())
        });
        planned.await.context("the configuration cannot be read")?
    }

    fn apply(&self, parts: &Parts, plan: &Plan) -> Result<(), Failure> {
        if let Some(feed) = &parts.feed {
            feed.follow(&plan.in_force.feed).map_err(anyhow::Error::from)?;
        }
        Ok(self.log_level.set(plan.in_force.log_level(&self.command))?)
    }
}

impl Plan {
    fn make(
        command: &Command,
        read: &Config,
        before: &Config,
        gateway: Option<&GatewayReload>,
    ) -> Result<Self, Failure> {
        let wanted = Config::load(cli::file(command), command)?;
        match command {
            Command::Feed(_) => wanted.needs_exchanges("feed")?,
            Command::Run(_) => wanted.needs_exchanges("run")?,
            _ => {}
        }
        let in_force = before.followed_by(&wanted);
        let prepared = gateway.map(|it| it.prepare(&wanted.gateway)).transpose();
        let gateway = prepared.map_err(crate::roles::gateway_failure)?;
        let keys = |before: &Config, after: &Config| -> Result<Vec<String>, Failure> {
            let mut keys = changed_keys(before, after).context("settings cannot be compared")?;
            keys.retain(|key| concerns(command, key));
            Ok(keys)
        };
        let mut applied = keys(before, &in_force)?;
        let new_keys = gateway.as_ref().is_some_and(Prepared::has_new_keys);
        if new_keys && !applied.iter().any(|key| key.starts_with("gateway.auth.")) {
            applied.push(KEYS.to_owned());
        }
        let (changed, waiting) = (keys(read, &wanted)?, keys(&in_force, &wanted)?);
        Ok(Self { changed, applied, waiting, wanted, in_force, gateway })
    }

    fn tell(&self) {
        for key in self.waiting.iter().filter(|key| self.changed.contains(key)) {
            warn!(key, "setting changed; it takes effect after a restart");
        }
        info!(
            applied = self.applied.join(", "),
            after_restart = self.waiting.join(", "),
            "configuration read again"
        );
    }
}

/// Whether the role looks at a key: what others read in the same file is not its business.
fn concerns(command: &Command, key: &str) -> bool {
    match command {
        Command::Feed(_) => !key.starts_with("gateway."),
        Command::Gateway(_) => !key.starts_with("feed."),
        // Feed and gateway of one process meet without Redis, and share the gateway's listener.
        _ => key != "redis_url" && key != "feed.admin_listen",
    }
}

#[cfg(test)]
mod tests;
