//! One contract, run against every variant of the bus.

mod bars;
mod epochs;
mod letters;
mod reading;
pub(in crate::bus) mod rig;
mod writing;
