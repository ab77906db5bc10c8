//! The other side of every test: simulated venues, swarms of clients, the bare loop.
//!
//! - [`venue`]: simulated exchanges that speak the real ones' protocols
//! - [`recording`]: recorded sessions, replayed through them
//! - [`record`]: how such sessions are recorded
//! - [`demo`]: the exchanges of `tickcast demo`
//! - [`swarm`]: clients that check and measure what they get
//! - [`regulars`]: clients that come back whenever they lose their connection
//! - [`balancer`]: the HAProxy that they come through
//! - [`hostile`]: clients that a server has to stand
//! - [`limit`]: the least that a broadcast can cost
//! - [`bench`]: whole scenarios, started, measured and reported
//! - [`faults`]: what attacks and faults do to a gateway, measured
//! - [`proxy`]: a network that misbehaves
//! - [`descriptors`]: room for thousands of sockets
//! - [`cli`]: the command line of `tickcast-load`

pub mod balancer;
pub mod bench;
pub mod cli;
pub mod demo;
pub mod descriptors;
pub mod faults;
pub mod hostile;
pub mod limit;
pub mod proxy;
pub mod record;
pub mod recording;
pub mod regulars;
pub mod swarm;
pub mod venue;
