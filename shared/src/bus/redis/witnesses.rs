//! Servers that are asked where others are: sentinels, and nodes of a cluster.

use super::{
    address::Node,
    link::{bounded, dial},
};
use crate::bus::Error;
use redis::{
    AsyncConnectionConfig, ConnectionInfo, Pipeline, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Keeps a connection to each as long as it answers. A question that fails or is cancelled leaves no
/// connection behind.
#[derive(Default)]
pub(super) struct Witnesses {
    idle: Mutex<HashMap<Node, MultiplexedConnection>>,
}

impl Witnesses {
    /// Asks one of them, spoken to like `template`, within twice the command time-out; error replies come as values.
    pub(super) async fn ask(
        &self,
        node: &Node,
        template: &ConnectionInfo,
        question: &Pipeline,
    ) -> Result<Vec<Value>, Error> {
        let idle = self.idle().remove(node);
        let mut connection = match idle {
            Some(connection) => connection,
            None => dial(node.like(template), AsyncConnectionConfig::new()).await?,
        };
        let answer = bounded(connection.req_packed_commands(question, 0, question.len())).await?;
        self.idle().insert(node.clone(), connection);
        Ok(answer)
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<Node, MultiplexedConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
