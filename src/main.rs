//! The one command, `tickcast`.
fn main() {}
