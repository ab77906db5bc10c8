//! A master with replicas and the sentinels that watch over them.

use super::{Kind, LOOK_EVERY, RedisServer, START_WITHIN};
use std::time::Instant;

/// The name that the sentinels know the master by.
const NAME: &str = "main";
/// After how long a silent master counts as down: short enough for a test, long enough for a loaded
/// machine.
const DOWN_AFTER_MS: &str = "1000";

/// Child processes: a master, its replicas, their sentinels. They end when this is dropped.
#[derive(Debug)]
pub struct Sentinels {
    /// The master to begin with, then its replicas.
    pub servers: Vec<RedisServer>,
    /// The sentinels.
    pub sentinels: Vec<RedisServer>,
}

impl Sentinels {
    /// A master, a replica and three sentinels that agree on them.
    ///
    /// # Panics
    /// When they do not start.
    pub async fn trio() -> Self {
        Self::start(1, 3, async |port| port).await
    }

    /// A master without a replica, watched by one sentinel.
    ///
    /// # Panics
    /// When they do not start.
    pub async fn single() -> Self {
        Self::start(0, 1, async |port| port).await
    }

    /// A master, so many replicas and sentinels, which reach it at the port that `seen_at` makes of
    /// its own, such as that of a proxy.
    ///
    /// # Panics
    /// When they do not start.
    pub async fn start(
        replicas: usize,
        sentinels: usize,
        seen_at: impl AsyncFnOnce(u16) -> u16,
    ) -> Self {
        let master = RedisServer::start().await;
        let port = seen_at(master.port()).await.to_string();
        let mut servers = vec![master];
        for _ in 0..replicas {
            let options =
                ["--replicaof", &format!("127.0.0.1 {port}"), "--repl-diskless-sync-delay", "0"];
            servers.push(RedisServer::start_with(&options).await);
        }
        let quorum = (sentinels / 2 + 1).to_string();
        let mut all = Self { servers, sentinels: Vec::new() };
        for _ in 0..sentinels {
            let sentinel = RedisServer::start_as(|_| Kind::Sentinel, &[]).await;
            sentinel.command(&["SENTINEL", "MONITOR", NAME, "127.0.0.1", &port, &quorum]).await;
            for (key, value) in
                [("down-after-milliseconds", DOWN_AFTER_MS), ("failover-timeout", "5000")]
            {
                sentinel.command(&["SENTINEL", "SET", NAME, key, value]).await;
            }
            all.sentinels.push(sentinel);
        }
        all.agree(replicas, sentinels).await;
        all
    }

    /// Their address as Tickcast's `redis_url`.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts = self.sentinels.iter().map(|it| format!("127.0.0.1:{}", it.port()));
        format!("redis+sentinel://{}/{NAME}", hosts.collect::<Vec<_>>().join(","))
    }

    /// The port of the master as a sentinel tells it.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn master_port(&self) -> u16 {
        let named = self.sentinels[0].command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]).await;
        named.lines().nth(1).and_then(|port| port.parse().ok()).expect("a port")
    }

    /// Waits until every replica has all data and every sentinel knows of all others.
    async fn agree(&self, replicas: usize, sentinels: usize) {
        let deadline = Instant::now() + START_WITHIN;
        for replica in &self.servers[1..] {
            while !replica.command(&["INFO", "replication"]).await.contains("master_link_status:up")
            {
                assert!(Instant::now() < deadline, "a replica does not find its master");
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        let seen = format!("slaves={replicas},sentinels={sentinels}");
        for sentinel in &self.sentinels {
            while !sentinel.command(&["INFO", "sentinel"]).await.contains(&seen) {
                assert!(Instant::now() < deadline, "the sentinels do not find each other");
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
}
