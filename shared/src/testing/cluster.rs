//! A cluster of three masters.

use super::{Kind, LOOK_EVERY, RedisServer, START_WITHIN};
use std::time::Instant;

/// Slots of a cluster.
const SLOTS: u16 = 16_384;
/// How many nodes: as few as a cluster needs for a majority.
const NODES: u16 = 3;

/// Child processes, each a master with a third of the slots. They end when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    /// The nodes, by their slots.
    pub nodes: Vec<RedisServer>,
}

impl Cluster {
    /// Starts three nodes and waits until each says that the cluster works. Without a node the others
    /// go on with their slots.
    ///
    /// # Panics
    /// When they do not start.
    pub async fn start() -> Self {
        let options = ["--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no"];
        let mut nodes = Vec::new();
        for number in 0..NODES {
            let node = RedisServer::start_as(|bus_port| Kind::Node { bus_port }, &options).await;
            let share = SLOTS / NODES;
            let first = number * share;
            let last = if number + 1 == NODES { SLOTS - 1 } else { first + share - 1 };
            let (first, last) = (first.to_string(), last.to_string());
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]).await;
            // Else nodes that never met have the same.
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]).await;
            nodes.push(node);
        }
        let cluster = Self { nodes };
        cluster.meet().await;
        cluster
    }

    /// Its address as Tickcast's `redis_url`: the first two nodes stand for all.
    #[must_use]
    pub fn url(&self) -> String {
        let [one, two] = [0, 1].map(|at: usize| self.nodes[at].port());
        format!("redis+cluster://127.0.0.1:{one},127.0.0.1:{two}")
    }

    /// Every node forgets all keys and scripts.
    ///
    /// # Panics
    /// When one does not answer.
    pub async fn flush(&self) {
        for node in &self.nodes {
            node.command(&["FLUSHALL"]).await;
        }
    }

    /// Which of the nodes has the slot of a key.
    ///
    /// # Panics
    /// When the first node does not answer.
    pub async fn owner(&self, key: &str) -> usize {
        let slot = self.slot(key).await;
        let view = self.nodes[0].command(&["CLUSTER", "NODES"]).await;
        let holds = |line: &&str| {
            let ranges = line.split_ascii_whitespace().skip(8).filter(|it| !it.starts_with('['));
            ranges.filter_map(range).any(|(first, last)| (first..=last).contains(&slot))
        };
        let line = view.lines().find(holds).expect("an owner of the slot");
        let has_port = |node: &RedisServer| line.contains(&format!(":{}@", node.port()));
        self.nodes.iter().position(has_port).expect("one of the nodes")
    }

    /// Moves the slot of a key with all that is in it to another node, as `redis-cli --cluster
    /// reshard` does.
    ///
    /// # Panics
    /// When a node refuses.
    pub async fn move_slot(&self, key: &str, to: usize) {
        let slot = self.slot(key).await.to_string();
        let (from, to) = (&self.nodes[self.owner(key).await], &self.nodes[to]);
        let from_id = from.command(&["CLUSTER", "MYID"]).await;
        let to_id = to.command(&["CLUSTER", "MYID"]).await;
        to.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]).await;
        from.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]).await;
        let port = to.port().to_string();
        loop {
            let keys = from.command(&["CLUSTER", "GETKEYSINSLOT", &slot, "10"]).await;
            if keys.is_empty() {
                break;
            }
            let mut migrate = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            migrate.extend(keys.lines());
            from.command(&migrate).await;
        }
        to.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]).await;
        from.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]).await;
    }

    async fn slot(&self, key: &str) -> u16 {
        let slot = self.nodes[0].command(&["CLUSTER", "KEYSLOT", key]).await;
        slot.parse().expect("a number")
    }

    async fn meet(&self) {
        for node in &self.nodes[1..] {
            let Kind::Node { bus_port } = node.kind else { continue };
            let (port, bus_port) = (node.port().to_string(), bus_port.to_string());
            self.nodes[0].command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus_port]).await;
        }
        let deadline = Instant::now() + START_WITHIN;
        for node in &self.nodes {
            loop {
                let info = node.command(&["CLUSTER", "INFO"]).await;
                let all = format!("cluster_known_nodes:{NODES}");
                let wanted = ["cluster_state:ok", "cluster_slots_assigned:16384", &all];
                if wanted.iter().all(|wanted| info.contains(wanted)) {
                    break;
                }
                assert!(Instant::now() < deadline, "no cluster: {info}");
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
}

fn range(word: &str) -> Option<(u16, u16)> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some((first.parse().ok()?, last.parse().ok()?))
}
