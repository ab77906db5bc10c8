//! What feed and gateway share, and nothing that only one of them needs.
//!
//! - [`market`]: symbols, exchanges, topics, prices, the ticker
//! - [`protocol`]: the client protocol `tickcast.v1`, as types
//! - [`bus`]: last-value cache and broadcast in one atomic step, in memory or on Redis
//! - [`conflate`]: the bounded queue that keeps the newest value when it is full
//! - [`clock`]: time stamps anchored to monotonic time
//! - [`backoff`]: waiting times as values
//! - [`lifecycle`]: named tasks under one cancellation token
//! - [`progress`]: whether the loops go round that a process cannot do without
//! - [`config`]: file, environment and flags, with errors that name the key
//! - [`secret`]: text that is never shown
//! - [`telemetry`]: logs and metrics
//! - [`metric`]: metrics as declared values, and the table of them
//! - [`spans`]: sampled ticks for OpenTelemetry
//! - [`admin`]: the listener for operators
//! - [`panics`]: tasks that break on request, in builds for tests
//! - `testing` and `fuzz` (feature `testing`): child servers for tests, and what any input must obey

pub mod admin;
pub mod backoff;
pub mod bus;
pub mod clock;
pub mod config;
pub mod conflate;
#[cfg(any(test, feature = "testing"))]
pub mod fuzz;
pub mod lifecycle;
pub mod market;
pub mod metric;
pub mod panics;
pub mod progress;
pub mod protocol;
pub mod secret;
pub mod spans;
pub mod telemetry;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
