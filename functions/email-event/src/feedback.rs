//! Events of SES about mails that it accepted: bounces, and complaints of recipients.

use std::collections::HashMap;

use accounts::error::Unavailable;
use accounts::mail::Outbox;
use accounts::model::EmailStatus;
use accounts::telemetry::{Context, in_context};
use serde::Deserialize;

/// An event of SES, as `EventBridge` brings it.
#[derive(Debug, Deserialize)]
pub struct Feedback {
    detail: Detail,
}

#[derive(Debug, Deserialize)]
struct Detail {
    #[serde(default)]
    mail: MailTags,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
}

/// The mail that it is about.
#[derive(Debug, Default, Deserialize)]
struct MailTags {
    #[serde(default)]
    tags: HashMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    #[serde(rename = "bounceType")]
    kind: String,
    #[serde(rename = "bounceSubType")]
    cause: Option<String>,
    bounced_recipients: Vec<Recipient>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complained_recipients: Vec<Recipient>,
    complaint_feedback_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
    /// The status code of the recipient's mail server, such as `5.1.1` (RFC 3463).
    status: Option<String>,
}

/// Records the event at the users whose addresses it names. Safe to do twice. A full mailbox or an absent recipient
/// changes nothing: only a permanent failure does.
///
/// # Errors
/// When DynamoDB does not answer: then the event must be delivered again.
pub async fn note(outbox: &Outbox, feedback: Feedback) -> Result<(), Unavailable> {
    let mut detail = feedback.detail;
    let tagged = detail.mail.tags.remove("request_id").and_then(|mut ids| ids.pop());
    match tagged {
        // From here on, log lines have the id of the request that caused the mail.
        Some(request_id) => {
            let request = Context { request_id, ..Context::default() };
            in_context(request, note_all(outbox, detail)).await
        }
        None => note_all(outbox, detail).await,
    }
}

async fn note_all(outbox: &Outbox, detail: Detail) -> Result<(), Unavailable> {
    let Detail { bounce, complaint, .. } = detail;
    let bounced = bounce.filter(|bounce| bounce.kind == "Permanent");
    let (kind, bounced) =
        bounced.map(|bounce| (bounce.cause, bounce.bounced_recipients)).unwrap_or_default();
    let complaint = complaint
        .filter(|complaint| complaint.complaint_feedback_type.as_deref() != Some("not-spam"));
    let (about, complained) = complaint
        .map(|complaint| (complaint.complaint_feedback_type, complaint.complained_recipients))
        .unwrap_or_default();
    for Recipient { email_address, status } in bounced {
        let cause = cause([kind.as_deref(), status.as_deref()]);
        outbox.note_status(&email_address, EmailStatus::Bounced, cause).await?;
    }
    for Recipient { email_address, .. } in complained {
        let cause = cause([about.as_deref(), None]);
        outbox.note_status(&email_address, EmailStatus::Complained, cause).await?;
    }
    Ok(())
}

/// What SES says about the cause, for the audit trail: words of SES, and the code of a mail server. The free text of that
/// server is left out, because it may have the address in it.
fn cause(parts: [Option<&str>; 2]) -> Option<String> {
    let is_word = |part: &&str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        !part.is_empty() && part.len() <= 40 && part.chars().all(is_plain)
    };
    let words: Vec<_> = parts.into_iter().flatten().filter(is_word).collect();
    (!words.is_empty()).then(|| words.join(" "))
}
