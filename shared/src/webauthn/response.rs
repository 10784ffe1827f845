//! The JSON that `credential.toJSON()` makes (§5.1.6, §5.1.7).

use serde_json::Value;

use super::client_data::MAX_CLIENT_DATA;
use super::ids::{MAX_ID, decode};
use super::{CredentialId, WebAuthnError};

/// The most bytes of an answer. Each member has its own limit, too.
const MAX_JSON: usize = 64 << 10;

/// The parts that both answers have.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) id: CredentialId,
    pub(super) client_data: Vec<u8>,
    response: Value,
}

/// The JSON of a text.
pub(super) fn json(text: &str) -> Result<Value, WebAuthnError> {
    const NAME: &str = "credential";
    if text.len() > MAX_JSON {
        return Err(WebAuthnError::TooLong(NAME));
    }
    serde_json::from_str(text).map_err(|_| WebAuthnError::Malformed(NAME))
}

impl Answer {
    /// Reads the known members. Browsers may add others.
    pub(super) fn read(mut json: Value) -> Result<Self, WebAuthnError> {
        if member(&json, "type")? != "public-key" {
            return Err(WebAuthnError::CredentialType);
        }
        let id = CredentialId::from_bytes(&decode("rawId", member(&json, "rawId")?, MAX_ID)?)?;
        if member(&json, "id")? != id.to_string() {
            return Err(WebAuthnError::IdsDiffer);
        }
        let response = json.get_mut("response").map(Value::take).unwrap_or_default();
        let mut answer = Self { id, client_data: Vec::new(), response };
        answer.client_data = answer.bytes("clientDataJSON", MAX_CLIENT_DATA)?;
        Ok(answer)
    }

    /// A member of `response`: bytes.
    pub(super) fn bytes(&self, name: &'static str, most: usize) -> Result<Vec<u8>, WebAuthnError> {
        decode(name, member(&self.response, name)?, most)
    }

    /// A member of `response`. `null` counts as missing.
    pub(super) fn optional(&self, name: &str) -> Option<&Value> {
        self.response.get(name).filter(|value| !value.is_null())
    }
}

fn member<'a>(json: &'a Value, name: &'static str) -> Result<&'a str, WebAuthnError> {
    json.get(name).and_then(Value::as_str).ok_or(WebAuthnError::Malformed(name))
}
