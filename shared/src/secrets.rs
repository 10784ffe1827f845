//! Reads the secret that keys are derived from, and an RSA key, from Secrets Manager. No other code calls Secrets
//! Manager.
//!
//! The call uses the parts that all clients of the SDK share: signature, time-outs, retries. The SDK's client of Secrets
//! Manager would first parse a table of all regions. With that client, a cold start takes 10 % more instructions.

use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::service_clock_skew::{ServiceClockSkewClassifier, ServiceClockSkewInterceptor};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::orchestrator::{
    HttpRequest, HttpResponse, OrchestratorError, SensitiveOutput,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_types::region::{Region, SigningRegion};
use aws_types::service_config::ServiceConfigKey;
use aws_types::{SdkConfig, SigningName};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::aws::why;
use crate::config::SecretArn;

/// The secret could not be read, so the function must not start. One line, without the secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}: the secret cannot be read: {1}")]
pub struct Unreadable(&'static str, String);

/// An answer of Secrets Manager with a secret. A binary secret has no text.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Value {
    secret_string: Option<SecretText>,
}

/// A text that is not shown.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
struct SecretText(SecretString);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// The regions with domains of their own, by the start of their names.
const DOMAINS: [(&str, &str); 6] = [
    ("cn-", "amazonaws.com.cn"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
];

/// The value of the secret of that name, if the setting names one. One call. A process that starts later reads the
/// value of that time.
///
/// # Errors
/// When Secrets Manager does not return the secret, after the retries.
pub async fn read(
    named: Option<SecretArn>,
    sdk: SdkConfig,
) -> Result<Option<(SecretArn, SecretString)>, Unreadable> {
    let Some(named) = named else { return Ok(None) };
    let unreadable = |why| Unreadable(named.named_by, why);
    let operation = get_secret_value(&sdk).map_err(|why| unreadable(why.to_owned()))?;
    let answer = operation.invoke(named.arn.clone()).await;
    let answer = answer.map_err(|error| unreadable(why(&error)))?;
    let secret = answer.secret_string.ok_or_else(|| unreadable("it is not a text".to_owned()))?;
    Ok(Some((named, secret.0)))
}

/// The operation `GetSecretValue`, as `AWS JSON 1.1` writes it. Its input is the ARN.
fn get_secret_value(
    sdk: &SdkConfig,
) -> Result<Operation<String, Value, ErrorMetadata>, &'static str> {
    let region = sdk.region().ok_or("no region")?;
    let operation = Operation::builder()
        .service_name("Secrets Manager")
        .operation_name("GetSecretValue")
        .behavior_version(sdk.behavior_version().unwrap_or_else(BehaviorVersion::latest))
        .endpoint_url(&endpoint(sdk, region)?)
        .sleep_impl(TokioSleep::new())
        .http_client(sdk.http_client().ok_or("no HTTP client")?)
        .standard_retry(sdk.retry_config().ok_or("no retries")?)
        .timeout_config(sdk.timeout_config().ok_or("no time-outs")?.clone())
        .retry_classifier(HttpStatusCodeClassifier::default())
        .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
        .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
        .retry_classifier(ServiceClockSkewClassifier::<ErrorMetadata>::new())
        .with_connection_poisoning()
        .runtime_plugin(signed(sdk, region)?);
    Ok(operation.serializer(|arn: String| request(&arn)).deserializer(read_answer).build())
}

/// The endpoint that the deployer or the operator chose, or that of the region:
/// <https://docs.aws.amazon.com/general/latest/gr/asm.html>. Only an operator can choose FIPS, or an endpoint for one
/// service: in the environment or in a profile. The endpoints of Secrets Manager have IPv4 and IPv6. As in the SDK, FIPS
/// with a chosen endpoint is an error, because no client knows whether that endpoint has FIPS.
fn endpoint(sdk: &SdkConfig, region: &Region) -> Result<String, &'static str> {
    let key = ServiceConfigKey::builder()
        .service_id("Secrets Manager")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let of_service = || sdk.service_config()?.load_config(key.ok()?);
    let is_from_code = sdk.get_origin("endpoint_url").is_client_config();
    let of_service = Some(of_service).filter(|_| !is_from_code).and_then(|load| load());
    let is_fips = sdk.use_fips() == Some(true);
    match of_service.or_else(|| sdk.endpoint_url().map(ToOwned::to_owned)) {
        Some(_) if is_fips => Err("FIPS excludes an endpoint of your own"),
        Some(chosen) => Ok(chosen),
        None => {
            let fips = if is_fips { "-fips" } else { "" };
            let elsewhere = DOMAINS.iter().find(|(start, _)| region.as_ref().starts_with(start));
            let domain = elsewhere.map_or("amazonaws.com", |(_, domain)| domain);
            Ok(format!("https://secretsmanager{fips}.{region}.{domain}"))
        }
    }
}

