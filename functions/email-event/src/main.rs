//! The Lambda function `email-event`: wiring.

use accounts::config::Settings;
use accounts::telemetry::{self, catch_panic, in_context};
use lambda_runtime::{Context, Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = Settings::from_environment();
    telemetry::start(&settings)?;
    let started = email_event::connect(settings).await;
    let outbox =
        &started.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| async move {
        let Context { request_id, xray_trace_id: trace_id, .. } = event.context;
        let request = telemetry::Context { request_id, trace_id, ..Default::default() };
        let answer = catch_panic(email_event::answer(outbox, event.payload));
        in_context(request, answer).await.ok_or("the function panicked")?
    }))
    .await
}
