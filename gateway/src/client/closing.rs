//! The server's side of a close: say why, let the client read it, then let go.

use super::Conn;
use crate::wire::{Encoding, encode};
use std::{rc::Rc, time::Duration};
use tickcast_shared::protocol::Close;
use tokio::task::spawn_local;
use tracing::debug;

/// How long a client may take to read the close and to end its side.
const LINGER: Duration = Duration::from_secs(2);

/// Writes the rest of a frame in flight, `closing` and the close frame, and resets the connection
/// if it is still there 2 s later.
pub fn tell(
    conn: &Rc<Conn>,
    encoding: Encoding,
    rest: &[u8],
    close: Close,
    reconnect_after_ms: Option<u64>,
) {
    if conn.is_closing() {
        return;
    }
    debug!(connection = conn.name(), code = close.code(), reason = close.reason(), "closing");
    let closing = encode::closing(close, reconnect_after_ms, encoding);
    conn.finish(&[rest, &closing].concat());
    linger(conn);
}

/// Answers the client's own close, behind the rest of a frame in flight.
pub fn answer(conn: &Rc<Conn>, rest: &[u8], code: Option<u16>) {
    if !conn.is_closing() {
        let close = encode::close_frame(code.unwrap_or(Close::Normal.code()), "");
        conn.finish(&[rest, &close].concat());
    }
    linger(conn);
}

fn linger(conn: &Rc<Conn>) {
    let conn = Rc::downgrade(conn);
    spawn_local(async move {
        tokio::time::sleep(LINGER).await;
        if let Some(conn) = conn.upgrade() {
            conn.reset();
        }
    });
}
