//! The sample events.

use serde_json::{Value, json};

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");

/// Those that the tests beside this one send.
const SENT: [&str; 19] = [
    "bounce",
    "health",
    "me",
    "refresh-token",
    "register",
    "register-invalid",
    "rest-login",
    "rest-signup",
    "revoke-token",
    "schedule",
    "schedule-invalid",
    "stream-event",
    "stream-event-poisoned",
    "stream-mail",
    "stream-poisoned",
    "token-auth",
    "token-auth-by-email",
    "verify-account",
    "verify-token",
];

/// The event's text, its placeholders filled in.
pub(crate) fn event(name: &str, placeholders: &[(&str, &str)]) -> String {
    assert!(SENT.contains(&name), "{name} is not listed above");
    let text = std::fs::read_to_string(format!("{EVENTS}/{name}.json")).unwrap();
    let filled = placeholders
        .iter()
        .fold(text, |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value));
    assert!(!filled.contains("{{"), "{name} has a placeholder left");
    filled
}

/// The batch of `stream-mail.json` with these records instead of its own. They must have the shape
/// of its own: all that is there, and of the same type.
pub(crate) fn stream_batch(records: &[Value]) -> Value {
    let sample: Value = serde_json::from_str(&event("stream-mail", &[])).unwrap();
    let fill = |record| filled(&sample["Records"][0], record, "Records");
    json!({ "Records": records.iter().map(fill).collect::<Vec<_>>() })
}

/// The sample with the real one's values.
fn filled(sample: &Value, real: &Value, path: &str) -> Value {
    if let (Value::Object(sample), Value::Object(real)) = (sample, real) {
        let fill = |(name, value): (&String, &Value)| {
            let path = format!("{path}.{name}");
            let real = real.get(name).unwrap_or_else(|| panic!("no real record has {path}"));
            (name.clone(), filled(value, real, &path))
        };
        return sample.iter().map(fill).collect();
    }
    let is_alike = std::mem::discriminant(sample) == std::mem::discriminant(real);
    assert!(is_alike, "{path}: {sample} is not like {real}");
    real.clone()
}

#[test]
fn every_sample_event_is_sent() {
    let files = std::fs::read_dir(EVENTS).unwrap().map(|file| file.unwrap().file_name());
    let names = files.map(|name| name.into_string().unwrap());
    let mut events: Vec<_> =
        names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    events.sort();
    assert_eq!(events, SENT);
}
