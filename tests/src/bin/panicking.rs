//! A Lambda function with a handler that panics, in the layers of `graphql`. No deployed function has such a handler.

use accounts::config::Settings;
use axum::Router;
use axum::routing::get;
use graphql::FrontSettings;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = Settings::from_environment();
    accounts::telemetry::start(&settings)?;
    let routes = Router::new().route("/health", get(async || "ok")).route("/graphql", get(panics));
    lambda_http::run(graphql::in_layers(routes, FrontSettings::new(&settings)?.into())).await
}

#[expect(clippy::panic, reason = "it is what the function is for")]
async fn panics() {
    panic!("somebody typed ann@example.com");
}
