//! Who asks: found out once for every request, before anything else looks at it.

use super::{App, reply::Refusal, routes::becomes_connection, takeover::Takeover};
use crate::door::Seat;
use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    net::SocketAddr,
    sync::{Arc, Once},
};
use tracing::warn;

/// The connection that a request comes on.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Its other end, or whom a PROXY header named.
    pub peer: SocketAddr,
    /// Its place on the node.
    pub seat: Arc<Seat>,
}

/// On whose behalf a request is made, for handlers. The port is 0 where a header named the client.
#[derive(Debug, Clone, Copy)]
pub struct Visitor(pub SocketAddr);

/// Adds the [`Visitor`], and refuses whoever asks too often.
pub async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        // Only the accept loop calls these routes, and it adds the caller.
        return Refusal::internal().into_response();
    };
    let visitor = find(&app, &caller, &request);
    request.extensions_mut().insert(visitor);
    let (client, is_upgrade) = (visitor.0.ip(), becomes_connection(request.uri().path()));
    let asked = if is_upgrade { app.door.ask_upgrade(client) } else { app.door.ask(client) };
    if let Err(refused) = asked {
        return closing(Refusal::from(refused).into_response());
    }
    let response = next.run(request).await;
    let is_taken =
        response.status() == StatusCode::SWITCHING_PROTOCOLS || Takeover::is_due(&response);
    if is_upgrade && !is_taken {
        app.door.upgrade_refused(client);
        return closing(response);
    }
    response
}

/// Whoever is refused dials again, which is limited as well.
fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn find(app: &App, caller: &Caller, request: &Request) -> Visitor {
    let (header, peer) = (app.config.forwarded_header, caller.peer.ip());
    if app.door.trusts(peer) {
        let trusted = &app.config.trusted_proxies;
        let client = header.client(peer.to_canonical(), request.headers(), trusted);
        if client != peer.to_canonical() {
            return Visitor(SocketAddr::new(client, 0));
        }
    } else if request.headers().contains_key(header.name()) {
        warn_once(&header.name(), caller.peer);
    }
    Visitor(caller.peer)
}

/// A proxy that was forgotten in the configuration is a mistake that its operator should see; a
/// client that forges the header should not fill the log.
fn warn_once(header: &axum::http::HeaderName, peer: SocketAddr) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        warn!(
            %header, peer = %peer.ip(),
            "ignoring a forwarded header of a peer that is not in trusted_proxies; said once"
        );
    });
}
