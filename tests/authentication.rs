//! Keys and tokens with the real program: who is let in, what its log says, what stops its start.

use crate::support::{Client, Ended, start, tokens};
use serde_json::{Value, json};
use tokens::{SECRET, Signer, seconds_from_now};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, client::IntoClientRequest},
};

/// An API key, of which the settings hold the digest only.
const KEY: &str = "an-api-key-that-must-not-be-told";

fn settings() -> String {
    format!(
        "[[gateway.auth.api_key]]\nname = \"desk\"\nsha256 = \"{}\"\n\
         [[gateway.auth.jwt]]\nalgorithm = \"HS256\"\nsecret = \"{SECRET}\"\n\
         issuer = \"{}\"\naudience = \"{}\"\n",
        tokens::sha256(KEY),
        tokens::ISSUER,
        tokens::AUDIENCE,
    )
}

fn token(claims: Value) -> String {
    Signer::hs256().token(None, claims)
}

/// Dials with one header; the HTTP status if that was refused.
async fn dial_with(url: &str, name: &'static str, value: &str) -> Option<u16> {
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert(name, value.parse().unwrap());
    match connect_async(request).await {
        Ok(_) => None,
        Err(Error::Http(answer)) => Some(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn no_token_reaches_any_log() {
    let demo = start(&["demo", "--log-level", "trace"]).config(&settings()).ready().await;
    let (good, later) = (token(json!({"sub": "me"})), token(json!({"sub": "still me"})));
    let expired = token(json!({"exp": seconds_from_now(-100)}));
    let unsigned = Signer::None.token(None, json!({}));
    let secrets = [KEY, &good, &later, &expired, &unsigned, SECRET];
    let ws = demo.ws();
    let mut told = String::new();
    for (secret, is_good) in
        [(&good, true), (&KEY.to_owned(), true), (&expired, false), (&unsigned, false)]
    {
        let refused = (!is_good).then_some(401);
        assert_eq!(dial_with(&ws, "authorization", &format!("Bearer {secret}")).await, refused);
        assert_eq!(dial_with(&ws, "x-api-key", secret).await, refused);
        let offer = format!("tickcast.v1.json, tickcast.bearer.{secret}");
        assert_eq!(dial_with(&ws, "sec-websocket-protocol", &offer).await, refused);
        // The first letter of the parameter is written in the other way that URLs allow.
        for url in [format!("{ws}?token={secret}"), format!("{ws}?%74oken={secret}&colour=red")] {
            let dialled = connect_async(url.as_str()).await;
            if let Err(Error::Http(answer)) = dialled {
                told += &String::from_utf8_lossy(answer.body().as_deref().unwrap_or_default());
            }
        }
        for path in ["/v1/price/BTC-USDT", "/v1/nowhere", "/v1/topics", "/", "/v1/price/x%ff"] {
            told += &demo.get(&format!("{path}?limit=x&access_token={secret}")).await.body;
        }
    }
    let mut client = Client::connect(&ws).await;
    for secret in [&expired, &good, &later] {
        client.send(&json!({"op": "auth", "id": 1, "token": secret})).await;
        told += &client.next().await.to_string();
    }
    client.send(&json!({"op": "auth", "id": 1, "token": good, "colour": later})).await;
    told += &client.next().await.to_string();
    client.send(&json!({"op": "auth", "id": 1, "token": [good]})).await;
    told += &client.next().await.to_string();
    assert!(demo.metric("tickcast_gateway_refused_total").await >= 14.0);
    told += &demo.admin("/metrics").await.body;
    told += &demo.admin("/connections").await.body;
    let Ended { stderr, stdout, .. } = {
        demo.process.signal("TERM");
        demo.process.ended().await
    };
    assert!(stderr.contains("request refused") && stderr.contains("token refused"), "traced");
    for secret in secrets {
        // Neither as it is nor by its most telling part.
        for part in [secret, secret.rsplit('.').next().unwrap_or(secret)] {
            let is_telling = part.len() > 16;
            for (what, text) in [("log", &stderr), ("output", &stdout), ("answer", &told)] {
                let line = text.lines().find(|line| is_telling && line.contains(part));
                assert!(line.is_none(), "{what}: {line:?}");
            }
        }
    }
}

#[tokio::test]
async fn refusals_are_counted_and_a_token_lets_in() {
    let demo = start(&["demo"]).config(&settings()).ready().await;
    let answer = demo.get("/v1/topics").await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (401, &json!("unauthorized")));
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    let expired = token(json!({"exp": seconds_from_now(-100)}));
    let answer = demo.get(&format!("/v1/topics?token={expired}")).await;
    assert_eq!(answer.json()["error"]["code"], "token_expired");
    let metrics = demo.admin("/metrics").await.body;
    for reason in ["unauthorized", "token_expired"] {
        let row = format!("tickcast_gateway_refused_total{{reason=\"{reason}\"}} 1");
        assert!(metrics.contains(&row), "{metrics}");
    }
    let url = format!("{}?token={}", demo.ws(), token(json!({"topics": ["ticker:okx:*"]})));
    let mut client = Client::connect(&url).await;
    let answer = client.subscribe(&["ticker:okx:BTC-USDT", "BTC-USDT"]).await;
    assert_eq!(answer["rejected"][0]["code"], "not_allowed", "{answer}");
    client.ticker("ticker:okx:BTC-USDT").await;
}

#[tokio::test]
async fn a_connection_ends_with_its_token() {
    let demo = start(&["demo"]).config(&settings()).ready().await;
    let end = seconds_from_now(6);
    let url = format!("{}?token={}", demo.ws(), token(json!({"exp": end})));
    let mut client = Client::subscribed(&url, &["ticker:*:*"]).await;
    assert_eq!(client.closed().await, Some((4003, "token_expired".into())));
    assert!(seconds_from_now(0) >= end, "not before its time");
    assert_eq!(demo.metric("tickcast_gateway_closed_total").await, 1.0);
}

#[tokio::test]
async fn settings_that_let_nobody_in_stop_the_start() {
    let jwt = |rest: &str| {
        format!(
            "[[gateway.auth.jwt]]\nalgorithm = \"RS256\"\nissuer = \"i\"\naudience = \"a\"\n{rest}\n"
        )
    };
    for (text, wanted) in [
        (
            "[gateway.auth]\nrequired = true\n".to_owned(),
            "gateway.auth.required = true: without [[gateway.auth.api_key]]",
        ),
        (jwt("secret = \"hush\""), "gateway.auth.jwt[0] = secret: RS256 needs exactly one of"),
        (
            jwt("public_key_file = \"missing.pem\""),
            "gateway.auth.jwt[0].public_key_file = \"missing.pem\" does not fit: No such file",
        ),
        (
            "[[gateway.auth.jwt]]\nalgorithm = \"none\"\n".to_owned(),
            "tickcast.toml:2: gateway.auth.jwt[0].algorithm = \"none\" does not fit: expected one of",
        ),
        (
            "[[gateway.auth.jwt]]\nalgorithm = \"HS256\"\nsecret = 4711\n".to_owned(),
            "tickcast.toml:3: gateway.auth.jwt[0].secret = *** does not fit: expected text in quotes",
        ),
        (
            "[[gateway.auth.jwt]]\nalgorithm = \"HS256\"\naudience = \"a\"\n".to_owned(),
            "tickcast.toml:1: gateway.auth.jwt[0].issuer is missing, for example \"https://",
        ),
        (
            "[gateway.plans.pro]\nmax_topic = 5\n".to_owned(),
            "tickcast.toml:2: unknown key gateway.plans.pro.max_topic; \
             the nearest known one is gateway.plans.pro.max_topics",
        ),
    ] {
        let flags = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        let demo = start(&["demo", "--log-level", "off"]).args(&flags).config(&text);
        let ended = demo.ended().await;
        assert_eq!(ended.code, 2, "{ended:?}");
        let line = ended.stderr.strip_prefix("tickcast: ").unwrap_or_default();
        assert!(line.starts_with(wanted), "{line}");
        assert!(line.lines().count() == 1 && !line.contains("hush"), "{line}");
    }
}

#[tokio::test]
async fn check_prints_no_secret() {
    let checked = start(&["check"]).config(&settings()).ended().await;
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""));
    assert!(!checked.stdout.contains(SECRET), "{}", checked.stdout);
    let shown: toml::Table = checked.stdout.parse().unwrap();
    assert_eq!(shown["gateway"]["auth"]["jwt"][0]["secret"].as_str(), Some("***"));
    assert_eq!(shown["gateway"]["auth"]["api_key"][0]["name"].as_str(), Some("desk"));
}
