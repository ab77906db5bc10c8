//! The nodes of a cluster, and whether they have all slots between them.

use super::{
    Finding, Report, Role, Target,
    facts::{Part, Setting},
    unreached,
};
use crate::bus::{
    Error,
    redis::{
        address::Node,
        cluster::{Cluster, view},
        keys::Place,
    },
};

/// Slots of a cluster.
const SLOTS: u32 = 16_384;
/// Fewer masters have no majority when one is lost.
const ENOUGH: usize = 3;

/// A node as another one sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    id: String,
    node: Node,
    is_master: bool,
    is_failing: bool,
    /// Whose replica it is.
    master: String,
    slots: u32,
    places: Vec<Place>,
}

pub(super) async fn examine(cluster: &Cluster, role: Option<Role>) -> Vec<Report> {
    let members = match cluster.describe().await {
        Ok((text, asked, by_name)) => members(&text, &asked, by_name),
        Err(error) => {
            let findings = vec![unlisted(&error)];
            return vec![Report { server: "the cluster".to_owned(), part: "", findings }];
        }
    };
    let whole = Report {
        server: "the cluster".to_owned(),
        part: "",
        findings: vec![coverage(&members), masters(&members)],
    };
    // A master without slots is waiting for some, and nobody asks it for anything.
    let used = members.iter().filter(|it| !it.is_master || it.slots > 0);
    let targets = used.map(|member| Target {
        name: member.node.to_string(),
        info: member.node.like(&cluster.template),
        setting: Setting::Cluster,
        part: if member.is_master { Part::Writable } else { Part::Replica },
        places: member.places.clone(),
    });
    let reports = super::examine_all(targets.collect(), role).await;
    std::iter::once(whole).chain(reports).collect()
}

fn unlisted(error: &Error) -> Finding {
    match error {
        Error::Unusable(why) if why.contains("cluster support disabled") => Finding::fail(
            "reached",
            "the server is none of a cluster",
            "name it by redis://, or cluster-enabled yes",
        ),
        _ => unreached(error, false),
    }
}

fn coverage(members: &[Member]) -> Finding {
    let slots = |wanted: &dyn Fn(&Member) -> bool| {
        members.iter().filter(|it| it.is_master && wanted(it)).map(|it| it.slots).sum::<u32>()
    };
    let (served, assigned) = (slots(&|it| !it.is_failing), slots(&|_| true));
    if served == SLOTS {
        return Finding::ok("slots", format!("all {SLOTS} are served"));
    }
    let lost =
        |place: &Place| !members.iter().any(|it| !it.is_failing && it.places.contains(place));
    let shards = Place::all().filter(|place| matches!(place, Place::Shard(_)) && lost(place));
    let mut found = format!("{} of {SLOTS} are not served; ", SLOTS - served);
    found += &format!("{} of 16 shards are lost", shards.count());
    if lost(&Place::Control) {
        found += ", and the leases: nothing can be written";
    }
    let change = if assigned < SLOTS {
        "redis-cli --cluster fix HOST:PORT"
    } else {
        "start the node that is down, or give each master a replica"
    };
    Finding::fail("slots", found, change)
}

fn masters(members: &[Member]) -> Finding {
    let masters: Vec<&Member> = members.iter().filter(|it| it.is_master && it.slots > 0).collect();
    let alone = masters.iter().filter(|master| {
        !members.iter().any(|it| !it.is_master && !it.is_failing && it.master == master.id)
    });
    let (count, alone) = (masters.len(), alone.count());
    if count < ENOUGH {
        return Finding::warn(
            "masters",
            format!("{count}: no majority is left when one is lost, and no replica takes over"),
            "three masters: create-cluster.sh",
        );
    }
    if alone > 0 {
        return Finding::warn(
            "masters",
            format!("{count}, {alone} without a replica: its topics are stale while it is down"),
            "a replica for each: redis-cli --cluster add-node NEW:PORT HOST:PORT --cluster-slave",
        );
    }
    Finding::ok("masters", format!("{count}, each with a replica"))
}

/// Reads the answer to CLUSTER NODES; see [`view::read`].
fn members(text: &str, asked: &str, by_name: bool) -> Vec<Member> {
    text.lines().filter_map(|line| member(line, asked, by_name)).collect()
}

fn member(line: &str, asked: &str, by_name: bool) -> Option<Member> {
    let mut words = line.split_ascii_whitespace();
    let (id, address, flags, master) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let flags: Vec<&str> = flags.split(',').collect();
    let node = view::announced(address, asked, by_name)?;
    // The last ping, the last pong, the configuration's number, the state of the link.
    let ranges: Vec<(u16, u16)> = words.skip(4).filter_map(view::range).collect();
    let has =
        |place: &Place| ranges.iter().any(|(first, last)| (*first..=*last).contains(&place.slot()));
    Some(Member {
        id: id.to_owned(),
        node,
        is_master: flags.contains(&"master"),
        is_failing: flags.contains(&"fail") || flags.contains(&"noaddr"),
        master: master.to_owned(),
        slots: ranges.iter().map(|(first, last)| u32::from(last - first) + 1).sum(),
        places: Place::all().filter(has).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::redis::checkup::Verdict;

    const TEXT: &str = "\
a1 h:1@11 myself,master - 0 1 1 connected 0-8000\n\
b2 h:2@12 master,fail - 0 1 2 connected 8001-16383\n\
c3 h:3@13 slave a1 0 1 1 connected\n\
d4 h:4@14 master - 0 1 9 connected\n";

    #[test]
    fn slots_of_a_node_that_failed_are_not_served() {
        let found = members(TEXT, "asked", false);
        let lost = coverage(&found);
        assert_eq!(lost.verdict, Verdict::Fail);
        assert!(lost.found.starts_with("8383 of 16384 are not served"), "{}", lost.found);
        assert!(lost.found.contains("the leases"), "slot 11148");
        let whole = members(&TEXT.replace(",fail", ""), "asked", false);
        assert_eq!(coverage(&whole).verdict, Verdict::Ok);
    }

    #[test]
    fn masters_without_replicas_are_counted() {
        let three = TEXT.replace("connected\n", "connected 16384-16384\n");
        let few = masters(&members(TEXT, "asked", false));
        assert!(few.found.starts_with("2: no majority"), "{}", few.found);
        let some = masters(&members(&three, "asked", false));
        assert!(some.found.starts_with("3, 2 without a replica"), "{}", some.found);
    }
}
