//! A connector keeps one connection to a venue, for ever: dial, subscribe, watch, replace, dial
//! again. A venue's [`Roster`] gives its symbols to as many connectors as they need.
//!
//! What can be decided without IO is decided by values that take `now`: [`link`], [`pulse`],
//! [`watch`], [`rotation`], [`outstanding`], [`log_limit`]. What is known of the symbols stands in
//! the connector's desk. Sockets are touched in `dial` and `session` only.

mod desk;
mod dial;
mod history;
pub mod link;
mod links;
pub mod log_limit;
pub mod loss;
pub mod outstanding;
pub mod pulse;
mod reader;
pub mod rest;
pub mod roster;
pub mod rotation;
mod session;
#[cfg(test)]
pub(crate) mod tests;
pub mod unpack;
mod uplink;
pub mod venue;
pub mod wanted;
pub mod watch;

pub use link::{Course, Link};
pub use loss::Loss;
pub use outstanding::Outstanding;
pub use pulse::{Beat, Pulse};
pub use rest::Rest;
pub use roster::Roster;
pub use rotation::Rotation;
pub use venue::{Surroundings, Venue};
pub use wanted::Wanted;
pub use watch::Watch;

use crate::{metrics, quality::Generation};
use desk::Desk;
use dial::Opened;
use session::Session;
use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// An open connection being served, until its loss.
type Serving = Pin<Box<dyn Future<Output = Loss> + Send>>;

/// The keeper of one connection, and of its replacement while there is one.
struct Connector {
    desk: Arc<Desk>,
}

impl Connector {
    /// Keeps the connection until the token is cancelled. No failure of a venue ends it.
    async fn run(self, token: CancellationToken) {
        tokio::select! {
            () = self.keep() => {}
            () = reader::read(&self.desk) => {}
            () = token.cancelled() => {}
        }
    }

    async fn keep(&self) {
        loop {
            let loss = self.connection().await;
            let until = self.desk.book().lose(&loss, Instant::now());
            tokio::time::sleep_until(until.into()).await;
            self.desk.book().dial();
        }
    }

    /// One connection after the other, without a gap, until the last one is lost.
    async fn connection(&self) -> Loss {
        self.desk.named().await;
        let opened = match self.dial().await {
            Ok(opened) => opened,
            Err(loss) => return loss,
        };
        let generation = self.desk.book().begin(opened.simulated, Instant::now());
        let mut present = self.serve(generation, opened);
        let mut rotation = self.rotation();
        loop {
            tokio::select! {
                loss = &mut present => return loss,
                () = self.due(&rotation) => {}
            }
            match self.replace(&mut present).await {
                Ok(Some(successor)) => {
                    present = successor;
                    rotation = self.rotation();
                }
                Ok(None) => {
                    rotation.failed(
                        self.desk.venue.timing.backoff(),
                        rand::random(),
                        Instant::now(),
                    );
                }
                Err(loss) => return loss,
            }
        }
    }

    fn rotation(&self) -> Rotation {
        let venue = &self.desk.venue;
        let longest = venue.exchange.limits().longest_connection;
        Rotation::new(longest, &venue.timing, rand::random(), Instant::now())
    }

    async fn dial(&self) -> Result<Opened, Loss> {
        let venue = &self.desk.venue;
        venue.may_dial().await;
        metrics::DIALS.of([venue.exchange.name()]).increment(1);
        let nonce = venue.clock.now().0.unsigned_abs();
        let opened = dial::dial(venue, nonce).await?;
        let (connection, simulated) = (self.desk.place, opened.simulated);
        debug!(exchange = %venue.id(), connection, simulated, "connected");
        Ok(opened)
    }

    fn serve(&self, generation: Generation, opened: Opened) -> Serving {
        Box::pin(Session::new(self.desk.clone(), generation, opened, Instant::now()).serve())
    }

    /// Waits until the connection is to be replaced.
    async fn due(&self, rotation: &Rotation) {
        loop {
            let announced = self.desk.book().is_announced();
            let stir = self.desk.stir.notified();
            let Some(at) = rotation.next(announced) else {
                stir.await;
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep_until(at.into()) => return,
                () = stir => {}
            }
        }
    }

    /// Opens a connection beside the present one and returns it once it can do alone; nothing if it
    /// cannot be had, and the present one goes on.
    async fn replace(&self, present: &mut Serving) -> Result<Option<Serving>, Loss> {
        let opened = tokio::select! {
            loss = &mut *present => return Err(loss),
            opened = self.dial() => opened,
        };
        let opened = match opened {
            Ok(opened) => opened,
            Err(loss) => {
                self.desk.book().withdraw(&loss);
                return Ok(None);
            }
        };
        let generation = self.desk.book().offer(opened.simulated);
        let mut successor = self.serve(generation, opened);
        let mut checks =
            tokio::time::interval(Duration::from_millis(self.desk.venue.timing.check_ms));
        loop {
            tokio::select! {
                loss = &mut *present => {
                    self.desk.book().succeed_early(&loss, Instant::now());
                    return Ok(Some(successor));
                }
                loss = &mut successor => {
                    self.desk.book().withdraw(&loss);
                    return Ok(None);
                }
                _ = checks.tick() => {
                    let now = Instant::now();
                    let mut book = self.desk.book();
                    if book.has_moved(now) {
                        book.succeed(now);
                        return Ok(Some(successor));
                    }
                }
            }
        }
    }
}
