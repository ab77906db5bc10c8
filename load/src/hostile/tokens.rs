//! Tokens that nobody has signed, and the places where a token may stand.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::RngExt;
use serde_json::json;

/// Bytes of a random token, as long as a real signature.
const RANDOM_BYTES: usize = 32;
/// 2100-01-01: it is not the expiry that is wrong with them.
const FAR_FUTURE: u64 = 4_102_444_800;

/// Where a token may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `Authorization: Bearer ...`.
    Header,
    /// `?token=...`.
    Query,
    /// Behind the protocol, as browsers can: `tickcast.bearer.<token>`.
    Subprotocol,
    /// `{"op":"auth","token":...}`.
    Message,
}

/// Every place.
pub(super) const PLACES: [Place; 4] =
    [Place::Header, Place::Query, Place::Subprotocol, Place::Message];

/// The token of a client: one without an algorithm, one with a made-up signature, random
/// characters.
pub(super) fn bad(number: usize) -> String {
    let claims = json!({
        "sub": "hostile", "aud": "tickcast", "iss": "tickcast", "exp": FAR_FUTURE, "iat": 1,
    });
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string().as_bytes());
    let header = |alg: &str| {
        URL_SAFE_NO_PAD.encode(json!({"alg": alg, "typ": "JWT"}).to_string().as_bytes())
    };
    match number % 3 {
        0 => format!("{}.{claims}.", header("none")),
        1 => format!("{}.{claims}.{}", header("HS256"), random()),
        _ => random(),
    }
}

fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; RANDOM_BYTES]>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_look_like_tokens() {
        assert!(
            bad(0).starts_with("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.") && bad(0).ends_with('.')
        );
        assert_eq!(bad(1).split('.').count(), 3);
        assert_ne!(bad(2), bad(2));
    }
}
