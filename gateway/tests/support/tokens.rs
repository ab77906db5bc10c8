//! An issuer of tokens for tests: keys of every kind, and tokens of every shape.

#![allow(dead_code, reason = "each test program uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it stands")]

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    digest, hmac,
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    },
};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the issuer calls itself.
pub const ISSUER: &str = "https://issuer.example";
/// For whom its tokens are.
pub const AUDIENCE: &str = "tickcast";
/// The shared secret of its HS256 tokens.
pub const SECRET: &str = "a-secret-of-tests-with-32-bytes!";
/// Its RSA key, made for these tests only.
pub const RSA_PUBLIC_PEM: &str = include_str!("keys/rsa.pub.pem");
const RSA_PRIVATE_PEM: &str = include_str!("keys/rsa.pem");

/// What an issuer signs with.
pub enum Signer {
    None,
    Hs256(Vec<u8>),
    Rs256(Box<rsa::KeyPair>),
    Es256(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Signer {
    pub fn hs256() -> Self {
        Self::Hs256(SECRET.into())
    }

    pub fn rs256() -> Self {
        Self::Rs256(Box::new(rsa::KeyPair::from_pkcs8(&der(RSA_PRIVATE_PEM)).unwrap()))
    }

    /// A key that nobody else has.
    pub fn es256() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self::Es256(EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap())
    }

    /// A key that nobody else has.
    pub fn ed() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap())
    }

    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Hs256(_) => "HS256",
            Self::Rs256(_) => "RS256",
            Self::Es256(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::None => Vec::new(),
            Self::Hs256(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Self::Es256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    /// The public key as a JSON Web Key.
    pub fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::None | Self::Hs256(_) => json!({"kty": "oct", "kid": kid, "k": text("x")}),
            Self::Rs256(key) => {
                let parts = rsa::PublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256",
                    "n": text(parts.n), "e": text(parts.e)})
            }
            Self::Es256(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": text(x), "y": text(y)})
            }
            Self::Ed(key) => {
                let x = text(key.public_key());
                json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x})
            }
        }
    }

    /// The public key as PEM (RFC 5480, RFC 8410).
    pub fn pem(&self) -> String {
        let (head, key): (&[u8], &[u8]) = match self {
            Self::Es256(key) => (
                b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00",
                key.public_key().as_ref(),
            ),
            Self::Ed(key) => (
                b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00",
                key.public_key().as_ref(),
            ),
            _ => return RSA_PUBLIC_PEM.to_owned(),
        };
        let body = STANDARD.encode([head, key].concat());
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }

    /// A token with these claims beside those that every token needs; `null` takes one out.
    pub fn token(&self, kid: Option<&str>, claims: Value) -> String {
        self.token_with(kid.map_or(json!({}), |kid| json!({"kid": kid})), claims)
    }

    /// The same with further keys in its header.
    pub fn token_with(&self, header: Value, claims: Value) -> String {
        let mut all = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": seconds_from_now(600)});
        let changed = claims.as_object().unwrap().clone();
        all.as_object_mut().unwrap().extend(changed);
        all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let mut whole = json!({"typ": "JWT", "alg": self.algorithm()});
        whole.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
        let message = format!("{}.{}", text(whole.to_string()), text(all.to_string()));
        format!("{message}.{}", text(self.sign(message.as_bytes())))
    }
}

/// A set of keys.
pub fn jwks(keys: &[Value]) -> String {
    json!({"keys": keys}).to_string()
}

/// So many seconds from now, since the Unix epoch.
pub fn seconds_from_now(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    i64::try_from(now).unwrap() + seconds
}

/// The hexadecimal SHA-256 of an API key.
pub fn sha256(key: &str) -> String {
    let digest = digest::digest(&digest::SHA256, key.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}
