//! Frames of a client.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tickcast_gateway::fuzz::client_frames(input));
