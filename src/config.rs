//! All settings of the command, and what is checked before anything starts.

use crate::{cli, outcome::Failure, roles};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tickcast_feed::config::{ConfigError::NoExchange, ConfigErrors, FeedConfig};
use tickcast_gateway::GatewayConfig;
use tickcast_shared::{
    bus::redis::{OpenError, Redis, TlsConfig},
    config::{self, is_secret, redact_url},
    secret::HIDDEN,
    spans::TelemetryConfig,
    telemetry::{self, LogFormat},
};

/// Where Redis listens by default.
const DEFAULT_REDIS_URL: &str = "redis://127.0.0.1:6379";

/// What the demo logs: its screen stays readable.
const DEMO_LOG_LEVEL: &str = "warn";
/// What the other roles log.
const LOG_LEVEL: &str = "info";

/// The whole file; see `protocol.md`, Configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// What is logged: a level, or levels by target; unset: `info`, in the demo `warn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// Where Redis is, for feed and gateway.
    pub redis_url: String,
    /// The `[redis_tls]` section: certificates of one's own towards Redis.
    pub redis_tls: TlsConfig,
    /// The `[feed]` section.
    pub feed: FeedConfig,
    /// The `[gateway]` section.
    pub gateway: GatewayConfig,
    /// The `[telemetry]` section.
    pub telemetry: TelemetryConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            log_level: None,
            log_format: LogFormat::default(),
            redis_url: DEFAULT_REDIS_URL.to_owned(),
            redis_tls: TlsConfig::default(),
            feed: FeedConfig::default(),
            gateway: GatewayConfig::default(),
            telemetry: TelemetryConfig::default(),
        }
    }
}

impl Config {
    /// What file, environment and flags say together, checked.
    pub fn load(file: Option<&Path>, command: &cli::Command) -> Result<Self, Failure> {
        let environment = config::process_environment();
        let (flags, not_ours) = (cli::overrides(command), others_sections(command));
        let config = config::load(&Self::sample(), file, environment, flags, not_ours)?;
        config.validate()?;
        Ok(config)
    }

    /// The defaults with every list and option filled, so that all keys are known.
    pub fn sample() -> Self {
        let redis_tls = TlsConfig {
            ca: Some("/etc/tickcast/redis/ca.crt".into()),
            certificate: Some("/etc/tickcast/redis/gateway.crt".into()),
            private_key: Some("/etc/tickcast/redis/gateway.key".into()),
        };
        let (feed, gateway) = (FeedConfig::sample(), GatewayConfig::sample());
        let (log_level, telemetry) = (Some(LOG_LEVEL.to_owned()), TelemetryConfig::sample());
        Self { log_level, redis_tls, feed, gateway, telemetry, ..Self::default() }
    }

    /// Whether there is an exchange is for the roles that need one to say.
    fn validate(&self) -> Result<(), Failure> {
        if let Err(ConfigErrors(mistakes)) = self.feed.plan() {
            let lines = mistakes.iter().filter(|mistake| **mistake != NoExchange);
            let lines: Vec<String> = lines.map(ToString::to_string).collect();
            if !lines.is_empty() {
                return Err(Failure::Mistake(lines.join("\n")));
            }
        }
        if let Some(level) = &self.log_level {
            telemetry::check_level(level)?;
        }
        self.gateway.validate().map_err(|error| Failure::Mistake(error.to_string()))?;
        self.telemetry.validate().map_err(|error| Failure::Mistake(error.to_string()))?;
        self.redis().map(drop)
    }

    /// What the command logs.
    pub fn log_level(&self, command: &cli::Command) -> &str {
        let usual = match command {
            cli::Command::Demo(_) => DEMO_LOG_LEVEL,
            _ => LOG_LEVEL,
        };
        self.log_level.as_deref().unwrap_or(usual)
    }

    /// What is in force in a process with these settings once it has been given others: a key that
    /// is not named here, or in the parts, takes effect after a restart.
    pub fn followed_by(&self, wanted: &Self) -> Self {
        Self {
            log_level: wanted.log_level.clone(),
            feed: self.feed.followed_by(&wanted.feed),
            gateway: self.gateway.followed_by(&wanted.gateway),
            ..self.clone()
        }
    }

    /// A role that connects to exchanges needs some.
    pub fn needs_exchanges(&self, command: &str) -> Result<(), Failure> {
        if !self.feed.exchange.is_empty() {
            return Ok(());
        }
        Err(Failure::Mistake(format!(
            "no exchange is configured; try: tickcast {command} --exchange kucoin=BTC-USDT,ETH-USDT"
        )))
    }

    /// Checks what validation leaves to the role: whether there is an exchange, and the files with
    /// keys and certificates.
    pub fn check(&self, role: Option<cli::Role>) -> Result<(), Failure> {
        match role {
            Some(cli::Role::Feed) => return self.needs_exchanges("feed"),
            Some(cli::Role::Run) => self.needs_exchanges("run")?,
            Some(cli::Role::Gateway) | None => {}
        }
        self.check_gateway()
    }

    /// Checks the files with keys and certificates that a gateway reads at its start. A role does it
    /// before it takes a port: a mistake is told whoever has that.
    pub fn check_gateway(&self) -> Result<(), Failure> {
        tickcast_gateway::reload::check(&self.gateway).map_err(roles::gateway_failure)
    }

    /// The Redis that the settings name; nothing is dialled.
    pub fn redis(&self) -> Result<Redis, Failure> {
        Redis::open_with(&self.redis_url, &self.redis_tls).map_err(|error| {
            Failure::Mistake(match error {
                OpenError::Address(error) => {
                    let shown = redact_url(&self.redis_url);
                    format!("redis_url = {shown:?} does not fit: {error}")
                }
                OpenError::Tls(error) => error.to_string(),
            })
        })
    }

    /// The settings as TOML, without secrets.
    pub fn to_toml(&self) -> Result<String, Failure> {
        let unwritable = |error: toml::ser::Error| Failure::Failed(error.into());
        let mut value = toml::Value::try_from(self).map_err(unwritable)?;
        redact(&mut value);
        toml::to_string_pretty(&value).map_err(unwritable)
    }
}

/// Sections of a shared file that are another role's business.
fn others_sections(command: &cli::Command) -> &'static [&'static str] {
    match command {
        cli::Command::Feed(_) => &["gateway"],
        cli::Command::Gateway(_) => &["feed"],
        cli::Command::Check(it) => match it.role {
            Some(cli::Role::Feed) => &["gateway"],
            Some(cli::Role::Gateway) => &["feed"],
            Some(cli::Role::Run) | None => &[],
        },
        _ => &[],
    }
}

fn redact(value: &mut toml::Value) {
    match value {
        toml::Value::String(text) => *text = redact_url(text),
        toml::Value::Array(list) => list.iter_mut().for_each(redact),
        toml::Value::Table(table) => {
            for (key, member) in table.iter_mut() {
                match is_secret(key) {
                    true => *member = HIDDEN.into(),
                    false => redact(member),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_check_prints_can_be_read_back() {
        let config = Config { redis_url: "redis://me:hush@host".into(), ..Config::default() };
        let text = config.to_toml().unwrap();
        assert!(!text.contains("hush"), "{text}");
        let again: Config = toml::from_str(&text).unwrap();
        assert_eq!(again.redis_url, "redis://me:***@host");
        assert_eq!(again.gateway.listen, config.gateway.listen);
    }
}
