//! Packed records: a version byte, then MessagePack.
