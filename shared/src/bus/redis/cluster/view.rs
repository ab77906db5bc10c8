//! What the nodes of a cluster say about who has which slot, merged.

use super::super::{address::Node, keys::Place};

/// Who has each place, by the newest configuration that any node told of. Nodes that were cut off
/// tell of older ones; the cluster itself settles its disputes the same way (cluster specification,
/// "Hash slots configuration propagation").
#[derive(Debug, Default)]
pub(super) struct Owners([Option<Owner>; Place::COUNT]);

/// A node that has a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub node: Node,
    /// The configuration's number; the larger is the newer.
    pub epoch: u64,
    /// Whether something went wrong there since: then anybody else's word is taken.
    doubted: bool,
}

impl Owners {
    /// The node of a place, unless it is unknown or in doubt.
    pub(super) fn certain(&self, place: Place) -> Option<Node> {
        let owner = self.0[place.index()].as_ref();
        owner.filter(|owner| !owner.doubted).map(|owner| owner.node.clone())
    }

    pub(super) fn doubt(&mut self, place: Place) {
        if let Some(owner) = &mut self.0[place.index()] {
            owner.doubted = true;
        }
    }

    /// The owner itself says that the place is there now, which makes it the newer configuration.
    pub(super) fn moved(&mut self, place: Place, node: Node) {
        let epoch = self.0[place.index()].as_ref().map_or(0, |owner| owner.epoch + 1);
        self.0[place.index()] = Some(Owner { node, epoch, doubted: false });
    }

    /// Takes over what a node says where it is no older than what is known, or that is in doubt.
    pub(super) fn learn(&mut self, view: Vec<(Place, Owner)>) {
        let told = |place: Place| view.iter().find(|(of, _)| *of == place);
        for place in Place::all() {
            let known = &mut self.0[place.index()];
            let is_open = known.as_ref().is_none_or(|known| known.doubted);
            match told(place) {
                Some((_, new))
                    if is_open || known.as_ref().is_some_and(|it| it.epoch <= new.epoch) =>
                {
                    *known = Some(new.clone());
                }
                None if is_open => *known = None,
                _ => {}
            }
        }
    }

    /// All nodes that have a place.
    pub(super) fn nodes(&self) -> Vec<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        for owner in self.0.iter().flatten() {
            if !nodes.contains(&owner.node) {
                nodes.push(owner.node.clone());
            }
        }
        nodes
    }
}

/// Reads the answer to CLUSTER NODES (its format: redis.io, "CLUSTER NODES", Serialization format).
/// A node that does not know its own address has the one at which it was asked. Certificates are
/// made out to names, so `by_name` prefers the names that nodes announce.
pub(super) fn read(text: &str, asked: &str, by_name: bool) -> Vec<(Place, Owner)> {
    let mut view = Vec::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (Some(address_word), Some(flags)) = (words.next(), words.next()) else { continue };
        let Some(node) = announced(address_word, asked, by_name) else { continue };
        if !flags.split(',').any(|flag| flag == "master") {
            continue;
        }
        let Some(epoch) = words.nth(3).and_then(|epoch| epoch.parse().ok()) else { continue };
        // The state of the link, then the slots; those in brackets are on their way.
        for (first, last) in words.skip(1).filter_map(range) {
            let places = Place::all().filter(|place| (first..=last).contains(&place.slot()));
            let owner = Owner { node: node.clone(), epoch, doubted: false };
            view.extend(places.map(|place| (place, owner.clone())));
        }
    }
    view
}

/// `ip:port@busport,hostname`, where the last parts may be missing.
pub(in crate::bus::redis) fn announced(word: &str, asked: &str, by_name: bool) -> Option<Node> {
    let (place, rest) = word.split_once('@').unwrap_or((word, ""));
    let name = rest.split(',').nth(1).filter(|name| by_name && !name.is_empty() && *name != "?");
    let node = address(place, asked)?;
    Some(Node { host: name.map_or(node.host, str::to_owned), ..node })
}

