//! The Lambda function `graphql`: wiring.

use accounts::clock::Clock;
use accounts::config::Settings;
use accounts::pictures::Pictures;
use accounts::random::Random;
use accounts::store::Store;
use accounts::{Accounts, secrets};
use graphql::{Front, FrontSettings};
use lambda_http::Error;
use tokio::task::yield_now;

// One thread: a second costs a cold start more than it gains.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = Settings::from_environment();
    accounts::telemetry::start(&settings)?;
    let started = connect(settings).await;
    let (accounts, front) =
        started.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    lambda_http::run(graphql::app(accounts, front)).await
}

/// Lets what waits for an answer go on as far as it can: what a socket has to say is heard one step later.
async fn go_on() {
    yield_now().await;
    yield_now().await;
}

/// While the secret and the connection to the table are on their ways, all is made that needs neither.
async fn connect(settings: Settings) -> Result<(Accounts, Front), Error> {
    let sdk = accounts::aws::sdk_config(&settings)?;
    let (arn, random) = (settings.auth_secret_arn(), Random::System);
    let secret = tokio::spawn(secrets::read(arn, sdk.clone()));
    go_on().await;
    let front = Front::new(FrontSettings::new(&settings)?)?;
    let pictures = Pictures::connect(&sdk, settings.pictures_bucket()?);
    let policy = settings.policy()?;
    go_on().await;
    let store = Store::connect(&sdk, settings.table()?, random.clone(), Clock::System);
    store.warm_up();
    go_on().await;
    front.warm_up();
    go_on().await;
    let settings = settings.with_secret(secret.await??);
    let (tokens, proofs) = (settings.tokens()?, settings.proofs()?);
    Ok((Accounts::new(store, pictures, tokens, proofs, policy, Clock::System, random), front))
}
