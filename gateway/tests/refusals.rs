//! Every error code that can be caused from outside is caused, over WebSocket and over HTTP, and its
//! message fits the specification (clients of tests look at each; see `support/schema.rs`).

use crate::{
    auth::{
        tokens::{Signer, seconds_from_now},
        with_auth,
    },
    support::{Answer, Client, Stage, document},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tickcast_shared::protocol::ErrorCode;
use tokio::net::TcpStream;

/// Tickers that there are: as many as a connection of [`stage`] may have.
const TOPICS: [&str; 3] =
    ["ticker:kucoin:BTC-USDT", "ticker:kucoin:ETH-USDT", "ticker:okx:BTC-USDT"];
/// One more than that.
const TOO_MANY_TOPICS: [&str; 4] = ["A-B", "B-C", "C-D", "D-E"];
/// More than the burst of a connection.
const TOO_MANY_COMMANDS: usize = 30;
/// More than an address may ask for at once.
const TOO_MANY_REQUESTS: usize = 30;

/// A gateway that can be asked too much, and knows keys and tokens without asking for them.
async fn stage() -> Stage {
    let mut stage = Stage::start(|config| {
        with_auth(config);
        config.auth.required = Some(false);
        config.limits.max_topics = TOPICS.len();
        // Before these, addresses of this machine are not counted.
        config.trusted_proxies = vec!["127.0.0.2/32".parse().unwrap()];
        config.limits.requests_per_second_per_ip = 5;
    })
    .await;
    stage.prices(&TOPICS, "1").await;
    let mut client = stage.client("?topics=ticker:*:*").await;
    for _ in TOPICS {
        client.next_of("ticker").await;
    }
    stage
}

/// The code of the next `error`.
async fn refused(client: &mut Client, message: &str) -> Value {
    client.send(message).await;
    client.next_of("error").await["code"].clone()
}

fn token(claims: Value) -> String {
    Signer::hs256().token(None, claims)
}

/// Codes as they are written.
fn written(codes: &[ErrorCode]) -> BTreeSet<&'static str> {
    codes.iter().map(|code| code.as_str()).collect()
}

