//! The Lambda function `account-event`: wiring.

use accounts::config::Settings;
use accounts::telemetry::{self, catch_panic, in_context};
use aws_lambda_events::dynamodb::Event;
use lambda_runtime::{Context, Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = Settings::from_environment();
    telemetry::start(&settings)?;
    let started = account_event::connect(&settings);
    let publisher =
        &started.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| async move {
        let Context { request_id, xray_trace_id: trace_id, .. } = event.context;
        let request = telemetry::Context { request_id, trace_id, ..Default::default() };
        let answer = catch_panic(publisher.answer(event.payload));
        in_context(request, answer).await.ok_or_else(|| Error::from("the function panicked"))
    }))
    .await
}
