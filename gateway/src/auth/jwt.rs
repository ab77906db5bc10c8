//! Tokens (RFC 7519): the algorithm and the keys come from the settings, never from the token.

use super::{
    AuthError, Denied,
    config::{JwtAlgorithm, JwtConfig},
    key_set::KeySet,
    keys::{self, Digest},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use ring::digest::{Context, SHA256};
use serde::Deserialize;
use std::{path::PathBuf, sync::Arc};

/// Longer texts are not looked at: a request's head has no more room, and no issuer needs it.
const MAX_TOKEN_BYTES: usize = 8192;
/// Most keys of a set that a token is checked with: a check takes a while, and where keys have names,
/// as they do wherever they change, one fits. Of a set without names the first ones are tried.
const MAX_TRIED: usize = 4;

/// What a token says.
#[derive(Debug, Deserialize)]
pub struct Claims {
    /// When it ends, in seconds since the Unix epoch; a fraction is allowed.
    pub exp: f64,
    /// Patterns of the topics that it opens; none: those of its plan.
    pub topics: Option<Vec<String>>,
    /// The name of its plan.
    pub plan: Option<String>,
    /// Whose it is.
    pub sub: Option<String>,
    /// The [`Issuer::mark`] of whoever has signed it.
    #[serde(skip)]
    pub issuer: Digest,
}

/// Who may sign tokens, and with what.
#[derive(Debug)]
pub struct Issuer {
    algorithm: Algorithm,
    validation: Validation,
    keys: Keys,
    mark: Digest,
}

#[derive(Debug)]
enum Keys {
    One { kid: Option<String>, key: Box<DecodingKey> },
    Set(Arc<KeySet>),
}

impl Issuer {
    /// From checked settings; `at` is their name.
    ///
    /// # Errors
    /// [`AuthError`] when a key cannot be read or is none.
    pub fn open(at: &str, config: &JwtConfig) -> Result<Self, AuthError> {
        let (keys, mark) = (open_keys(at, config)?, mark(config));
        let algorithm = match config.algorithm {
            JwtAlgorithm::HS256 => Algorithm::HS256,
            JwtAlgorithm::RS256 => Algorithm::RS256,
            JwtAlgorithm::ES256 => Algorithm::ES256,
            JwtAlgorithm::EdDSA => Algorithm::EdDSA,
        };
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[&config.issuer]);
        validation.set_audience(&[&config.audience]);
        validation.validate_nbf = true;
        validation.leeway = config.leeway_seconds;
        Ok(Self { algorithm, validation, keys, mark })
    }

    /// The set that its keys come from, if they do.
    #[must_use]
    pub fn set(&self) -> Option<&Arc<KeySet>> {
        match &self.keys {
            Keys::One { .. } => None,
            Keys::Set(set) => Some(set),
        }
    }

    /// What makes it the same issuer under other settings: its names, its algorithm and its key, or
    /// where its keys are.
    #[must_use]
    pub fn mark(&self) -> &Digest {
        &self.mark
    }

    /// Goes on with the set of an issuer before it, whose keys have been fetched already.
    pub(super) fn inherit(&mut self, before: &[Self]) {
        let Keys::Set(own) = &mut self.keys else { return };
        let known = before.iter().filter(|it| it.mark == self.mark).find_map(Self::set);
        if let Some(known) = known {
            *own = known.clone();
        }
    }

    /// Keys that may have signed a token that names `kid`.
    fn candidates(&self, kid: Option<&str>) -> Vec<DecodingKey> {
        let may_be = |own: &Option<String>| match (own, kid) {
            (Some(own), Some(kid)) => own == kid,
            _ => true,
        };
        match &self.keys {
            Keys::One { kid, key } if may_be(kid) => vec![(**key).clone()],
            Keys::One { .. } => Vec::new(),
            Keys::Set(set) => {
                let keys = set.keys();
                let may_be = keys.iter().filter(|it| may_be(&it.kid));
                may_be.take(MAX_TRIED).map(|it| it.key.clone()).collect()
            }
        }
    }
}

