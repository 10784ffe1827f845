//! The Lambda function `graphql`: wiring.

use accounts::aws::SdkConfig;
use accounts::clock::Clock;
use accounts::config::{ConfigError, Settings};
use accounts::pictures::Pictures;
use accounts::random::Random;
use accounts::store::Store;
use accounts::{Accounts, secrets};
use graphql::{Front, FrontSettings};
use lambda_http::Error;

fn main() -> Result<(), Error> {
    let settings = Settings::from_environment();
    accounts::telemetry::start(&settings)?;
    // Before the runtime, because it is what a cold start waits for in the end: it begins to read the roots.
    let sdk = accounts::aws::sdk_config(&settings);
    run(settings, sdk)
}

// Two threads beside this one, for the cold start: one fetches the secret, one opens the connection to the table.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn run(settings: Settings, sdk: Result<SdkConfig, ConfigError>) -> Result<(), Error> {
    let started = async { connect(settings, sdk?).await }.await;
    let (accounts, front) =
        started.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    lambda_http::run(graphql::app(accounts, front)).await
}

/// While the secret is on its way, the connection to the table is opened, and all is made that needs no secret.
async fn connect(settings: Settings, sdk: SdkConfig) -> Result<(Accounts, Front), Error> {
    let (arn, random) = (settings.auth_secret_arn(), Random::System);
    let secret = tokio::spawn(secrets::read(arn, sdk.clone()));
    let store = Store::connect(&sdk, settings.table()?, random.clone());
    store.warm_up();
    let pictures = Pictures::connect(&sdk, settings.pictures_bucket()?);
    let (policy, front) = (settings.policy()?, Front::new(FrontSettings::new(&settings)?));
    let settings = settings.with_secret(secret.await??);
    let (tokens, proofs) = (settings.tokens()?, settings.proofs()?);
    Ok((Accounts::new(store, pictures, tokens, proofs, policy, Clock::System, random), front))
}
