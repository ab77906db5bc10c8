//! Authentication, if configured: API keys and tokens, and what they open.
//!
//! - [`config`] and [`validate`]: the settings
//! - [`api_keys`]: keys known by their digests
//! - [`jwt`], [`keys`], [`key_set`], [`follow`], [`fetch`], [`provider`]: tokens and what checks them
//! - [`grant`]: what a key or a token opens
//! - [`access`]: what each connection of a shard may do

pub mod access;
pub mod api_keys;
pub mod config;
pub mod denied;
pub mod fetch;
pub mod follow;
pub mod grant;
pub mod jwt;
pub mod key_set;
pub mod keys;
pub mod provider;
pub mod validate;

pub use access::{Access, Accesses};
pub use denied::Denied;
pub use grant::Grant;

use crate::config::GatewayConfig;
use api_keys::ApiKeys;
use grant::{Origin, PlanBook};
use jwt::{Claims, Issuer};
use key_set::KeySet;
use keys::Digest;
use std::{path::Path, sync::Arc};
use tickcast_shared::{clock::Micros, protocol::Close};

/// Largest file or answer with keys, in bytes; far more than any of them needs.
const MAX_FILE_BYTES: usize = 1 << 20;
/// Longest part of a token's `sub` that is kept, in characters.
const SUBJECT_CHARS: usize = 64;

/// Why authentication cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// A file that is named in the settings is of no use.
    #[error("{key} = {file:?} does not fit: {why}")]
    File {
        /// The setting.
        key: String,
        /// The file.
        file: String,
        /// What would be right.
        why: String,
    },
    /// A setting is of no use.
    #[error("{key} does not fit: {why}")]
    Setting {
        /// The setting.
        key: String,
        /// What would be right.
        why: String,
    },
}

impl AuthError {
    fn file(key: impl Into<String>, file: &Path, why: String) -> Self {
        Self::File { key: key.into(), file: file.display().to_string(), why }
    }

    fn setting(key: String, why: String) -> Self {
        Self::Setting { key, why }
    }
}

