//! How a gateway does, in one line for operators.

use crate::{door::Door, prices::Prices};
use std::{fmt, sync::Arc};

/// `812 connections, 300 topics, bus up`. Cheap to clone; looking never waits.
#[derive(Debug, Clone)]
pub struct Standing {
    door: Arc<Door>,
    prices: Prices,
}

impl Standing {
    pub(crate) fn new(door: Arc<Door>, prices: Prices) -> Self {
        Self { door, prices }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (connections, topics) = (self.door.open(), self.prices.topics());
        write!(f, "{connections} connections, {topics} topics, ")?;
        let is_up = self.prices.bus_is_up();
        match (is_up, self.prices.complete.is_ready()) {
            (true, true) => f.write_str("bus up"),
            (true, false) => f.write_str("bus up, waiting for the first snapshot"),
            (false, true) => f.write_str("bus lost: prices are stale, clients stay connected"),
            (false, false) => f.write_str("waiting for the bus: is redis_url right?"),
        }
    }
}
