//! One contract, run against every variant of the bus.

mod bars;
mod epochs;
mod reading;
pub(in crate::bus) mod rig;
mod writing;
