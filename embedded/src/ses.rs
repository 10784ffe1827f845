//! SES: `SendEmail` of the API v2, and the page on which `LocalStack` shows the sent mails.

use crate::feedback::Feedback;
use crate::gateway::{Answer, error, json_answer};
use crate::mailbox::{Mailbox, Message};
use axum::extract::Query;
use dynoxide::storage_backend::Clock;
use http::{Method, StatusCode, Uri};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

/// The path at which SES v2 accepts mails.
pub(crate) const SEND_EMAIL: &str = "/v2/email/outbound-emails";
/// The path at which `LocalStack` shows the sent mails.
pub(crate) const SENT: &str = "/_aws/ses";

/// Answers `SendEmail`. Adds the mail to the mailbox, and the events of the simulator to the feedback.
pub(crate) fn send_email(
    mailbox: &Mailbox,
    feedback: &Feedback,
    clock: &dyn Clock,
    body: &[u8],
) -> Answer {
    let message = match serde_json::from_slice::<SendEmail>(body) {
        Ok(request) => request.into_message(clock),
        Err(error) => Err(format!("the request cannot be read: {error}")),
    };
    let message = match message {
        Ok(message) => message,
        Err(reason) => return error(StatusCode::BAD_REQUEST, "BadRequestException", &reason),
    };
    let id = message.id.clone();
    match mailbox.add(message.clone()) {
        Ok(()) => {
            feedback.answer(&message);
            json_answer(StatusCode::OK, &json!({ "MessageId": id }))
        }
        Err(reason) => {
            tracing::error!(error = %reason, "the mailbox file cannot be written");
            let reason = format!("the mail cannot be kept: {reason}");
            error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServiceErrorException", &reason)
        }
    }
}

/// The answer of SES before it has verified the sender or, in the sandbox, the recipient.
pub(crate) fn not_verified() -> Answer {
    let reason = "Email address is not verified. The following identities failed the check in region \
                  US-EAST-1: accounts@latchkey.example";
    error(StatusCode::BAD_REQUEST, "MessageRejected", reason)
}

/// Answers `GET /_aws/ses` and `DELETE /_aws/ses`, in `LocalStack`'s shape: `?id=` and `?email=` (the sender) filter
/// the shown mails, `?id=` the deleted ones.
pub fn sent(mailbox: &Mailbox, method: &Method, uri: &Uri) -> Answer {
    let wanted =
        Query::<PageQuery>::try_from_uri(uri).map(|Query(wanted)| wanted).unwrap_or_default();
    if method == Method::DELETE {
        mailbox.retain(|message| !wanted.id_fits(message));
        return json_answer(StatusCode::OK, &json!({}));
    }
    let messages: Vec<_> = mailbox
        .messages()
        .iter()
        .filter(|message| wanted.id_fits(message) && wanted.sender_fits(message))
        .map(in_localstack_shape)
        .collect();
    json_answer(StatusCode::OK, &json!({ "messages": messages }))
}

#[derive(Default, Deserialize)]
struct PageQuery {
    id: Option<String>,
    email: Option<String>,
}

impl PageQuery {
    fn id_fits(&self, message: &Message) -> bool {
        self.id.as_ref().is_none_or(|id| *id == message.id)
    }

    fn sender_fits(&self, message: &Message) -> bool {
        self.email.as_ref().is_none_or(|sender| *sender == message.source)
    }
}

fn in_localstack_shape(message: &Message) -> serde_json::Value {
    json!({
        "Id": message.id,
        "Region": crate::REGION,
        "Timestamp": message.timestamp,
        "Source": message.source,
        "Destination": {
            "ToAddresses": message.to,
            "CcAddresses": message.cc,
            "BccAddresses": message.bcc,
        },
        "Subject": message.subject,
        "Body": { "text_part": message.text, "html_part": message.html },
    })
}

/// The request, as the REST-JSON protocol sends it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmail {
    from_email_address: Option<String>,
    #[serde(default)]
    destination: Destination,
    #[serde(default)]
    reply_to_addresses: Vec<String>,
    content: Option<Content>,
    configuration_set_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Destination {
    #[serde(rename = "ToAddresses")]
    to: Vec<String>,
    #[serde(rename = "CcAddresses")]
    cc: Vec<String>,
    #[serde(rename = "BccAddresses")]
    bcc: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    simple: Option<Simple>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simple {
    subject: Text,
    #[serde(default)]
    body: Body,
    #[serde(default)]
    headers: Vec<Header>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Body {
    text: Option<Text>,
    html: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Text {
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Header {
    name: String,
    value: String,
}

impl SendEmail {
    /// The mail, or the reason for which SES would refuse it.
    fn into_message(self, clock: &dyn Clock) -> Result<Message, String> {
        let Destination { to, cc, bcc } = self.destination;
        let source = self.from_email_address.filter(|from| from.contains('@'));
        let Some(source) = source else {
            return Err("Missing required field FromEmailAddress".to_owned());
        };
        let mut recipients = to.iter().chain(&cc).chain(&bcc).peekable();
        if recipients.peek().is_none() {
            return Err("Missing required field Destination".to_owned());
        }
        if let Some(bad) = recipients.find(|address| !address.contains('@')) {
            return Err(format!("Invalid address: {bad}"));
        }
        let addresses = to.iter().chain(&cc).chain(&bcc).chain(&self.reply_to_addresses);
        addresses.chain([&source]).try_for_each(|address| refuse_beyond_ascii(address))?;
        let Some(simple) = self.content.and_then(|content| content.simple) else {
            return Err("Content.Simple is the only content that is taken here".to_owned());
        };
        if simple.body.text.is_none() && simple.body.html.is_none() {
            return Err("Missing required field Body".to_owned());
        }
        Ok(Message {
            id: Uuid::new_v4().to_string(),
            timestamp: now(clock),
            source,
            to,
            cc,
            bcc,
            reply_to: self.reply_to_addresses,
            subject: simple.subject.data,
            text: simple.body.text.map(|part| part.data),
            html: simple.body.html.map(|part| part.data),
            headers: simple.headers.into_iter().map(|header| (header.name, header.value)).collect(),
            configuration_set: self.configuration_set_name,
        })
    }
}

/// SES accepts only ASCII addresses: a domain must be in Punycode, and a name must be an encoded word.
fn refuse_beyond_ascii(mailbox: &str) -> Result<(), String> {
    let (local, domain) = mailbox.rsplit_once('@').unwrap_or((mailbox, ""));
    if !domain.is_ascii() {
        Err("Domain contains illegal character".to_owned())
    } else if !local.is_ascii() {
        Err("Local address contains illegal character".to_owned())
    } else {
        Ok(())
    }
}

fn now(clock: &dyn Clock) -> Timestamp {
    let seconds = i64::try_from(clock.now_unix_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}
