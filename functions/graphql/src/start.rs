//! The cold start.

use accounts::clock::Clock;
use accounts::config::Settings;
use accounts::pictures::Pictures;
use accounts::random::Random;
use accounts::store::Store;
use accounts::{Accounts, secrets};
use lambda_http::Error;
use tokio::task::yield_now;

use crate::{Front, FrontSettings};

/// Yields twice, so that waiting tasks can progress: once to poll them, and once to see that a socket is ready.
async fn yield_twice() {
    yield_now().await;
    yield_now().await;
}

/// Accounts and front by the settings. While it reads the secret and opens the connection to the table, it makes all
/// parts that need neither.
///
/// # Errors
/// For a malformed setting, and for a secret that cannot be read: then the function must not start.
pub async fn connect(settings: Settings) -> Result<(Accounts, Front), Error> {
    let sdk = accounts::aws::sdk_config(&settings)?;
    let random = Random::System;
    // Few sites have the second secret. If there is one, both are read at the same time.
    let secrets = [settings.auth_secret_arn(), settings.private_key_arn()];
    let [secret, private_key] = secrets.map(|arn| tokio::spawn(secrets::read(arn, sdk.clone())));
    yield_twice().await;
    settings.warn_of_hasura()?;
    let front = Front::new(FrontSettings::new(&settings)?)?;
    let pictures = Pictures::connect(&sdk, settings.pictures_bucket()?);
    let policy = settings.policy()?;
    yield_twice().await;
    let store = Store::connect(&sdk, settings.table()?, random.clone(), Clock::System);
    let store = store.with_audit_lifetime(settings.audit_lifetime()?);
    let store = store.with_revocations(settings.revocations()?);
    let store = store.with_shards(settings.index_shards()?);
    store.warm_up();
    yield_twice().await;
    front.warm_up();
    yield_twice().await;
    let settings = settings.with_secret(secret.await??).with_secret(private_key.await??);
    let (tokens, proofs) = (settings.tokens()?, settings.proofs()?);
    Ok((Accounts::new(store, pictures, tokens, proofs, policy, Clock::System, random), front))
}