/// See [`Issuer::mark`]. A file that cannot be read was refused before.
fn mark(config: &JwtConfig) -> Digest {
    let file = |path: &Option<PathBuf>| path.as_deref().and_then(|path| super::read(path).ok());
    let secret = config.secret.as_ref().map(|secret| secret.expose().to_owned());
    let set = config.jwks_file.as_ref().map(|path| path.display().to_string());
    let parts = [
        Some(config.algorithm.name().to_owned()),
        Some(config.issuer.clone()),
        Some(config.audience.clone()),
        config.kid.clone(),
        secret,
        file(&config.secret_file),
        file(&config.public_key_file),
        set,
        config.jwks_url.clone(),
    ];
    digest_of(parts.iter().map(|part| part.as_deref().unwrap_or_default()))
}

/// A digest of these texts, each with its length so that none can run into the next.
pub(super) fn digest_of<'a>(parts: impl Iterator<Item = &'a str>) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut digest = Digest::default();
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

fn open_keys(at: &str, config: &JwtConfig) -> Result<Keys, AuthError> {
    let kid = config.kid.clone();
    let one = |key| Keys::One { kid, key: Box::new(key) };
    if let Some(secret) = &config.secret {
        let refused = |why| AuthError::setting(format!("{at}.secret"), why);
        return keys::of_secret(secret.expose()).map(one).map_err(refused);
    }
    if let Some(path) = &config.secret_file {
        let key = super::read(path).and_then(|text| keys::of_secret(text.trim()));
        let refused = |why| AuthError::file(format!("{at}.secret_file"), path, why);
        return key.map(one).map_err(refused);
    }
    if let Some(path) = &config.public_key_file {
        let key = super::read(path).and_then(|text| keys::of_pem(&text, config.algorithm));
        let refused = |why| AuthError::file(format!("{at}.public_key_file"), path, why);
        return key.map(one).map_err(refused);
    }
    if let Some(path) = &config.jwks_file {
        let set = KeySet::of_file(path, config.algorithm);
        let refused = |why| AuthError::file(format!("{at}.jwks_file"), path, why);
        return set.map(Arc::new).map(Keys::Set).map_err(refused);
    }
    let url = config.jwks_url.as_deref().unwrap_or_default();
    let refused = |why| AuthError::setting(format!("{at}.jwks_url"), why);
    KeySet::of_url(url, config.algorithm).map(Arc::new).map(Keys::Set).map_err(refused)
}

/// Why a token was not accepted, and the sets that may have its key by now.
#[derive(Debug)]
pub struct Refused<'a> {
    /// What is wrong with it.
    pub denied: Denied,
    /// Sets in which no key has the name that it gives.
    pub lacking: Vec<&'a Arc<KeySet>>,
}

/// Checks a token with every key that may have signed it.
///
/// # Errors
/// [`Refused`] says what is most likely wrong.
pub fn check<'a>(issuers: &'a [Issuer], token: &str) -> Result<Claims, Refused<'a>> {
    let unreadable = Refused { denied: Denied::Unreadable, lacking: Vec::new() };
    if token.len() > MAX_TOKEN_BYTES {
        return Err(unreadable);
    }
    // `none` is no algorithm here. What the header says only chooses among the keys whose algorithm
    // is settled.
    let Ok(header) = decode_header(token) else { return Err(unreadable) };
    // It insists on extensions, of which none is known here (RFC 7515 section 4.1.11).
    if header.crit.is_some() {
        return Err(unreadable);
    }
    let mut refused = Refused { denied: Denied::NoKey, lacking: Vec::new() };
    for issuer in issuers.iter().filter(|issuer| issuer.algorithm == header.alg) {
        let kid = header.kid.as_deref();
        let keys = issuer.candidates(kid);
        refused.lacking.extend(issuer.set().filter(|set| keys.is_empty() || !set.names(kid)));
        for key in keys {
            match decode::<Claims>(token, &key, &issuer.validation) {
                Ok(checked) => return Ok(Claims { issuer: issuer.mark, ..checked.claims }),
                Err(error) => refused.denied = refused.denied.max(Denied::of(error.kind())),
            }
        }
    }
    Err(refused)
}
