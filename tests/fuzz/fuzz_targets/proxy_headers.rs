//! PROXY headers.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tickcast_gateway::fuzz::proxy_header(input));
