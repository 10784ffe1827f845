//! The Lambda function `token-cleanup`: wiring.

use accounts::config::Settings;
use accounts::telemetry::{self, catch_panic, in_context};
use jiff::Timestamp;
use lambda_runtime::{Context, Error, LambdaEvent, service_fn};
use token_cleanup::Scheduled;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = Settings::from_environment();
    telemetry::start(&settings)?;
    let started = token_cleanup::connect(&settings);
    let cleanup =
        &started.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Scheduled>| async move {
        let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
        let deadline = Timestamp::from_millisecond(deadline).unwrap_or(Timestamp::MAX);
        let Context { request_id, xray_trace_id: trace_id, .. } = event.context;
        let request = telemetry::Context { request_id, trace_id, ..Default::default() };
        let run = async {
            let run = catch_panic(token_cleanup::handle(cleanup, deadline)).await;
            run.ok_or("the function panicked")?.map_err(|error| {
                tracing::error!(error = %accounts::error::Report(&error), "the clean-up failed");
                Error::from(error)
            })
        };
        in_context(request, run).await
    }))
    .await
}
