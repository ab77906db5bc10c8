//! Why a server closes a connection: the one place for close codes.

/// A reason to close, with its code, text and advice on reconnecting.
///
/// Codes up to 1015 are those of RFC 6455 section 7.4.1; 4000 to 4499 mean "reconnect", 4500 to
/// 4999 "do not, unless something is changed".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Close {
    /// The client closed first; its close is answered.
    Normal,
    /// The server stops for good.
    GoingAway,
    /// The server restarts.
    Restart,
    /// The client broke RFC 6455.
    ProtocolError,
    /// A binary message on a text connection.
    UnexpectedBinary,
    /// Text that is not UTF-8.
    BadUtf8,
    /// A message above the limit.
    TooBig,
    /// A fault of the server.
    Internal,
    /// The server has more to do than it can.
    Overloaded,
    /// The client does not read fast enough.
    SlowConsumer,
    /// Nothing came from the client for three heartbeats.
    HeartbeatTimeout,
    /// The client breaks a rule that RFC 6455 leaves to the server.
    Policy,
    /// The client kept on asking after it was told that it asks too often.
    RateLimited,
    /// The token that the connection was let in with has expired.
    TokenExpired,
    /// No valid token came in time.
    Unauthorized,
}

impl Close {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 15] = [
        Self::Normal,
        Self::GoingAway,
        Self::ProtocolError,
        Self::UnexpectedBinary,
        Self::BadUtf8,
        Self::Policy,
        Self::TooBig,
        Self::Internal,
        Self::Restart,
        Self::Overloaded,
        Self::SlowConsumer,
        Self::HeartbeatTimeout,
        Self::RateLimited,
        Self::TokenExpired,
        Self::Unauthorized,
    ];

    /// The status code of the close frame.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::ProtocolError => 1002,
            Self::UnexpectedBinary => 1003,
            Self::BadUtf8 => 1007,
            Self::Policy => 1008,
            Self::TooBig => 1009,
            Self::Internal => 1011,
            Self::Restart => 1012,
            Self::Overloaded => 1013,
            Self::SlowConsumer => 4000,
            Self::HeartbeatTimeout => 4001,
            Self::RateLimited => 4002,
            Self::TokenExpired => 4003,
            Self::Unauthorized => 4500,
        }
    }

    /// The reason text of the close frame and of the `closing` message.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Normal => "bye",
            Self::GoingAway => "going away",
            Self::ProtocolError => "protocol error",
            Self::UnexpectedBinary => "binary message on a text connection",
            Self::BadUtf8 => "text is not UTF-8",
            Self::TooBig => "message too big",
            Self::Internal => "internal error",
            Self::Restart => "service restart",
            Self::Overloaded => "overloaded",
            Self::SlowConsumer => "slow_consumer",
            Self::HeartbeatTimeout => "heartbeat timeout",
            Self::Policy => "policy",
            Self::RateLimited => "rate_limited",
            Self::TokenExpired => "token_expired",
            Self::Unauthorized => "unauthorized",
        }
    }

    /// A name without spaces, for metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::GoingAway => "going_away",
            Self::Restart => "restart",
            Self::ProtocolError => "protocol_error",
            Self::UnexpectedBinary => "unexpected_binary",
            Self::BadUtf8 => "bad_utf8",
            Self::TooBig => "too_big",
            Self::Internal => "internal",
            Self::Overloaded => "overloaded",
            Self::SlowConsumer => "slow_consumer",
            Self::HeartbeatTimeout => "heartbeat_timeout",
            Self::Policy => "policy",
            Self::RateLimited => "rate_limited",
            Self::TokenExpired => "token_expired",
            Self::Unauthorized => "unauthorized",
        }
    }

    /// Whether a client should come back without being changed.
    #[must_use]
    pub fn reconnect(self) -> bool {
        !matches!(
            self,
            Self::Normal
                | Self::ProtocolError
                | Self::UnexpectedBinary
                | Self::BadUtf8
                | Self::TooBig
                | Self::Policy
                | Self::Unauthorized
        )
    }
}
