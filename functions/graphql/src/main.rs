//! The Lambda function `graphql`: wiring.

use accounts::Accounts;
use accounts::clock::Clock;
use accounts::config::Settings;
use accounts::pictures::Pictures;
use accounts::random::Random;
use accounts::store::Store;
use graphql::FrontSettings;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = Settings::from_environment();
    accounts::telemetry::start(&settings)?;
    let accounts = connect(&settings).await?;
    lambda_http::run(graphql::app(accounts, FrontSettings::new(&settings)?)).await
}

async fn connect(settings: &Settings) -> Result<Accounts, Error> {
    let sdk = accounts::aws::sdk_config(settings).await;
    let random = Random::System;
    let store = Store::connect(&sdk, settings.table()?, random.clone());
    let pictures = Pictures::connect(&sdk, settings.pictures_bucket()?);
    let (tokens, proofs) = (settings.tokens()?, settings.proofs()?);
    let policy = settings.policy()?;
    Ok(Accounts::new(store, pictures, tokens, proofs, policy, Clock::System, random))
}
