//! The situations of the Autobahn test suite, numbered as there and written anew from RFC 6455 and
//! RFC 7692: what a strict server makes of them, on the echo path of a running gateway.
//!
//! `tests/autobahn/run.sh` runs the suite itself where Python 2.7 is to be had.

mod closing;
mod compressed;
mod fragments;
mod framing;
mod large;
mod replay;
mod utf8;
