//! Tokens: unsigned ones are refused, one that expires ends its connection, none is logged.

use super::{hostile, seconds};
use crate::{
    bench::rig::RigError,
    faults::{FaultsConfig, FaultsError, attack::Attack, figure::Figure, scene::Scene},
    hostile::{self, Kind, Outcome},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::json;
use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The key that this gateway trusts.
const SECRET: &str = "faults-are-measured-with-this-key-only";
/// Who signs.
const ISSUER: &str = "faults";
/// For whom.
const AUDIENCE: &str = "tickcast";
/// How long the expiring token is good: long enough to get in.
const GOOD_FOR: Duration = Duration::from_secs(4);
/// Until its connection must be closed, from its expiry on.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);
/// At most.
const PATIENCE: Duration = Duration::from_secs(30);
/// Of every token in every place.
const UNSIGNED: usize = 12;

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let auth = format!(
        "[[gateway.auth.jwt]]\nalgorithm = \"HS256\"\nsecret = \"{SECRET}\"\n\
         issuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\nleeway_seconds = 0\n"
    );
    let scene = match Scene::start(config, 1, &auth).await {
        Ok(scene) => scene,
        Err(FaultsError::Rig(RigError::NotReady(reason))) => {
            let reason = reason.lines().last().unwrap_or_default().to_owned();
            return Ok(vec![Figure::told(format!("tokens: skipped, {reason}"), None)]);
        }
        Err(error) => return Err(error),
    };
    let unsigned = hostile(&scene, Kind::BadToken, UNSIGNED, Kind::BadToken.duration());
    let report = Attack::start(&scene, &unsigned)?.report().await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let expiry = Duration::from_secs((now + GOOD_FOR).as_secs());
    let token = signed(expiry.as_secs());
    let seen = hostile::with_token(&scene.url(), &token, PATIENCE)
        .await
        .map_err(|error| FaultsError::Attack(error.to_string()))?;
    let end = now + seen.after;
    let is_expired = matches!(seen.outcome, Outcome::Closed(4003, _));
    let late = is_expired.then(|| end.saturating_sub(expiry));
    let log = fs::read_to_string(scene.folder().join("server-0.log"))?;
    let is_silent = token.split('.').all(|part| !log.contains(part));
    Ok(vec![
        Figure::holds("unsigned tokens: answered 401", report.guarded),
        Figure::at_most(
            format!("a token that expires: {} after, s", seen.outcome),
            CLOSED_WITHIN.as_secs_f64(),
            seconds(late),
        ),
        Figure::holds("no token in the log", is_silent),
    ])
}

/// A token that this gateway trusts until then (RFC 7515 section 3.1).
fn signed(expiry: u64) -> String {
    let header = json!({"alg": "HS256", "typ": "JWT"}).to_string();
    let claims = json!({"sub": "faults", "iss": ISSUER, "aud": AUDIENCE, "exp": expiry});
    let part = |text: String| URL_SAFE_NO_PAD.encode(text.as_bytes());
    let signing = format!("{}.{}", part(header), part(claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = hmac::sign(&key, signing.as_bytes());
    format!("{signing}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_token_proves_itself() {
        let token = signed(1_900_000_000);
        let (signing, signature) = token.rsplit_once('.').unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(hmac::verify(&key, signing.as_bytes(), &signature).is_ok());
        let claims = URL_SAFE_NO_PAD.decode(signing.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!((&claims["exp"], &claims["aud"]), (&json!(1_900_000_000), &json!(AUDIENCE)));
    }
}
