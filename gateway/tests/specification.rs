//! The specifications are served, and the answers of the REST interface fit them.

use crate::support::{DEADLINE, Stage, document};
use serde_json::{Value, json};
use tickcast_gateway::spec;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const BTC: &str = "ticker:kucoin:BTC-USDT";

async fn get(stage: &Stage, path: &str) -> (u16, String, Value) {
    let mut socket = TcpStream::connect(stage.address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, socket.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap();
    (head[9..12].parse().unwrap(), kind.to_owned(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn both_documents_are_served() {
    let stage = Stage::start(|_| {}).await;
    let (status, kind, document) = get(&stage, "/openapi.json").await;
    assert_eq!((status, kind.as_str()), (200, "application/json"));
    assert_eq!(document["openapi"], "3.1.0");
    let (status, kind, document) = get(&stage, "/asyncapi.json").await;
    assert_eq!((status, kind.as_str()), (200, "application/json"));
    assert_eq!(document["asyncapi"], "3.0.0");
}

#[tokio::test]
async fn every_answer_fits_its_schema() {
    let mut stage = Stage::start(|_| {}).await;
    stage.price(BTC, "67220.5").await;
    stage.client("?topics=BTC-USDT").await.next_of("ticker").await;
    for (path, request, status) in [
        ("/v1/price/{symbol}", "/v1/price/BTC-USDT", 200),
        ("/v1/price/{symbol}", "/v1/price/NOPE-USDT", 404),
        ("/v1/price/{symbol}", "/v1/price/BTC-USDT?colour=5", 400),
        ("/v1/price/{symbol}", "/v1/price/%FF", 400),
        ("/v1/klines/{symbol}", "/v1/klines/%FF", 400),
        ("/v1/prices", "/v1/prices?symbols=BTC-USDT,NOPE-USDT", 200),
        ("/v1/prices", "/v1/prices", 400),
        ("/v1/topics", "/v1/topics", 200),
        ("/v1/topics", "/v1/topics?limit=0", 400),
        ("/v1/symbols", "/v1/symbols?exchange=kucoin", 200),
        ("/v1/klines/{symbol}", "/v1/klines/BTC-USDT", 404),
        ("/v1/klines/{symbol}", "/v1/klines/BTC-USDT?interval=7m", 400),
        ("/v1/exchanges", "/v1/exchanges", 200),
        ("/v1/stream", "/v1/stream", 400),
    ] {
        let (got, _, answer) = get(&stage, request).await;
        assert_eq!(got, status, "{request}: {answer}");
        document::check(path, status, &answer, |_| true);
    }
}

#[tokio::test]
async fn an_unknown_path_is_told_what_there_is() {
    let stage = Stage::start(|_| {}).await;
    let (status, _, answer) = get(&stage, "/v2/price").await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("bad_field")));
    let message = answer["error"]["message"].to_string();
    for path in spec::PATHS {
        assert!(message.contains(path.path), "{message}");
        // And it is one.
        let (status, ..) = get(&stage, &path.path.replace("{symbol}", "NOPE-USDT")).await;
        assert!([200, 400, 404].contains(&status));
    }
}
