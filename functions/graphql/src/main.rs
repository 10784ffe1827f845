//! The Lambda function `graphql`: wiring.

use accounts::config::Settings;
use lambda_http::Error;

// One thread: a second costs a cold start more than it gains.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = Settings::from_environment();
    accounts::telemetry::start(&settings)?;
    let started = graphql::connect(settings).await;
    let (accounts, front) =
        started.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    graphql::run(graphql::app(accounts, front)).await
}