#[tokio::test]
async fn every_code_of_the_websocket() {
    let stage = stage().await;
    let mut client = stage.client("").await;
    let mut caused = BTreeSet::new();
    for (code, message) in [
        (ErrorCode::BadJson, "hello".to_owned()),
        (ErrorCode::UnknownOp, json!({"op": "fly"}).to_string()),
        (ErrorCode::UnknownField, json!({"op": "list", "colour": 1}).to_string()),
        (ErrorCode::BadField, json!({"op": "topics", "limit": 0}).to_string()),
        (ErrorCode::BadTopic, json!({"op": "topics", "match": "x"}).to_string()),
        (
            ErrorCode::TooManyTopics,
            json!({"op": "subscribe", "topics": TOO_MANY_TOPICS}).to_string(),
        ),
        (ErrorCode::Unauthorized, json!({"op": "auth", "token": "wrong"}).to_string()),
        (
            ErrorCode::TokenExpired,
            json!({"op": "auth", "token": token(json!({"exp": seconds_from_now(-99)}))})
                .to_string(),
        ),
    ] {
        assert_eq!(refused(&mut client, &message).await, code.as_str(), "{message}");
        caused.insert(code.as_str());
    }
    let narrow = token(json!({"topics": ["ticker:kucoin:*"]}));
    let mut client = stage.client(&format!("?token={narrow}")).await;
    let topics = ["ticker:kucoin:NOPE-USDT", TOPICS[2]];
    client.send(&json!({"op": "subscribe", "topics": topics}).to_string()).await;
    let answer = client.next_of("subscribed").await;
    let rejected = answer["rejected"].as_array().unwrap().iter();
    let codes: Vec<&str> = rejected.map(|it| it["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["unknown_topic", "not_allowed"]);
    caused.extend(["unknown_topic", "not_allowed"]);
    for _ in 0..TOO_MANY_COMMANDS {
        client.send(r#"{"op":"ping"}"#).await;
    }
    assert_eq!(client.next_of("error").await["code"], "rate_limited");
    caused.insert("rate_limited");
    // A message that is too big ends the connection (1009), as does a fault of the gateway (1011);
    // a gateway without prices or with too much to do refuses the upgrade.
    let elsewhere =
        [ErrorCode::MessageTooBig, ErrorCode::NotReady, ErrorCode::Overloaded, ErrorCode::Internal];
    caused.extend(written(&elsewhere));
    assert_eq!(caused, written(&ErrorCode::ALL));
}

/// Asks from an address of this machine, and holds the answer against what the document says of `path`.
async fn ask(stage: &Stage, from: u8, path: &str, request: &str, headers: &str) -> Answer {
    let socket = Answer::dial(stage.address, [127, 0, 1, from]).await;
    let answer = Answer::get(socket, request, headers).await;
    check(path, &answer);
    answer
}

/// Holds an answer against what the document says of `path`.
fn check(path: &str, answer: &Answer) {
    let body = serde_json::from_slice(&answer.body).unwrap();
    document::check(path, answer.status, &body, |name| answer.header(name).is_some());
}

/// The first refusal of an address that asks for too much at once.
async fn limited(stage: &Stage) -> Answer {
    let asked = (0..TOO_MANY_REQUESTS).map(async |_| {
        let socket = Answer::dial(stage.address, [127, 0, 1, 0]).await;
        Answer::get(socket, "/v1/exchanges", "").await
    });
    let answers = join_all(asked).await;
    let first = answers.into_iter().find(|it| it.status == 429).expect("too many requests");
    check("/v1/exchanges", &first);
    first
}

const PRICE: &str = "/v1/price/{symbol}";
const STREAM: &str = "/v1/stream";

#[tokio::test]
async fn every_code_over_http() {
    let stage = stage().await;
    let expired = token(json!({"exp": seconds_from_now(-99)}));
    let narrow = token(json!({"topics": ["ticker:kucoin:*"]}));
    let mut caused = BTreeSet::new();
    let cases = [
        (PRICE, "/v1/price/BTC-USDT?colour=5".to_owned(), 400, ErrorCode::UnknownField),
        (PRICE, "/v1/price/BTC-USDT?exchange=X".into(), 400, ErrorCode::BadField),
        (PRICE, "/v1/price/btc".into(), 400, ErrorCode::BadTopic),
        (PRICE, "/v1/price/NOPE-USDT".into(), 404, ErrorCode::UnknownTopic),
        (PRICE, "/v1/price/BTC-USDT?token=wrong".into(), 401, ErrorCode::Unauthorized),
        (PRICE, format!("/v1/price/BTC-USDT?token={expired}"), 401, ErrorCode::TokenExpired),
        (PRICE, format!("/v1/price/{}?token={narrow}", TOPICS[2]), 403, ErrorCode::NotAllowed),
        (STREAM, "/v1/stream".into(), 400, ErrorCode::BadField),
        (STREAM, "/v1/stream?topics=A-B&colour=5".into(), 400, ErrorCode::UnknownField),
        (
            STREAM,
            format!("/v1/stream?topics={}", TOO_MANY_TOPICS.join(",")),
            400,
            ErrorCode::TooManyTopics,
        ),
        (STREAM, "/v1/stream?topics=A-B&token=wrong".into(), 401, ErrorCode::Unauthorized),
    ];
    for (from, (path, request, status, code)) in (1..).zip(cases) {
        let answer = ask(&stage, from, path, &request, "").await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code.as_str()), "{request}");
        caused.insert(code.as_str());
    }
    limited(&stage).await.assert_refused(429, "rate_limited");
    caused.insert("rate_limited");
    let socket = TcpStream::connect(stage.address).await.unwrap();
    let answer = Answer::get(socket, "/testing/panic", "").await;
    assert_eq!(answer.code(), "internal", "{}", answer.head);
    caused.insert("internal");
    // The first two are mistakes in messages. The others have tests of their own: that there is no
    // such code, and `tests/specification.rs` and the test below.
    let elsewhere = [
        ErrorCode::BadJson,
        ErrorCode::UnknownOp,
        ErrorCode::MessageTooBig,
        ErrorCode::NotReady,
        ErrorCode::Overloaded,
    ];
    caused.extend(written(&elsewhere));
    assert_eq!(caused, written(&ErrorCode::ALL));
}

#[tokio::test]
async fn a_stream_is_refused_as_specified() {
    let stage = Stage::start(|config| {
        config.allowed_origins = Some(vec!["https://here.example".into()]);
        config.limits.max_connections = 1;
    })
    .await;
    let foreign = "Origin: https://there.example\r\n";
    let answer = ask(&stage, 0, STREAM, "/v1/stream?topics=A-B", foreign).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "not_allowed"));
    drop(answer);
    let _taken = stage.client("").await;
    ask(&stage, 0, STREAM, "/v1/stream?topics=A-B", "").await.assert_refused(503, "overloaded");
}

/// Waits for as long as the gateway lets an answer take.
#[tokio::test]
async fn an_answer_that_takes_too_long_is_refused_as_others_are() {
    let stage = Stage::start(|_| {}).await;
    let socket = TcpStream::connect(stage.address).await.unwrap();
    let answer = Answer::get(socket, "/testing/never", "Origin: https://a.example\r\n").await;
    answer.assert_refused(503, "overloaded");
    check(PRICE, &answer);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "pages may read it");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}
