//! The number of instructions that the deployed functions execute, for each cold start and for each warm request.
//! Callgrind counts them. Other work on the machine changes the time of a request, but not this number. [`measure`]
//! measures the processor time instead.

mod callgrind;
mod document;
mod request;
mod runtime;
mod time;

use std::collections::BTreeMap;
use std::path::PathBuf;

use accounts::aws::{embedded, why};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded::{Aws, Options};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::SECRET;
use crate::costs::Tls;
use crate::emulator::Environment;
use crate::forge::payload;
use crate::table::s;
use callgrind::{Process, is_there};
use request::Tokens;

pub use document::{compare, read, write};
pub use request::Request;
pub use time::{Times, measure};

/// The instructions of one kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The instructions of a process, from its start to the answer to its first request.
    pub cold: u64,
    /// The instructions of each further request.
    pub warm: u64,
}

/// The counts, by the name of the request.
pub type Table = BTreeMap<String, Counts>;

/// Counts the instructions of each request. `functions` is the folder that `cargo lambda build` writes; it has `hello`,
/// too. The error names what is missing. Takes about two minutes.
pub async fn count(functions: PathBuf) -> Result<Table, String> {
    is_there()?;
    let site = Site::start(functions).await?;
    let mut table = Table::new();
    for request in Request::ALL {
        let counts = site.count(request).await?;
        eprintln!("{:24} {:>11} cold {:>11} warm", request.name(), counts.cold, counts.warm);
        table.insert(request.name().to_owned(), counts);
    }
    Ok(table)
}

/// An embedded AWS with one user, and the functions beside it.
struct Site {
    functions: PathBuf,
    aws: Aws,
    _front: Tls,
    plain: Environment,
    tls: Environment,
}

impl Site {
    async fn start(functions: PathBuf) -> Result<Self, String> {
        let secret = Some(SECRET.to_owned());
        let options = Options { secret, ..Options::new(local::TEMPLATE) };
        let aws = Aws::start(options).await.map_err(|error| error.to_string())?;
        let front = Tls::in_front_of(&aws, &Handle::current()).await;
        let front = front.map_err(|error| error.to_string())?;
        let plain = Environment::of("GraphqlFunction", aws.table_name())
            .with("AWS_ENDPOINT_URL", aws.endpoint_url())
            .with("THROTTLE", "off");
        let tls = plain
            .clone()
            .with("AWS_ENDPOINT_URL", front.endpoint_url())
            .with("AWS_CA_BUNDLE", front.roots().display().to_string());
        let site = Self { functions, aws, _front: front, plain, tls };
        let mut process = Process::start(&site.functions, "graphql", &site.plain).await?;
        let answer = process.invoke(&request::register()).await?;
        process.stop().await?;
        let mut tokens = Tokens::default();
        tokens.renew(answer["body"].as_str().unwrap_or_default());
        site.verify(payload(&tokens.access)["sub"].as_str().unwrap_or_default()).await?;
        Ok(site)
    }

    /// Marks the address of the user as verified in the table: a refresh for an unverified user reads more.
    async fn verify(&self, user: &str) -> Result<(), String> {
        let client = Client::new(&embedded(self.aws.endpoint_url()));
        let update = client.update_item().table_name(self.aws.table_name());
        let update = update.key("pk", s(format!("USER#{user}"))).key("sk", s("USER"));
        let update = update
            .update_expression("SET is_verified = :true")
            .condition_expression("is_verified = :false")
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":false", AttributeValue::Bool(false));
        update.send().await.map(drop).map_err(|error| why(&error))
    }

    /// The instructions of a process that answers one request; and for each further request, the difference between two
    /// processes that answer several requests.
    async fn count(&self, request: Request) -> Result<Counts, String> {
        let counted = request.counted();
        let mut cold = self.instructions(request, 1).await?;
        for _ in 1..request.starts() {
            cold = cold.min(self.instructions(request, 1).await?);
        }
        let before = request.before();
        let few = if before == 1 { cold } else { self.instructions(request, before).await? };
        let many = self.instructions(request, before + counted).await?;
        Ok(Counts { cold, warm: many.saturating_sub(few) / counted })
    }

    /// The instructions of a process that answers so many requests.
    async fn instructions(&self, request: Request, times: u64) -> Result<u64, String> {
        let mut tokens = self.tokens(request).await?;
        let function = request.function();
        let environment = self.environment(request);
        let mut process = Process::start_counted(&self.functions, function, environment).await?;
        answer(&mut process, request, times, &mut tokens).await?;
        process.stop().await?;
        process.instructions()
    }

    fn environment(&self, request: Request) -> &Environment {
        if request.is_over_tls() { &self.tls } else { &self.plain }
    }

    async fn tokens(&self, request: Request) -> Result<Tokens, String> {
        if request.needs_tokens() { self.log_in().await } else { Ok(Tokens::default()) }
    }

    /// Gets new tokens, because an access token is valid for some minutes only.
    async fn log_in(&self) -> Result<Tokens, String> {
        let mut process = Process::start(&self.functions, "graphql", &self.plain).await?;
        let answer = process.invoke(&Request::LogIn.event(&Tokens::default())).await?;
        process.stop().await?;
        let mut tokens = Tokens::default();
        tokens.renew(answer["body"].as_str().unwrap_or_default());
        Ok(tokens)
    }
}

/// Sends a request so many times, one after the other.
async fn answer(
    process: &mut Process,
    request: Request,
    times: u64,
    tokens: &mut Tokens,
) -> Result<(), String> {
    for _ in 0..times {
        let answer = process.invoke(&request.event(tokens)).await?;
        let body = answer["body"].as_str().unwrap_or_default();
        if answer["statusCode"] != 200 || !body.contains(request.expected()) {
            return Err(format!("{}: {answer}", request.name()));
        }
        tokens.renew(body);
    }
    Ok(())
}
