//! Events of SES about mails that it accepted: bounces and complaints, in the form of `EventBridge`.

use crate::Message;
use crate::lock;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// The domain of SES's mailbox simulator.
const SIMULATOR: &str = "@simulator.amazonses.com";

/// The events that wait for their delivery. Clones share one queue.
#[derive(Clone, Debug, Default)]
pub struct Feedback {
    events: Arc<Mutex<Vec<Value>>>,
}

impl Feedback {
    /// Removes and returns the waiting events, oldest first.
    pub fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *lock(&self.events))
    }

    /// Adds the events of the simulator for a mail to `bounce@`, `suppressionlist@` or `complaint@`, also with a label
    /// (`bounce+ann@`). As in SES, only mails with a configuration set cause events.
    pub(crate) fn answer(&self, message: &Message) {
        if message.configuration_set.is_none() {
            return;
        }
        for address in &message.to {
            lock(&self.events).extend(event(message, address));
        }
    }
}

fn event(message: &Message, address: &str) -> Option<Value> {
    let local = address.to_ascii_lowercase();
    let local = local.strip_suffix(SIMULATOR)?.split('+').next()?.to_owned();
    let (kind, name, what) = match local.as_str() {
        "bounce" => ("Email Bounced", "bounce", bounce("General", address, message)),
        "suppressionlist" => {
            ("Email Bounced", "bounce", bounce("OnAccountSuppressionList", address, message))
        }
        "ooto" => ("Email Bounced", "bounce", out_of_the_office(address, message)),
        "complaint" => ("Email Complaint Received", "complaint", complaint(address, message)),
        _ => return None,
    };
    let event_type = if name == "bounce" { "Bounce" } else { "Complaint" };
    Some(json!({
        "version": "0",
        "id": Uuid::new_v4().to_string(),
        "detail-type": kind,
        "source": "aws.ses",
        "account": "000000000000",
        "time": message.timestamp,
        "region": crate::REGION,
        "resources": [],
        "detail": {
            "eventType": event_type,
            name: what,
            "mail": {
                "timestamp": message.timestamp,
                "source": message.source,
                "messageId": message.id,
                "destination": message.to,
                "tags": { "ses:configuration-set": [message.configuration_set] },
            },
        },
    }))
}

fn bounce(kind: &str, address: &str, message: &Message) -> Value {
    json!({
        "bounceType": "Permanent",
        "bounceSubType": kind,
        "bouncedRecipients": [{
            "emailAddress": address,
            "action": "failed",
            "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1 user unknown",
        }],
        "timestamp": message.timestamp,
        "feedbackId": Uuid::new_v4().to_string(),
    })
}

fn out_of_the_office(address: &str, message: &Message) -> Value {
    json!({
        "bounceType": "Transient",
        "bounceSubType": "General",
        "bouncedRecipients": [{ "emailAddress": address }],
        "timestamp": message.timestamp,
        "feedbackId": Uuid::new_v4().to_string(),
    })
}

fn complaint(address: &str, message: &Message) -> Value {
    json!({
        "complainedRecipients": [{ "emailAddress": address }],
        "complaintFeedbackType": "abuse",
        "timestamp": message.timestamp,
        "feedbackId": Uuid::new_v4().to_string(),
    })
}
