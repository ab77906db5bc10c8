//! The public routes and what stands around them.

use super::{
    App, assets, credentials, docs, klines, reply::Refusal, rest, stream, upgrade, visitor,
};
use crate::{GatewayConfig, spec::PATHS};
use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use std::time::Duration;
use tickcast_shared::protocol::ErrorCode;
use tokio::time::timeout;
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowOrigin, CorsLayer},
    set_header::SetResponseHeaderLayer,
};

/// No answer is computed for longer; all of them come from memory.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Paths that become WebSockets: a token may come later.
pub const UPGRADES: [&str; 2] = ["/ws", "/v1/ws"];
/// The path of server-sent events.
const STREAM: &str = "/v1/stream";

/// Whether a path becomes a connection, and is limited as such.
#[must_use]
pub fn becomes_connection(path: &str) -> bool {
    path == STREAM || UPGRADES.contains(&path)
}

/// All public paths.
pub fn build(app: App) -> Router {
    let no_store = SetResponseHeaderLayer::if_not_present(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    );
    let origins = cors(&app.config);
    Router::new()
        .merge(assets::routes())
        .merge(UPGRADES.iter().fold(Router::new(), |it, path| it.route(path, get(upgrade::handle))))
        .route("/v1/price/{symbol}", get(rest::price))
        .route("/v1/prices", get(rest::prices))
        .route("/v1/topics", get(rest::topics))
        .route("/v1/symbols", get(rest::symbols))
        .route("/v1/klines/{symbol}", get(klines::klines))
        .route("/v1/exchanges", get(rest::exchanges))
        .route(STREAM, get(stream::handle))
        .route("/openapi.json", get(docs::openapi))
        .route("/asyncapi.json", get(docs::asyncapi))
        .merge(of_test_builds())
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), credentials::check))
        .layer(from_fn_with_state(app.clone(), visitor::identify))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Refusal::internal().into_response()
        }))
        .layer(from_fn(in_time))
        // Refusals need these as well: a page could not read them otherwise.
        .layer(no_store)
        .layer(origins)
        .with_state(app)
}

/// Paths that no release has.
fn of_test_builds() -> Router<App> {
    #[cfg(feature = "testing")]
    return Router::new()
        .route("/echo", get(super::echo::handle))
        .route("/testing/panic", get(async || -> () { panic!("a client asked") }))
        .route("/testing/never", get(std::future::pending::<()>));
    #[cfg(not(feature = "testing"))]
    Router::new()
}

fn cors(config: &GatewayConfig) -> CorsLayer {
    let allowed = if config.allows_all_origins() {
        AllowOrigin::any()
    } else {
        let origins = config.allowed_origins.iter().flatten();
        AllowOrigin::list(origins.filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    let layer = CorsLayer::new().allow_methods([Method::GET]).allow_origin(allowed);
    match config.auth.is_configured() {
        true => layer.allow_headers([header::AUTHORIZATION, credentials::API_KEY]),
        false => layer,
    }
}

/// Gives up an answer that takes too long.
async fn in_time(request: Request, next: Next) -> Response {
    let answered = timeout(ANSWER_TIMEOUT, next.run(request)).await;
    answered.unwrap_or_else(|_| Refusal::overloaded().into_response())
}

async fn unknown_path() -> Refusal {
    let paths = PATHS.map(|it| it.path).join(", ");
    let message = format!("no such path; there are /ws, {paths}; /docs tells more");
    Refusal::new(StatusCode::NOT_FOUND, ErrorCode::BadField, message)
}

async fn wrong_method() -> Refusal {
    let message = "only GET is served here";
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadField, message)
}
