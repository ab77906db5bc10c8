//! Keys and tokens: what is accepted, what is refused and why, and keys that change.

mod api_keys;
mod rotation;
mod settings;
#[path = "../../../tests/support/tokens.rs"]
mod tokens;

use super::*;
use serde_json::{Value, json};
use tickcast_shared::market::{Pattern, Topic};
use tokens::{RSA_PUBLIC_PEM, SECRET, Signer, seconds_from_now};

/// Settings as they stand in a file.
fn settings(toml: &str) -> GatewayConfig {
    toml::from_str(toml).unwrap()
}

fn open(toml: &str) -> Arc<Auth> {
    let config = settings(toml);
    config.validate().unwrap();
    Auth::open(&config).unwrap().unwrap()
}

/// `[[auth.jwt]]` for the issuer of tests.
fn jwt(algorithm: &str, key: &str) -> String {
    let (issuer, audience) = (tokens::ISSUER, tokens::AUDIENCE);
    format!(
        "[[auth.jwt]]\nalgorithm = '{algorithm}'\n{key}\nissuer = '{issuer}'\n\
         audience = '{audience}'\n"
    )
}

/// A file with a text, and the setting that names it.
fn file(setting: &str, text: &str) -> (tempfile::TempPath, String) {
    let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    std::fs::write(&path, text).unwrap();
    let named = format!("{setting} = '{}'", path.display());
    (path, named)
}

fn hs256() -> Arc<Auth> {
    open(&format!(
        "{}[plans.slow]\nmin_interval_ms = 500\n",
        jwt("HS256", &format!("secret = '{SECRET}'"))
    ))
}

async fn denied(auth: &Auth, token: &str) -> Denied {
    auth.admit(token).await.unwrap_err()
}

fn topic(text: &str) -> Topic {
    text.parse().unwrap()
}

#[tokio::test]
async fn every_algorithm_checks_its_own_tokens_only() {
    let signers = [Signer::hs256(), Signer::rs256(), Signer::es256(), Signer::ed()];
    for signer in &signers {
        let (_file, key) = match signer {
            Signer::Hs256(_) => file("secret_file", &format!("{SECRET}\n")),
            _ => file("public_key_file", &signer.pem()),
        };
        let auth = open(&jwt(signer.algorithm(), &key));
        auth.admit(&signer.token(None, json!({}))).await.unwrap();
        for other in &signers {
            if other.algorithm() != signer.algorithm() {
                assert_eq!(denied(&auth, &other.token(None, json!({}))).await, Denied::NoKey);
            }
        }
        let token = signer.token(None, json!({}));
        let (start, _) = token.rsplit_once('.').unwrap();
        assert_eq!(denied(&auth, &format!("{start}.AAAA")).await, Denied::Signature);
        assert_eq!(denied(&auth, &format!("{start}.")).await, Denied::Signature);
    }
}

#[tokio::test]
async fn a_token_cannot_choose_how_it_is_checked() {
    let (_file, key) = file("public_key_file", RSA_PUBLIC_PEM);
    let auth = open(&jwt("RS256", &key));
    let unsigned = Signer::None.token(None, json!({}));
    assert_eq!(denied(&auth, &unsigned).await, Denied::Unreadable);
    // Whoever checks with what the header says takes the public key for a shared secret.
    let confused = Signer::Hs256(RSA_PUBLIC_PEM.into()).token(None, json!({}));
    assert_eq!(denied(&auth, &confused).await, Denied::NoKey);
    // The signature stays, the header now says `none`.
    let signed = Signer::rs256().token(None, json!({}));
    let (_, rest) = signed.split_once('.').unwrap();
    let (head, _) = unsigned.split_once('.').unwrap();
    assert_eq!(denied(&auth, &format!("{head}.{rest}")).await, Denied::Unreadable);
}

