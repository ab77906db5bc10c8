//! Which node of a cluster has which shard.

pub(super) mod view;

use super::{address::Node, keys::Place, witnesses::Witnesses};
use crate::bus::Error;
use rand::seq::SliceRandom;
use redis::{ConnectionInfo, Value, from_redis_value};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use view::Owners;

/// How often a node is asked whether a connection still leads where its shard is; a subscriber whose
/// node was cut off from the others hears nothing otherwise.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A cluster as far as it is known. Nodes are asked in random order, so that none that is wrong or
/// gone is asked for ever.
pub(super) struct Cluster {
    seeds: Vec<Node>,
    /// How all nodes are spoken to.
    pub template: ConnectionInfo,
    owners: Mutex<Owners>,
    /// When the nodes were last asked, and what came of it. Held while asking, so that many who
    /// want to know ask once.
    asked: tokio::sync::Mutex<Option<(Instant, Result<(), Error>)>>,
    witnesses: Witnesses,
}

impl Cluster {
    pub(super) fn new(seeds: Vec<Node>, template: ConnectionInfo) -> Self {
        Self {
            seeds,
            template,
            owners: Mutex::default(),
            asked: tokio::sync::Mutex::default(),
            witnesses: Witnesses::default(),
        }
    }

    /// The node that has a place.
    pub(super) async fn owner(&self, place: Place) -> Result<Node, Error> {
        if let Some(node) = self.owners().certain(place) {
            return Ok(node);
        }
        // Rare, and a large future that every caller would carry.
        Box::pin(self.learn(Instant::now())).await?;
        let known = self.owners().certain(place);
        known.ok_or_else(|| {
            Error::Refused(format!("no node of the cluster serves slot {}", place.slot()))
        })
    }

    /// What is known of a place has turned out wrong, or may be.
    pub(super) fn doubt(&self, place: Place) {
        self.owners().doubt(place);
    }

    /// A node said where a place is now, as `host:port`; without a host it is on the same one.
    pub(super) fn moved(&self, place: Place, from: &Node, to: &str) {
        match view::address(to, &from.host) {
            Some(node) => self.owners().moved(place, node),
            None => self.owners().doubt(place),
        }
    }

    /// Returns when a place is no longer on that node.
    pub(super) async fn has_moved(self: Arc<Self>, place: Place, node: Node) {
        loop {
            sleep(LOOK_EVERY).await;
            // Whoever looks first within a round asks for all.
            let _ = self.learn(Instant::now() - LOOK_EVERY / 2).await;
            if self.owners().certain(place).is_some_and(|owner| owner != node) {
                return;
            }
        }
    }

    /// Asks the nodes, unless that was done since.
    async fn learn(&self, since: Instant) -> Result<(), Error> {
        let mut asked = self.asked.lock().await;
        if let Some((at, result)) = &*asked
            && *at >= since
        {
            return result.clone();
        }
        let at = Instant::now();
        let result = self.ask_any().await;
        *asked = Some((at, result.clone()));
        result
    }

    async fn ask_any(&self) -> Result<(), Error> {
        let (text, asked, by_name) = self.describe().await?;
        self.owners().learn(view::read(&text, &asked, by_name));
        Ok(())
    }

    /// What the first node that answers says of all: the text of `CLUSTER NODES`, the host that was
    /// asked, and whether nodes go by their names.
    pub(super) async fn describe(&self) -> Result<(String, String, bool), Error> {
        let mut nodes = self.owners().nodes();
        nodes.extend(
            self.seeds.iter().filter(|seed| !nodes.contains(seed)).cloned().collect::<Vec<_>>(),
        );
        nodes.shuffle(&mut rand::rng());
        let mut failure = Error::Unusable("no node of the cluster is named".into());
        for node in nodes {
            match self.ask(&node).await {
                Ok(text) => {
                    let of_tls =
                        matches!(self.template.addr(), redis::ConnectionAddr::TcpTls { .. });
                    return Ok((text, node.host, of_tls));
                }
                Err(Error::Link(why)) => {
                    failure = Error::Link(format!("no node of the cluster answers: {why}"));
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn ask(&self, node: &Node) -> Result<String, Error> {
        let mut question = redis::pipe();
        question.cmd("CLUSTER").arg("NODES");
        let replies = self.witnesses.ask(node, &self.template, &question).await?;
        let reply = replies.into_iter().next().unwrap_or(Value::Nil);
        let reply = reply.extract_error().map_err(|error| super::fault::of_call(&error))?;
        from_redis_value(reply)
            .map_err(|error| Error::Unusable(format!("CLUSTER NODES of {node}: {error}")))
    }

    fn owners(&self) -> MutexGuard<'_, Owners> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
