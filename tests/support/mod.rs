//! What the tests stand on: child processes, clients, waiting for conditions.
#![allow(dead_code, unused_imports, reason = "behaviours come and go; what they stand on stays")]

mod certificate;
mod client;
#[path = "../../gateway/tests/support/document.rs"]
pub mod document;
pub mod fleet;
mod forward;
mod lines;

mod market;
mod nginx;
mod node;
mod rest;
#[path = "../../gateway/tests/support/schema.rs"]
mod schema;
mod scrape;
pub mod shipped;
pub mod specification;
mod supervisor;
mod terminal;
mod tickcast;
#[path = "../../gateway/tests/support/tokens.rs"]
pub mod tokens;
mod wait;

pub use certificate::Certificate;
pub use client::Client;
pub use fleet::Fleet;
pub use forward::{Forward, stamp};
pub use lines::Lines;
pub use market::Market;
pub use nginx::Nginx;
pub use node::{Node, packaged};
pub use rest::{Answer, get};
pub use scrape::{Scrape, Series};
pub use supervisor::Supervisor;
pub use terminal::Terminal;
pub use tickcast::{Ended, Role, Start, Tickcast, start, start_by_shell};
pub use tickcast_shared::testing::RedisServer;
pub use wait::{DEADLINE, eventually, eventually_within};
