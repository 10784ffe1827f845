//! The Lambda function `graphql`: wiring.

use accounts::clock::Clock;
use accounts::config::Settings;
use accounts::pictures::Pictures;
use accounts::random::Random;
use accounts::store::Store;
use accounts::{Accounts, secrets};
use graphql::FrontSettings;
use lambda_http::Error;

// A second thread, for the cold start: while one waits for the secret, the other opens the connection to the table.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Error> {
    let settings = Settings::from_environment();
    accounts::telemetry::start(&settings)?;
    let started = connect(settings).await;
    let (accounts, front) =
        started.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    lambda_http::run(graphql::app(accounts, front)).await
}

/// While the secret is on its way, the connection to the table is opened.
async fn connect(settings: Settings) -> Result<(Accounts, FrontSettings), Error> {
    let sdk = accounts::aws::sdk_config(&settings).await;
    let random = Random::System;
    let store = Store::connect(&sdk, settings.table()?, random.clone());
    store.warm_up();
    let settings = secrets::read(settings, &sdk).await?;
    let pictures = Pictures::connect(&sdk, settings.pictures_bucket()?);
    let (tokens, proofs) = (settings.tokens()?, settings.proofs()?);
    let (policy, front) = (settings.policy()?, FrontSettings::new(&settings)?);
    Ok((Accounts::new(store, pictures, tokens, proofs, policy, Clock::System, random), front))
}
