//! Cohorts against naive models: whatever clients do, each receives what it would alone.

mod blocked;
mod exact;
mod filtered;
mod followed;
mod gated;
mod klines;
mod large;
mod lonely;
mod market;
mod seats;
mod skipped;
mod socket;
mod soundness;
mod stage;
mod turns;
mod watch;
mod wishes;
