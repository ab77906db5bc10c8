//! Keys and tokens on real sockets: every way to bring one, expiry, renewal, what they open.

#[path = "support/tokens.rs"]
pub mod tokens;

use crate::support::{Client, DEADLINE, Stage};
use serde_json::{Value, json};
use tickcast_gateway::{
    GatewayConfig,
    auth::config::{ApiKeyConfig, JwtAlgorithm, JwtConfig, PlanConfig},
};
use tickcast_shared::secret::Secret;
use tokens::{SECRET, Signer, seconds_from_now};
use tokio_tungstenite::tungstenite::{
    Error, client::IntoClientRequest, handshake::client::Response,
};

const BTC: &str = "ticker:kucoin:BTC-USDT";
const ETH: &str = "ticker:kucoin:ETH-USDT";
const API_KEY: &str = "key-of-the-desk";

/// Tokens of the test's issuer, one API key, and a small plan.
pub fn with_auth(config: &mut GatewayConfig) {
    config.auth.jwt.push(JwtConfig {
        algorithm: JwtAlgorithm::HS256,
        secret: Some(Secret::new(SECRET)),
        secret_file: None,
        public_key_file: None,
        jwks_file: None,
        jwks_url: None,
        kid: None,
        issuer: tokens::ISSUER.into(),
        audience: tokens::AUDIENCE.into(),
        leeway_seconds: 30,
    });
    config.auth.api_key.push(ApiKeyConfig {
        name: "desk".into(),
        sha256: tokens::sha256(API_KEY),
        topics: None,
        plan: Some("small".into()),
    });
    let small =
        PlanConfig { max_topics: Some(2), min_interval_ms: Some(50), ..PlanConfig::default() };
    config.plans.insert("small".into(), small);
}

async fn stage() -> Stage {
    let mut stage = Stage::start(with_auth).await;
    stage.prices(&[BTC, ETH, "ticker:okx:BTC-USDT"], "1").await;
    let (start, token) = (std::time::Instant::now(), token(json!({})));
    while get(&stage, "/v1/topics", Some(&token)).await.2["topics"].as_array().unwrap().len() < 3 {
        assert!(start.elapsed() < DEADLINE);
    }
    stage
}

fn token(claims: Value) -> String {
    Signer::hs256().token(None, claims)
}

/// A client with these headers, or the answer that it was refused with.
async fn dial(
    stage: &Stage,
    query: &str,
    headers: &[(&'static str, &str)],
) -> Result<(Client, Response), (u16, Value)> {
    let url = format!("ws://{}/ws{query}", stage.address);
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, response)) => Ok((Client { socket }, response)),
        Err(Error::Http(response)) => {
            let status = response.status().as_u16();
            if status == 401 {
                assert_eq!(response.headers()["www-authenticate"], "Bearer");
            }
            let body = response.body().clone().unwrap_or_default();
            Err((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
        }
        Err(error) => panic!("{error}"),
    }
}

/// A client that was let in by the URL, past its `welcome`.
async fn client(stage: &Stage, token: &str) -> Client {
    stage.client(&format!("?token={token}")).await
}

async fn subscribe(client: &mut Client, topics: &[&str]) -> Value {
    client.send(&json!({"op": "subscribe", "id": 1, "topics": topics}).to_string()).await;
    client.next_of("subscribed").await
}

async fn present(client: &mut Client, token: &str) -> Value {
    client.send(&json!({"op": "auth", "id": 5, "token": token}).to_string()).await;
    loop {
        let answer = client.next().await;
        if answer["id"] == 5 {
            return answer;
        }
    }
}

#[tokio::test]
async fn a_key_or_token_may_stand_in_five_places() {
    let stage = stage().await;
    let token = token(json!({}));
    let (bearer, offers) =
        (format!("Bearer {token}"), format!("tickcast.bearer.{token}, tickcast.v1.json"));
    for secret in [("authorization", bearer.as_str()), ("x-api-key", API_KEY)] {
        let (mut client, response) = dial(&stage, "", &[secret]).await.unwrap();
        assert!(response.headers().get("sec-websocket-protocol").is_none());
        let welcome = client.next().await;
        assert!(welcome["features"].as_array().unwrap().contains(&json!("auth")), "{welcome}");
        assert_eq!(subscribe(&mut client, &[BTC]).await["rejected"], json!([]));
    }
    let offered = [("sec-websocket-protocol", offers.as_str())];
    let (mut client, response) = dial(&stage, "", &offered).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "tickcast.v1.json");
    assert_eq!(client.next().await["type"], "welcome");
    for query in [
        format!("?topics=BTC-USDT&token={token}"),
        format!("?access_token={API_KEY}&topics=BTC-USDT"),
    ] {
        let (mut client, _) = dial(&stage, &query, &[]).await.unwrap();
        client.next_of("synced").await;
    }
    let mut client = stage.client("").await;
    assert_eq!(
        present(&mut client, API_KEY).await,
        json!({"type": "authorized", "id": 5, "expires": null})
    );
    assert_eq!(subscribe(&mut client, &[BTC]).await["rejected"], json!([]));
}

