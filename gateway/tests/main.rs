//! How a gateway behaves to its clients, over real sockets: one test program, linked once.
//!
//! Files that read this process' metrics are programs of their own beside it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it stands")]

mod admission;
mod auth;
#[cfg(feature = "testing")] // the echo path
mod autobahn;
mod crowd;
mod encodings;
mod events;
mod heartbeats;
mod hostile_frames;
mod klines;
mod messages;
mod pacing;
mod page;
mod past_bars;
mod refusals;
mod rest;
mod resume;
mod slow_client;
mod specification;
mod subscribing;
mod support;
mod talking;
mod throttling;
mod tls_writes;
