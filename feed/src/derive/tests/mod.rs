//! What is derived, rule by rule.

mod index;
mod index_model;
mod kline_model;
mod klines;
mod rig;
mod takeover;
