//! WebSocket frames (RFC 6455) on the server's side: written unmasked, read strictly.

pub mod decode;
pub mod deflate;
pub mod encode;
pub mod encoding;
pub mod frames;
pub mod msgpack;
pub mod unfinished;

pub use decode::{Assembler, Bounds, Incoming};
pub use encoding::{Encoding, Format};
pub use frames::Frames;