/// Signs each attempt with the credentials of the process, also if its clock is off.
fn signed(sdk: &SdkConfig, region: &Region) -> Result<StaticRuntimePlugin, &'static str> {
    let mut layer = Layer::new("signature");
    layer.store_put(SensitiveOutput);
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SigV4OperationSigningConfig {
        region: Some(SigningRegion::from(region.clone())),
        region_set: None,
        name: Some(SigningName::from_static("secretsmanager")),
        signing_options: SigningOptions::default(),
    });
    let by_signature = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let mut components = RuntimeComponentsBuilder::new("signature");
    components
        .set_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(by_signature)));
    components.push_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()));
    components.push_interceptor(ServiceClockSkewInterceptor::new());
    let credentials = sdk.credentials_provider().ok_or("no credentials")?;
    components.set_identity_resolver(SCHEME_ID, credentials);
    if let Some(cache) = sdk.identity_cache() {
        // Shared with the other clients: an operator proves an identity once.
        components.set_identity_cache(Some(cache));
    }
    Ok(StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components))
}

fn request(arn: &str) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(json!({ "SecretId": arn }).to_string()));
    request.set_method("POST")?;
    let headers = request.headers_mut();
    headers.try_insert("content-type", "application/x-amz-json-1.1")?;
    headers.try_insert("x-amz-target", "secretsmanager.GetSecretValue")?;
    Ok(request)
}

fn read_answer(answer: &HttpResponse) -> Result<Value, OrchestratorError<ErrorMetadata>> {
    let body = answer.body().bytes().unwrap_or_default();
    if answer.status().is_success() {
        // The text of the parser's error could quote the answer.
        return serde_json::from_slice(body).map_err(|error| {
            let (kind, line, column) = (error.classify(), error.line(), error.column());
            OrchestratorError::other(format!("{kind:?} error in the answer at {line}:{column}"))
        });
    }
    let body: Map<String, Json> = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| body.get(key).and_then(Json::as_str);
    let code = answer.headers().get("x-amzn-errortype").or_else(|| text("__type"));
    // Such as `com.amazonaws.secretsmanager#ResourceNotFoundException:http://…`
    let code = code.and_then(|code| code.split(':').next()?.rsplit('#').next());
    let message = text("message").or_else(|| text("Message")).map(ToOwned::to_owned);
    let message = message.unwrap_or_else(|| format!("HTTP {}", answer.status().as_u16()));
    let mut error = ErrorMetadata::builder().message(message);
    if let Some(code) = code {
        error = error.code(code);
    }
    Err(OrchestratorError::operation(error.build()))
}

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};

    use super::*;

    #[tokio::test]
    async fn each_region_has_the_endpoint_that_the_sdk_knows() {
        for name in [
            "us-east-1",
            "eu-central-2",
            "mx-central-1",
            "cn-north-1",
            "us-gov-west-1",
            "us-iso-east-1",
            "us-isob-east-1",
            "us-isof-south-1",
            "eu-isoe-west-1",
            "eusc-de-east-1",
        ] {
            let region = Region::new(name);
            for fips in [false, true] {
                let params = Params::builder().region(name).use_fips(fips).use_dual_stack(false);
                let (resolver, params) = (DefaultResolver::new(), params.build().unwrap());
                let of_sdk = resolver.resolve_endpoint(&params).await.unwrap();
                let sdk = SdkConfig::builder().use_fips(fips).build();
                assert_eq!(endpoint(&sdk, &region).unwrap(), of_sdk.url(), "{name} {fips}");
            }
        }
    }

    #[test]
    fn a_chosen_endpoint_wins_but_not_over_fips() {
        let (region, here) = (Region::new("eu-central-1"), "http://127.0.0.1:4566");
        let sdk = SdkConfig::builder().endpoint_url(here).build();
        assert_eq!(endpoint(&sdk, &region).unwrap(), here);
        assert!(endpoint(&sdk.into_builder().use_fips(true).build(), &region).is_err());
    }

    #[test]
    fn an_error_has_its_code_and_its_message() {
        let refused = |header: Option<&'static str>, body: &str| {
            let mut answer = HttpResponse::new(400.try_into().unwrap(), SdkBody::from(body));
            if let Some(code) = header {
                answer.headers_mut().insert("x-amzn-errortype", code);
            }
            let error = read_answer(&answer).unwrap_err();
            let error = error.as_operation_error().unwrap();
            [error.code(), error.message()].map(|text| text.map(ToOwned::to_owned))
        };
        let (code, message) = (Some("AccessDeniedException".to_owned()), Some("no".to_owned()));
        let body = r#"{"__type":"com.amazonaws.x#AccessDeniedException","Message":"no"}"#;
        assert_eq!(refused(None, body), [code.clone(), message.clone()]);
        let header = Some("AccessDeniedException:http://internal.amazon.com/");
        assert_eq!(refused(header, r#"{"message":"no"}"#), [code.clone(), message.clone()]);
        assert_eq!(refused(None, "<html>"), [None, Some("HTTP 400".to_owned())]);
        let both = r#"{"__type":"AccessDeniedException","message":"no","Message":1}"#;
        assert_eq!(refused(None, both), [code, message]);
    }

    #[test]
    fn no_part_of_a_secret_is_shown() {
        let answer = |body: &str| {
            let answer = HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body));
            format!("{:?}", read_answer(&answer))
        };
        for body in [
            r#"{"SecretString":"sesame"}"#,
            r#"{"SecretString":"sesame""#,
            r#"{"SecretString":["sesame"]}"#,
            r#""sesame""#,
        ] {
            assert!(!answer(body).contains("sesame"), "{}", answer(body));
        }
    }
}
