//! The listener of a simulated exchange: REST routes and the WebSocket handshake.

use super::{
    Exchange, connection,
    session::Dial,
    stage::{Stage, lock},
};
use axum::{
    Router,
    body::Body,
    extract::{Query, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Tells every client that these prices belong to no market.
pub const SIMULATED_HEADER: &str = "x-tickcast-simulated";

/// All routes of an exchange.
pub(super) fn router(stage: Arc<Stage>) -> Router {
    let rest = stage.exchange.routes().layer(from_fn_with_state(stage.clone(), spoil_rest));
    let paths = stage.exchange.socket_paths();
    let with_sockets = paths.iter().fold(rest, |router, path| router.route(path, get(upgrade)));
    with_sockets.with_state(stage)
}

async fn spoil_rest(State(stage): State<Arc<Stage>>, request: Request, next: Next) -> Response {
    let (slow, refused) = {
        let faults = stage.faults();
        (faults.slow_rest, faults.refuse_rest)
    };
    wait(slow, &stage).await;
    match refused {
        Some(status) => refusal(status, &stage),
        None => next.run(request).await,
    }
}

/// Lets a fault's time pass, but not the exchange's end.
async fn wait(time: Option<Duration>, stage: &Stage) {
    if let Some(time) = time {
        tokio::select! { () = stage.stop.cancelled() => {}, () = tokio::time::sleep(time) => {} }
    }
}

fn refusal(status: u16, stage: &Stage) -> Response {
    let mut response = (status_of(status), [(SIMULATED_HEADER, "1")]).into_response();
    if let Some(seconds) = stage.faults().retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// A status that no HTTP has is answered as 500: the test asked for a failure.
fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn upgrade(
    State(stage): State<Arc<Stage>>,
    Query(query): Query<HashMap<String, String>>,
    mut request: Request,
) -> Response {
    let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY) else {
        return (StatusCode::UPGRADE_REQUIRED, [(header::UPGRADE, "websocket")]).into_response();
    };
    let accept = derive_accept_key(key.as_bytes());
    stage.count(&stage.counters.dials, 1);
    let (slow, refused) = {
        let faults = stage.faults();
        (faults.slow_dials, faults.refuse_dials)
    };
    wait(slow, &stage).await;
    if let Some(status) = refused {
        stage.count(&stage.counters.refused, 1);
        return refusal(status, &stage);
    }
    let path = request.uri().path().to_owned();
    let mut dial = Dial { path, query, token_accepted: false };
    if stage.exchange == Exchange::Kucoin {
        let token = dial.query.get("token").map_or("", String::as_str);
        dial.token_accepted = lock(&stage.tokens).redeem(token);
        if !dial.token_accepted {
            stage.count(&stage.counters.bad_tokens, 1);
        }
    }
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgrading.await {
            Ok(upgraded) => connection::serve(stage, upgraded, dial).await,
            Err(error) => tracing::debug!(%error, "handshake was not finished"),
        }
    });
    switching_protocols(&accept)
}

fn switching_protocols(accept: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SIMULATED_HEADER, HeaderValue::from_static("1"));
    // Base64 is always a valid header value.
    if let Ok(value) = HeaderValue::from_str(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, value);
    }
    response
}
