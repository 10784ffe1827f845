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
    bounce_type: String,
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
        // From here on, it belongs to the request that the mail comes of.
        Some(request_id) => {
            let request = Context { request_id, ..Context::default() };
            in_context(request, note_all(outbox, detail)).await
        }
        None => note_all(outbox, detail).await,
    }
}

async fn note_all(outbox: &Outbox, detail: Detail) -> Result<(), Unavailable> {
    let Detail { bounce, complaint, .. } = detail;
    let bounced = bounce.filter(|bounce| bounce.bounce_type == "Permanent");
    let bounced = bounced.map(|bounce| bounce.bounced_recipients).unwrap_or_default();
    let complained = complaint
        .filter(|complaint| complaint.complaint_feedback_type.as_deref() != Some("not-spam"));
    let complained = complained.map(|complaint| complaint.complained_recipients);
    let bounced = bounced.into_iter().map(|one| (one, EmailStatus::Bounced));
    let complained = complained.into_iter().flatten().map(|one| (one, EmailStatus::Complained));
    for (recipient, status) in bounced.chain(complained) {
        outbox.note_status(&recipient.email_address, status).await?;
    }
    Ok(())
}
