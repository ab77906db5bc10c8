//! From the bus to clients.
