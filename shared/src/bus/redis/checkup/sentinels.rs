//! The servers behind sentinels, and the sentinels themselves.

use super::{
    Finding, Report, Role, Target,
    facts::{Part, Setting},
    unreached,
};
use crate::bus::{
    Error,
    redis::{address::Node, fault, keys::Place, sentinel::Sentinels},
};
use redis::{Value, from_redis_value};
use std::collections::HashMap;

/// Fewer sentinels cannot tell which side of a cut network is the larger.
const ENOUGH: usize = 3;
/// Longest silence, in milliseconds, before a failover begins; prices are stale meanwhile.
const SLOW_MS: u64 = 5000;

/// What a sentinel says of the master.
struct Testimony {
    master: Node,
    fields: HashMap<String, String>,
    replicas: Vec<Node>,
    /// The answer to `SENTINEL CKQUORUM`: nothing when it must not be asked.
    quorum: Option<Result<(), String>>,
}

pub(super) async fn examine(all: &Sentinels, role: Option<Role>) -> Vec<Report> {
    let mut heard = Vec::with_capacity(all.sentinels.len());
    for sentinel in &all.sentinels {
        heard.push(hear(all, sentinel).await);
    }
    let newest = heard.iter().filter_map(|it| it.as_ref().ok());
    let newest = newest.max_by_key(|it| it.number("config-epoch"));
    let mut targets = Vec::new();
    if let Some(it) = newest {
        targets.push(target(all, &it.master, Part::Writable));
        targets.extend(it.replicas.iter().map(|node| target(all, node, Part::Replica)));
    }
    let master = newest.map(|it| it.master.clone());
    let of_sentinel = |(node, heard): (&Node, &Result<Testimony, Error>)| Report {
        server: node.to_string(),
        part: "sentinel",
        findings: match heard {
            Ok(testimony) => testimony.judge(master.as_ref()),
            Err(error) => vec![unreached(error, false)],
        },
    };
    let mut reports: Vec<Report> = all.sentinels.iter().zip(&heard).map(of_sentinel).collect();
    reports.extend(super::examine_all(targets, role).await);
    reports
}

fn target(all: &Sentinels, node: &Node, part: Part) -> Target {
    Target {
        name: node.to_string(),
        info: node.like(&all.master),
        setting: Setting::Sentinels,
        part,
        places: Place::all().collect(),
    }
}

async fn hear(all: &Sentinels, sentinel: &Node) -> Result<Testimony, Error> {
    let mut question = redis::pipe();
    for what in ["GET-MASTER-ADDR-BY-NAME", "MASTER", "REPLICAS", "CKQUORUM"] {
        question.cmd("SENTINEL").arg(what).arg(&all.name);
    }
    let replies = all.witnesses.ask(sentinel, &all.witness, &question).await?;
    let mut replies = replies.into_iter();
    let mut next = || replies.next().unwrap_or(Value::Nil).extract_error();
    let address = next().map_err(|error| fault::of_call(&error))?;
    let address: Option<(String, u16)> = from_redis_value(address).unwrap_or_default();
    let Some((host, port)) = address else {
        let name = &all.name;
        return Err(Error::Refused(format!("it knows no master called {name:?}")));
    };
    let fields = next().ok().and_then(|it| from_redis_value(it).ok()).unwrap_or_default();
    let replicas: Vec<HashMap<String, String>> =
        next().ok().and_then(|it| from_redis_value(it).ok()).unwrap_or_default();
    let quorum = match next() {
        Ok(_) => Some(Ok(())),
        Err(error) if error.code() == Some("NOPERM") => None,
        Err(error) => Some(Err(error.detail().unwrap_or("no quorum").to_owned())),
    };
    let node = |of: &HashMap<String, String>| {
        Some(Node { host: of.get("ip")?.clone(), port: of.get("port")?.parse().ok()? })
    };
    let replicas = replicas.iter().filter_map(node).collect();
    Ok(Testimony { master: Node { host, port }, fields, replicas, quorum })
}

impl Testimony {
    fn number(&self, name: &str) -> u64 {
        self.fields.get(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    fn judge(&self, master: Option<&Node>) -> Vec<Finding> {
        let mut findings = vec![self.names(master), self.quorum()];
        findings.push(match self.number("down-after-milliseconds") {
            slow if slow > SLOW_MS => Finding::warn(
                "failover",
                format!("begins when the master has been silent for {slow} ms"),
                "sentinel down-after-milliseconds NAME 3000",
            ),
            millis => Finding::ok("failover", format!("begins after {millis} ms of silence")),
        });
        findings
    }

    fn names(&self, newest: Option<&Node>) -> Finding {
        let master = &self.master;
        let flags = self.fields.get("flags").map_or("", String::as_str);
        if newest.is_some_and(|newest| newest != master) {
            return Finding::fail(
                "master",
                format!("{master}, where another sentinel names a newer one"),
                "can it reach the other sentinels? See its log",
            );
        }
        if flags.contains("down") {
            return Finding::fail(
                "master",
                format!("{master} is down ({flags})"),
                "start it, or wait for the failover; sentinel auth-user and auth-pass must fit users.acl",
            );
        }
        Finding::ok("master", format!("{master}, {}", replicas(self.replicas.len())))
    }

    fn quorum(&self) -> Finding {
        let sentinels = usize::try_from(self.number("num-other-sentinels")).unwrap_or(0) + 1;
        let quorum = self.number("quorum");
        match &self.quorum {
            Some(Err(why)) => Finding::fail(
                "quorum",
                format!("no failover is possible: {why}"),
                "start the other sentinels; they must reach each other",
            ),
            _ if sentinels < ENOUGH => Finding::warn(
                "quorum",
                format!("{sentinels} sentinels: losing one may make a failover impossible"),
                "three sentinels on three machines",
            ),
            _ => Finding::ok("quorum", format!("{quorum} of {sentinels} sentinels")),
        }
    }
}

fn replicas(count: usize) -> String {
    super::rules::counted(u32::try_from(count).unwrap_or(u32::MAX), "replica")
}
