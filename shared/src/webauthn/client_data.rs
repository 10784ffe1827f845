//! The client data: what the browser says about the page that asked (§5.8.1).

use serde_json::Value;

use super::{Ceremony, Challenge, WebAuthnError};

/// The most bytes of client data. Browsers write about 200.
pub(super) const MAX_CLIENT_DATA: usize = 4096;

const NAME: &str = "clientDataJSON";

/// The challenge in the client data. Proves nothing.
pub(super) fn challenge(json: &[u8]) -> Result<Challenge, WebAuthnError> {
    let data: Value = serde_json::from_slice(json).map_err(|_| WebAuthnError::Malformed(NAME))?;
    let challenge = data.get("challenge").and_then(Value::as_str);
    challenge.ok_or(WebAuthnError::Malformed(NAME))?.parse()
}

/// Checks the type, the challenge, the origin, and that no page of another origin embeds the page (§7.1 steps 5 to 11,
/// §7.2 steps 9 to 15).
pub(super) fn check(json: &[u8], kind: &str, ceremony: Ceremony<'_>) -> Result<(), WebAuthnError> {
    let data: Value = serde_json::from_slice(json).map_err(|_| WebAuthnError::Malformed(NAME))?;
    let text = |name| data.get(name).and_then(Value::as_str);
    if text("type").ok_or(WebAuthnError::Malformed(NAME))? != kind {
        return Err(WebAuthnError::CeremonyType);
    }
    // One text for each challenge: the browser writes base64url without padding.
    let challenge = text("challenge").ok_or(WebAuthnError::Malformed(NAME))?;
    if challenge != ceremony.challenge.to_string() {
        return Err(WebAuthnError::Challenge);
    }
    let origin = text("origin").ok_or(WebAuthnError::Malformed(NAME))?;
    if !ceremony.relying_party.allows(origin) {
        return Err(WebAuthnError::Origin);
    }
    let is_own = data.get("crossOrigin").is_none_or(|value| *value == Value::Bool(false));
    if !is_own || data.get("topOrigin").is_some() {
        return Err(WebAuthnError::CrossOrigin);
    }
    Ok(())
}
