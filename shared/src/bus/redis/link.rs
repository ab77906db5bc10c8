//! A connection that is dialled when it is needed and dropped after any error.

use super::{COMMAND_TIMEOUT, Redis, address::Node, dial::Dialled, fault, scripts::SCRIPTS};
use crate::bus::Error;
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, FromRedisValue, Pipeline, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use std::future::Future;
use tokio::time::timeout;

/// One connection with one call in flight. A call that fails or is cancelled leaves no connection
/// behind, so that no late answer is ever taken for the next call's.
pub(super) struct Link {
    bus: Redis,
    /// On a cluster, which of its nodes.
    node: Option<Node>,
    dialled: Option<Dialled>,
    dials: u64,
}

impl Link {
    /// To a node of a cluster, or to where there is only one.
    pub(super) fn new(bus: Redis, node: Option<Node>) -> Self {
        Self { bus, node, dialled: None, dials: 0 }
    }

    /// Which connection the last call used: another number, another connection.
    pub(super) fn dials(&self) -> u64 {
        self.dials
    }

    /// Whether the next call will use the connection of the last one.
    pub(super) fn is_connected(&self) -> bool {
        self.dialled.as_ref().is_some_and(|dialled| !dialled.lookout.is_over())
    }

    /// Runs script calls in one pipeline and returns their replies; any error reply fails it all.
    /// Scripts that the server does not know are loaded, and those calls sent again.
    pub(super) async fn run(&mut self, calls: &Pipeline) -> Result<Vec<Value>, Error> {
        let replies = self.run_each(calls).await?;
        check(&replies)?;
        Ok(replies)
    }

    /// [`Self::run`] with the error replies among the others.
    pub(super) async fn run_each(&mut self, calls: &Pipeline) -> Result<Vec<Value>, Error> {
        // What the old master took last its successor may not have: the error makes the caller write
        // everything again.
        if self.node.is_none() && self.dialled.take_if(|it| it.lookout.is_over()).is_some() {
            return Err(Error::Link("another server is in charge now".into()));
        }
        let mut dialled = self.connect().await?;
        let replies = bounded(run(&mut dialled.connection, calls)).await?;
        if !replies.iter().any(|reply| matches!(reply, Value::ServerError(_))) {
            self.dialled = Some(dialled);
        }
        Ok(replies)
    }

    /// Runs commands and converts their replies.
    pub(super) async fn query<T: FromRedisValue>(
        &mut self,
        commands: &Pipeline,
    ) -> Result<T, Error> {
        let mut dialled = self.connect().await?;
        let reply = bounded(commands.query_async(&mut dialled.connection)).await?;
        self.dialled = Some(dialled);
        Ok(reply)
    }

    async fn connect(&mut self) -> Result<Dialled, Error> {
        match self.dialled.take() {
            Some(dialled) if !dialled.lookout.is_over() => Ok(dialled),
            _ => {
                self.dials += 1;
                // Rare, and a large future that every caller would carry.
                Box::pin(self.bus.dial(self.node.as_ref(), AsyncConnectionConfig::new())).await
            }
        }
    }
}

/// Makes a connection within [`COMMAND_TIMEOUT`].
pub(super) async fn dial(
    info: ConnectionInfo,
    config: AsyncConnectionConfig,
) -> Result<MultiplexedConnection, Error> {
    let client = Client::open(info).map_err(|error| fault::of_call(&error))?;
    // Time-outs are ours, around whole calls.
    let config = config.set_connection_timeout(None).set_response_timeout(None);
    bounded(client.get_multiplexed_async_connection_with_config(&config)).await
}

/// Waits at most [`COMMAND_TIMEOUT`] for an answer.
pub(super) async fn bounded<T>(call: impl Future<Output = RedisResult<T>>) -> Result<T, Error> {
    match timeout(COMMAND_TIMEOUT, call).await {
        Ok(result) => result.map_err(|error| fault::of_call(&error)),
        Err(_) => Err(Error::Link(format!("no answer within {COMMAND_TIMEOUT:?}"))),
    }
}

async fn run(connection: &mut MultiplexedConnection, calls: &Pipeline) -> RedisResult<Vec<Value>> {
    let mut replies = connection.req_packed_commands(calls, 0, calls.len()).await?;
    if replies.iter().any(is_missed) {
        SCRIPTS.load().exec_async(connection).await?;
        let missed = (0..replies.len()).filter(|&i| is_missed(&replies[i])).collect::<Vec<_>>();
        let again = only_missed(calls, &replies);
        let answers = connection.req_packed_commands(&again, 0, again.len()).await?;
        missed.into_iter().zip(answers).for_each(|(i, answer)| replies[i] = answer);
    }
    Ok(replies)
}

/// The calls that the server did not know the script of.
fn only_missed(calls: &Pipeline, replies: &[Value]) -> Pipeline {
    let mut again = redis::pipe();
    for (call, _) in calls.cmd_iter().zip(replies).filter(|(_, reply)| is_missed(reply)) {
        again.add_command(call.clone());
    }
    again
}

fn is_missed(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if fault::is_unknown_script(error))
}

/// The first error reply: being fenced explains the others, so it goes first.
fn check(replies: &[Value]) -> Result<(), Error> {
    let errors = replies.iter().filter_map(|reply| match reply {
        Value::ServerError(error) => Some(fault::of_reply(error)),
        _ => None,
    });
    errors.min_by_key(|error| !matches!(error, Error::Fenced)).map_or(Ok(()), Err)
}
