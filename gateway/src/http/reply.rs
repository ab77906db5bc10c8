//! Errors before the upgrade and of REST: a status and `{"error":{"code":...,"message":...}}`.

use super::answers::{Explained, Mistake};
use crate::door::Refused;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::time::Duration;
use tickcast_shared::{market::Topic, protocol::ErrorCode};

/// How long a client should wait where nothing better is known, such as for the first snapshot: a
/// bus that is there delivers it within that time.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A refusal.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// What kind of mistake.
    pub code: ErrorCode,
    /// What to change, for a human.
    pub message: String,
    /// When to try again, where that may help.
    pub retry_after: Option<Duration>,
}

impl From<Refused> for Refusal {
    fn from(Refused { cause, retry_after }: Refused) -> Self {
        let (status, code, message) = (cause.status(), cause.code(), cause.message().into());
        Self { status, code, message, retry_after: Some(retry_after) }
    }
}

impl Refusal {
    /// A refusal that waiting does not change.
    #[must_use]
    pub fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    /// 500: a fault of the server.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal, "internal error")
    }

    /// 400 for a query that cannot be served.
    #[must_use]
    pub fn bad_field(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadField, message)
    }

    /// 400 for a key that the path does not have.
    #[must_use]
    pub fn unknown_field(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::UnknownField, message)
    }

    /// 400 for text that cannot be a topic.
    #[must_use]
    pub fn bad_topic(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadTopic, message)
    }

    /// 404 for a topic that no feed has announced.
    #[must_use]
    pub fn unknown_topic(message: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorCode::UnknownTopic, message)
    }

    /// 403 for what the client's key or token does not open.
    #[must_use]
    pub fn not_allowed(topic: &Topic) -> Self {
        let message = format!("your key or token does not open {topic}");
        Self::new(StatusCode::FORBIDDEN, ErrorCode::NotAllowed, message)
    }

    /// 503 while past bars cannot be read.
    #[must_use]
    pub fn bars_unreachable() -> Self {
        let message = "past bars cannot be read now: the bus is out of reach";
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::NotReady, message);
        Self { retry_after: Some(RETRY_AFTER), ..refusal }
    }

    /// 503 when an answer takes too long.
    #[must_use]
    pub fn overloaded() -> Self {
        let message = "this gateway has more to do than it can";
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Overloaded, message);
        Self { retry_after: Some(RETRY_AFTER), ..refusal }
    }

    /// 503 before the first snapshot.
    #[must_use]
    pub fn not_ready() -> Self {
        let message = "this gateway has no prices yet; it is waiting for the bus";
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::NotReady, message);
        Self { retry_after: Some(RETRY_AFTER), ..refusal }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Mistake { error: Explained { code: self.code, message: self.message } };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(wait) = self.retry_after {
            // Whole seconds (RFC 9110 section 10.2.3), and never too early.
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            let seconds = HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        if self.status == StatusCode::UPGRADE_REQUIRED {
            let version = HeaderValue::from_static("13");
            response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, version);
        }
        response
    }
}