/// `host:port`, where the host may be missing or unknown.
pub(super) fn address(text: &str, asked: &str) -> Option<Node> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let host = if host.is_empty() || host == "?" { asked } else { host };
    Some(Node { host: host.to_owned(), port })
}

pub(in crate::bus::redis) fn range(word: &str) -> Option<(u16, u16)> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some((first.parse().ok()?, last.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::ShardId;

    const TEXT: &str = "\
07c3 127.0.0.1:30004@31004,hostname4 slave e7d1 0 1426238317239 4 connected\n\
67ed :30002@31002,hostname2 myself,master - 0 1426238316232 2 connected 5461-10922 [9842-<-07c3]\n\
292f ::1:30003@31003 master,fail? - 0 1426238318243 3 connected 10923-16383\n\
e7d1 127.0.0.1:30001@31001,hostname1 master - 0 0 1 connected 0-5459 5460\n\
aaaa :0@0 master,noaddr - 0 0 9 disconnected 0-16383\n";

    fn owners(text: &str) -> Owners {
        let mut owners = Owners::default();
        owners.learn(read(text, "asked", false));
        owners
    }

    fn shard(number: u8) -> Place {
        Place::Shard(ShardId::new(number).unwrap())
    }

    #[test]
    fn slots_lead_to_masters() {
        let owners = owners(TEXT);
        // Slots 13907, 9842 and 11148.
        let node = |place| owners.certain(place).unwrap().to_string();
        assert_eq!(node(shard(0)), "[::1]:30003");
        assert_eq!(node(shard(1)), "asked:30002");
        assert_eq!(node(Place::Control), "[::1]:30003");
        assert!(Place::all().all(|place| owners.certain(place).is_some()));
        assert_eq!(owners.nodes().len(), 3);
    }

    #[test]
    fn names_are_taken_where_certificates_ask_for_them() {
        let view = read(TEXT, "asked", true);
        let (_, owner) = view.iter().find(|(place, _)| *place == shard(1)).unwrap();
        assert_eq!(owner.node.to_string(), "hostname2:30002");
    }

    #[test]
    fn older_news_is_taken_only_in_doubt() {
        let text = |port, epoch| format!("a h:{port}@1 master - 0 0 {epoch} connected 0-16383\n");
        let mut owners = owners(&text(1, 5));
        let port = |owners: &Owners| owners.certain(shard(1)).map(|node| node.port);
        owners.learn(read(&text(2, 4), "h", false));
        assert_eq!(port(&owners), Some(1), "from a node that was cut off");
        owners.learn(read(&text(2, 6), "h", false));
        assert_eq!(port(&owners), Some(2));
        owners.doubt(shard(1));
        assert_eq!(port(&owners), None);
        owners.learn(read(&text(3, 1), "h", false));
        assert_eq!(port(&owners), Some(3), "the cluster was set up anew");
        owners.moved(shard(1), Node { host: "h".into(), port: 4 });
        owners.learn(read(&text(3, 1), "h", false));
        assert_eq!(port(&owners), Some(4), "the others have not heard of it yet");
        owners.learn(read(&text(4, 2), "h", false));
        assert_eq!(port(&owners), Some(4));
    }

    #[test]
    fn a_slot_without_an_owner_is_nowhere() {
        let mut owners = owners("a h:1@1 master - 0 0 1 connected 0-16383\n");
        owners.learn(Vec::new());
        assert!(owners.certain(shard(1)).is_some(), "one node's silence is no news");
        owners.doubt(shard(1));
        owners.learn(Vec::new());
        assert_eq!(owners.certain(shard(1)), None);
    }

    #[test]
    fn nonsense_is_skipped() {
        for text in [
            "",
            "\n",
            "a",
            "a b c",
            "a h:x@1 master - 0 0 1 connected 0-1",
            "a h:1 master - 0 0 x c 0",
        ] {
            assert_eq!(read(text, "h", false), [], "{text}");
        }
    }
}
