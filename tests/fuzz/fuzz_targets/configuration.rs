//! Configuration files.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    tickcast_gateway::fuzz::configuration(text);
    tickcast_feed::fuzz::configuration(text);
});
