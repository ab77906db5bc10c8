//! One contract, run against both variants of the bus.

pub(in crate::bus) mod rig;
mod epochs;
mod reading;
mod writing;
