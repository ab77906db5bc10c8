//! WebSocket frames (RFC 6455) on the server's side: written unmasked, read strictly.

pub mod decode;
pub mod encode;

pub use decode::{Assembler, Incoming};
