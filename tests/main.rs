//! What holds from outside: real processes, real sockets, a real Redis. One file per behaviour,
//! all in one program so that they run side by side.

mod support;

mod configuration;
mod dependency_rules;
mod help;
mod fan_out;
mod conversation;
mod expired_token;
mod feed_restart;
mod redis_outage;
mod late_gateway;
mod recordings;
