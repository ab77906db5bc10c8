//! From an HTTP request to a connection of the hub.

use super::{
    App, extension,
    reply::Refusal,
    tls::{self, Taken},
    visitor::{Caller, Visitor},
    wanted::Wanted,
};
use crate::{
    GatewayConfig,
    auth::Access,
    client::Dialled,
    door::Seat,
    wire::{Encoding, Format},
};
use axum::{
    Extension,
    extract::{RawQuery, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::upgrade::OnUpgrade;
use std::{net::SocketAddr, sync::Arc};
use tickcast_shared::protocol::ErrorCode;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::debug;

/// `GET /ws`.
pub async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(visitor): Extension<Visitor>,
    access: Access,
    RawQuery(query): RawQuery,
    mut request: Request,
) -> Response {
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let checked = check(&app, request.headers(), query.as_deref()).and_then(|(key, wanted)| {
        let cannot = || upgrade_required("this connection cannot be upgraded");
        let upgrade = upgrade.ok_or_else(cannot)?;
        // Last: the seat stays the client's for as long as the connection.
        seat(&app, &caller, visitor)?;
        Ok((key, wanted, upgrade))
    });
    let (key, wanted, upgrade) = match checked {
        Ok(checked) => checked,
        Err(refusal) => {
            app.metrics.refused(refusal.code.as_str());
            return refusal.into_response();
        }
    };
    let agreed = Agreed::on(request.headers(), app.config.deflate);
    let from = (visitor, caller.seat);
    tokio::spawn(hand_over(app, upgrade, from, wanted, agreed.encoding(), access));
    switching_protocols(&key, agreed.format, agreed.extension)
}

/// What both sides speak after the upgrade.
#[derive(Debug, PartialEq, Eq)]
struct Agreed {
    /// None: the client offered nothing that is known here, and gets JSON.
    format: Option<Format>,
    /// The answer to the client's offer of compression, if one was accepted.
    extension: Option<&'static str>,
}

/// The WebSocket key and what the URL asks for.
fn check(
    app: &App,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<(HeaderValue, Wanted), Refusal> {
    if !app.prices.complete.is_ready() {
        return Err(Refusal::not_ready());
    }
    check_origin(&app.config, headers)?;
    Ok((key(headers)?, Wanted::of("/ws", query)?))
}

/// The WebSocket key of a request that asks for an upgrade as RFC 6455 section 4.1 says.
pub(super) fn key(headers: &HeaderMap) -> Result<HeaderValue, Refusal> {
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
    let key = headers.get(header::SEC_WEBSOCKET_KEY).cloned();
    key.ok_or_else(|| Refusal::bad_field("the header Sec-WebSocket-Key is missing".into()))
}

/// A connection that a proxy made is its client's.
pub(super) fn seat(app: &App, caller: &Caller, Visitor(visitor): Visitor) -> Result<(), Refusal> {
    if visitor.ip() == caller.peer.ip() {
        // Counted when it came, or the proxy speaks for itself.
        return Ok(());
    }
    app.door.seat_for(&caller.seat, visitor.ip()).map_err(Refusal::from)
}

/// Exact: scheme, host and port as the browser writes them.
fn check_origin(config: &GatewayConfig, headers: &HeaderMap) -> Result<(), Refusal> {
    let origin = headers.get(header::ORIGIN);
    if origin.map_or(config.allow_missing_origin, |origin| is_allowed(config, origin)) {
        return Ok(());
    }
    Err(foreign())
}

/// Whether pages of that origin may connect.
pub(super) fn is_allowed(config: &GatewayConfig, origin: &HeaderValue) -> bool {
    let mut listed = config.allowed_origins.iter().flatten();
    config.allows_all_origins() || listed.any(|it| it.as_bytes() == origin.as_bytes())
}

/// 403 for pages of other origins.
pub(super) fn foreign() -> Refusal {
    let message = "pages of this origin may not connect here";
    Refusal::new(StatusCode::FORBIDDEN, ErrorCode::NotAllowed, message)
}

fn upgrade_required(message: &str) -> Refusal {
    Refusal::new(StatusCode::UPGRADE_REQUIRED, ErrorCode::BadField, message)
}

impl Agreed {
    /// The first of the client's offers that is spoken here, of each kind.
    fn on(headers: &HeaderMap, deflate: bool) -> Self {
        let values = |name| {
            headers.get_all(name).into_iter().map(|value| value.to_str().unwrap_or_default())
        };
        let mut subprotocols =
            values(header::SEC_WEBSOCKET_PROTOCOL).flat_map(|value| value.split(','));
        let offered = values(header::SEC_WEBSOCKET_EXTENSIONS);
        Self {
            format: subprotocols.find_map(|name| Format::of_subprotocol(name.trim())),
            extension: if deflate { extension::accept(offered) } else { None },
        }
    }

    fn encoding(&self) -> Encoding {
        Encoding { format: self.format.unwrap_or_default(), deflate: self.extension.is_some() }
    }
}

/// The answer to a client's key; what it names is what both sides speak.
pub(super) fn switching_protocols(
    key: &HeaderValue,
    format: Option<Format>,
    extension: Option<&'static str>,
) -> Response {
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(name) = format.and_then(Format::subprotocol) {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(name));
    }
    if let Some(answer) = extension {
        headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(answer));
    }
    response
}

