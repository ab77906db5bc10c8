//! Values, heartbeats, topics and messages on the bus.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tickcast_shared::fuzz::bus_value(bytes));
