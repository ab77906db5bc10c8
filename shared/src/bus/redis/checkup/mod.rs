//! Whether live servers are what Tickcast needs, and what to change where they are not.
//!
//! [`ask`] puts questions that change nothing and keeps the answers as [`facts`]; the [`rules`] judge
//! them without asking further. [`cluster`] and [`sentinels`] find the servers behind an address.

mod ask;
mod cluster;
mod facts;
mod finding;
mod rights;
mod rules;
mod sentinels;

pub use finding::{Finding, Report, Role, Verdict};

use super::{Redis, dial::Whereabouts, keys::Place, tls};
use crate::bus::Error;
use facts::{Part, Setting};
use redis::{ConnectionAddr, ConnectionInfo};
use std::time::Duration;
use tokio::time::timeout;

/// Longest time for all questions to one server. They are asked one after the other, so that no
/// handshake has to wait for another's.
pub const SERVER_WITHIN: Duration = Duration::from_secs(5);

/// A server to be asked.
struct Target {
    /// Its host and port, or path.
    name: String,
    info: ConnectionInfo,
    setting: Setting,
    part: Part,
    /// What of Tickcast's keys is there.
    places: Vec<Place>,
}

impl Redis {
    /// Asks every server of the bus, within [`SERVER_WITHIN`] each, and judges what they answer for a
    /// process in that role; without one, for whichever the user's rights are fit for.
    pub async fn checkup(&self, role: Option<Role>) -> Vec<Report> {
        match &self.0.whereabouts {
            Whereabouts::Server(info) => {
                let target = Target {
                    name: self.address().to_owned(),
                    info: ConnectionInfo::clone(info),
                    setting: Setting::Alone,
                    part: Part::Writable,
                    places: Place::all().collect(),
                };
                vec![examine(target, role).await]
            }
            Whereabouts::Sentinels(sentinels) => sentinels::examine(sentinels, role).await,
            Whereabouts::Cluster(cluster) => cluster::examine(cluster, role).await,
        }
    }
}

async fn examine_all(targets: Vec<Target>, role: Option<Role>) -> Vec<Report> {
    let mut reports = Vec::with_capacity(targets.len());
    for target in targets {
        reports.push(examine(target, role).await);
    }
    reports
}

async fn examine(target: Target, role: Option<Role>) -> Report {
    let part = match (target.setting, target.part) {
        (Setting::Alone, _) => "",
        (_, Part::Writable) => "master",
        (_, Part::Replica) => "replica",
    };
    let findings = match timeout(SERVER_WITHIN, ask::ask(&target)).await {
        Ok(Ok(facts)) => rules::judge(&facts, role),
        Ok(Err(error)) => vec![unreached(&error, target.has_tls())],
        Err(_) => vec![Finding::fail(
            "reached",
            format!("its answers took longer than {SERVER_WITHIN:?}"),
            "look at its load and at the network between",
        )],
    };
    Report { server: target.name, part, findings }
}

impl Target {
    fn has_tls(&self) -> bool {
        matches!(self.info.addr(), ConnectionAddr::TcpTls { .. })
    }
}

/// A server that does not let us ask.
fn unreached(error: &Error, has_tls: bool) -> Finding {
    if let Error::Link(why) = error
        && let Some(advice) = tls::advice(why)
    {
        // The link's error ends with it.
        return Finding::fail("reached", why.split("; ").next().unwrap_or(why), advice);
    }
    let (found, change) = match error {
        // A server without TLS waits for the rest of what it takes for a command.
        Error::Link(why) if has_tls && why.starts_with("no answer") => (
            why.clone(),
            "does it speak TLS on that port (rediss:// asks for it)? Is it up, and near?",
        ),
        Error::Link(why) => {
            (why.clone(), "start Redis there, or name where it is: redis_url or --redis-url")
        }
        Error::Refused(why) if why.starts_with("LOADING") => {
            (why.clone(), "wait until it has read its data")
        }
        Error::Refused(why) if why.starts_with("MASTERDOWN") => {
            (why.clone(), "wait until it has found its master, or look at its log")
        }
        Error::Refused(why) => {
            (why.clone(), "name user and password in redis_url: redis://user:password@host:6379")
        }
        Error::Unusable(why) => (why.clone(), "install Redis 7.0 or later, or Valkey"),
        Error::Fenced => (error.to_string(), "try again"),
    };
    Finding::fail("reached", found, change)
}
