//! What Redis' errors mean to a user of the bus.

use super::tls;
use crate::bus::Error;
use redis::{ErrorKind, RedisError, ServerError, ServerErrorKind};

/// Codes with which a server that is there refuses to serve for now.
const REFUSALS: [&str; 12] = [
    "OOM",
    "READONLY",
    "NOREPLICAS",
    "MISCONF",
    "MASTERDOWN",
    "LOADING",
    "BUSY",
    "NOAUTH",
    "WRONGPASS",
    "NOPERM",
    "TRYAGAIN",
    "CLUSTERDOWN",
];
/// Codes with which a node of a cluster answers a client that takes it for a single server. Those
/// who know the cluster follow them.
const CLUSTER: [&str; 3] = ["MOVED", "ASK", "CROSSSLOT"];

/// The meaning of a failed call.
pub(super) fn of_call(error: &RedisError) -> Error {
    match error.kind() {
        // An aborted transaction names the refusals of its commands.
        ErrorKind::Server(ServerErrorKind::ExecAbort) if error.to_string().contains("OOM") => {
            Error::Refused("OOM command not allowed in a transaction".to_owned())
        }
        ErrorKind::Io => Error::Link(advised(error.to_string())),
        ErrorKind::AuthenticationFailed => Error::Refused(error.to_string()),
        ErrorKind::RESP3NotSupported => too_old(&error.to_string()),
        ErrorKind::Server(_) | ErrorKind::Extension => {
            let code = error.code().unwrap_or_default();
            of_code(code, spoken(code, error.detail()))
        }
        _ => Error::Unusable(error.to_string()),
    }
}

/// What went wrong with a connection and, where TLS is at fault, what to do about it.
fn advised(error: String) -> String {
    match tls::advice(&error) {
        Some(advice) => format!("{error}; {advice}"),
        None => error,
    }
}

/// The meaning of an error reply.
pub(super) fn of_reply(error: &ServerError) -> Error {
    of_code(error.code(), spoken(error.code(), error.details()))
}

/// The error as the server wrote it.
fn spoken(code: &str, details: Option<&str>) -> String {
    match details {
        Some(details) => format!("{code} {details}"),
        None => code.to_owned(),
    }
}

/// Whether a transaction was refused because the server is out of memory: it refuses to queue even
/// reading commands then.
pub(super) fn is_out_of_memory(error: &Error) -> bool {
    matches!(error, Error::Refused(text) if text.starts_with("OOM"))
}

/// Whether the server does not know a script yet.
pub(super) fn is_unknown_script(error: &ServerError) -> bool {
    error.code() == "NOSCRIPT"
}

/// What a node of a cluster says about a call that it has not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Redirect {
    /// Another node has the slot, at that `host:port`.
    Moved(String),
    /// The slot is on its way from one node to another.
    Moving,
}

/// Where a call belongs that came to the wrong node.
pub(super) fn redirect(error: &ServerError) -> Option<Redirect> {
    match error.code() {
        "MOVED" => {
            let to = error.details()?.split_ascii_whitespace().nth(1)?;
            Some(Redirect::Moved(to.to_owned()))
        }
        "ASK" | "TRYAGAIN" => Some(Redirect::Moving),
        _ => None,
    }
}

fn of_code(code: &str, text: String) -> Error {
    match code {
        "FENCED" => Error::Fenced,
        _ if REFUSALS.contains(&code) => Error::Refused(text),
        _ if CLUSTER.contains(&code) => Error::Unusable(format!(
            "another node of the cluster has this slot (a cluster is named by redis+cluster://): {text}"
        )),
        _ if text.contains("compiling script") || text.contains("HELLO") => too_old(&text),
        _ => Error::Unusable(text),
    }
}

fn too_old(text: &str) -> Error {
    Error::Unusable(format!("Redis 7 or Valkey is needed: {text}"))
}
