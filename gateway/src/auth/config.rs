//! The `[gateway.auth]` and `[gateway.plans]` sections: who is let in, and what for.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};
use tickcast_shared::secret::Secret;

/// Plans by name, as keys and tokens refer to them.
pub type Plans = BTreeMap<String, PlanConfig>;

/// Who is let in. Without a key or a token source: everyone, for everything.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// Whether clients need a key or a token; unset: as soon as there is a way to have one.
    pub required: Option<bool>,
    /// Whether a WebSocket client may present its token in its first message instead of before.
    pub allow_first_message: bool,
    /// A file of API keys, one `name:sha256[:plan]` a line, read at the start and
    /// at every reload.
    pub api_keys_file: Option<PathBuf>,
    /// API keys.
    pub api_key: Vec<ApiKeyConfig>,
    /// Where tokens may come from.
    pub jwt: Vec<JwtConfig>,
}

/// One API key; the key itself is nowhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyConfig {
    /// Whose it is, for operators.
    pub name: String,
    /// SHA-256 of the key, in hexadecimal.
    pub sha256: String,
    /// Patterns of the topics that it opens; unset: those of its plan.
    #[serde(default)]
    pub topics: Option<Vec<String>>,
    /// Its plan's name; unset: the gateway's limits.
    #[serde(default)]
    pub plan: Option<String>,
}

/// One issuer of tokens (RFC 7519) with the key or keys that it signs with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtConfig {
    /// The one algorithm that its tokens are checked with, whatever they say themselves.
    pub algorithm: JwtAlgorithm,
    /// The shared secret of HS256.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// A file with the shared secret; white space around it does not count.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// A file with the public key as PEM.
    #[serde(default)]
    pub public_key_file: Option<PathBuf>,
    /// A file with a JSON Web Key Set (RFC 7517), read again when it changes.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// The address of such a set, fetched again when a token names a key that is not in it.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// The key's name: tokens that name another were signed with another.
    #[serde(default)]
    pub kid: Option<String>,
    /// The only `iss` that its tokens may have.
    pub issuer: String,
    /// The `aud` that its tokens must have.
    pub audience: String,
    /// By how much the issuer's clock may differ from ours.
    #[serde(default = "default_leeway")]
    pub leeway_seconds: u64,
}

/// Algorithms that tokens can be checked with (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256.
    HS256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

/// Differences from the gateway's limits, and the topics of whoever has the plan.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanConfig {
    /// Instead of `gateway.limits.max_topics`.
    pub max_topics: Option<usize>,
    /// Instead of `gateway.limits.commands_per_second`.
    pub commands_per_second: Option<u32>,
    /// Instead of `gateway.limits.command_burst`.
    pub command_burst: Option<u32>,
    /// Instead of `gateway.limits.min_interval_ms`.
    pub min_interval_ms: Option<u32>,
    /// Patterns of the topics; unset: all.
    pub topics: Option<Vec<String>>,
}

fn default_leeway() -> u64 {
    30
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            required: None,
            allow_first_message: true,
            api_keys_file: None,
            api_key: Vec::new(),
            jwt: Vec::new(),
        }
    }
}

impl AuthConfig {
    /// Whether there is any way to have a key or a token.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.api_keys_file.is_some() || !self.api_key.is_empty() || !self.jwt.is_empty()
    }

    /// Whether clients need one.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required.unwrap_or(self.is_configured())
    }
}

impl JwtConfig {
    /// The sources of keys that are set, by the names of their settings.
    #[must_use]
    pub fn sources(&self) -> Vec<&'static str> {
        let all = [
            ("secret", self.secret.is_some()),
            ("secret_file", self.secret_file.is_some()),
            ("public_key_file", self.public_key_file.is_some()),
            ("jwks_file", self.jwks_file.is_some()),
            ("jwks_url", self.jwks_url.is_some()),
        ];
        all.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name).collect()
    }
}

impl JwtAlgorithm {
    /// Its name in a token's header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
}
