//! From exchanges to the bus.
//!
//! - [`config`]: the `[feed]` section
//! - [`run`](run()): from configuration to tasks
//! - `lineup`: which exchanges are at work
//! - [`exchange`]: the venues' protocols, pure
//! - [`connector`]: one connection each, kept for ever
//! - [`quality`]: what may be called a price
//! - [`derive`]: indexes across venues, and bars
//! - [`retry`]: what would become of a refused message now
//! - [`letters`]: refused messages on their way to the bus
//! - [`backfill`]: bars from before, from the venues
//! - [`outbox`]: the queue between connectors and publisher
//! - [`metrics`]: the table of them
//! - [`standing`]: how it does, in one line
//! - [`publisher`]: lease, sequence numbers and batches

// The futures of a back-fill nest more deeply than the compiler follows by default.
#![recursion_limit = "256"]

pub mod backfill;
pub mod config;
pub mod connector;
pub mod derive;
pub mod exchange;
#[cfg(feature = "testing")]
pub mod fuzz;
pub mod letters;
mod lineup;
pub mod metrics;
pub mod outbox;
pub mod publisher;
pub mod quality;
pub mod retry;
mod run;
pub mod standing;
mod vitals;

pub use config::{ExchangeConfig, FeedConfig};
pub use run::{Dlq, Feed, FeedError, run};
