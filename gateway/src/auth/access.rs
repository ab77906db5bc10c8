//! What each connection of a shard may do, and until when.

use super::{Auth, Grant};
use crate::{
    config::{GatewayConfig, Limits},
    hub::members::MemberId,
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};
use tickcast_shared::{
    clock::Micros,
    market::{Pattern, Topic},
    protocol::Close,
};

/// What a client may do.
#[derive(Debug, Clone, Default)]
pub enum Access {
    /// Everything, within the gateway's limits: no authentication, or none required.
    #[default]
    Open,
    /// Nothing yet: its first message is to bring a token.
    Awaited,
    /// What its key or token opens.
    Granted(Arc<Grant>),
}

impl Access {
    /// What it comes to under this authentication, if it was given under another.
    ///
    /// # Errors
    /// Why its connection has to go.
    pub fn under(&self, auth: Option<&Auth>) -> Result<Self, Close> {
        let Some(auth) = auth else { return Ok(Self::Open) };
        match self {
            Self::Granted(grant) if grant.era == auth.era() => Ok(self.clone()),
            Self::Granted(grant) => auth.renew(grant).map(Self::Granted),
            Self::Open | Self::Awaited if !auth.is_required => Ok(Self::Open),
            Self::Awaited if auth.allows_first_message => Ok(Self::Awaited),
            Self::Open | Self::Awaited => Err(Close::Unauthorized),
        }
    }

    /// The limits in force.
    #[must_use]
    pub fn limits<'a>(&'a self, config: &'a GatewayConfig) -> &'a Limits {
        match self {
            Self::Granted(grant) => &grant.limits,
            Self::Open | Self::Awaited => &config.limits,
        }
    }

    /// Whether it may see the topic.
    #[must_use]
    pub fn allows(&self, topic: &Topic) -> bool {
        match self {
            Self::Open => true,
            Self::Awaited => false,
            Self::Granted(grant) => grant.allows(topic),
        }
    }

    /// Whether it may see every topic that the pattern may ever match.
    #[must_use]
    pub fn allows_pattern(&self, pattern: &Pattern) -> bool {
        match self {
            Self::Open => true,
            Self::Awaited => false,
            Self::Granted(grant) => grant.allows_pattern(pattern),
        }
    }

    /// Whether it may see any topic of the exchange.
    #[must_use]
    pub fn meets_exchange(&self, exchange: &str) -> bool {
        match self {
            Self::Open => true,
            Self::Awaited => false,
            Self::Granted(grant) => grant.meets_exchange(exchange),
        }
    }

    /// How long the connection may stay as it is; `patience` is for those that are yet to bring a
    /// token. None if for ever.
    #[must_use]
    pub fn lasts(&self, patience: Duration) -> Option<Duration> {
        match self {
            Self::Open => None,
            Self::Awaited => Some(patience),
            Self::Granted(grant) => grant.left(),
        }
    }

    fn end(&self) -> Close {
        match self {
            Self::Granted(_) => Close::TokenExpired,
            Self::Open | Self::Awaited => Close::Unauthorized,
        }
    }
}

/// The access of all connections of a shard. What is open to all costs nothing.
#[derive(Debug, Default)]
pub struct Accesses {
    held: HashMap<MemberId, (Access, Option<Micros>)>,
    ends: BTreeSet<(Micros, MemberId)>,
}

impl Accesses {
    /// Sets a connection's access, until a moment of the shard's clock.
    pub fn set(&mut self, id: MemberId, access: Access, until: Option<Micros>) {
        self.forget(id);
        if matches!(access, Access::Open) {
            return;
        }
        self.ends.extend(until.map(|end| (end, id)));
        self.held.insert(id, (access, until));
    }

    /// A connection's access.
    #[must_use]
    pub fn get(&self, id: MemberId) -> Access {
        self.held.get(&id).map(|(access, _)| access.clone()).unwrap_or_default()
    }

    /// Whose key or token a connection showed.
    #[must_use]
    pub fn subject(&self, id: MemberId) -> Option<String> {
        match &self.held.get(&id)?.0 {
            Access::Granted(grant) => grant.subject.as_deref().map(str::to_owned),
            Access::Open | Access::Awaited => None,
        }
    }

    /// Forgets a connection.
    pub fn forget(&mut self, id: MemberId) {
        if let Some((_, Some(end))) = self.held.remove(&id) {
            self.ends.remove(&(end, id));
        }
    }

    /// Connections whose time is over, each once, with the reason to close them.
    pub fn overdue(&mut self, now: Micros) -> Vec<(MemberId, Close)> {
        let mut over = Vec::new();
        while let Some((end, id)) = self.ends.first().copied().filter(|(end, _)| *end <= now) {
            self.ends.remove(&(end, id));
            over.extend(self.held.get(&id).map(|(access, _)| (id, access.end())));
        }
        over
    }
}
