//! Frames and answers of the venues.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| tickcast_feed::fuzz::exchange_message(text));
