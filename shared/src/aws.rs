//! The way to AWS: one set of time-outs and retries for every client.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::StalledStreamProtectionConfig;

use crate::config::{ConfigError, Settings};

/// How often a call is tried in all.
const ATTEMPTS: u32 = 3;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The root certificates of AWS: the five roots of Amazon Trust Services, <https://www.amazontrust.com/repository/>.
const AMAZON: &[u8] = include_bytes!("roots.pem");
/// The prefixes of regions whose endpoints may have another root.
const ELSEWHERE: [&str; 5] = ["cn-", "eu-isoe-", "eusc-", "us-gov-", "us-iso"];

/// The configuration of the SDK in a function. Region, credentials and endpoint come from the environment, as Lambda
/// sets them. A call fails within seconds, so that it does not hold a request for a minute. The code looks for no
/// profiles and no roles: that search would take longer than the rest of a cold start.
///
/// # Errors
/// When the environment has no region or no credentials, or names roots that cannot be read.
pub fn sdk_config(settings: &Settings) -> Result<SdkConfig, ConfigError> {
    let (endpoint, region) = (settings.aws_endpoint(), settings.aws_region()?);
    let is_plain = endpoint.as_deref().is_some_and(|url| url.starts_with("http://"));
    let http_client = if is_plain {
        Builder::new().build_http()
    } else {
        as_client(trusting(trusted(&region, settings.aws_ca_bundle()?)))
    };
    let mut sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(settings.aws_credentials()?))
        .http_client(http_client)
        .retry_config(retries())
        .timeout_config(timeouts())
        // It would measure each body, and end a call whose body stalls for 20 seconds. No call takes that long.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    sdk.set_endpoint_url(endpoint);
    Ok(sdk.build())
}

/// The roots that the deployer chose, or else the roots of AWS in that region. These are few: to read all roots that
/// the machine trusts is a third of the instructions of a cold start.
fn trusted(region: &str, chosen: Option<Vec<u8>>) -> TrustStore {
    match chosen {
        Some(roots) => TrustStore::empty().with_pem_certificate(roots),
        None if ELSEWHERE.iter().any(|start| region.starts_with(start)) => TrustStore::default(),
        None => TrustStore::empty().with_pem_certificate(AMAZON),
    }
}

/// One connector for all services, whose [`timeouts`] are the same, so that roots are read once.
fn trusting(roots: TrustStore) -> SharedHttpConnector {
    let timeouts = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    // `build` cannot fail: it only keeps the given roots.
    let context = TlsContext::builder().with_trust_store(roots).build().unwrap_or_default();
    let connector = Connector::builder()
        .connector_settings(timeouts)
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(context)
        .build();
    SharedHttpConnector::new(connector)
}

fn as_client(connector: SharedHttpConnector) -> SharedHttpClient {
    http_client_fn(move |_, _| connector.clone())
}

/// The HTTP client of the command line, for `http` and `https`. It trusts the roots that the deployer chose, or else
/// all roots that the machine trusts: an operator may use a proxy, and a command has no cold start.
///
/// # Errors
/// For chosen roots that cannot be read.
pub fn operator_client(settings: &Settings) -> Result<SharedHttpClient, ConfigError> {
    operator_connector(settings).map(as_client)
}

/// The same, for calls to servers that do not belong to AWS.
///
/// # Errors
/// As [`operator_client`].
pub fn operator_connector(settings: &Settings) -> Result<SharedHttpConnector, ConfigError> {
    Ok(trusting(match settings.aws_ca_bundle()? {
        Some(roots) => TrustStore::empty().with_pem_certificate(roots),
        None => TrustStore::default(),
    }))
}

/// The configuration for an emulator of AWS in this process or on this machine. It ignores the environment. No real AWS
/// knows its credentials; in the emulator, they have all permissions.
pub fn embedded(endpoint: &str) -> SdkConfig {
    embedded_as(endpoint, "embedded")
}

/// The same, through another HTTP client, for example one that calls the emulator without a socket.
pub fn embedded_by(endpoint: &str, client: SharedHttpClient) -> SdkConfig {
    embedded(endpoint).into_builder().http_client(client).build()
}

/// The same, with another access key. If it is the name of a function in the template, the emulator applies the
/// permissions of that function.
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
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(5))
        .build()
}

/// The error of a service, or the reason why it gave no answer: for the log. It leaves out the requests and answers,
/// which the SDK would show, and addresses, which SES quotes.
pub fn why<E>(error: &E) -> String
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
    use aws_lc_rs::digest::{SHA256, digest};
    use aws_smithy_types::error::ErrorMetadata;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    #[test]
    fn the_roots_of_aws_have_the_fingerprints_that_amazon_publishes() {
        let roots = CertificateDer::pem_slice_iter(AMAZON).map(|root| {
            let digest = digest(&SHA256, &root.unwrap());
            digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
        });
        let expected = [
            "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
            "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
            "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
            "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
            "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
        ];
        assert_eq!(roots.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn where_aws_may_have_other_roots_the_machine_is_trusted() {
        let is_native = |region, chosen| {
            format!("{:?}", trusted(region, chosen)).contains("enable_native_roots: true")
        };
        for region in ["eu-central-1", "us-east-1", "ap-southeast-5"] {
            assert!(!is_native(region, None), "{region}");
        }
        for region in ["cn-north-1", "us-gov-west-1", "us-isob-east-1", "eu-isoe-west-1"] {
            assert!(is_native(region, None), "{region}");
            assert!(!is_native(region, Some(AMAZON.to_vec())), "{region}");
        }
    }

    #[test]
    fn the_text_of_a_service_is_logged_without_the_address_that_it_quotes() {
        let said = "User x may not send on arn:aws:ses:us-east-1:1:identity/ann@example.com now";
        let error = ErrorMetadata::builder().code("AccessDenied").message(said).build();
        assert_eq!(why(&error), "AccessDenied: User x may not send on (an address) now");
    }
}
