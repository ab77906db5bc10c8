//! Other settings on a shard: whoever is connected follows them from now on, or has to go.

use super::{MemberId, shard::Shard};
use crate::{
    auth::{Access, Auth},
    client::{authorize, session},
    config::GatewayConfig,
};
use std::{cell::RefCell, rc::Rc, sync::Arc};
use tokio::sync::oneshot;

/// Connections looked at before others get their turn.
const AT_ONCE: usize = 256;

/// Puts the settings in force; answers when every connection follows them.
pub async fn run(
    shard: Rc<RefCell<Shard>>,
    config: Arc<GatewayConfig>,
    auth: Option<Arc<Auth>>,
    done: oneshot::Sender<()>,
) {
    let members = {
        let mut shard = shard.borrow_mut();
        shard.configure(config, auth);
        shard.members()
    };
    // Whoever comes from now on is met by the new settings.
    for some in members.chunks(AT_ONCE) {
        session::pass_over(&shard).await;
        some.iter().for_each(|id| follow(&mut shard.borrow_mut(), *id));
        tokio::task::yield_now().await;
    }
    // Nobody waits for it any more: nothing is lost.
    let _ = done.send(());
}

/// Lets one connection follow. Not while a pass runs.
fn follow(shard: &mut Shard, id: MemberId) {
    let Some(conn) = shard.conn(id).filter(|conn| !conn.is_closing()) else { return };
    conn.set_patience(session::kernel_patience(&shard.config.limits));
    let before = shard.access(id);
    match before.under(shard.auth.as_deref()) {
        Err(close) => shard.close(id, close, None),
        // Its time goes on.
        Ok(Access::Awaited) => {}
        Ok(Access::Open) => shard.admit(id, Access::Open),
        Ok(Access::Granted(grant)) => authorize::narrow(shard, id, grant),
    }
}
