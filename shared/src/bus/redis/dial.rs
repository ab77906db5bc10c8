//! From an address to a connection: which server it leads to, and when to leave it.

use super::{
    Redis,
    address::{Address, Node},
    cluster::Cluster,
    keys::Place,
    link::dial,
    lookout::Lookout,
    sentinel::Sentinels,
    witnesses::Witnesses,
};
use crate::bus::Error;
use redis::{AsyncConnectionConfig, ConnectionInfo, aio::MultiplexedConnection};
use std::sync::{Arc, Mutex};

/// Where the bus is.
pub(super) enum Whereabouts {
    Server(Box<ConnectionInfo>),
    Sentinels(Arc<Sentinels>),
    Cluster(Arc<Cluster>),
}

/// A connection, and what tells that it must be left.
pub(super) struct Dialled {
    pub connection: MultiplexedConnection,
    pub lookout: Lookout,
}

impl From<Address> for Whereabouts {
    fn from(address: Address) -> Self {
        match address {
            Address::Server(info) => Self::Server(Box::new(info)),
            Address::Sentinels { sentinels, witness, name, master } => {
                let (witnesses, newest) = (Witnesses::default(), Mutex::default());
                let all = Sentinels { sentinels, witness, name, master, witnesses, newest };
                Self::Sentinels(Arc::new(all))
            }
            Address::Cluster { seeds, template } => {
                Self::Cluster(Arc::new(Cluster::new(seeds, template)))
            }
        }
    }
}

impl Redis {
    /// The cluster, if it is one.
    pub(super) fn cluster(&self) -> Option<&Arc<Cluster>> {
        match &self.0.whereabouts {
            Whereabouts::Cluster(cluster) => Some(cluster),
            _ => None,
        }
    }

    /// The node of a cluster that has a place; none where one server has them all.
    pub(super) async fn node_of(&self, place: Place) -> Result<Option<Node>, Error> {
        match self.cluster() {
            Some(cluster) => cluster.owner(place).await.map(Some),
            None => Ok(None),
        }
    }

    /// Something went wrong where a place is thought to be: it may be elsewhere by now.
    pub(super) fn doubt(&self, place: Place) {
        if let Some(cluster) = self.cluster() {
            cluster.doubt(place);
        }
    }

    /// A connection to what [`Self::node_of`] named, to be left when a place is elsewhere.
    pub(super) async fn dial_for(
        &self,
        place: Place,
        config: AsyncConnectionConfig,
    ) -> Result<Dialled, Error> {
        let node = self.node_of(place).await?;
        let dialled = self.dial(node.as_ref(), config).await?;
        Ok(match (self.cluster(), node) {
            (Some(cluster), Some(node)) => {
                let moved = cluster.clone().has_moved(place, node);
                Dialled { lookout: Lookout::until(moved), ..dialled }
            }
            _ => dialled,
        })
    }

    /// A connection to that node, or to where there is only one. It is dialled within the command
    /// time-out, beside the time that sentinels take to answer.
    pub(super) async fn dial(
        &self,
        node: Option<&Node>,
        config: AsyncConnectionConfig,
    ) -> Result<Dialled, Error> {
        let info = match (&self.0.whereabouts, node) {
            (Whereabouts::Sentinels(sentinels), _) => return sentinels.dial(config).await,
            (Whereabouts::Cluster(cluster), Some(node)) => node.like(&cluster.template),
            (Whereabouts::Cluster(cluster), None) => cluster.template.clone(),
            (Whereabouts::Server(info), _) => ConnectionInfo::clone(info),
        };
        Ok(Dialled { connection: dial(info, config).await?, lookout: Lookout::none() })
    }
}
