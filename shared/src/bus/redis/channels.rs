//! Keeps the shards' channels subscribed, for ever.

use super::{
    Redis,
    inbox::{Intake, Item, Level, Watch},
    keys,
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

/// Dials, subscribes, pings; reports to the queue. Ends only when the reader is gone.
pub(super) async fn keep(bus: Redis, items: mpsc::Sender<Item>, level: Arc<Level>) {
    let mut keeper = Keeper { bus, items, level, outage: Outage::default(), connection: 0 };
    while !keeper.items.is_closed() {
        keeper.connection += 1;
        let (error, was_up) = match keeper.subscribe().await {
            Ok((connection, watch)) => (keeper.hold(connection, &watch).await, true),
            Err(error) => (error, false),
        };
        keeper.lost(error, was_up).await;
        sleep(Backoff::BUS.random_delay(keeper.outage.failures())).await;
    }
}

struct Keeper {
    bus: Redis,
    items: mpsc::Sender<Item>,
    level: Arc<Level>,
    outage: Outage,
    connection: u64,
}

impl Keeper {
    /// A connection on which the server has acknowledged all subscriptions.
    async fn subscribe(&self) -> Result<(MultiplexedConnection, Arc<Watch>), Error> {
        let watch = Arc::<Watch>::default();
        let intake = Intake {
            connection: self.connection,
            items: self.items.clone(),
            level: self.level.clone(),
            watch: watch.clone(),
        };
        let config = AsyncConnectionConfig::new().set_push_sender(move |push| intake.accept(push));
        let mut connection = self.bus.dial(config).await?;
        let channels: Vec<String> = ShardId::all().map(keys::channel).collect();
        bounded(connection.subscribe(channels)).await?;
        Ok((connection, watch))
    }

    /// Announces the connection and proves it again and again; returns why it is no more.
    async fn hold(&mut self, mut connection: MultiplexedConnection, watch: &Watch) -> Error {
        self.tell(Item::Up { connection: self.connection }).await;
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut answered = 0;
        loop {
            tokio::select! {
                () = watch.ended.notified() => {
                    return Error::Link("the server ended the subscription".into());
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
            info!(address, down_ms, "bus link restored; all shards are subscribed again");
        }
    }

    async fn lost(&mut self, error: Error, was_up: bool) {
        let news = self.outage.failed(&error, Instant::now());
        if news {
            warn!(
                address = self.bus.address(), %error,
                "bus link lost; dialling again for ever. Check that Redis runs there and lets this process in"
            );
        }
        if was_up {
            counters::link_lost();
        }
        if news || was_up {
            self.tell(Item::Lost(error)).await;
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
