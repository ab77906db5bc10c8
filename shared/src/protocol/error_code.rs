//! Codes of errors that leave the connection open, and of REST errors.

use schemars::JsonSchema;
use serde::Serialize;

/// A stable, machine-readable name of what was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Not JSON, or not an object.
    BadJson,
    /// No such `op`.
    UnknownOp,
    /// A key that the operation does not have.
    UnknownField,
    /// A key whose value is missing, of the wrong type, out of range or not supported.
    BadField,
    /// Text that cannot be a topic or a pattern.
    BadTopic,
    /// A well-formed topic that no feed has announced.
    UnknownTopic,
    /// More topics than one connection may have.
    TooManyTopics,
    /// Known, and not for this client.
    NotAllowed,
    /// Too many requests.
    RateLimited,
    /// No valid token.
    Unauthorized,
    /// The token has expired.
    TokenExpired,
    /// A message above the limit.
    MessageTooBig,
    /// The gateway has no snapshot yet.
    NotReady,
    /// The gateway has more to do than it can.
    Overloaded,
    /// A fault of the gateway.
    Internal,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::BadJson,
        Self::UnknownOp,
        Self::UnknownField,
        Self::BadField,
        Self::BadTopic,
        Self::UnknownTopic,
        Self::TooManyTopics,
        Self::NotAllowed,
        Self::RateLimited,
        Self::Unauthorized,
        Self::TokenExpired,
        Self::MessageTooBig,
        Self::NotReady,
        Self::Overloaded,
        Self::Internal,
    ];

    /// The code as it is written on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadJson => "bad_json",
            Self::UnknownOp => "unknown_op",
            Self::UnknownField => "unknown_field",
            Self::BadField => "bad_field",
            Self::BadTopic => "bad_topic",
            Self::UnknownTopic => "unknown_topic",
            Self::TooManyTopics => "too_many_topics",
            Self::NotAllowed => "not_allowed",
            Self::RateLimited => "rate_limited",
            Self::Unauthorized => "unauthorized",
            Self::TokenExpired => "token_expired",
            Self::MessageTooBig => "message_too_big",
            Self::NotReady => "not_ready",
            Self::Overloaded => "overloaded",
            Self::Internal => "internal",
        }
    }
}
