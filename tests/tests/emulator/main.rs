//! The functions as they are deployed, under the real Lambda runtime interface emulator.
fn main() {}
