//! The `[gateway]` section with every list and option filled: the list of keys that may be set, and
//! where examples in messages come from.

use super::{GatewayConfig, TlsConfig};
use crate::auth::config::{ApiKeyConfig, AuthConfig, JwtAlgorithm, JwtConfig, PlanConfig};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use tickcast_shared::secret::Secret;

impl GatewayConfig {
    /// The defaults with everything filled that is empty by default. No gateway would start with it.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            allowed_origins: Some(vec!["https://prices.example".to_owned()]),
            proxy_listen: Some(SocketAddr::from(([127, 0, 0, 1], 8081))),
            trusted_proxies: vec![IpNet::from(IpAddr::from([127, 0, 0, 1]))],
            tls: Some(TlsConfig {
                certificate: "tls/fullchain.pem".into(),
                private_key: "tls/privkey.pem".into(),
            }),
            metrics_topics: vec!["BTC-USDT".to_owned()],
            auth: sample_auth(),
            // A plan may have any name.
            plans: [("*".to_owned(), sample_plan())].into(),
            ..Self::default()
        }
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