/// The text of a file with keys.
fn read(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > MAX_FILE_BYTES as u64 {
        return Err(format!("it has more than {MAX_FILE_BYTES} bytes"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

/// Who is let in.
#[derive(Debug)]
pub struct Auth {
    keys: ApiKeys,
    issuers: Vec<Issuer>,
    plans: PlanBook,
    /// Of all its keys and secrets, which no serialised setting shows.
    mark: Digest,
    /// Whether clients need a key or a token.
    pub is_required: bool,
    /// Whether a WebSocket client may present it in its first message.
    pub allows_first_message: bool,
}

impl Auth {
    /// From checked settings; none if there is nothing to authenticate with.
    ///
    /// # Errors
    /// [`AuthError`] names the setting whose file or key is of no use.
    pub fn open(config: &GatewayConfig) -> Result<Option<Arc<Self>>, AuthError> {
        Self::open_after(config, None)
    }

    /// The same, going on with the key sets of what is in force where they stay the same.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_after(
        config: &GatewayConfig,
        before: Option<&Self>,
    ) -> Result<Option<Arc<Self>>, AuthError> {
        let auth = &config.auth;
        if !auth.is_configured() {
            return Ok(None);
        }
        provider::install();
        let plans = PlanBook::new(&config.plans, &config.limits, &config.default_exchange);
        let issuers = auth.jwt.iter().enumerate();
        let issuers =
            issuers.map(|(at, jwt)| Issuer::open(&format!("gateway.auth.jwt[{at}]"), jwt));
        let mut issuers = issuers.collect::<Result<Vec<_>, _>>()?;
        issuers.iter_mut().for_each(|it| it.inherit(before.map_or(&[], |it| &it.issuers)));
        let keys = ApiKeys::open(auth, &config.plans, &plans)?;
        Ok(Some(Arc::new(Self {
            mark: mark(&keys, &issuers),
            keys,
            issuers,
            plans,
            is_required: auth.is_required(),
            allows_first_message: auth.allow_first_message,
        })))
    }

    /// The sets that keys of tokens come from.
    pub fn key_sets(&self) -> impl Iterator<Item = &Arc<KeySet>> {
        self.issuers.iter().filter_map(Issuer::set)
    }

    /// Under which settings its grants are given.
    #[must_use]
    pub fn era(&self) -> u64 {
        self.plans.era()
    }

    /// Whether keys and secrets are the same, those in files included.
    #[must_use]
    pub fn has_keys_of(&self, other: &Self) -> bool {
        self.mark == other.mark
    }

    /// What a grant that was given under other settings comes to under these.
    ///
    /// # Errors
    /// Why its connection has to go: its key is no longer known, or its token no longer good.
    pub fn renew(&self, before: &Grant) -> Result<Arc<Grant>, Close> {
        match &before.origin {
            Origin::Key(digest) => self.keys.of_digest(digest).ok_or(Close::Unauthorized),
            Origin::Token { issuer, plan } => {
                let is_known = self.issuers.iter().any(|it| it.mark() == issuer);
                let (subject, origin) = (before.subject.as_deref(), before.origin.clone());
                let grant =
                    self.plans.grant(plan.as_deref(), before.own_patterns(), subject, origin);
                let mut grant = grant.filter(|_| is_known).ok_or(Close::TokenExpired)?;
                grant.expires = before.expires;
                Ok(Arc::new(grant))
            }
        }
    }

    /// What an API key or a token opens.
    ///
    /// # Errors
    /// [`Denied`] says why it opens nothing.
    pub async fn admit(&self, secret: &str) -> Result<Arc<Grant>, Denied> {
        if let Some(grant) = self.keys.find(secret) {
            return Ok(grant);
        }
        let refused = match jwt::check(&self.issuers, secret) {
            Ok(claims) => return self.grant(&claims),
            Err(refused) => refused,
        };
        if refused.lacking.is_empty() {
            return Err(refused.denied);
        }
        for set in refused.lacking {
            set.look_again().await;
        }
        let again = jwt::check(&self.issuers, secret);
        again.map_err(|refused| refused.denied).and_then(|claims| self.grant(&claims))
    }

    /// The same for a connection that is to last: a token that is over already, if only within the
    /// leeway of its issuer's clock, would end it at once.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub async fn admit_connection(&self, secret: &str) -> Result<Arc<Grant>, Denied> {
        let grant = self.admit(secret).await?;
        let is_over = grant.left().is_some_and(|left| left.is_zero());
        if is_over { Err(Denied::Expired) } else { Ok(grant) }
    }

    fn grant(&self, claims: &Claims) -> Result<Arc<Grant>, Denied> {
        let topics = match &claims.topics {
            None => None,
            Some(texts) => Some(self.plans.patterns(texts).ok_or(Denied::Topics)?),
        };
        let subject = claims.sub.as_deref().map(|sub| sub.chars().take(SUBJECT_CHARS).collect());
        let subject: Option<String> = subject;
        let plan = claims.plan.as_deref();
        let origin = Origin::Token { issuer: claims.issuer, plan: plan.map(Into::into) };
        let grant = self.plans.grant(plan, topics, subject.as_deref(), origin);
        let mut grant = grant.ok_or(Denied::Plan)?;
        #[expect(clippy::cast_possible_truncation, reason = "beyond the range the end never comes")]
        let expires = (claims.exp * 1e6) as i64;
        grant.expires = Some(Micros(expires));
        Ok(Arc::new(grant))
    }
}

/// Of what is opened, and by what.
fn mark(keys: &ApiKeys, issuers: &[Issuer]) -> Digest {
    let keys = keys.iter().map(|(digest, grant)| format!("{digest:?} {:?}", grant.of_no_era()));
    let issuers = issuers.iter().map(|it| format!("{:?}", it.mark()));
    let parts: Vec<String> = keys.chain(issuers).collect();
    jwt::digest_of(parts.iter().map(String::as_str))
}

#[cfg(test)]
mod tests;