#[tokio::test]
async fn who_may_not_come_in_is_told_before_the_upgrade() {
    let stage = Stage::start(|config| {
        with_auth(config);
        config.auth.allow_first_message = false;
    })
    .await;
    let late = token(json!({"exp": seconds_from_now(-20)}));
    let foreign = token(json!({"aud": "other"}));
    let unsigned = Signer::None.token(None, json!({}));
    for (secret, code) in [
        (None, "unauthorized"),
        (Some("wrong-key"), "unauthorized"),
        (Some(foreign.as_str()), "unauthorized"),
        (Some(unsigned.as_str()), "unauthorized"),
        // Within the leeway, but a connection would end at once.
        (Some(late.as_str()), "token_expired"),
    ] {
        let query = secret.map(|secret| format!("?token={secret}")).unwrap_or_default();
        let Err((status, body)) = dial(&stage, &query, &[]).await else { panic!("{query}") };
        assert_eq!((status, &body["error"]["code"]), (401, &json!(code)), "{query}");
        let text = body.to_string();
        assert!(secret.is_none_or(|secret| !text.contains(secret)), "{text}");
    }
    // What is not a secret goes on as it was, and is still looked at.
    let (status, body) =
        dial(&stage, &format!("?token={API_KEY}&colour=red"), &[]).await.err().unwrap();
    assert_eq!((status, &body["error"]["code"]), (400, &json!("unknown_field")));
    let basic = [("authorization", "Basic abc"), ("x-api-key", API_KEY)];
    dial(&stage, "", &basic).await.unwrap();
    // Who shows a token that is none shows one, whatever else is shown.
    let empty = [("authorization", "Bearer "), ("x-api-key", API_KEY)];
    assert_eq!(dial(&stage, "", &empty).await.err().unwrap().0, 401);
}

#[tokio::test]
async fn until_its_first_token_a_client_can_only_ping() {
    let stage = stage().await;
    let mut client = stage.client("?topics=BTC-USDT").await;
    let error = client.next().await;
    assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("unauthorized")));
    client.send(r#"{"op":"ping","id":1}"#).await;
    assert_eq!(client.next().await["type"], "pong");
    for op in [
        r#"{"op":"subscribe","id":2,"topics":["BTC-USDT"]}"#,
        r#"{"op":"list","id":2}"#,
        r#"{"op":"topics","id":2}"#,
        r#"{"op":"unsubscribe","id":2,"topics":["*"]}"#,
    ] {
        client.send(op).await;
        let error = client.next().await;
        assert_eq!((&error["code"], &error["id"]), (&json!("unauthorized"), &json!(2)), "{op}");
    }
    let error = present(&mut client, "wrong").await;
    assert_eq!((&error["code"], &error["field"]), (&json!("unauthorized"), &json!("token")));
    let end = seconds_from_now(500);
    let answer = present(&mut client, &token(json!({"exp": end}))).await;
    assert_eq!(answer, json!({"type": "authorized", "id": 5, "expires": end * 1_000_000}));
    assert_eq!(subscribe(&mut client, &["BTC-USDT"]).await["rejected"], json!([]));
}

#[tokio::test]
async fn who_brings_no_token_in_time_is_sent_away() {
    let stage = Stage::start(|config| {
        with_auth(config);
        config.limits.handshake_timeout_ms = 300;
    })
    .await;
    let mut client = stage.client("").await;
    let (code, announced) = client.closed().await;
    assert_eq!((code, &announced["reason"]), (4500, &json!("unauthorized")));
    assert_eq!(announced["reconnect"], false);
}

#[tokio::test]
async fn a_token_that_expires_ends_the_connection() {
    let stage = stage().await;
    let end = seconds_from_now(5);
    let mut client = client(&stage, &token(json!({"exp": end}))).await;
    subscribe(&mut client, &[BTC]).await;
    let (code, announced) = client.closed().await;
    assert_eq!((code, &announced["reason"]), (4003, &json!("token_expired")));
    assert_eq!(announced["reconnect"], true);
    assert!(seconds_from_now(0) >= end, "not before its time");
}

