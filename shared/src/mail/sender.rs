//! SES.

use std::time::Duration;

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::Builder;
use aws_sdk_sesv2::error::BuildError;
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_types::SdkConfig;

use super::Rendered;
use crate::aws::{timeouts, why};
use crate::policy::MailSettings;

/// How long SES may take for an answer. Longer than other services, because a repeated call after that may send a
/// second mail.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// How long all attempts together may take. The SDK tries again only after an error that SES returned.
const ANSWERS_AT_LAST_WITHIN: Duration = Duration::from_secs(8);

/// Hands mails to SES. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client,
    from: String,
    reply_to: Option<String>,
    configuration_set: Option<String>,
}

/// Why a mail was not taken. The text is for the log.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// SES may take it later.
    #[error("SES: {0}")]
    Later(String),
    /// SES will never take it: the message or its address is at fault, not the moment.
    #[error("SES refuses the mail: {0}")]
    Refused(&'static str),
}

impl Sender {
    /// Sends from the site's address, through the SES that `sdk` leads to.
    pub fn connect(sdk: &SdkConfig, site: &MailSettings) -> Self {
        let timeouts = timeouts()
            .to_builder()
            .operation_attempt_timeout(ANSWERS_WITHIN)
            .operation_timeout(ANSWERS_AT_LAST_WITHIN);
        let configuration = Builder::from(sdk)
            .retry_classifier(NoneWithoutAnAnswer)
            .timeout_config(timeouts.build());
        Self {
            client: Client::from_conf(configuration.build()),
            from: site.email_from.clone().or_named(&site.name).to_string(),
            reply_to: site.email_reply_to.as_ref().map(ToString::to_string),
            configuration_set: site.configuration_set.clone(),
        }
    }

    /// Sends, and returns SES's id of the message. Later events of SES have the id of the request that caused the
    /// mail. SES has no idempotency key, so a second call sends a second mail. So the SDK retries only after an error
    /// that SES answered; without an answer, SES may have sent the mail.
    ///
    /// # Errors
    /// [`SendError::Later`], [`SendError::Refused`].
    pub async fn send(
        &self,
        to: &str,
        mail: &Rendered,
        request_id: Option<&str>,
    ) -> Result<String, SendError> {
        let body = Body::builder().text(content(&mail.text)?).html(content(&mail.html)?).build();
        let message = Message::builder().subject(content(&mail.subject)?).body(body).build();
        let answer = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .set_reply_to_addresses(self.reply_to.clone().map(|address| vec![address]))
            .set_configuration_set_name(self.configuration_set.clone())
            .destination(Destination::builder().to_addresses(to).build())
            .set_email_tags(request_id.and_then(tags))
            .content(EmailContent::builder().simple(message).build())
            .send()
            .await;
        match answer {
            Ok(sent) => Ok(sent.message_id.unwrap_or_default()),
            Err(error) => Err(match error.as_service_error() {
                // The sender, or in the sandbox the recipient.
                Some(SendEmailError::MessageRejected(rejected))
                    if is_not_verified_yet(rejected.message()) =>
                {
                    SendError::Later(why(&error))
                }
                Some(SendEmailError::MessageRejected(_)) => SendError::Refused("MessageRejected"),
                Some(SendEmailError::BadRequestException(_)) => {
                    SendError::Refused("BadRequestException")
                }
                // People repair a paused account or an unverified domain. Until then, the mail waits.
                _ => SendError::Later(why(&error)),
            }),
        }
    }
}

/// As SES says it: "Email address is not verified. The following identities failed the check in region …".
fn is_not_verified_yet(message: Option<&str>) -> bool {
    message.is_some_and(|message| message.contains("not verified"))
}

/// Forbids the SDK to repeat a request that got no answer.
#[derive(Debug)]
struct NoneWithoutAnAnswer;

impl ClassifyRetry for NoneWithoutAnAnswer {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err);
        if error.is_some_and(|error| !error.is_operation_error()) {
            RetryAction::RetryForbidden
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "no request without an answer is repeated"
    }
}

/// SES takes a few characters only.
fn tags(request_id: &str) -> Option<Vec<MessageTag>> {
    let is_taken = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let value = request_id.trim_end_matches('=');
    let tag = MessageTag::builder().name("request_id").value(value).build().ok()?;
    value.chars().all(is_taken).then(|| vec![tag])
}

fn content(text: &str) -> Result<Content, SendError> {
    let built = Content::builder().data(text).charset("UTF-8").build();
    built.map_err(|error: BuildError| SendError::Later(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::tags;

    #[test]
    fn the_request_is_a_tag_as_far_as_ses_takes_it() {
        let value = |id| tags(id).map(|tags| tags[0].value().to_owned());
        let lambdas = "6c1d9b0e-7d7a-4c3e-9a54-0a1b2c3d4e5f";
        assert_eq!(value(lambdas).as_deref(), Some(lambdas));
        assert_eq!(value("UKgPhjqSliAEM09=").as_deref(), Some("UKgPhjqSliAEM09"));
        assert_eq!(value("a b"), None);
    }
}
