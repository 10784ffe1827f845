//! The way to AWS: one set of time-outs and retries for every client.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{HttpClient, SharedHttpClient, http_client_fn};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::config::Settings;

/// How often a call is tried in all.
const ATTEMPTS: u32 = 3;

/// Region, credentials and endpoint from the environment; calls that fail within seconds instead of
/// holding a request for a minute.
pub async fn sdk_config(settings: &Settings) -> SdkConfig {
    let is_plain = settings.aws_endpoint().is_some_and(|url| url.starts_with("http://"));
    let http_client = if is_plain { Builder::new().build_http() } else { tls_client() };
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client)
        .retry_config(retries())
        .timeout_config(timeouts())
        .load()
        .await
}

/// Reads the machine's root certificates on a thread of its own, while the rest of a cold start goes on:
/// they take as long as all the rest. The first call to AWS waits for them if it must.
fn tls_client() -> SharedHttpClient {
    let client = Arc::new(OnceLock::new());
    let made = client.clone();
    std::thread::spawn(move || {
        made.get_or_init(new_tls_client);
    });
    http_client_fn(move |settings, components| {
        client.get_or_init(new_tls_client).http_connector(settings, components)
    })
}

fn new_tls_client() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https()
}

/// An AWS in this process or beside it: that endpoint, whatever the environment says, and
/// credentials that no real AWS knows, and that may do all there.
pub fn embedded(endpoint: &str) -> SdkConfig {
    embedded_as(endpoint, "embedded")
}

/// The same, with credentials of that access key: it may be a function's name in the template.
pub fn embedded_as(endpoint: &str, access_key: &str) -> SdkConfig {
    let credentials = Credentials::new(access_key, "embedded", None, None, "embedded");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(Builder::new().build_http())
        .retry_config(retries())
        .timeout_config(timeouts())
        .build()
}

/// A bounded number of attempts, with backoff between them.
pub fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_secs(1))
}

/// No call holds a request for more than five seconds, attempts and all.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(5))
        .build()
}

/// What a service says when it fails, or why it says nothing: for the log. Not the requests and answers
/// themselves, which the SDK would show, and no addresses, which SES quotes.
pub(crate) fn why<E>(error: &E) -> String
where
    E: ProvideErrorMetadata + Error,
{
    let said = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => {
            let (mut said, mut source) = (error.to_string(), error.source());
            while let Some(error) = source {
                said = format!("{said}: {error}");
                source = error.source();
            }
            said
        }
    };
    let words = said.split(' ').map(|word| if word.contains('@') { "(an address)" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    #[test]
    fn what_a_service_says_is_told_without_the_address_that_it_quotes() {
        let said = "User x may not send on arn:aws:ses:us-east-1:1:identity/ann@example.com now";
        let error = ErrorMetadata::builder().code("AccessDenied").message(said).build();
        assert_eq!(why(&error), "AccessDenied: User x may not send on (an address) now");
    }
}