#[tokio::test]
async fn a_renewed_token_keeps_the_connection() {
    let stage = stage().await;
    let end = seconds_from_now(6);
    let mut client = client(&stage, &token(json!({"exp": end}))).await;
    subscribe(&mut client, &[BTC]).await;
    let error = present(&mut client, &token(json!({"iss": "other"}))).await;
    assert_eq!(error["code"], "unauthorized", "and the old one stays in force");
    assert_eq!(subscribe(&mut client, &[ETH]).await["rejected"], json!([]));
    assert_eq!(present(&mut client, &token(json!({}))).await["type"], "authorized");
    let start = std::time::Instant::now();
    while seconds_from_now(0) <= end + 1 {
        assert!(start.elapsed() < DEADLINE);
        client.send(r#"{"op":"ping"}"#).await;
        client.next_of("pong").await;
        // Less often than a client may ask.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    client.send(r#"{"op":"list"}"#).await;
    assert_eq!(client.next_of("subscriptions").await["topics"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_renewed_token_does_not_open_is_unsubscribed() {
    let mut stage = stage().await;
    let mut client = client(&stage, &token(json!({}))).await;
    subscribe(&mut client, &[BTC, ETH, "ticker:okx:*"]).await;
    client.next_of("synced").await;
    let narrow = token(json!({"topics": ["ticker:kucoin:B*"], "plan": "small"}));
    assert_eq!(present(&mut client, &narrow).await["type"], "authorized");
    let error = client.next_of("error").await;
    assert_eq!((&error["code"], &error["id"]), (&json!("not_allowed"), &json!(5)));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(ETH) && message.contains("ticker:okx:*"), "{message}");
    client.send(r#"{"op":"list","id":6}"#).await;
    let list = client.next_of("subscriptions").await;
    assert_eq!((&list["topics"][0]["topic"], &list["patterns"]), (&json!(BTC), &json!([])));
    assert_eq!(list["topics"][0]["interval_ms"], 50, "the plan's shortest");
    assert_eq!(list["topics"].as_array().unwrap().len(), 1);
    stage.price(ETH, "2").await;
    stage.price(BTC, "2").await;
    assert_eq!(client.next_of("ticker").await["topic"], BTC);
}

#[tokio::test]
async fn a_smaller_plan_takes_what_is_too_much() {
    let stage = stage().await;
    let mut client = client(&stage, &token(json!({}))).await;
    subscribe(&mut client, &[BTC, ETH, "ticker:okx:*"]).await;
    client.next_of("synced").await;
    assert_eq!(present(&mut client, API_KEY).await["type"], "authorized");
    let error = client.next_of("error").await;
    assert_eq!(error["code"], "too_many_topics");
    assert!(error["message"].as_str().unwrap().contains("ticker:okx:*"), "{error}");
    client.send(r#"{"op":"list"}"#).await;
    let list = client.next_of("subscriptions").await;
    assert_eq!(list["topics"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn topics_outside_of_a_token_are_rejected() {
    let stage = stage().await;
    let mut client = client(&stage, &token(json!({"topics": ["*-USDT"]}))).await;
    let outside = ["ticker:okx:BTC-USDT", "*", "ticker:*:*-USDT", "ticker:okx:NOPE-USDT"];
    let answer = subscribe(&mut client, &[&outside[..], &["*C-USDT", "ETH-USDT"]].concat()).await;
    let rejected = answer["rejected"].as_array().unwrap();
    let codes: Vec<&Value> = rejected.iter().map(|it| &it["code"]).collect();
    assert_eq!(codes, [&json!("not_allowed"); 4]);
    assert_eq!(answer["patterns"], json!(["ticker:kucoin:*C-USDT"]));
    client.send(r#"{"op":"topics"}"#).await;
    assert_eq!(client.next_of("topics").await["topics"], json!([BTC, ETH]));
}

#[tokio::test]
async fn a_plan_sets_the_limits() {
    let mut stage = stage().await;
    let (mut client, _) = dial(&stage, "", &[("x-api-key", API_KEY)]).await.unwrap();
    let welcome = client.next().await;
    assert_eq!(welcome["limits"]["max_topics"], 2);
    assert_eq!(welcome["limits"]["min_interval_ms"], 50);
    assert_eq!(welcome["limits"]["max_message_bytes"], 65_536);
    let answer = subscribe(&mut client, &["ticker:okx:*"]).await;
    assert_eq!(answer["topics"][0]["interval_ms"], 50);
    let answer = subscribe(&mut client, &[BTC, ETH]).await;
    assert_eq!(answer["rejected"][0]["code"], "too_many_topics");
    stage.price("ticker:okx:NEW-USDT", "1").await;
    let error = client.next_of("error").await;
    assert_eq!(error["code"], "too_many_topics", "new listings count like others");
    client.send(r#"{"op":"list"}"#).await;
    let list = client.next_of("subscriptions").await;
    assert_eq!(list["topics"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_key_may_be_optional() {
    let mut stage = Stage::start(|config| {
        with_auth(config);
        config.auth.required = Some(false);
    })
    .await;
    stage.price(BTC, "1").await;
    let (mut client, _) = dial(&stage, "", &[]).await.unwrap();
    assert_eq!(client.next().await["limits"]["max_topics"], 1024);
    assert_eq!(subscribe(&mut client, &[BTC]).await["rejected"], json!([]));
    assert_eq!(dial(&stage, "?token=wrong", &[]).await.err().unwrap().0, 401);
    let (mut client, _) = dial(&stage, "", &[("x-api-key", API_KEY)]).await.unwrap();
    assert_eq!(client.next().await["limits"]["max_topics"], 2);
}

/// Status, headers and body of a GET.
async fn get(stage: &Stage, path: &str, secret: Option<&str>) -> (u16, String, Value) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(stage.address).await.unwrap();
    let header = secret.map(|it| format!("Authorization: Bearer {it}\r\n")).unwrap_or_default();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let body = serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.into()));
    (head[9..12].parse().unwrap(), head.to_ascii_lowercase(), body)
}

#[tokio::test]
async fn rest_asks_for_the_same() {
    let mut stage = stage().await;
    let token = token(json!({"topics": ["ticker:kucoin:*"]}));
    stage.heartbeat("kucoin", tickcast_shared::bus::LinkState::Live).await;
    let prices = ["/v1/price/BTC-USDT", "/v1/prices?symbols=BTC-USDT", "/v1/klines/BTC-USDT"];
    let lists = ["/v1/topics", "/v1/symbols", "/v1/exchanges", "/nowhere"];
    for path in [&prices[..], &lists, &["/v1/stream?topics=BTC-USDT"]].concat() {
        let (status, head, body) = get(&stage, path, None).await;
        assert_eq!((status, &body["error"]["code"]), (401, &json!("unauthorized")), "{path}");
        assert!(head.contains("www-authenticate: bearer"), "{head}");
    }
    let expired = Signer::hs256().token(None, json!({"exp": seconds_from_now(-99)}));
    let (status, _, body) = get(&stage, "/v1/topics", Some(&expired)).await;
    assert_eq!((status, &body["error"]["code"]), (401, &json!("token_expired")));
    // One that is no text is no good one, whatever stands beside it.
    let beside = format!("\u{ff}\r\nX-Api-Key: {API_KEY}");
    assert_eq!(get(&stage, "/v1/topics", Some(&beside)).await.0, 401);
    let (status, _, body) = get(&stage, &format!("/v1/price/BTC-USDT?token={token}"), None).await;
    assert_eq!((status, &body["topic"]), (200, &json!(BTC)));
    for path in ["/v1/price/BTC-USDT?exchange=okx", "/v1/prices?symbols=BTC-USDT,ticker:okx:X-USDT"]
    {
        let (status, _, body) = get(&stage, path, Some(&token)).await;
        assert_eq!((status, &body["error"]["code"]), (403, &json!("not_allowed")), "{path}");
    }
    let (_, _, body) = get(&stage, "/v1/topics", Some(&token)).await;
    assert_eq!(body["topics"], json!([BTC, ETH]));
    let (_, _, body) = get(&stage, "/v1/symbols", Some(&token)).await;
    assert_eq!(body["symbols"].as_array().unwrap().len(), 2);
    // The page and the client tell nothing; they ask like any other client.
    for path in ["/", "/client.js", "/web/main.js"] {
        assert_eq!(get(&stage, path, None).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn pages_may_send_their_token_as_a_header() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let stage = stage().await;
    let mut socket = tokio::net::TcpStream::connect(stage.address).await.unwrap();
    let head = "OPTIONS /v1/topics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                Origin: https://a.example\r\nAccess-Control-Request-Method: GET\r\n\
                Access-Control-Request-Headers: authorization\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("access-control-allow-headers: authorization"));
}
