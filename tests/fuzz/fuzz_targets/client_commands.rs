//! Text messages of a client.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| tickcast_shared::fuzz::client_command(text));
