//! `GET /v1/stream`: what a WebSocket would get, as server-sent events; for whoever has none.

use super::{
    App,
    reply::Refusal,
    takeover::{Listener, Takeover},
    upgrade,
    visitor::{Caller, Visitor},
    wanted::Wanted,
};
use crate::auth::Access;
use axum::{
    Extension,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use tickcast_shared::protocol::ErrorCode;

/// Tells nginx not to hold events back (its `proxy_buffering`).
const NOT_BUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");
/// The media type of server-sent events (WHATWG HTML, section 9.2.7).
const EVENTS: &str = "text/event-stream; charset=utf-8";

/// Answers with a head, behind which a shard writes events until the connection ends.
pub async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(visitor): Extension<Visitor>,
    access: Access,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let checked = check(&app, &access, &headers, query.as_deref()).and_then(|wanted| {
        // Last: the seat stays the client's for as long as the connection.
        upgrade::seat(&app, &caller, visitor).map(|()| wanted)
    });
    let wanted = match checked {
        Ok(wanted) => wanted,
        Err(refusal) => {
            app.metrics.refused(refusal.code.as_str());
            return refusal.into_response();
        }
    };
    let type_of = (header::CONTENT_TYPE, EVENTS);
    let mut response = ([type_of, NOT_BUFFERED], ()).into_response();
    if method == Method::GET {
        let (Visitor(peer), seat, hub) = (visitor, caller.seat, app.hub);
        let takeover = Takeover::by(Listener { hub, peer, seat, wanted, access });
        response.extensions_mut().insert(takeover);
    }
    response
}

fn check(
    app: &App,
    access: &Access,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Wanted, Refusal> {
    if !app.prices.complete.is_ready() {
        return Err(Refusal::not_ready());
    }
    // Browsers would keep the page from reading, but not from taking a place.
    let foreign = |origin: &HeaderValue| !upgrade::is_allowed(&app.config, origin);
    if headers.get(header::ORIGIN).is_some_and(foreign) {
        return Err(upgrade::foreign());
    }
    let wanted = Wanted::of("/v1/stream", query)?;
    if wanted.topics.as_ref().is_none_or(Vec::is_empty) {
        let message = "topics= is missing, as in /v1/stream?topics=BTC-USDT,ticker:okx:ETH-USDT";
        return Err(Refusal::bad_field(message.into()));
    }
    // Who only listens could not ask again.
    let most = access.limits(&app.config).max_topics;
    if wanted.topics.as_ref().is_some_and(|it| it.len() > most) {
        let message = format!("a connection may have {most} topics");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, ErrorCode::TooManyTopics, message));
    }
    Ok(wanted)
}
