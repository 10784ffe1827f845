//! SES.

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::BuildError;
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use aws_types::SdkConfig;

use super::Rendered;
use crate::aws::why;
use crate::policy::Site;

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
    /// Later it may be.
    #[error("SES: {0}")]
    Later(String),
    /// Never: the message or its address is at fault, not the moment.
    #[error("SES refuses the mail: {0}")]
    Refused(&'static str),
}

impl Sender {
    /// Sends from the site's address, through the SES that `sdk` leads to.
    pub fn connect(sdk: &SdkConfig, site: &Site) -> Self {
        Self {
            client: Client::new(sdk),
            from: site.email_from.clone().or_named(&site.name).to_string(),
            reply_to: site.email_reply_to.as_ref().map(ToString::to_string),
            configuration_set: site.configuration_set.clone(),
        }
    }

    /// Sends, and gives SES's id of the message. What SES tells of it later has the id of the request that
    /// it comes from. SES knows no idempotency key: twice is two mails.
    ///
    /// # Errors
    /// [`SendError::Later`] after the SDK's own retries, [`SendError::Refused`].
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
                Some(SendEmailError::MessageRejected(_)) => SendError::Refused("MessageRejected"),
                Some(SendEmailError::BadRequestException(_)) => {
                    SendError::Refused("BadRequestException")
                }
                // A paused account or an unproven domain is put right by people; the mail waits.
                _ => SendError::Later(why(&error)),
            }),
        }
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