#[tokio::test]
async fn claims_are_required_and_must_be_ours() {
    let (auth, signer) = (hs256(), Signer::hs256());
    for (claims, why) in [
        (json!({"exp": null}), Denied::Claims),
        (json!({"iss": null}), Denied::Claims),
        (json!({"aud": null}), Denied::Claims),
        (json!({"exp": "tomorrow"}), Denied::Claims),
        (json!({"topics": "ticker:*:*"}), Denied::Claims),
        (json!({"iss": "https://other.example"}), Denied::NotForUs),
        (json!({"aud": ["other", "another"]}), Denied::NotForUs),
        (json!({"nbf": seconds_from_now(300)}), Denied::Early),
        (json!({"exp": seconds_from_now(-60)}), Denied::Expired),
        (json!({"plan": "gold"}), Denied::Plan),
        (json!({"topics": ["b*d"]}), Denied::Topics),
    ] {
        let token = signer.token(None, claims.clone());
        assert_eq!(denied(&auth, &token).await, why, "{claims}");
    }
    for claims in [
        json!({"aud": ["other", tokens::AUDIENCE]}),
        json!({"nbf": seconds_from_now(20)}),
        json!({"exp": seconds_from_now(-20)}),
        json!({"exp": 4_000_000_000.5}),
    ] {
        auth.admit(&signer.token(None, claims)).await.unwrap();
    }
    let demanding = signer.token_with(json!({"crit": ["b64"], "b64": false}), json!({}));
    assert_eq!(denied(&auth, &demanding).await, Denied::Unreadable);
    let late = signer.token(None, json!({"exp": seconds_from_now(-20)}));
    assert_eq!(auth.admit_connection(&late).await.unwrap_err(), Denied::Expired);
    for text in ["", "a.b.c", "nonsense", &"a".repeat(9000)] {
        assert_eq!(denied(&auth, text).await, Denied::Unreadable);
    }
}

#[tokio::test]
async fn a_token_opens_what_it_says() {
    let auth = hs256();
    let claims = json!({"topics": ["ticker:okx:*-USDT", "BTC-USDT"], "plan": "slow", "sub": "me"});
    let grant = auth.admit(&Signer::hs256().token(None, claims)).await.unwrap();
    assert!(grant.allows(&topic("ticker:okx:ETH-USDT")));
    assert!(grant.allows(&topic("ticker:kucoin:BTC-USDT")));
    assert!(!grant.allows(&topic("ticker:kucoin:ETH-USDT")));
    let covers =
        |text| grant.allows_pattern(&Pattern::parse_client(text, &"okx".parse().unwrap()).unwrap());
    assert!(covers("ticker:okx:*C-USDT"));
    assert!(!covers("ticker:okx:*") && !covers("ticker:*:*-USDT"));
    assert_eq!((grant.limits.min_interval_ms, grant.limits.max_topics), (500, 1024));
    assert_eq!(grant.subject.as_deref(), Some("me"));
    let none = auth.admit(&Signer::hs256().token(None, json!({"topics": []}))).await.unwrap();
    assert!(!none.allows(&topic("ticker:okx:ETH-USDT")));
    let all = auth.admit(&Signer::hs256().token(None, json!({}))).await.unwrap();
    assert!(all.allows(&topic("kline:okx:ETH-USDT:1m")) && all.expires.is_some());
}

#[tokio::test]
async fn a_kid_chooses_among_keys() {
    let (old, new) = (Signer::ed(), Signer::ed());
    let (_old_file, old_key) = file("public_key_file", &old.pem());
    let (_new_file, new_key) = file("public_key_file", &new.pem());
    let auth = open(&format!(
        "{}{}",
        jwt("EdDSA", &format!("{old_key}\nkid = 'old'")),
        jwt("EdDSA", &format!("{new_key}\nkid = 'new'"))
    ));
    auth.admit(&old.token(Some("old"), json!({}))).await.unwrap();
    auth.admit(&new.token(Some("new"), json!({}))).await.unwrap();
    auth.admit(&new.token(None, json!({}))).await.unwrap();
    assert_eq!(denied(&auth, &new.token(Some("old"), json!({}))).await, Denied::Signature);
    assert_eq!(denied(&auth, &new.token(Some("other"), json!({}))).await, Denied::NoKey);
}

#[test]
fn nothing_secret_is_printed() {
    let toml = jwt("HS256", &format!("secret = '{SECRET}'"));
    let config = settings(&toml);
    let auth = Auth::open(&config).unwrap().unwrap();
    let shown = format!("{config:?} {auth:?} {}", serde_json::to_string(&config).unwrap());
    assert!(!shown.contains(SECRET) && !shown.contains(&format!("{:?}", SECRET.as_bytes())));
    let value: Value = serde_json::to_value(&config).unwrap();
    assert_eq!(value["auth"]["jwt"][0]["secret"], "***");
}
