//! The Lambda function `email-event`: wiring.

use accounts::clock::Clock;
use accounts::config::Settings;
use accounts::mail::{Outbox, Sender};
use accounts::random::Random;
use accounts::secrets;
use accounts::store::Store;
use accounts::telemetry::{self, caught, within};
use lambda_runtime::{Context, Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = Settings::from_environment();
    telemetry::start(&settings)?;
    let started = connect(settings).await;
    let outbox =
        &started.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| async move {
        let Context { request_id, xray_trace_id: trace_id, .. } = event.context;
        let request = telemetry::Context { request_id, trace_id };
        let answer = caught(email_event::answer(outbox, event.payload));
        within(request, answer).await.ok_or("the function panicked")?
    }))
    .await
}

/// While the secret is on its way, the connection to the table is opened.
async fn connect(settings: Settings) -> Result<Outbox, Error> {
    let sdk = accounts::aws::sdk_config(&settings)?;
    let (site, random) = (settings.site()?, Random::System);
    let store = Store::connect(&sdk, settings.table()?, random.clone(), Clock::System);
    store.warm_up();
    let (sender, templates) = (Sender::connect(&sdk, &site), settings.mail_templates()?);
    let secret = secrets::read(settings.auth_secret_arn(), sdk).await?;
    let proofs = settings.with_secret(secret).proofs()?;
    Ok(Outbox::new(store, proofs, sender, templates, site, Clock::System, random))
}
