//! A day of many users on DynamoDB's published limits, for `docs/scale.md`: the units of each operation by partition
//! key are measured, the arrivals are simulated.

mod arrival;
mod day;
mod document;
mod place;
mod prose;
mod sample;
mod settings;
mod simulate;

pub use document::write;
pub use simulate::Study;
