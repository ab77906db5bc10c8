//! The other side of every test: simulated venues, swarms of clients, the bare loop.
//!
//! - [`venue`]: simulated exchanges that speak the real ones' protocols
//! - [`recording`]: recorded sessions, replayed through them
//! - [`demo`]: the three exchanges of `tickcast demo`
//! - [`swarm`]: clients that check and measure what they get
//! - [`limit`]: the least that a broadcast can cost
//! - [`bench`]: whole scenarios, started, measured and reported
//! - [`descriptors`]: room for thousands of sockets
//! - [`cli`]: the command line of `tickcast-load`

pub mod bench;
pub mod cli;
pub mod demo;
pub mod descriptors;
pub mod limit;
pub mod recording;
pub mod swarm;
pub mod venue;