/// Waits for the 101 to be written, takes the raw socket and gives it to a shard.
async fn hand_over(
    app: App,
    upgrade: OnUpgrade,
    (Visitor(peer), seat): (Visitor, Arc<Seat>),
    Wanted { topics, asked }: Wanted,
    encoding: Encoding,
    access: Access,
) {
    let Some(Taken { socket, tls, leftover }) = taken(upgrade, peer).await else { return };
    let greeting = Vec::new();
    let dialled =
        Dialled { socket, tls, leftover, greeting, peer, seat, topics, asked, encoding, access };
    if app.hub.serve(dialled).await.is_err() {
        debug!(%peer, "shards are gone; connection dropped");
    }
}

/// The raw socket behind an upgrade, out of any event loop, and what the client has sent on it.
pub(super) async fn taken(upgrade: OnUpgrade, peer: SocketAddr) -> Option<Taken> {
    let upgraded = upgrade
        .await
        .inspect_err(|error| debug!(%peer, %error, "client went away during its upgrade"))
        .ok()?;
    tls::take_apart(upgraded)
        .inspect_err(|error| debug!(%peer, %error, "socket could not be taken over"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreed(offers: &[(header::HeaderName, &'static str)], deflate: bool) -> Agreed {
        let mut headers = HeaderMap::new();
        for (name, value) in offers {
            headers.append(name, HeaderValue::from_static(value));
        }
        Agreed::on(&headers, deflate)
    }

    #[test]
    fn the_first_known_subprotocol_is_spoken() {
        let protocol = |text| (header::SEC_WEBSOCKET_PROTOCOL, text);
        let cases: [(&[_], _); 5] = [
            (&[], None),
            (&[protocol("graphql-ws, tickcast.v2.json")], None),
            (&[protocol("x, tickcast.v1.msgpack,tickcast.v1.json")], Some(Format::MsgPack)),
            (&[protocol("tickcast.v1.json, tickcast.v1.msgpack")], Some(Format::Json)),
            (&[protocol("x"), protocol("tickcast.v1.msgpack")], Some(Format::MsgPack)),
        ];
        for (offers, format) in cases {
            let agreed = agreed(offers, true);
            assert_eq!(agreed, Agreed { format, extension: None }, "{offers:?}");
            assert_eq!(agreed.encoding().format, format.unwrap_or_default());
        }
    }

    #[test]
    fn compression_is_used_only_where_it_is_configured() {
        let offer = [(header::SEC_WEBSOCKET_EXTENSIONS, "permessage-deflate")];
        assert!(!agreed(&offer, false).encoding().deflate);
        assert!(agreed(&offer, true).encoding().deflate);
        assert!(!agreed(&[], true).encoding().deflate);
    }
}
