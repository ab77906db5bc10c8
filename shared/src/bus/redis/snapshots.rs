//! Takes the snapshots that the reader asks for, on connections of its own.

use super::{
    Redis,
    address::Node,
    fault,
    keys::{self, Place},
    link::Link,
    wants::{Request, Wants},
};
use crate::bus::{Error, Event, ShardId, Snapshot, counters, wire};
use redis::InfoDict;
use std::{collections::HashMap, sync::Arc};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// Snapshots that wait for the reader; more would only hold memory.
pub(super) const CAPACITY: usize = 2;

/// Serves requests until the reader is gone.
pub(super) async fn serve(bus: Redis, wants: Arc<Wants>, events: mpsc::Sender<Event>) {
    let mut sources = Sources { bus, sources: HashMap::new() };
    while !events.is_closed() {
        let due = wants.take_due(Instant::now());
        if due.is_empty() {
            wait(&wants, &events).await;
            continue;
        }
        serve_all(&mut sources, &due, &wants, &events).await;
    }
}

async fn wait(wants: &Wants, events: &mpsc::Sender<Event>) {
    let due = async {
        match wants.next_due() {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = due => {}
        () = wants.changed() => {}
        () = events.closed() => {}
    }
}

/// Answers all requests; once a link fails, the others to there fail with it instead of waiting in
/// turn.
async fn serve_all(
    sources: &mut Sources,
    due: &[Request],
    wants: &Wants,
    events: &mpsc::Sender<Event>,
) {
    let mut down: HashMap<Option<Node>, Error> = HashMap::new();
    for &request in due {
        let result = sources.take(request.shard, &mut down).await;
        counters::snapshot(if result.is_ok() { "taken" } else { "failed" });
        let event = match result {
            Ok(snapshot) => Event::Snapshot(snapshot),
            Err(error) => Event::SnapshotFailed(request.shard, error),
        };
        if wants.is_newest(request) && events.send(event).await.is_err() {
            return;
        }
    }
}

/// A hash's fields with their values.
type Values = Vec<(Vec<u8>, Vec<u8>)>;

/// Where snapshots come from: one server, or the masters of a cluster.
struct Sources {
    bus: Redis,
    sources: HashMap<Option<Node>, Source>,
}

impl Sources {
    /// A snapshot, unless the link to its server is among those that failed.
    async fn take(
        &mut self,
        shard: ShardId,
        down: &mut HashMap<Option<Node>, Error>,
    ) -> Result<Snapshot, Error> {
        let place = Place::Shard(shard);
        let node = self.bus.node_of(place).await?;
        if let Some(error) = down.get(&node) {
            return Err(error.clone());
        }
        let bus = &self.bus;
        let source = self
            .sources
            .entry(node.clone())
            .or_insert_with(|| Source { link: Link::new(bus.clone(), node.clone()), server: None });
        let result = source.take_on_fresh_link(shard).await;
        if let Err(error) = &result {
            self.bus.doubt(place);
            if self.bus.cluster().is_none() || matches!(error, Error::Link(_)) {
                down.insert(node, error.clone());
            }
        }
        result
    }
}

/// One server.
struct Source {
    link: Link,
    server: Option<Server>,
}

/// The server process behind a connection.
struct Server {
    /// The connection it was asked on; another one may lead to another process.
    dial: u64,
    run_id: Arc<str>,
}

impl Source {
    /// A snapshot; if a connection that lay idle turns out to be dead, from a new one.
    async fn take_on_fresh_link(&mut self, shard: ShardId) -> Result<Snapshot, Error> {
        let was_idle = self.link.is_connected();
        match self.take(shard).await {
            Err(Error::Link(_)) if was_idle => self.take(shard).await,
            result => result,
        }
    }

    async fn take(&mut self, shard: ShardId) -> Result<Snapshot, Error> {
        let server = self.server().await?;
        let (n, values) = match self.read_at_once(shard).await {
            Err(error) if fault::is_out_of_memory(&error) => self.read_unmoved(shard).await?,
            result => result?,
        };
        let records = values.iter().filter_map(|(topic, value)| wire::unpack_put(topic, value));
        Ok(Snapshot { shard, n, server, records: records.collect() })
    }

    /// Counter and content in one transaction.
    async fn read_at_once(&mut self, shard: ShardId) -> Result<(u64, Values), Error> {
        let mut commands = redis::pipe();
        commands.atomic();
        commands.cmd("GET").arg(keys::counter(shard));
        commands.cmd("HGETALL").arg(keys::last(shard));
        let (n, values): (Option<u64>, Values) = self.link.query(&commands).await?;
        Ok((n.unwrap_or(0), values))
    }

    /// Counter, content and counter again. A server that is out of memory refuses transactions, but
    /// it refuses writes as well, so the counter will not have moved.
    async fn read_unmoved(&mut self, shard: ShardId) -> Result<(u64, Values), Error> {
        let mut commands = redis::pipe();
        commands.cmd("GET").arg(keys::counter(shard));
        commands.cmd("HGETALL").arg(keys::last(shard));
        commands.cmd("GET").arg(keys::counter(shard));
        let (before, values, after): (Option<u64>, Values, Option<u64>) =
            self.link.query(&commands).await?;
        if before == after {
            Ok((before.unwrap_or(0), values))
        } else {
            Err(Error::Refused("OOM, and the shard moved meanwhile; ask again".into()))
        }
    }

    /// The run id of the server behind the present connection.
    async fn server(&mut self) -> Result<Arc<str>, Error> {
        if let Some(server) = &self.server
            && self.link.is_connected()
            && server.dial == self.link.dials()
        {
            return Ok(server.run_id.clone());
        }
        let mut commands = redis::pipe();
        commands.cmd("INFO").arg("server");
        let (info,): (InfoDict,) = self.link.query(&commands).await?;
        let run_id = info.get::<String>("run_id");
        let run_id: Arc<str> =
            run_id.ok_or_else(|| Error::Unusable("INFO has no run_id".into()))?.into();
        self.server = Some(Server { dial: self.link.dials(), run_id: run_id.clone() });
        Ok(run_id)
    }
}
