//! The listener of a simulated exchange: REST routes and the WebSocket handshake.

use super::{
    Exchange, binance, connection, kucoin, okx,
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
use std::{collections::HashMap, sync::Arc};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Tells every client that these prices belong to no market.
pub const SIMULATED_HEADER: &str = "x-tickcast-simulated";

/// All routes of an exchange.
pub(super) fn router(stage: Arc<Stage>) -> Router {
    let (rest, sockets): (Router<Arc<Stage>>, &[&str]) = match stage.exchange {
        Exchange::Kucoin => (kucoin::rest::routes(), &["/", "/endpoint"]),
        Exchange::Binance => (binance::rest::routes(), &["/", "/stream"]),
        Exchange::Okx => (okx::rest::routes(), &["/", "/ws/v5/public"]),
    };
    let rest = rest.layer(from_fn_with_state(stage.clone(), refuse_rest));
    let with_sockets = sockets.iter().fold(rest, |router, path| router.route(path, get(upgrade)));
    with_sockets.with_state(stage)
}

async fn refuse_rest(State(stage): State<Arc<Stage>>, request: Request, next: Next) -> Response {
    let refused = stage.faults().refuse_rest;
    match refused {
        Some(status) => status_of(status).into_response(),
        None => next.run(request).await,
    }
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
    let refused = stage.faults().refuse_dials;
    if let Some(status) = refused {
        stage.count(&stage.counters.refused, 1);
        return (status_of(status), [(SIMULATED_HEADER, "1")]).into_response();
    }
    let mut dial = Dial { query, token_accepted: false };
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
