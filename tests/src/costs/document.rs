//! `docs/costs.md`.

use std::fmt::Write as _;
use std::time::Duration;

use super::money::{
    Bill, FIXED, HASH, LOGGED, MEMORY, MONTH, OVERHEAD, READ_PRICE, ROUND_TRIP, USERS, WRITE_PRICE,
    dollars,
};
use super::speed::STARTS;
use super::{Cost, Operation, Speed};

/// The most time of `graphql` for `{ __typename }`, compared to a function that does nothing.
const MAX_TIMES_HELLO: f64 = 2.5;
/// The most time for the first `me`.
const MAX_TIMES_HELLO_ME: f64 = 4.0;
/// The most memory of `graphql` before the first password hash, in MiB.
const MAX_MEMORY: f64 = 20.0;
/// The largest size of `graphql`, in MiB. ADR 24 has the reason. S3's SDK and four picture formats are a quarter of it.
const MAX_GRAPHQL: f64 = 24.0;
/// The largest size of any other program, in MiB.
const MAX_SIZE: f64 = 20.0;

const INTRODUCTION: &str = "\
<!-- Written by `cargo run -p journeys --bin costs`. -->

# Costs

## Calls and capacity

This table counts the calls of each operation to DynamoDB, for a user with a name and an address of ordinary length. \
The SDK makes the calls, and the embedded DynamoDB answers them. Round trips are successive calls; parallel calls \
count once. The embedded DynamoDB reports the units, including those of the indexes. With on-demand capacity, a unit \
is a request unit. A test compares the round trips and the items with the expected numbers.

| operation | round trips | calls | items written | read units | write units | $ per million |
|---|---:|---:|---:|---:|---:|---:|
";

const SPEED: &str = "\
The figures are from Lambda's runtime interface emulator and the deployed build of the functions:

    cargo lambda build --release --package graphql --package email-event --package account-event --package token-cleanup --package hello
    LAMBDA_RIE=<path of aws-lambda-rie> LAMBDA_BIN=target/lambda cargo run -p journeys --bin costs

`LAMBDA_RIE` is part of SAM CLI: `samcli/local/rapid/aws-lambda-rie-<architecture>` in its Python \
modules. If one of the two variables is not set, this section has no figures.
";

/// All of the document. Without `speed`, the last section says how to measure it.
pub fn write(costs: &[(Operation, Cost)], speed: Option<&Speed>) -> String {
    let mut text = INTRODUCTION.to_owned();
    for (operation, cost) in costs {
        row(&mut text, *operation, cost);
    }
    text.push_str("\nDynamoDB also charges for a write whose condition fails, with the units of the whole write.\n");
    month(&mut text, costs);
    bills(&mut text, costs);
    text.push_str("\n## Speed and size\n\n");
    text.push_str(SPEED);
    if let Some(speed) = speed {
        figures(&mut text, speed);
    }
    text
}

/// Each limit: its subject, the measured value, the limit, and PASS or FAIL.
pub fn verdicts(speed: &Speed) -> Vec<[String; 4]> {
    let memory = mebibytes(speed.after_me.peak);
    let mut verdicts: Vec<_> = cold_starts(speed)
        .into_iter()
        .map(|(what, times, most)| {
            let times = milliseconds(times) / milliseconds(&speed.hello);
            verdict(
                &format!("cold start of `graphql` to {what}, compared to a hello-world"),
                format!("{times:.2} times"),
                format!("at most {most} times"),
                times <= most,
            )
        })
        .collect();
    verdicts.push(verdict(
        "most memory of `graphql` before the first password hash",
        format!("{memory:.1} MiB"),
        format!("below {MAX_MEMORY} MiB"),
        memory < MAX_MEMORY,
    ));
    verdicts.extend(speed.sizes.iter().map(|(function, bytes)| {
        let size = mebibytes(*bytes);
        let what = format!("size of `{function}`");
        let most = if *function == "graphql" { MAX_GRAPHQL } else { MAX_SIZE };
        verdict(&what, format!("{size:.1} MiB"), format!("below {most} MiB"), size < most)
    }));
    verdicts
}

