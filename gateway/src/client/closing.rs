//! The server's side of a close: say why, let the client read it, then let go.

use super::{Conn, conn::Phase};
use crate::wire::encode;
use std::{rc::Rc, time::Duration};
use tickcast_shared::protocol::Close;
use tokio::task::spawn_local;
use tracing::debug;

/// How long a client may take to read the close and to end its side.
const LINGER: Duration = Duration::from_secs(2);

/// Writes the rest of a frame in flight, `closing` and the close frame, and resets the connection
/// if it is still there 2 s later.
pub fn tell(conn: &Rc<Conn>, rest: &[u8], close: Close, reconnect_after_ms: Option<u64>) {
    if conn.phase() == Phase::Closing {
        return;
    }
    debug!(connection = conn.name(), code = close.code(), reason = close.reason(), "closing");
    conn.finish(&[rest, &encode::closing(close, reconnect_after_ms)].concat());
    linger(conn);
}

/// Answers the client's own close.
pub fn answer(conn: &Rc<Conn>, code: Option<u16>) {
    if conn.phase() != Phase::Closing {
        conn.finish(&encode::close_frame(code.unwrap_or(Close::Normal.code()), ""));
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
