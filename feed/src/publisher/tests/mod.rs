//! A publisher as a reader of the bus sees it.

mod faults;
pub(super) mod rig;
mod table;
mod takeover;
