//! One contract, run against both variants of the bus.
