//! Keeps shards' channels subscribed, for ever.

use super::{
    Redis,
    dial::Dialled,
    inbox::{Intake, Item, Level, Watch},
    keys::{self, Place},
    link::bounded,
};
use crate::{
    backoff::Backoff,
    bus::{Error, HEARTBEAT_EVERY, Outage, ShardId, counters},
};
use redis::{AsyncConnectionConfig, aio::MultiplexedConnection};
use std::{sync::Arc, time::Instant};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep},
};
use tracing::{info, warn};

/// How often the link is proven by a PING: a frozen server is noticed within this and the command
/// time-out.
const PING_EVERY: std::time::Duration = HEARTBEAT_EVERY;
/// Answered PINGs after which a connection counts as restored; fewer may be a server that accepts
/// and drops, which shall neither reset the backoff nor fill the log.
const STABLE_AFTER_PINGS: u32 = 2;

/// The shards that share a connection: all where one server has them, else each has its own, so that
/// a slot that moves and a node that fails concern the shards there and no others.
pub(super) fn connections(bus: &Redis) -> Vec<Arc<[ShardId]>> {
    match bus.cluster() {
        Some(_) => ShardId::all().map(|shard| Arc::from([shard])).collect(),
        None => vec![ShardId::all().collect()],
    }
}

/// Dials, subscribes, pings; reports to the queue. Ends only when the reader is gone.
pub(super) async fn keep(
    bus: Redis,
    shards: Arc<[ShardId]>,
    items: mpsc::Sender<Item>,
    level: Arc<Level>,
) {
    let place = shards.first().map_or(Place::Control, |shard| Place::Shard(*shard));
    let outage = Outage::default();
    let mut keeper = Keeper { bus, shards, place, items, level, outage, connection: 0 };
    while !keeper.items.is_closed() {
        keeper.connection += 1;
        let (error, was_up) = match keeper.subscribe().await {
            Ok((dialled, watch)) => (keeper.hold(dialled, &watch).await, true),
            Err(error) => (error, false),
        };
        keeper.bus.doubt(place);
        keeper.lost(error, was_up).await;
        sleep(Backoff::BUS.random_delay(keeper.outage.failures())).await;
    }
}

struct Keeper {
    bus: Redis,
    shards: Arc<[ShardId]>,
    /// Where they are: on a cluster there is only one of them.
    place: Place,
    items: mpsc::Sender<Item>,
    level: Arc<Level>,
    outage: Outage,
    connection: u64,
}

impl Keeper {
    /// A connection on which the server has acknowledged all subscriptions.
    async fn subscribe(&self) -> Result<(Dialled, Arc<Watch>), Error> {
        let watch = Arc::<Watch>::default();
        let intake = Intake {
            connection: self.connection,
            items: self.items.clone(),
            level: self.level.clone(),
            watch: watch.clone(),
        };
        let config = AsyncConnectionConfig::new().set_push_sender(move |push| intake.accept(push));
        let mut dialled = self.bus.dial_for(self.place, config).await?;
        let connection = &mut dialled.connection;
        if self.bus.cluster().is_some() {
            for &shard in &*self.shards {
                let subscribe = redis::cmd("SSUBSCRIBE").arg(keys::channel(shard)).take();
                bounded(subscribe.query_async::<redis::Value>(connection)).await?;
            }
        } else {
            let channels: Vec<String> = self.shards.iter().copied().map(keys::channel).collect();
            bounded(connection.subscribe(channels)).await?;
        }
        Ok((dialled, watch))
    }

    /// Announces the connection and proves it again and again; returns why it is no more.
    async fn hold(&mut self, dialled: Dialled, watch: &Watch) -> Error {
        let Dialled { mut connection, lookout } = dialled;
        self.tell(Item::Up { connection: self.connection, shards: self.shards.clone() }).await;
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut answered = 0;
        loop {
            tokio::select! {
                () = watch.ended.notified() => {
                    return Error::Link("the server ended the subscription".into());
                }
                () = lookout.over() => {
                    return Error::Link("another server is in charge".into());
                }
                _ = pings.tick() => {}
            }
            if let Err(error) = ping(&mut connection, watch).await {
                return error;
            }
            self.tell(Item::Alive).await;
            answered += 1;
            if answered == STABLE_AFTER_PINGS {
                self.restored();
            }
        }
    }

    fn restored(&mut self) {
        if let Some(down) = self.outage.recovered(Instant::now()) {
            let (address, down_ms) = (self.bus.address(), down.as_millis());
            let shards = self.shards.len();
            info!(address, shards, down_ms, "bus link restored; subscribed again");
        }
    }

    async fn lost(&mut self, error: Error, was_up: bool) {
        let news = self.outage.failed(&error, Instant::now());
        if news {
            warn!(
                address = self.bus.address(), shards = self.shards.len(), %error,
                "bus link lost; dialling again for ever. Check that Redis runs there and lets this process in"
            );
        }
        if was_up {
            counters::link_lost();
        }
        if news || was_up {
            self.tell(Item::Lost { error, shards: self.shards.clone() }).await;
        }
    }

    /// Waits for room: these few must not be dropped. Without a reader nobody is to be told.
    async fn tell(&self, item: Item) {
        let _ = self.items.send(item).await;
    }
}

/// Succeeds on an answer, or when messages came meanwhile: then the answer waits behind them.
async fn ping(connection: &mut MultiplexedConnection, watch: &Watch) -> Result<(), Error> {
    let before = watch.received();
    let ping = redis::cmd("PING");
    match bounded(ping.query_async::<()>(connection)).await {
        Err(Error::Link(_)) if watch.received() > before => Ok(()),
        result => result,
    }
}
