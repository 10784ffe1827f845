//! Secrets Manager: `GetSecretValue` of the secret of the stack, and of other secrets of the deployer.

use crate::REGION;
use crate::gateway::{Answer, error, json_answer};
use crate::lock;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

/// The secrets in Secrets Manager. Clones share them.
#[derive(Clone)]
pub struct Secret {
    name: String,
    value: Arc<Mutex<Option<String>>>,
    /// Secrets of the deployer's own, by their ARNs.
    others: Arc<Mutex<BTreeMap<String, String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValue {
    secret_id: String,
}

impl Secret {
    pub(crate) fn new(name: String, value: Option<String>) -> Self {
        Self { name, value: Arc::new(Mutex::new(value)), others: Arc::default() }
    }

    /// The name of the secret. Clients find it by this name or by its ARN.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ARN, in the form of `CloudFormation`.
    pub fn arn(&self) -> String {
        format!("arn:aws:secretsmanager:{REGION}:123456789012:secret:{}-a1B2c3", self.name)
    }

    /// Sets another value. With `None`, the secret does not exist.
    pub fn set(&self, value: Option<&str>) {
        *lock(&self.value) = value.map(str::to_owned);
    }

    /// Adds another secret of the deployer, and returns its ARN.
    pub fn add(&self, name: &str, value: &str) -> String {
        let arn = format!("arn:aws:secretsmanager:{REGION}:123456789012:secret:{name}-d4E5f6");
        lock(&self.others).insert(arn.clone(), value.to_owned());
        arn
    }

    /// The ARN of the other secret in a call, if the call is about one.
    pub(crate) fn id_in(&self, body: &[u8]) -> Option<String> {
        let wanted = serde_json::from_slice::<GetSecretValue>(body).ok()?.secret_id;
        lock(&self.others).contains_key(&wanted).then_some(wanted)
    }

    /// Answers a call.
    pub(crate) fn answer(&self, operation: &str, body: &[u8]) -> Answer {
        if let ("GetSecretValue", Some(arn)) = (operation, self.id_in(body)) {
            let value = lock(&self.others).get(&arn).cloned();
            let answer = json!({ "ARN": arn, "Name": arn, "SecretString": value });
            return json_answer(StatusCode::OK, &answer);
        }
        let wanted = serde_json::from_slice::<GetSecretValue>(body);
        let value = lock(&self.value).clone();
        match (operation, wanted, value) {
            ("GetSecretValue", Ok(wanted), Some(value))
                if wanted.secret_id == self.name || wanted.secret_id == self.arn() =>
            {
                let answer = json!({
                    "ARN": self.arn(),
                    "Name": self.name,
                    "SecretString": value,
                    "VersionStages": ["AWSCURRENT"],
                });
                json_answer(StatusCode::OK, &answer)
            }
            ("GetSecretValue", Ok(_), _) => {
                let reason = "Secrets Manager can't find the specified secret.";
                error(StatusCode::BAD_REQUEST, "ResourceNotFoundException", reason)
            }
            _ => {
                let reason = "The embedded Secrets Manager has GetSecretValue.";
                error(StatusCode::BAD_REQUEST, "InvalidRequestException", reason)
            }
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("name", &self.name).finish_non_exhaustive()
    }
}
