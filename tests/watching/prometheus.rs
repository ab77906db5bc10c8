//! A real Prometheus that scrapes a real Tickcast: the rules can be computed, and the dashboard shows
//! something.

use super::{deploy, queries, rules};
use crate::support::{Client, eventually, get, start};
use serde_json::Value;
use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A recording without data in a fresh and healthy Tickcast: what happens seldom, and what a day
/// has to pass for.
const LATER: [&str; 3] = ["usual", "refused", "evictions"];

/// What a configuration has to ask for, and what needs a bound of memory.
const UNCONFIGURED: [&str; 2] = ["tickcast_gateway_topic_", "tickcast_gateway_memory_used_ratio"];

/// A child process in a directory of its own. It is killed when this is dropped.
struct Prometheus {
    child: Child,
    address: SocketAddr,
    directory: TempDir,
}

impl Prometheus {
    /// One that scrapes this admin address every second; a loaded machine takes half of it to answer.
    async fn watching(target: SocketAddr) -> Self {
        let directory = TempDir::new().expect("a directory");
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: [{:?}]\n\
             scrape_configs: [{{job_name: gateway, static_configs: [{{targets: ['{target}']}}]}}]\n",
            deploy("prometheus/prometheus-rules.yml")
        );
        std::fs::write(directory.path().join("prometheus.yml"), config).expect("a file");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("its address");
        drop(free);
        let log = File::create(directory.path().join("log")).expect("a file");
        let child = Command::new("prometheus")
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address={address}"))
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("prometheus is installed");
        let prometheus = Self { child, address, directory };
        let url = format!("http://{address}/-/ready");
        eventually("prometheus is ready", async || {
            get(&url).await.filter(|answer| answer.status == 200)
        })
        .await;
        prometheus
    }

    /// The answer to a query: its samples, or what is wrong with it.
    async fn query(&self, expr: &str) -> Result<Vec<Value>, Value> {
        let base = format!("http://{}/api/v1/query", self.address);
        let url = reqwest::Url::parse_with_params(&base, [("query", expr)]).expect("a URL");
        let answer = get(url.as_str()).await.expect("an answer").json();
        let samples = answer["data"]["result"].as_array().cloned();
        samples.ok_or(answer)
    }

    async fn has_data(&self, expr: &str) -> bool {
        let samples = self.query(expr).await.unwrap_or_else(|error| panic!("{expr}: {error}"));
        !samples.is_empty()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // One that has ended already is as dead as one that is killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.directory.path().join("log"));
            eprintln!("prometheus:\n{}", log.unwrap_or_default());
        }
    }
}

#[tokio::test]
async fn rules_can_be_computed_and_every_panel_shows_something() {
    let demo = start(&["demo"]).ready().await;
    let mut client = Client::connect(&demo.ws()).await;
    client.subscribe(&["ticker:*:*"]).await;
    // One that reads, or nothing would be delivered after a while.
    let _reading = tokio::spawn(async move { while client.next_or_close().await.is_ok() {} });
    let prometheus = Prometheus::watching(demo.admin).await;

    let recordings = rules::all().into_iter().filter_map(|rule| rule.record);
    for name in recordings.filter(|name| !LATER.iter().any(|later| name.contains(later))) {
        eventually(&format!("{name} has data"), async || {
            prometheus.has_data(&name).await.then_some(())
        })
        .await;
    }
    // Events that may not have happened are compared with 0.
    let shown = queries::all().into_iter().filter(|it| {
        let is_event = it.expr.ends_with("> 0") || it.panel == "Alerts";
        !is_event && !LATER.iter().any(|later| it.expr.contains(later))
    });
    for query in shown {
        if UNCONFIGURED.iter().any(|name| query.expr.contains(name)) {
            assert!(prometheus.query(&query.expr).await.is_ok(), "{query:?}");
            continue;
        }
        eventually(&format!("{:?} shows {}", query.panel, query.expr), async || {
            prometheus.has_data(&query.expr).await.then_some(())
        })
        .await;
    }

    let url = format!("http://{}/api/v1/rules", prometheus.address);
    let answer = get(&url).await.expect("an answer").json();
    let groups = answer["data"]["groups"].as_array().expect("groups");
    for rule in groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten()) {
        // Those of the last day are looked at every minute: not yet, perhaps.
        assert!(rule["health"] == "ok" || rule["health"] == "unknown", "{rule}");
    }
}