/// Each cold start: its first request, the measured times, and the limit as a multiple of the time of a hello-world.
fn cold_starts(speed: &Speed) -> [(&'static str, &[Duration], f64); 4] {
    let Speed { plain, tls, .. } = speed;
    [
        ("`{ __typename }`", &plain.typename, MAX_TIMES_HELLO),
        ("`{ __typename }`, over TLS", &tls.typename, MAX_TIMES_HELLO),
        ("the first `me`", &plain.me, MAX_TIMES_HELLO_ME),
        ("the first `me`, over TLS", &tls.me, MAX_TIMES_HELLO_ME),
    ]
}

fn verdict(what: &str, measured: String, limit: String, is_kept: bool) -> [String; 4] {
    let word = if is_kept { "PASS" } else { "FAIL" };
    [what.to_owned(), measured, limit, word.to_owned()]
}

fn row(text: &mut String, operation: Operation, cost: &Cost) {
    let Cost { calls, items, read_units, write_units, .. } = cost;
    let _ = writeln!(
        text,
        "| {} | {} | {} | {items} | {read_units} | {write_units} | {:.2} |",
        operation.name(),
        calls.round_trips,
        calls.calls,
        dollars(cost, 1_000_000),
    );
}

fn month(text: &mut String, costs: &[(Operation, Cost)]) {
    let _ = write!(
        text,
        "\n## A month of {} users\n\n\
         A tenth of the users are new. Each user logs in and out 4 times, sends 200 queries and refreshes 40 times. \
         The prices are the list prices on demand in us-east-1: ${READ_PRICE} for a million read request units, and \
         ${WRITE_PRICE} for a million write request units. This table has the price of DynamoDB alone. The next \
         section has all services.\n\n\
         | operation | times | $ |\n|---|---:|---:|\n",
        grouped(USERS),
    );
    let mut sum = 0.0;
    for (operation, times) in MONTH {
        let Some((_, cost)) = costs.iter().find(|(known, _)| *known == operation) else { continue };
        let dollars = dollars(cost, times);
        sum += dollars;
        let _ = writeln!(text, "| {} | {times} | {dollars:.3} |", operation.name());
    }
    let _ = writeln!(text, "| **together** | | **{sum:.2}** |");
}

fn bills(text: &mut String, costs: &[(Operation, Cost)]) {
    let _ = write!(
        text,
        "\n## A month of more users\n\n\
         This is the same month for more active users. It has all services, at list prices in us-east-1 and without \
         free tiers:\n\n\
         - A request takes {OVERHEAD} ms. Each round trip adds {ROUND_TRIP} ms, and a password hash {HASH} ms. A fast \
         processor takes 17 ms for a hash. A function with 1 GiB has 58 % of a processor, so a hash takes 29 ms there. The table uses the higher value of 35 ms. The function has {MEMORY} GiB ($16.67 for a million seconds of 1 GiB, $0.20 for a million calls).\n\
         - A request to the API costs $1.00 a million, and $0.90 a million beyond 300 million.\n\
         - A mail costs $100 a million.\n\
         - A call writes {LOGGED} bytes of logs, at $0.50 a gigabyte.\n\
         - The secret and fifteen alarms, one of them with two metrics, cost ${FIXED:.2} a month.\n\n\
         The table does not include storage (DynamoDB: $0.25 a gigabyte, $0.20 more for point-in-time recovery; a user \
         takes about 2 kB), pictures, traces, metrics, traffic out of AWS, and the options that are off by default. \
         A million events cost $1.00. In addition, Lambda charges for the calls of `account-event`. One call takes up to ten events. The revocation feed costs \
         2 write units each time sessions end.\n\n\
         | users | million requests | DynamoDB | API Gateway | Lambda | SES | logs | together | for a user |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for users in [10_000, 100_000, 1_000_000, 10_000_000] {
        let bill = Bill::of(costs, users);
        let Bill { requests, dynamodb, api, lambda, mails, logs } = bill;
        let (sum, each) = (bill.sum(), bill.sum() / f64::from(users));
        let users = grouped(users);
        let _ = writeln!(
            text,
            "| {users} | {requests:.1} | ${dynamodb:.2} | ${api:.2} | ${lambda:.2} | ${mails:.2} | ${logs:.2} \
             | **${sum:.2}** | ${each:.5} |",
        );
    }
}

fn figures(text: &mut String, speed: &Speed) {
    let Speed { hello, after_health, after_me, after_hash, after_hashes, .. } = speed;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let architecture = std::env::consts::ARCH;
    let _ = write!(
        text,
        "\nThis run: {architecture}, {processors} processors.\n\n\
         | | measured | limit | |\n|---|---:|---:|---|\n",
    );
    for [what, measured, limit, word] in verdicts(speed) {
        let _ = writeln!(text, "| {what} | {measured} | {limit} | {word} |");
    }
    let _ = write!(
        text,
        "\nA cold start is the time from the event to the answer. The emulator starts the process when the event \
         arrives. Each row has {STARTS} starts, and the rows take turns. Before `graphql` takes the event, it reads \
         its secret and connects to the table. Here, the embedded AWS has the secret and the table, at an IP address \
         and without TLS. For the rows \"over TLS\", a proxy adds TLS 1.3. If the machine has other work, the ratios \
         differ by up to a tenth between runs.\n\n\
         | | median | fastest | slowest |\n|---|---:|---:|---:|\n",
    );
    let measured =
        cold_starts(speed).map(|(what, times, _)| (format!("`graphql` to {what}"), times));
    let hello = ("hello-world on `lambda_http`".to_owned(), hello.as_slice());
    for (name, times) in measured.into_iter().chain([hello]) {
        let [fastest, slowest] =
            [times.first(), times.last()].map(|time| in_milliseconds(time.copied()));
        let median = milliseconds(times);
        let _ = writeln!(text, "| {name} | {median:.1} ms | {fastest:.1} ms | {slowest:.1} ms |");
    }
    text.push_str(
        "\nMemory of `graphql` during one process:\n\n| after | resident | maximum so far |\n|---|---:|---:|\n",
    );
    for (when, memory) in [
        ("`health.json`, the first answer", after_health),
        ("`me.json`, a logged-in user", after_me),
        ("`token-auth.json`, the first password hash", after_hash),
        ("several more password hashes", after_hashes),
    ] {
        let (now, peak) = (mebibytes(memory.resident), mebibytes(memory.peak));
        let _ = writeln!(text, "| {when} | {now:.1} MiB | {peak:.1} MiB |");
    }
    let [me, log_in] = speed.warm.map(|time| in_milliseconds(Some(time)));
    let _ = write!(
        text,
        "\nThe following figures are the reason for the memory setting of `graphql` in the template. With 1,769 MB, Lambda gives a function a whole \
         processor, and with less memory a part of one. In this run, the function has a whole processor.\n\n\
         | | takes | most memory |\n|---|---:|---:|\n\
         | `me.json`, warm | {me:.1} ms | |\n\
         | `token-auth.json`, warm: one password hash | {log_in:.1} ms | |\n",
    );
    for (format, time, memory) in &speed.pictures {
        let (time, peak) = (in_milliseconds(Some(*time)), mebibytes(memory.peak));
        let _ =
            writeln!(text, "| a {format} of 4096 × 4096 pixels | {time:.0} ms | {peak:.0} MiB |");
    }
}

/// A number with commas: `10,000`.
fn grouped(number: u32) -> String {
    if number < 1_000 {
        return number.to_string();
    }
    format!("{},{:03}", grouped(number / 1_000), number % 1_000)
}

/// The median of times in ascending order.
fn milliseconds(times: &[Duration]) -> f64 {
    in_milliseconds(times.get(times.len() / 2).copied())
}

fn in_milliseconds(time: Option<Duration>) -> f64 {
    time.unwrap_or_default().as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "the figures have one digit after the point")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
