//! A connection that is dialled when it is needed and dropped after any error.

use super::{COMMAND_TIMEOUT, Redis, fault, scripts::SCRIPTS};
use crate::bus::Error;
use redis::{
    AsyncConnectionConfig, FromRedisValue, Pipeline, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use std::future::Future;
use tokio::time::timeout;

/// One connection with one call in flight. A call that fails or is cancelled leaves no connection
/// behind, so that no late answer is ever taken for the next call's.
pub(super) struct Link {
    bus: Redis,
    connection: Option<MultiplexedConnection>,
    dials: u64,
}

impl Link {
    pub(super) fn new(bus: Redis) -> Self {
        Self { bus, connection: None, dials: 0 }
    }

    /// Which connection the last call used: another number, another connection.
    pub(super) fn dials(&self) -> u64 {
        self.dials
    }

    /// Whether the next call will use the connection of the last one.
    pub(super) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Runs script calls in one pipeline and returns their replies; any error reply fails it all.
    /// Scripts that the server does not know are loaded, and those calls sent again.
    pub(super) async fn run(&mut self, calls: &Pipeline) -> Result<Vec<Value>, Error> {
        let mut connection = self.connect().await?;
        let replies = bounded(run(&mut connection, calls)).await?;
        check(&replies)?;
        self.connection = Some(connection);
        Ok(replies)
    }

    /// Runs commands and converts their replies.
    pub(super) async fn query<T: FromRedisValue>(
        &mut self,
        commands: &Pipeline,
    ) -> Result<T, Error> {
        let mut connection = self.connect().await?;
        let reply = bounded(commands.query_async(&mut connection)).await?;
        self.connection = Some(connection);
        Ok(reply)
    }

    async fn connect(&mut self) -> Result<MultiplexedConnection, Error> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        self.dials += 1;
        self.bus.dial(AsyncConnectionConfig::new()).await
    }
}

impl Redis {
    /// Makes a connection within [`COMMAND_TIMEOUT`].
    pub(super) async fn dial(
        &self,
        config: AsyncConnectionConfig,
    ) -> Result<MultiplexedConnection, Error> {
        // Time-outs are ours, around whole calls.
        let config = config.set_connection_timeout(None).set_response_timeout(None);
        bounded(self.0.client.get_multiplexed_async_connection_with_config(&config)).await
    }
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
