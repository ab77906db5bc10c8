//! From exchanges to the bus.
//!
//! - [`config`]: the `[feed]` section
//! - [`run`](run()): from configuration to tasks
//! - [`exchange`]: the venues' protocols, pure
//! - [`connector`]: one connection each, kept for ever
//! - [`quality`]: what may be called a price
//! - [`retry`]: what would become of a refused message now
//! - [`letters`]: refused messages on their way to the bus
//! - [`outbox`]: the queue between connectors and publisher
//! - [`publisher`]: lease, sequence numbers and batches

pub mod config;
pub mod connector;
pub mod exchange;
#[cfg(feature = "testing")]
pub mod fuzz;
pub mod letters;
pub mod outbox;
pub mod publisher;
pub mod quality;
pub mod retry;
mod run;

pub use config::{ExchangeConfig, FeedConfig};
pub use run::{Dlq, Feed, FeedError, run};
