//! From exchanges to the bus.
