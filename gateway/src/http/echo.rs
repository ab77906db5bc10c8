//! `GET /echo`: a WebSocket that sends back what it gets. For test builds only.

use super::{extension, reply::Refusal, upgrade, visitor::Visitor};
use crate::client::echo;
use axum::{
    Extension,
    extract::Request,
    http::header,
    response::{IntoResponse, Response},
};
use hyper::upgrade::OnUpgrade;
use tracing::{debug, error};

/// Upgrades whoever comes, with compression if that is offered, and echoes on a thread of its own.
pub async fn handle(
    Extension(Visitor(peer)): Extension<Visitor>,
    mut request: Request,
) -> Response {
    match upgrade::key(request.headers()) {
        Err(refusal) => refusal.into_response(),
        Ok(key) => {
            let offers = request.headers().get_all(header::SEC_WEBSOCKET_EXTENSIONS).into_iter();
            let extension =
                extension::accept(offers.map(|value| value.to_str().unwrap_or_default()));
            let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
                return Refusal::bad_field("this connection cannot be upgraded".into())
                    .into_response();
            };
            tokio::spawn(hand_over(upgrade, peer, extension.is_some()));
            upgrade::switching_protocols(&key, None, extension)
        }
    }
}

async fn hand_over(upgrade: OnUpgrade, peer: std::net::SocketAddr, deflate: bool) {
    let Some(taken) = upgrade::taken(upgrade, peer).await else { return };
    let serve = move || match echo::serve(taken, peer, deflate) {
        Ok(()) => debug!(%peer, "echo closed"),
        Err(error) => debug!(%peer, %error, "echo ended"),
    };
    if let Err(error) = std::thread::Builder::new().name("echo".into()).spawn(serve) {
        error!(%error, "no thread for an echo");
    }
}
