//! SES.

use aws_config::SdkConfig;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::{BuildError, DisplayErrorContext};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};

use super::Rendered;

/// Hands mails to SES. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client,
    from: String,
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
    /// Sends from that address, through the SES that `sdk` leads to.
    pub fn connect(sdk: &SdkConfig, from: impl Into<String>) -> Self {
        Self::new(Client::new(sdk), from)
    }

    /// Sends from that address, through a client that was made elsewhere.
    pub fn new(client: Client, from: impl Into<String>) -> Self {
        Self { client, from: from.into() }
    }

    /// Sends, and gives SES's id of the message. SES knows no idempotency key: twice is two mails.
    ///
    /// # Errors
    /// [`SendError::Later`] after the SDK's own retries, [`SendError::Refused`].
    pub async fn send(&self, to: &str, mail: &Rendered) -> Result<String, SendError> {
        let body = Body::builder().text(content(&mail.text)?).html(content(&mail.html)?).build();
        let message = Message::builder().subject(content(&mail.subject)?).body(body).build();
        let answer = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(to).build())
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
                _ => SendError::Later(DisplayErrorContext(&error).to_string()),
            }),
        }
    }
}

fn content(text: &str) -> Result<Content, SendError> {
    let built = Content::builder().data(text).charset("UTF-8").build();
    built.map_err(|error: BuildError| SendError::Later(error.to_string()))
}
