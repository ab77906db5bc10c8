//! Errors before the upgrade and of REST: a status and `{"error":{"code":...,"message":...}}`.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tickcast_shared::{market::Topic, protocol::ErrorCode};

/// How long a client should wait for the first snapshot, in seconds: a bus that is there delivers
/// it within that time.
const NOT_READY_RETRY_SECS: &str = "1";

/// A refusal.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// What kind of mistake.
    pub code: ErrorCode,
    /// What to change, for a human.
    pub message: String,
}

impl Refusal {
    /// 400 for a query that cannot be served.
    #[must_use]
    pub fn bad_field(message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: ErrorCode::BadField, message }
    }

    /// 400 for a key that the path does not have.
    #[must_use]
    pub fn unknown_field(message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: ErrorCode::UnknownField, message }
    }

    /// 400 for text that cannot be a topic.
    #[must_use]
    pub fn bad_topic(message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: ErrorCode::BadTopic, message }
    }

    /// 404 for a topic that no feed has announced.
    #[must_use]
    pub fn unknown_topic(message: String) -> Self {
        Self { status: StatusCode::NOT_FOUND, code: ErrorCode::UnknownTopic, message }
    }

    /// 403 for what the client's key or token does not open.
    #[must_use]
    pub fn not_allowed(topic: &Topic) -> Self {
        let message = format!("your key or token does not open {topic}");
        Self { status: StatusCode::FORBIDDEN, code: ErrorCode::NotAllowed, message }
    }

    /// 503 before the first snapshot.
    #[must_use]
    pub fn not_ready() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: ErrorCode::NotReady,
            message: "this gateway has no prices yet; it is waiting for the bus".into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"error": {"code": self.code, "message": self.message}});
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let wait = HeaderValue::from_static(NOT_READY_RETRY_SECS);
            response.headers_mut().insert(header::RETRY_AFTER, wait);
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
