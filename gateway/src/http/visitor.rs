//! Who asks: found out once for every request, before anything else looks at it.

use super::{App, reply::Refusal};
use crate::door::Seat;
use axum::{
    extract::{Request, State},
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

/// Paths that become connections; they are limited as such.
const UPGRADES: [&str; 2] = ["/ws", "/v1/ws"];

/// Adds the [`Visitor`], and refuses REST requests of whoever makes too many.
pub async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        // Only the accept loop calls these routes, and it adds the caller.
        return Refusal::internal().into_response();
    };
    let visitor = find(&app, &caller, &request);
    request.extensions_mut().insert(visitor);
    if !UPGRADES.contains(&request.uri().path())
        && let Err(refused) = app.door.ask(visitor.0.ip())
    {
        return Refusal::from(refused).into_response();
    }
    next.run(request).await
}

fn find(app: &App, caller: &Caller, request: &Request) -> Visitor {
    let (header, peer) = (app.config.forwarded_header, caller.peer.ip());
    if app.door.trusts(peer) {
        let client = header.client(peer.to_canonical(), request.headers(), app.door.trusted());
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
