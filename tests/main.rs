//! What holds from outside: real processes, real sockets, a real Redis. One file per behaviour,
//! all in one program so that they run side by side.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

mod adversary;
mod authentication;
mod breakage;
mod browser;
mod check_redis;
mod codecs;
mod configuration;
mod conversation;
mod crash;
mod dead_letters;
mod demo;
mod dependency_rules;
mod documents;
mod examples;
mod exhaustion;
mod expired_token;
mod failover;
mod fan_out;
mod feed_restart;
mod half_open_bus;
mod haproxy;
mod help;
mod hostile;
#[cfg(feature = "testing")]
mod hostile_input;
mod install;
mod kernel_settings;
mod late_gateway;
mod leaving;
mod maintenance;
mod metrics;
mod nginx;
mod parts;
mod price;
mod recordings;
mod redis_cluster;
mod redis_outage;
mod redis_tls;
mod redis_users;
mod refusing_redis;
mod regional_replica;
mod reload;
mod rolling_restart;
mod sentinel_failover;
mod service;
mod slow_client;
#[cfg(feature = "otel")]
mod spans;
mod specification;
mod steady_memory;
mod trace;
mod units;
mod wall_clock;
mod watch;
mod watch_screen;
mod watching;
mod workflows;
