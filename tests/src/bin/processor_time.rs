//! Prints the processor time of warm requests to the deployed functions, and its ratios. `LAMBDA_BIN` is the folder that
//! `cargo lambda build` writes; it has `hello`, too.

#![allow(clippy::print_stdout, reason = "the table is the output")]

use std::path::absolute;
use std::time::Duration;

use accounts::config::Settings;
use journeys::instructions::{Request, Times, measure};

const ROUNDS: usize = 9;
/// Each request, and the request that its time is divided by.
const RATIOS: [(Request, Request); 4] = [
    (Request::Me, Request::Hello),
    (Request::RestMe, Request::Hello),
    (Request::VerifyToken, Request::Me),
    (Request::RefreshToken, Request::Me),
];

#[tokio::main]
async fn main() -> Result<(), String> {
    let folder = Settings::from_environment().given("LAMBDA_BIN");
    let folder = folder.ok_or("LAMBDA_BIN must be set: the folder with graphql/bootstrap")?;
    let times = measure(absolute(folder).map_err(|error| error.to_string())?, ROUNDS).await?;
    println!(
        "| warm request | median of {ROUNDS} rounds | ratio (lowest and highest) |\n|---|---:|---:|"
    );
    let hello = Request::Hello.name();
    println!("| {hello} | {} | |", milliseconds(&times, hello));
    for (request, by) in RATIOS {
        let (name, by) = (request.name(), by.name());
        let pairs = times[name].iter().zip(&times[by]);
        let mut ratios: Vec<f64> =
            pairs.map(|(one, other)| one.as_secs_f64() / other.as_secs_f64()).collect();
        ratios.sort_by(f64::total_cmp);
        let (lowest, highest) = (ratios[0], ratios[ROUNDS - 1]);
        let median = ratios[ROUNDS / 2];
        let time = milliseconds(&times, name);
        println!("| {name} | {time} | {median:.2} times {by} ({lowest:.2} to {highest:.2}) |");
    }
    Ok(())
}

fn milliseconds(times: &Times, name: &str) -> String {
    let mut times: Vec<Duration> = times[name].clone();
    times.sort();
    format!("{:.3} ms", times[ROUNDS / 2].as_secs_f64() * 1_000.0)
}
