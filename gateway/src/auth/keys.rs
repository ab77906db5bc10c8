//! Keys as they are configured, made ready to check tokens with.

use super::config::JwtAlgorithm;
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

/// A shared secret shorter than the digest can be guessed (RFC 7518 section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;
/// What is said about a shorter one.
pub const SECRET_TOO_SHORT: &str = "at least 32 bytes, such as openssl rand -base64 32 prints";
/// Most keys of a set: an issuer that rotates has two or three.
const MAX_KEYS: usize = 32;
/// An uncompressed point of P-256: its mark and two coordinates (SEC 1 section 2.3.3).
const POINT_BYTES: usize = 65;
/// An Ed25519 public key (RFC 8032 section 5.1.5).
const ED25519_BYTES: usize = 32;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// A digest from its 64 hexadecimal digits.
#[must_use]
pub fn digest_of_hex(text: &str) -> Option<Digest> {
    let mut digest = Digest::default();
    if text.len() != 2 * digest.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(digest)
}

/// A shared secret.
///
/// # Errors
/// A line that says what would be right.
pub fn of_secret(secret: &str) -> Result<DecodingKey, String> {
    match secret.len() < MIN_SECRET_BYTES {
        true => Err(SECRET_TOO_SHORT.to_owned()),
        false => Ok(DecodingKey::from_secret(secret.as_bytes())),
    }
}

/// A public key as PEM.
///
/// # Errors
/// A line that says what would be right.
pub fn of_pem(pem: &str, algorithm: JwtAlgorithm) -> Result<DecodingKey, String> {
    let wanted = || format!("a public key for {} as PEM is wanted", algorithm.name());
    if pem.contains("PRIVATE KEY") {
        return Err(format!("{}; this one is private", wanted()));
    }
    let key = match algorithm {
        JwtAlgorithm::HS256 => return Err("HS256 has no public key".to_owned()),
        JwtAlgorithm::RS256 => DecodingKey::from_rsa_pem(pem.as_bytes()),
        JwtAlgorithm::ES256 => DecodingKey::from_ec_pem(pem.as_bytes()),
        JwtAlgorithm::EdDSA => DecodingKey::from_ed_pem(pem.as_bytes()),
    };
    key.ok().filter(|key| fits(key, algorithm)).ok_or_else(wanted)
}

/// A key of a set and its name.
#[derive(Debug, Clone)]
pub struct SetKey {
    /// The name that tokens refer to it by.
    pub kid: Option<String>,
    /// The key.
    pub key: DecodingKey,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// The keys of a JSON Web Key Set that can check tokens of the algorithm; others are left out, as
/// RFC 7517 section 5 asks for.
///
/// # Errors
/// A line that says what is wrong, when the text is no set or none of its keys fits.
pub fn of_set(text: &str, algorithm: JwtAlgorithm) -> Result<Vec<SetKey>, String> {
    let set: Set =
        serde_json::from_str(text).map_err(|_| "no JSON Web Key Set ({\"keys\":[...]})")?;
    let jwks = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    let keys: Vec<SetKey> = jwks.filter_map(|jwk| of_jwk(&jwk, algorithm)).take(MAX_KEYS).collect();
    match keys.is_empty() {
        true => Err(format!("no key in the set is one for {}", algorithm.name())),
        false => Ok(keys),
    }
}

fn of_jwk(jwk: &Jwk, algorithm: JwtAlgorithm) -> Option<SetKey> {
    let (kind, named) = match (&jwk.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), JwtAlgorithm::RS256) => (true, KeyAlgorithm::RS256),
        (AlgorithmParameters::EllipticCurve(it), JwtAlgorithm::ES256) => {
            (it.curve == EllipticCurve::P256, KeyAlgorithm::ES256)
        }
        (AlgorithmParameters::OctetKeyPair(it), JwtAlgorithm::EdDSA) => {
            (it.curve == EllipticCurve::Ed25519, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let common = &jwk.common;
    let signs = common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature);
    let is_meant = common.key_algorithm.is_none_or(|it| it == named);
    let key = DecodingKey::from_jwk(jwk).ok().filter(|key| fits(key, algorithm))?;
    (kind && signs && is_meant).then(|| SetKey { kid: common.key_id.clone(), key })
}

/// Whether the key has the size that the algorithm's keys have.
fn fits(key: &DecodingKey, algorithm: JwtAlgorithm) -> bool {
    let bytes = key.try_get_as_bytes().map_or(0, <[u8]>::len);
    match algorithm {
        JwtAlgorithm::ES256 => bytes == POINT_BYTES,
        JwtAlgorithm::EdDSA => bytes == ED25519_BYTES,
        JwtAlgorithm::HS256 | JwtAlgorithm::RS256 => true,
    }
}
