//! Calls to where their keys are: one connection for everything, or one for each master of a cluster.

use super::{
    COMMAND_TIMEOUT, Redis,
    address::Node,
    fault::{self, Redirect},
    keys::Place,
    link::Link,
};
use crate::bus::Error;
use futures_util::future::join_all;
use redis::{Cmd, FromRedisValue, Pipeline, Value};
use std::{collections::HashMap, time::Duration};
use tokio::time::{Instant, sleep};

/// Wait before a call is repeated whose slot is on its way to another node; a slot of ours takes
/// some milliseconds.
const WHILE_MOVING: Duration = Duration::from_millis(20);

/// A script call and where it belongs.
pub(super) type Call = (Place, Cmd);

/// The connections of one caller.
pub(super) struct Nodes {
    bus: Redis,
    links: HashMap<Option<Node>, Link>,
}

/// Calls by their positions, in order, that go to one node.
type Share = Vec<usize>;

impl Nodes {
    pub(super) fn new(bus: Redis) -> Self {
        Self { bus, links: HashMap::new() }
    }

    /// Reads what a place has. A connection that lay idle may be dead, and a cluster's slot elsewhere:
    /// then it is read again.
    pub(super) async fn read<T: FromRedisValue>(
        &mut self,
        place: Place,
        commands: &Pipeline,
    ) -> Result<T, Error> {
        let link = self.link(place).await?;
        let may_be_dead = link.is_connected();
        match link.query(commands).await {
            Err(error) => {
                self.bus.doubt(place);
                let again = (may_be_dead && matches!(error, Error::Link(_)))
                    || (self.bus.cluster().is_some() && matches!(error, Error::Unusable(_)));
                if again { self.link(place).await?.query(commands).await } else { Err(error) }
            }
            read => read,
        }
    }

    /// The connection to a place.
    pub(super) async fn link(&mut self, place: Place) -> Result<&mut Link, Error> {
        let node = self.bus.node_of(place).await?;
        let Self { bus, links } = self;
        Ok(links.entry(node.clone()).or_insert_with(|| Link::new(bus.clone(), node)))
    }

    /// Runs calls on the one server; any error reply fails them all.
    pub(super) async fn run_together(&mut self, calls: Vec<Call>) -> Result<Vec<Value>, Error> {
        let mut pipeline = redis::pipe();
        for (_, call) in calls {
            pipeline.add_command(call);
        }
        self.link(Place::Control).await?.run(&pipeline).await
    }

    /// Runs calls on a cluster, each where its place is, those of a place in order. Each has an answer
    /// of its own. Calls that came to the wrong node are sent to the right one, and those of a slot
    /// that is on its way once it has arrived, within the command time-out.
    pub(super) async fn run_apart(&mut self, calls: &[Call]) -> Vec<Result<Value, Error>> {
        let until = Instant::now() + COMMAND_TIMEOUT;
        let mut results: Vec<Option<Result<Value, Error>>> = vec![None; calls.len()];
        let mut open: Vec<usize> = (0..calls.len()).collect();
        let mut attempts = 0;
        while !open.is_empty() {
            let is_last = Instant::now() >= until;
            attempts += 1;
            let (shares, lost) = self.share_out(calls, &open).await;
            lost.into_iter().for_each(|(at, error)| results[at] = Some(Err(error)));
            // Whoever is sent on twice is among nodes that have not agreed yet.
            let mut is_moving = attempts > 1;
            for (node, share, replies) in self.send(calls, shares).await {
                for (at, redirect) in take_in(&share, replies, &mut results) {
                    let place = calls[at].0;
                    match redirect {
                        Redirect::Moved(to) => self.note_moved(place, &node, &to),
                        Redirect::Moving => is_moving = true,
                    }
                }
            }
            open.retain(|&at| results[at].is_none());
            refuse_overtaken(calls, &mut open, &mut results);
            if is_last {
                let refused = || Error::Refused("the slot is on its way between two nodes".into());
                open.drain(..).for_each(|at| results[at] = Some(Err(refused())));
            } else if is_moving {
                sleep(WHILE_MOVING).await;
            }
        }
        for (at, result) in results.iter().enumerate() {
            if matches!(result, Some(Err(error)) if !matches!(error, Error::Fenced)) {
                self.bus.doubt(calls[at].0);
            }
        }
        let none = || Err(Error::Unusable("a call had no answer".into()));
        results.into_iter().map(|result| result.unwrap_or_else(none)).collect()
    }

