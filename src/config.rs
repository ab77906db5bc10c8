//! All settings of the command, and what is checked before anything starts.

use crate::{cli, outcome::Failure};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
};
use tickcast_feed::config::{ConfigError::NoExchange, ConfigErrors, ExchangeConfig, FeedConfig};
use tickcast_gateway::{
    GatewayConfig,
    auth::config::{ApiKeyConfig, AuthConfig, JwtAlgorithm, JwtConfig, PlanConfig},
    config::TlsConfig,
};
use tickcast_shared::{
    bus::redis::Redis,
    config::{self, is_secret, redact_url},
    secret::{HIDDEN, Secret},
};

/// Where Redis listens by default.
const DEFAULT_REDIS_URL: &str = "redis://127.0.0.1:6379";

/// A time to show as an example, in milliseconds.
const SAMPLE_MS: u64 = 10_000;

/// The whole file; see `protocol.md`, Configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Where Redis is, for feed and gateway.
    pub redis_url: String,
    /// The `[feed]` section.
    pub feed: FeedConfig,
    /// The `[gateway]` section.
    pub gateway: GatewayConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            redis_url: DEFAULT_REDIS_URL.to_owned(),
            feed: FeedConfig::default(),
            gateway: GatewayConfig::default(),
        }
    }
}

impl Config {
    /// What file, environment and flags say together, checked.
    pub fn load(file: Option<&Path>, command: &cli::Command) -> Result<Self, Failure> {
        let environment = config::process_environment();
        let config = config::load(&Self::sample(), file, environment, cli::overrides(command))?;
        config.validate()?;
        Ok(config)
    }

    /// The defaults with every list and option filled, so that all keys are known.
    fn sample() -> Self {
        let mut sample = Self::default();
        sample.feed.exchange.push(ExchangeConfig {
            name: "kucoin".to_owned(),
            symbols: vec!["BTC-USDT".to_owned()],
            rest_url: Some("http://127.0.0.1:7000".to_owned()),
            ws_url: Some("ws://127.0.0.1:7000".to_owned()),
            simulated: false,
        });
        sample.gateway.allowed_origins = Some(vec!["https://prices.example".to_owned()]);
        sample.gateway.proxy_listen = Some(SocketAddr::from(([127, 0, 0, 1], 8081)));
        sample.gateway.tls = Some(TlsConfig {
            certificate: "tls/fullchain.pem".into(),
            private_key: "tls/privkey.pem".into(),
        });
        sample.gateway.trusted_proxies.push(IpNet::from(IpAddr::from([127, 0, 0, 1])));
        sample.gateway.auth = sample_auth();
        // A plan may have any name.
        sample.gateway.plans.insert("*".to_owned(), sample_plan());
        let timing = &mut sample.feed.timing;
        for unset in [&mut timing.idle_ms, &mut timing.quiet_ms, &mut timing.proof_ms] {
            *unset = Some(SAMPLE_MS);
        }
        sample
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
        self.gateway.validate().map_err(|error| Failure::Mistake(error.to_string()))?;
        self.redis().map(drop)
    }

    /// The Redis that the settings name; nothing is dialled.
    pub fn redis(&self) -> Result<Redis, Failure> {
        Redis::open(&self.redis_url).map_err(|error| {
            let shown = redact_url(&self.redis_url);
            Failure::Mistake(format!("redis_url = {shown:?} does not fit: {error}"))
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

fn sample_auth() -> AuthConfig {
    let topics = Some(vec!["ticker:*:*-USDT".to_owned()]);
    let key = ApiKeyConfig {
        name: "desk".to_owned(),
        sha256: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae".to_owned(),
        topics,
        plan: Some("pro".to_owned()),
    };
    let jwt = JwtConfig {
        algorithm: JwtAlgorithm::RS256,
        secret: Some(Secret::new("")),
        secret_file: Some("/etc/tickcast/jwt-secret".into()),
        public_key_file: Some("/etc/tickcast/issuer.pem".into()),
        jwks_file: Some("/etc/tickcast/jwks.json".into()),
        jwks_url: Some("https://issuer.example/.well-known/jwks.json".to_owned()),
        kid: Some("2026-11".to_owned()),
        issuer: "https://issuer.example".to_owned(),
        audience: "tickcast".to_owned(),
        leeway_seconds: 30,
    };
    AuthConfig {
        required: Some(true),
        allow_first_message: true,
        api_keys_file: Some("/etc/tickcast/api-keys".into()),
        api_key: vec![key],
        jwt: vec![jwt],
    }
}

fn sample_plan() -> PlanConfig {
    PlanConfig {
        max_topics: Some(100),
        commands_per_second: Some(5),
        command_burst: Some(20),
        min_interval_ms: Some(100),
        topics: Some(vec!["ticker:*:*-USDT".to_owned()]),
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
