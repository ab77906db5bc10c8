//! API keys: only their digests are known here.

use super::{
    AuthError,
    config::{AuthConfig, Plans},
    grant::{Grant, Origin, PlanBook},
    keys::{Digest, digest_of_hex},
    validate::known_plans,
};
use ring::digest::{SHA256, digest};
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// All keys.
#[derive(Debug, Default)]
pub struct ApiKeys(Vec<(Digest, Arc<Grant>)>);

impl ApiKeys {
    /// Those of the settings and of their file.
    ///
    /// # Errors
    /// [`AuthError`] when the file cannot be used.
    pub fn open(config: &AuthConfig, plans: &Plans, book: &PlanBook) -> Result<Self, AuthError> {
        let mut keys = Self::default();
        for key in &config.api_key {
            let topics = key.topics.as_ref().and_then(|texts| book.patterns(texts));
            // Digest and plan were checked with the other settings.
            let Some(digest) = digest_of_hex(&key.sha256) else { continue };
            let origin = Origin::Key(digest);
            let grant = book.grant(key.plan.as_deref(), topics, Some(&key.name), origin);
            keys.0.extend(grant.map(|grant| (digest, Arc::new(grant))));
        }
        if let Some(path) = &config.api_keys_file {
            let refused = |why| AuthError::file("gateway.auth.api_keys_file", path, why);
            let text = super::read(path).map_err(refused)?;
            for (number, line) in (1..).zip(text.lines()) {
                let line = line.split('#').next().unwrap_or("").trim();
                if !line.is_empty() {
                    let key = of_line(line, plans, book);
                    keys.0.push(key.map_err(|why| refused(format!("line {number}: {why}")))?);
                }
            }
        }
        Ok(keys)
    }

    /// All of them with what they open.
    pub fn iter(&self) -> impl Iterator<Item = &(Digest, Arc<Grant>)> {
        self.0.iter()
    }

    /// What the key with this digest opens, which somebody has shown before; none if it is not known
    /// any more.
    #[must_use]
    pub fn of_digest(&self, digest: &Digest) -> Option<Arc<Grant>> {
        // Of equal ones the last counts, as in `find`.
        let known = self.0.iter().rev().find(|(known, _)| known == digest);
        known.map(|(_, grant)| grant.clone())
    }

    /// What the key opens; none if it is not known. Its digest is compared with all of them, each in
    /// constant time, so that the time taken says nothing about a digest.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<Arc<Grant>> {
        let wanted = digest(&SHA256, key.as_bytes());
        let mut found = None;
        for (known, grant) in &self.0 {
            if bool::from(known.ct_eq(wanted.as_ref())) {
                found = Some(grant);
            }
        }
        found.cloned()
    }
}

/// `name:sha256[:plan]`
fn of_line(line: &str, plans: &Plans, book: &PlanBook) -> Result<(Digest, Arc<Grant>), String> {
    let mut parts = line.split(':').map(str::trim);
    let (name, hex, plan) = (parts.next(), parts.next(), parts.next());
    let name = name.filter(|name| !name.is_empty());
    match (name, hex.and_then(digest_of_hex), parts.next()) {
        (Some(name), Some(digest), None) => {
            let grant = book.grant(plan, None, Some(name), Origin::Key(digest));
            let grant = grant.ok_or_else(|| known_plans(plans))?;
            Ok((digest, Arc::new(grant)))
        }
        _ => Err("expected name:sha256 or name:sha256:plan, with 64 hexadecimal digits".into()),
    }
}
