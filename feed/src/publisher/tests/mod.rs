//! A publisher as a reader of the bus sees it.

mod derived;
mod faults;
pub(crate) mod rig;
mod table;
mod takeover;
