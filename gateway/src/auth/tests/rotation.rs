//! Key sets that change while they are in use: in a file, and behind a real HTTP server.

use super::*;
use crate::{
    auth::{
        config::JwtAlgorithm,
        key_set::{KeySet, Rhythm},
    },
    metrics::Metrics,
};
use axum::{Router, http::StatusCode, routing::get};
use std::{
    sync::Mutex,
    time::{Duration, Instant},
};
use tokens::jwks;
use tokio_util::sync::{CancellationToken, DropGuard};

const DEADLINE: Duration = Duration::from_secs(20);
/// Asked for, a set is read at once; unasked, not while a test runs.
const ON_DEMAND: Rhythm = Rhythm { every: Duration::from_secs(3600), rest: Duration::ZERO };

/// What a server answers, to be changed by the test, and how often it was asked.
type Answer = Arc<Mutex<(StatusCode, String, u32)>>;

async fn server() -> (String, Answer) {
    let answer: Answer = Arc::new(Mutex::new((StatusCode::OK, String::new(), 0)));
    let shared = answer.clone();
    let routes = Router::new().route(
        "/keys",
        get(async move || {
            let mut answer = shared.lock().unwrap();
            answer.2 += 1;
            (answer.0, answer.1.clone())
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys?secret=1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, answer)
}

fn follow(set: KeySet) -> (Arc<KeySet>, CancellationToken) {
    let (set, stop) = (Arc::new(set), CancellationToken::new());
    tokio::spawn(set.clone().follow(Metrics::register(), stop.clone()));
    (set, stop)
}

fn kids(set: &KeySet) -> Vec<String> {
    set.keys().iter().filter_map(|key| key.kid.clone()).collect()
}

async fn until(set: &KeySet, wanted: &[&str]) {
    let start = Instant::now();
    while kids(set) != wanted {
        assert!(start.elapsed() < DEADLINE, "{:?} instead of {wanted:?}", kids(set));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Keeps the sets up to date for as long as what it returns is kept.
fn follow_all(auth: &Auth) -> DropGuard {
    let stop = CancellationToken::new();
    for set in auth.key_sets() {
        tokio::spawn(set.clone().follow(Metrics::register(), stop.clone()));
    }
    stop.drop_guard()
}

#[tokio::test]
async fn a_file_is_read_again_when_it_changes() {
    let (first, second) = (Signer::es256(), Signer::es256());
    let (path, key) = file("jwks_file", &jwks(&[first.jwk("1")]));
    let auth = open(&jwt("ES256", &key));
    let _following = follow_all(&auth);
    auth.admit(&first.token(Some("1"), json!({}))).await.unwrap();
    assert_eq!(denied(&auth, &second.token(Some("2"), json!({}))).await, Denied::NoKey);
    std::fs::write(&path, jwks(&[first.jwk("1"), second.jwk("2")])).unwrap();
    let start = Instant::now();
    while auth.admit(&second.token(Some("2"), json!({}))).await.is_err() {
        assert!(start.elapsed() < DEADLINE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    auth.admit(&first.token(Some("1"), json!({}))).await.unwrap();
    // What is broken or gone changes nothing.
    std::fs::write(&path, "{broken").unwrap();
    let set = auth.issuers[0].set().unwrap();
    while set.failure().is_none() {
        assert!(start.elapsed() < 2 * DEADLINE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    auth.admit(&second.token(Some("2"), json!({}))).await.unwrap();
    std::fs::write(&path, jwks(&[second.jwk("2")])).unwrap();
    until(set, &["2"]).await;
    assert_eq!(denied(&auth, &first.token(Some("1"), json!({}))).await, Denied::NoKey);
}

#[tokio::test]
async fn an_address_is_asked_when_a_token_names_an_unknown_key() {
    let (url, answer) = server().await;
    let (first, second) = (Signer::ed(), Signer::ed());
    answer.lock().unwrap().1 = jwks(&[first.jwk("1")]);
    let set = KeySet::of_url(&url, JwtAlgorithm::EdDSA).unwrap().with_rhythm(ON_DEMAND);
    let (set, stop) = follow(set);
    until(&set, &["1"]).await;
    answer.lock().unwrap().1 = jwks(&[first.jwk("1"), second.jwk("2")]);
    set.look_again().await;
    assert_eq!(kids(&set), ["1", "2"]);
    // An issuer that fails takes no key away.
    for (status, text) in [(StatusCode::INTERNAL_SERVER_ERROR, ""), (StatusCode::OK, "<html>")] {
        (answer.lock().unwrap().0, answer.lock().unwrap().1) = (status, text.to_owned());
        set.look_again().await;
        assert!(set.failure().is_some());
        assert_eq!(kids(&set), ["1", "2"]);
    }
    (answer.lock().unwrap().0, answer.lock().unwrap().1) =
        (StatusCode::OK, jwks(&[second.jwk("2")]));
    set.look_again().await;
    assert_eq!((kids(&set), set.failure()), (vec!["2".to_owned()], None));
    stop.cancel();
}

#[tokio::test]
async fn strangers_cannot_make_it_ask_often() {
    let (url, answer) = server().await;
    let signer = Signer::rs256();
    answer.lock().unwrap().1 = jwks(&[signer.jwk("1")]);
    let auth = open(&jwt("RS256", &format!("jwks_url = '{url}'")));
    let _following = follow_all(&auth);
    // The first client comes before the first answer, and is let in all the same.
    auth.admit(&signer.token(Some("1"), json!({}))).await.unwrap();
    let asked = answer.lock().unwrap().2;
    for n in 0..50 {
        let token = signer.token(Some(&format!("unknown-{n}")), json!({}));
        assert_eq!(denied(&auth, &token).await, Denied::NoKey);
    }
    let more = answer.lock().unwrap().2 - asked;
    assert!(more <= 2, "asked {more} times for 50 tokens");
}

#[tokio::test]
async fn keys_of_other_kinds_are_left_out_of_a_set() {
    let signer = Signer::es256();
    let mut encrypting = signer.jwk("enc");
    encrypting["use"] = "enc".into();
    let mut renamed = signer.jwk("alg");
    renamed["alg"] = "ES384".into();
    let odd = json!({"kty": "new", "kid": "new"});
    let all = [
        Signer::rs256().jwk("rsa"),
        Signer::ed().jwk("ed"),
        Signer::hs256().jwk("oct"),
        encrypting,
        renamed,
        odd,
        json!("text"),
        signer.jwk("ours"),
    ];
    let (path, _) = file("jwks_file", &jwks(&all));
    let set = KeySet::of_file(&path, JwtAlgorithm::ES256).unwrap();
    assert_eq!(kids(&set), ["ours"]);
}
