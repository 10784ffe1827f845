//! The Lambda function `graphql`: wiring.

use accounts::config::Settings;
use lambda_http::Error;
use tokio::task::spawn_local;

// One thread: a second thread would cost a cold start more than it gains.
#[tokio::main(flavor = "local")]
async fn main() -> Result<(), Error> {
    let settings = Settings::from_environment();
    accounts::telemetry::start(&settings)?;
    let started = graphql::connect(settings).await;
    let (accounts, front) =
        started.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    // In a task: each wake-up of the main future is a write to the kernel.
    spawn_local(graphql::run(graphql::app(accounts, front))).await?
}
