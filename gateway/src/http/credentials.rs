//! Who asks: the key or token of a request, wherever it stands, and what it opens.

use super::{App, assets, reply::Refusal, routes};
use crate::auth::{Access, Auth, Denied};
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, request::Parts,
        uri::PathAndQuery,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{borrow::Cow, convert::Infallible};
use tickcast_shared::{protocol::ErrorCode, secret::Secret};
use tracing::debug;
use url::form_urlencoded;

/// Where an API key may stand.
pub const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// What a token is preceded by among the subprotocols that a WebSocket client offers: browsers let
/// pages set no other header.
const SUBPROTOCOL: &str = "tickcast.bearer.";
/// Parameters of the URL that hold a key or a token.
const PARAMETERS: [&str; 2] = ["token", "access_token"];
/// Paths that tell nothing about prices.
const PUBLIC: [&str; 3] = ["/openapi.json", "/asyncapi.json", "/docs"];

/// Lets a request pass with what its key or token opens, or refuses it with 401.
pub async fn check(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(auth) = &app.auth else { return next.run(request).await };
    let secret = take(&mut request);
    match access(auth, secret, request.uri().path()).await {
        Ok(access) => {
            request.extensions_mut().insert(access);
            next.run(request).await
        }
        Err(refusal) => {
            debug!(reason = refusal.message, "request refused");
            app.metrics.refused(refusal.code.as_str());
            refusal.into_response()
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Access {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

async fn access(auth: &Auth, secret: Option<Secret>, path: &str) -> Result<Access, Refusal> {
    let (lasts, is_upgrade) = (routes::becomes_connection(path), routes::UPGRADES.contains(&path));
    let Some(secret) = secret else {
        return match auth.is_required {
            false => Ok(Access::Open),
            true if PUBLIC.contains(&path) || assets::has(path) => Ok(Access::Open),
            true if is_upgrade && auth.allows_first_message => Ok(Access::Awaited),
            true => Err(unauthorized(ErrorCode::Unauthorized, "an API key or a token is needed")),
        };
    };
    let refused = |denied: Denied| unauthorized(denied.code(), denied.message());
    let admitted = match lasts {
        true => auth.admit_connection(secret.expose()).await,
        false => auth.admit(secret.expose()).await,
    };
    admitted.map(Access::Granted).map_err(refused)
}

fn unauthorized(code: ErrorCode, message: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, code, message)
}

/// The request's key or token: the first of `Authorization`, `X-Api-Key`, the subprotocols and the
/// URL that has one. The URL goes on without it, so that nothing behind can tell it to anyone.
fn take(request: &mut Request) -> Option<Secret> {
    let (uri, of_url) = without_secret(request.uri());
    if let Some(uri) = uri {
        *request.uri_mut() = uri;
    }
    let headers = request.headers();
    bearer(headers).or_else(|| api_key(headers)).or_else(|| subprotocol(headers)).or(of_url)
}

/// RFC 6750 section 2.1; other schemes are another's business. Without a token behind it, it is a token
/// that is not good, rather than none: whoever sends it means to show one. So is one that is no text.
fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let value = text(headers.get(header::AUTHORIZATION)?);
    let (scheme, rest) = value.split_once(' ').unwrap_or((&value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(rest.trim()))
}

fn api_key(headers: &HeaderMap) -> Option<Secret> {
    Some(Secret::new(text(headers.get(API_KEY)?).trim()))
}

/// No key and no token has the sign that stands for what is no text.
fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

fn subprotocol(headers: &HeaderMap) -> Option<Secret> {
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offers = values.filter_map(|value| value.to_str().ok()).flat_map(|it| it.split(','));
    offers.find_map(|offer| offer.trim().strip_prefix(SUBPROTOCOL)).map(Secret::new)
}

/// The URL without keys and tokens, if it has any, and the first of them.
fn without_secret(uri: &Uri) -> (Option<Uri>, Option<Secret>) {
    let Some(query) = uri.query() else { return (None, None) };
    let mut found = None;
    let mut kept = Vec::new();
    for part in query.split('&') {
        match form_urlencoded::parse(part.as_bytes()).next() {
            Some((key, value)) if PARAMETERS.contains(&key.as_ref()) => {
                found.get_or_insert(Secret::new(value));
            }
            _ => kept.push(part),
        }
    }
    if found.is_none() {
        return (None, None);
    }
    let path = match kept.is_empty() {
        true => uri.path().to_owned(),
        false => format!("{}?{}", uri.path(), kept.join("&")),
    };
    // Parts of a URL that was well formed are well formed; if not, rather none of it goes on.
    let path = PathAndQuery::try_from(path).unwrap_or_else(|_| PathAndQuery::from_static("/"));
    (Some(Uri::from(path)), found)
}
