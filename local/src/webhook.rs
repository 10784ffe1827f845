//! Posts events to `WEBHOOK_URL`, signed as Standard Webhooks says (<https://www.standardwebhooks.com>).

use std::time::Duration;

use account_event::Target;
use accounts::clock::Clock;
use accounts::config::Settings;
use accounts::model::AccountEvent;
use aws_lc_rs::hmac;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::time::timeout;

use crate::StartError;

/// How long the receiver may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// What a secret begins with.
const SECRET_PREFIX: &str = "whsec_";

/// A receiver of events.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    url: String,
    key: hmac::Key,
    connector: SharedHttpConnector,
}

impl Webhook {
    /// The receiver that the settings name; `None` without `WEBHOOK_URL`.
    pub(crate) fn from_settings(settings: &Settings) -> Result<Option<Self>, StartError> {
        let Some(url) = settings.given("WEBHOOK_URL") else { return Ok(None) };
        let is_web = url.starts_with("http://") || url.starts_with("https://");
        if !is_web || url.parse::<axum::http::Uri>().is_err() {
            return Err(StartError::Webhook(
                "WEBHOOK_URL must be a URL such as https://app.example/hooks",
            ));
        }
        let secret = settings.given("WEBHOOK_SECRET").and_then(|secret| key(&secret));
        let key = secret.ok_or(StartError::Webhook(
            "WEBHOOK_URL needs a WEBHOOK_SECRET: whsec_ and 24 to 64 bytes in base64",
        ))?;
        let connector = accounts::aws::operator_connector(settings)?;
        Ok(Some(Self { url, key, connector }))
    }

    /// Posts an event. The error is the reason for the log.
    async fn post(&self, event: &AccountEvent) -> Result<(), String> {
        let body = serde_json::to_string(event).map_err(|error| error.to_string())?;
        let (id, seconds) = (event.id.to_string(), Clock::System.now().as_second());
        let signature = sign(&self.key, &id, seconds, &body);
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").map_err(|error| error.to_string())?;
        request.set_uri(self.url.as_str()).map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        headers.insert("content-type", "application/json");
        headers.insert("webhook-id", id);
        headers.insert("webhook-timestamp", seconds.to_string());
        headers.insert("webhook-signature", signature);
        let answer = timeout(TIMEOUT, self.connector.call(request)).await;
        let answer = answer.map_err(|_| format!("no answer within {TIMEOUT:?}"))?;
        let status = answer.map_err(|error| error.to_string())?.status();
        if status.is_success() { Ok(()) } else { Err(format!("status {}", status.as_u16())) }
    }
}

impl Target for Webhook {
    async fn send(&self, events: &[AccountEvent]) -> Result<(), usize> {
        for (position, event) in events.iter().enumerate() {
            if let Err(error) = self.post(event).await {
                let (id, event_type) = (event.id, event.event_type.name());
                tracing::warn!(%id, event_type, error, "the webhook did not take an event");
                return Err(position);
            }
        }
        Ok(())
    }

    fn most_at_once(&self) -> usize {
        1
    }
}

/// The key of a secret, if it has the form of one.
fn key(secret: &str) -> Option<hmac::Key> {
    let bytes = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
    (24..=64).contains(&bytes.len()).then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// The value of the header `webhook-signature`.
fn sign(key: &hmac::Key, id: &str, seconds: i64, body: &str) -> String {
    let tag = hmac::sign(key, format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the libraries of Standard Webhooks.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = sign(&key, id, 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_is_none_is_refused() {
        for bad in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ=", "whsec_!"] {
            assert!(key(bad).is_none(), "{bad}");
        }
    }
}