    /// Which calls go to which node, and those for which there is none.
    async fn share_out(
        &self,
        calls: &[Call],
        open: &[usize],
    ) -> (HashMap<Option<Node>, Share>, Vec<(usize, Error)>) {
        let mut shares: HashMap<Option<Node>, Share> = HashMap::new();
        let mut lost = Vec::new();
        for &at in open {
            match self.bus.node_of(calls[at].0).await {
                Ok(node) => shares.entry(node).or_default().push(at),
                Err(error) => lost.push((at, error)),
            }
        }
        (shares, lost)
    }

    /// Sends every node its share, all at once. Connections are in use meanwhile, so that none is
    /// left behind when this is cancelled.
    async fn send(
        &mut self,
        calls: &[Call],
        shares: HashMap<Option<Node>, Share>,
    ) -> Vec<(Option<Node>, Share, Result<Vec<Value>, Error>)> {
        let sent = shares.into_iter().map(|(node, share)| {
            let link = self.links.remove(&node);
            let mut link = link.unwrap_or_else(|| Link::new(self.bus.clone(), node.clone()));
            let mut pipeline = redis::pipe();
            for &at in &share {
                pipeline.add_command(calls[at].1.clone());
            }
            async move {
                let replies = link.run_each(&pipeline).await;
                (node, share, replies, link)
            }
        });
        let mut answered = Vec::new();
        for (node, share, replies, link) in join_all(sent.collect::<Vec<_>>()).await {
            self.links.insert(node.clone(), link);
            answered.push((node, share, replies));
        }
        answered
    }

    fn note_moved(&self, place: Place, from: &Option<Node>, to: &str) {
        if let (Some(cluster), Some(from)) = (self.bus.cluster(), from) {
            cluster.moved(place, from, to);
        }
    }
}

/// Puts a node's replies where they belong; returns the calls that it did not run.
fn take_in(
    share: &[usize],
    replies: Result<Vec<Value>, Error>,
    results: &mut [Option<Result<Value, Error>>],
) -> Vec<(usize, Redirect)> {
    let replies = match replies {
        Ok(replies) => replies,
        Err(error) => {
            share.iter().for_each(|&at| results[at] = Some(Err(error.clone())));
            return Vec::new();
        }
    };
    let mut redirected = Vec::new();
    for (&at, reply) in share.iter().zip(replies) {
        match &reply {
            Value::ServerError(error) => match fault::redirect(error) {
                Some(redirect) => redirected.push((at, redirect)),
                None => results[at] = Some(Err(fault::of_reply(error))),
            },
            _ => results[at] = Some(Ok(reply)),
        }
    }
    redirected
}

/// A call must not be repeated once a later one of its place has run.
fn refuse_overtaken(
    calls: &[Call],
    open: &mut Vec<usize>,
    results: &mut [Option<Result<Value, Error>>],
) {
    open.retain(|&at| {
        let place = calls[at].0;
        let later = (at + 1)..calls.len();
        let overtaken = later.into_iter().any(|it| calls[it].0 == place && results[it].is_some());
        if overtaken {
            let why = "its slot was on its way while others of it were written";
            results[at] = Some(Err(Error::Refused(why.into())));
        }
        !overtaken
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::ShardId;

    #[test]
    fn an_overtaken_call_is_not_repeated() {
        let place = |number| Place::Shard(ShardId::new(number).unwrap());
        let calls: Vec<Call> =
            [1, 2, 1, 2].map(|number| (place(number), redis::cmd("X"))).into_iter().collect();
        let mut results = vec![None, None, Some(Ok(Value::Nil)), None];
        let mut open = vec![0, 1, 3];
        refuse_overtaken(&calls, &mut open, &mut results);
        assert_eq!(open, [1, 3]);
        assert!(matches!(results[0], Some(Err(Error::Refused(_)))));
    }
}
