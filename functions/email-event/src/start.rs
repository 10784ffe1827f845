//! The cold start.

use accounts::clock::Clock;
use accounts::config::Settings;
use accounts::mail::{Outbox, Sender};
use accounts::random::Random;
use accounts::secrets;
use accounts::store::Store;
use lambda_runtime::Error;

/// The outbox by the settings. It reads the secret and opens the connection to the table at the same time.
///
/// # Errors
/// For a malformed setting, and for a secret that cannot be read: then the function must not start.
pub async fn connect(settings: Settings) -> Result<Outbox, Error> {
    let sdk = accounts::aws::sdk_config(&settings)?;
    let (site, random) = (settings.mails()?, Random::System);
    let store = Store::connect(&sdk, settings.table()?, random.clone(), Clock::System);
    let store = store.with_audit_lifetime(settings.audit_lifetime()?);
    let store = store.with_shards(settings.index_shards()?);
    store.warm_up();
    let (sender, templates) = (Sender::connect(&sdk, &site), settings.mail_templates()?);
    let secret = secrets::read(settings.auth_secret_arn(), sdk).await?;
    let proofs = settings.with_secret(secret).proofs()?;
    Ok(Outbox::new(store, proofs, sender, templates, site, Clock::System, random))
}
