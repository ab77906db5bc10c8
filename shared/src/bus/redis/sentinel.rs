//! A master that is found through its sentinels, and left when they name another.

use super::{
    address::Node,
    dial::Dialled,
    link::{bounded, dial},
    lookout::Lookout,
    witnesses::Witnesses,
};
use crate::bus::Error;
use futures_util::{StreamExt, stream::FuturesUnordered};
use redis::{
    AsyncConnectionConfig, ConnectionInfo, Pipeline, Value, aio::MultiplexedConnection,
    from_redis_value,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How often the sentinels are asked whether a connection still leads to the master: a small part
/// of a failover's time, for a few hundred bytes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// For how long a sentinel is not believed that tells of an older configuration than another did:
/// they tell each other every 2 s (Sentinel's documentation, "Sentinels and replicas auto
/// discovery"). Past it the sentinels may have been set up anew, with numbers that start again.
const REMEMBERED_FOR: Duration = Duration::from_secs(30);

/// The sentinels of one master.
pub(super) struct Sentinels {
    pub sentinels: Vec<Node>,
    /// How they are spoken to.
    pub witness: ConnectionInfo,
    /// The master's name.
    pub name: String,
    /// How the master is spoken to.
    pub master: Box<ConnectionInfo>,
    /// Connections to the sentinels.
    pub witnesses: Witnesses,
    /// The newest answer, and when it was last heard.
    pub newest: Mutex<Option<(Answer, Instant)>>,
}

/// Who is master by which configuration; the larger number is the newer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    epoch: u64,
    node: Node,
}

impl Sentinels {
    /// A connection to the server that the sentinels name, if it takes itself for a master as well.
    pub(super) async fn dial(
        self: &Arc<Self>,
        config: AsyncConnectionConfig,
    ) -> Result<Dialled, Error> {
        let node = self.master().await?;
        let mut connection = dial(node.like(&self.master), config).await?;
        check_role(&mut connection, &node).await?;
        let lookout = Lookout::until(self.clone().name_another(node));
        Ok(Dialled { connection, lookout })
    }

    /// Returns when the master is another. Sentinels that do not answer name nobody.
    async fn name_another(self: Arc<Self>, node: Node) {
        loop {
            sleep(LOOK_EVERY).await;
            if self.master().await.is_ok_and(|named| named != node) {
                return;
            }
        }
    }

    /// The master's address by the newest configuration that a majority of the sentinels, or all
    /// that answer, know of. One that was cut off with an old master tells of an older one.
    async fn master(&self) -> Result<Node, Error> {
        let question = question(&self.name);
        let asked = self.sentinels.iter().map(|sentinel| self.ask(sentinel, &question));
        let mut asked: FuturesUnordered<_> = asked.collect();
        let majority = self.sentinels.len() / 2 + 1;
        let (mut answers, mut failure) = (Vec::new(), None);
        while answers.len() < majority
            && let Some(result) = asked.next().await
        {
            match result {
                Ok(answer) => answers.push(answer),
                // What a sentinel has to say for itself explains more than another's silence.
                Err(error) if !matches!(error, Error::Link(_)) => failure = Some(error),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match answers.into_iter().max_by_key(|answer| answer.epoch) {
            Some(answer) => Ok(self.believe(answer, Instant::now())),
            None => Err(failure.unwrap_or_else(|| Error::Unusable("no sentinel is named".into()))),
        }
    }

    async fn ask(&self, sentinel: &Node, question: &Pipeline) -> Result<Answer, Error> {
        match self.witnesses.ask(sentinel, &self.witness, question).await {
            Ok(replies) => answer(&self.name, replies),
            Err(Error::Link(why)) => Err(Error::Link(format!("no sentinel answers: {why}"))),
            Err(error) => Err(error),
        }
    }

    /// The newer of this answer and the newest that was heard a short while ago.
    fn believe(&self, answer: Answer, now: Instant) -> Node {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        match &*newest {
            Some((newer, heard))
                if newer.epoch > answer.epoch && now.duration_since(*heard) < REMEMBERED_FOR =>
            {
                newer.node.clone()
            }
            _ => {
                let node = answer.node.clone();
                *newest = Some((answer, now));
                node
            }
        }
    }
}

/// During a failover only the first of these names the new master, and only the second tells the
/// number of its configuration.
fn question(name: &str) -> Pipeline {
    let mut question = redis::pipe();
    question.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    question.cmd("SENTINEL").arg("MASTER").arg(name);
    question
}

fn answer(name: &str, replies: Vec<Value>) -> Result<Answer, Error> {
    let mut replies = replies.into_iter();
    let address = replies.next().unwrap_or(Value::Nil).extract_error();
    let address = address.map_err(|error| super::fault::of_call(&error))?;
    let address: Option<(String, u16)> = from_redis_value(address)
        .map_err(|error| Error::Unusable(format!("a sentinel's answer: {error}")))?;
    let Some((host, port)) = address else {
        return Err(Error::Unusable(format!("the sentinels know no master called {name:?}")));
    };
    let fields: HashMap<String, String> =
        replies.next().and_then(|fields| from_redis_value(fields).ok()).unwrap_or_default();
    let epoch = fields.get("config-epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
    Ok(Answer { epoch, node: Node { host, port } })
}

/// A server that is not a master, or no longer, must not be used: what is written there is lost.
async fn check_role(connection: &mut MultiplexedConnection, node: &Node) -> Result<(), Error> {
    let role: Vec<Value> = bounded(redis::cmd("ROLE").query_async(connection)).await?;
    let role: Option<String> = role.into_iter().next().and_then(|it| from_redis_value(it).ok());
    match role.as_deref() {
        Some("master") => Ok(()),
        role => Err(Error::Link(format!(
            "{node} is to be the master and is a {}; waiting for the sentinels",
            role.unwrap_or("stranger")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(epoch: u64, port: u16) -> Answer {
        Answer { epoch, node: Node { host: "h".into(), port } }
    }

    #[test]
    fn a_sentinel_that_was_cut_off_is_not_believed_for_a_while() {
        let super::super::address::Address::Sentinels { sentinels, witness, name, master } =
            super::super::address::Address::parse("redis+sentinel://a:1/main").unwrap()
        else {
            panic!("no sentinels")
        };
        let (witnesses, newest) = (Witnesses::default(), Mutex::default());
        let it = Sentinels { sentinels, witness, name, master, witnesses, newest };
        let start = Instant::now();
        assert_eq!(it.believe(named(3, 1), start).port, 1);
        assert_eq!(it.believe(named(4, 2), start).port, 2, "a failover");
        assert_eq!(it.believe(named(3, 1), start + REMEMBERED_FOR / 2).port, 2, "older news");
        assert_eq!(it.believe(named(4, 2), start + REMEMBERED_FOR).port, 2);
        let later = start + 2 * REMEMBERED_FOR;
        assert_eq!(it.believe(named(1, 5), later).port, 5, "sentinels set up anew");
    }

    #[test]
    fn an_unknown_name_is_told() {
        let error = answer("main", vec![Value::Nil, Value::Nil]).unwrap_err();
        assert!(error.to_string().contains("\"main\""), "{error}");
    }
}
