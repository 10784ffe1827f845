//! The Lambda function `email-event`: wiring.

use accounts::clock::Clock;
use accounts::config::Settings;
use accounts::mail::{Outbox, Sender};
use accounts::random::Random;
use accounts::secrets;
use accounts::store::Store;
use aws_lambda_events::dynamodb::Event;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = Settings::from_environment();
    accounts::telemetry::start(&settings)?;
    let started = connect(settings).await;
    let outbox =
        &started.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| async move {
        Ok::<_, Error>(email_event::handle(outbox, event.payload).await)
    }))
    .await
}

/// While the secret is on its way, the connection to the table is opened.
async fn connect(settings: Settings) -> Result<Outbox, Error> {
    let sdk = accounts::aws::sdk_config(&settings).await;
    let (site, random) = (settings.site()?, Random::System);
    let store = Store::connect(&sdk, settings.table()?, random.clone());
    store.warm_up();
    let settings = secrets::read(settings, &sdk).await?;
    let sender = Sender::connect(&sdk, &site.email_from);
    Ok(Outbox::new(store, settings.proofs()?, sender, site, Clock::System, random))
}
