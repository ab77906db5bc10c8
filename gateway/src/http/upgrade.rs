//! From an HTTP request to a connection of the hub.

use super::{App, accept::Peer, reply::Refusal};
use crate::client::Dialled;
use axum::{
    Extension,
    extract::{RawQuery, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tickcast_shared::protocol::{ErrorCode, SUBPROTOCOL_JSON};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::debug;

/// `GET /ws`.
pub async fn handle(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    mut request: Request,
) -> Response {
    let checked = check(&app, request.headers(), query.as_deref());
    let (key, topics) = match checked {
        Ok(checked) => checked,
        Err(refusal) => {
            app.metrics.refused(refusal.code.as_str());
            return refusal.into_response();
        }
    };
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return upgrade_required("this connection cannot be upgraded").into_response();
    };
    let subprotocol = offers_json(request.headers());
    tokio::spawn(hand_over(app, upgrade, peer, topics));
    switching_protocols(&derive_accept_key(key.as_bytes()), subprotocol)
}

/// The WebSocket key and the topics of the URL.
fn check(
    app: &App,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<(HeaderValue, Option<Vec<String>>), Refusal> {
    if !app.prices.complete.is_ready() {
        return Err(Refusal::not_ready());
    }
    check_origin(&app.config.allowed_origins, headers)?;
    let wants = |name, token: &str| {
        headers.get_all(name).iter().any(|value| {
            let text = value.to_str().unwrap_or_default();
            text.split(',').any(|part| part.trim().eq_ignore_ascii_case(token))
        })
    };
    if !wants(header::CONNECTION, "upgrade") || !wants(header::UPGRADE, "websocket") {
        return Err(upgrade_required("this path speaks WebSocket; connect with ws://"));
    }
    if !wants(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(upgrade_required("only WebSocket version 13 is spoken here"));
    }
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .ok_or_else(|| Refusal::bad_field("the header Sec-WebSocket-Key is missing".into()))?;
    Ok((key.clone(), topics_of(query)?))
}

fn check_origin(allowed: &[String], headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    if allowed.iter().any(|it| it == "*" || it.as_bytes() == origin.as_bytes()) {
        return Ok(());
    }
    Err(Refusal {
        status: StatusCode::FORBIDDEN,
        code: ErrorCode::NotAllowed,
        message: "pages of this origin may not connect here".into(),
    })
}

fn upgrade_required(message: &str) -> Refusal {
    Refusal {
        status: StatusCode::UPGRADE_REQUIRED,
        code: ErrorCode::BadField,
        message: message.into(),
    }
}

/// `topics=A,B` of a query; other keys are refused by name.
fn topics_of(query: Option<&str>) -> Result<Option<Vec<String>>, Refusal> {
    let mut topics = None;
    for (key, value) in super::rest::pairs(query.unwrap_or_default())? {
        match key.as_str() {
            "topics" => {
                let list = value.split(',').filter(|text| !text.is_empty());
                topics = Some(list.map(str::to_owned).collect());
            }
            "interval_ms" => {
                let message = "interval_ms is not offered by this server version; leave it out";
                return Err(Refusal::bad_field(message.into()));
            }
            _ => return Err(Refusal::unknown_field(format!("/ws has no parameter {key:?}"))),
        }
    }
    Ok(topics)
}

fn offers_json(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    offers.iter().any(|value| {
        let text = value.to_str().unwrap_or_default();
        text.split(',').any(|part| part.trim() == SUBPROTOCOL_JSON)
    })
}

fn switching_protocols(accept: &str, subprotocol: bool) -> Response {
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if subprotocol {
        let name = HeaderValue::from_static(SUBPROTOCOL_JSON);
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, name);
    }
    response
}

/// Waits for the 101 to be written, takes the raw socket and gives it to a shard.
async fn hand_over(app: App, upgrade: OnUpgrade, Peer(peer): Peer, topics: Option<Vec<String>>) {
    let upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            debug!(%peer, %error, "client went away during its upgrade");
            return;
        }
    };
    let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
        tracing::error!(%peer, "upgraded connection is not the socket that was accepted");
        return;
    };
    let leftover = parts.read_buf.to_vec();
    match parts.io.into_inner().into_std() {
        Ok(socket) => {
            let dialled = Dialled { socket, leftover, peer, topics };
            if app.hub.serve(dialled).await.is_err() {
                debug!(%peer, "shards are gone; connection dropped");
            }
        }
        Err(error) => debug!(%peer, %error, "socket could not be taken over"),
    }
}
