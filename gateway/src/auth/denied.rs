//! Why a key or a token does not open the gateway.

use jsonwebtoken::errors::ErrorKind;
use tickcast_shared::protocol::ErrorCode;

/// A reason, the most telling last: what one key says of a token may be known better by another.
/// None of them holds anything of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denied {
    /// Neither a known API key nor a token.
    Unreadable,
    /// No key here checks tokens like it.
    NoKey,
    /// It was not signed with the key that it should be signed with.
    Signature,
    /// It lacks a claim, or has one of the wrong type.
    Claims,
    /// Another issuer's, or for another audience.
    NotForUs,
    /// Its time has not come.
    Early,
    /// It names a plan that is not configured here.
    Plan,
    /// It names topics that are none.
    Topics,
    /// Its time is over.
    Expired,
}

impl Denied {
    /// What a failed check says.
    #[must_use]
    pub fn of(error: &ErrorKind) -> Self {
        match error {
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::Early,
            ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => Self::NotForUs,
            ErrorKind::MissingRequiredClaim(_)
            | ErrorKind::InvalidClaimFormat(_)
            | ErrorKind::Json(_) => Self::Claims,
            ErrorKind::InvalidSignature => Self::Signature,
            _ => Self::Unreadable,
        }
    }

    /// As clients are told it.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Expired => ErrorCode::TokenExpired,
            _ => ErrorCode::Unauthorized,
        }
    }

    /// The same for a human.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Unreadable => "this is no API key and no token that is valid here",
            Self::NoKey => "no key here checks tokens of this algorithm and kid",
            Self::Signature => "the token's signature does not fit",
            Self::Claims => "the token needs exp, iss and aud, and topics as a list of patterns",
            Self::NotForUs => "the token is of another issuer or for another audience",
            Self::Early => "the token is not valid yet",
            Self::Plan => "the token names a plan that is not configured here",
            Self::Topics => "the token names topics that are neither topics nor patterns",
            Self::Expired => "the token has expired",
        }
    }
}
