//! Answers of the real django-graphql-auth 0.3.16, replayed in order.

use std::collections::HashMap;

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use journeys::Site;
use serde_json::Value;

const RECORDED: &str = include_str!("../../recordings/django.jsonl");

/// Where we differ on purpose, with what ours answers instead (the path into `data`, and the value).
const DIFFERENT: &[(&str, &str, &str)] = &[
    // Look-alikes are one account.
    ("register-username-case-variant", "/register/errors/username/0/code", "\"unique\""),
    ("register-email-case-variant-local", "/register/errors/email/0/code", "\"unique\""),
    ("login-username-other-case", "/tokenAuth/success", "true"),
    ("login-carol-raw-domain-case", "/tokenAuth/success", "true"),
    // Normalised, then as any other.
    ("register-username-surrounding-space", "/register/success", "true"),
    ("register-username-space-rolled-back", "/users/edges/0/node/username", "\"spacey\""),
    ("register-username-nfkc", "/register/success", "true"),
    // The Bearer scheme is known too.
    ("auth-bearer-prefix", "/me/username", "\"alice\""),
    // An access token does not survive its session.
    ("me-jwt-after-revoke", "/me", "null"),
];

/// The old engine took an integer for a string.
const REFUSED: &[&str] = &["register-variables-wrong-type"];

#[tokio::test]
async fn the_recorded_requests_are_answered_as_the_library_answered() {
    let settings = &[
        ("ALLOW_LOGIN_NOT_VERIFIED", "true"),
        ("USERS_QUERY", "public"),
        ("TOKENS_IN_COOKIES", "true"),
    ];
    let site = Site::with(settings).await;
    let mut replay = Replay { site, captured: HashMap::new(), mails: 0 };
    let mut replayed = 0;
    for line in RECORDED.lines() {
        let step: Value = serde_json::from_str(line).unwrap();
        replay.step(&step).await;
        // A user who signs up later comes later in a list.
        replay.site.advance(SignedDuration::from_millis(1));
        replayed += 1;
    }
    assert_eq!(replayed, 136);
}

struct Replay {
    site: Site,
    captured: HashMap<String, String>,
    mails: usize,
}

impl Replay {
    async fn step(&mut self, step: &Value) {
        let name = step["step"].as_str().unwrap().trim_start_matches("default/");
        let (status, ours) = self.ask(&step["request"]).await;
        let recorded = &step["response"];
        if REFUSED.contains(&name) || step["status"] != 200 {
            assert_eq!(status, StatusCode::BAD_REQUEST, "{name}: {ours}");
        } else if let Some((_, path, value)) = DIFFERENT.iter().find(|(step, ..)| *step == name) {
            let found = ours["data"].pointer(path).unwrap_or(&Value::Null).to_string();
            assert_eq!(found, *value, "{name}: {ours}");
        } else {
            assert_eq!(status, StatusCode::OK, "{name}: {ours}");
            assert_eq!(alike(ours["data"].clone()), alike(recorded["data"].clone()), "{name}");
        }
        let is_different = DIFFERENT.iter().any(|(step, ..)| *step == name);
        self.check_mails(step, name, is_different).await;
        if !is_different {
            self.capture(step, &ours).await;
        }
    }

    async fn ask(&self, request: &Value) -> (StatusCode, Value) {
        let method: Method = request["method"].as_str().unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = request["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.to_lowercase(), self.fill(value.as_str().unwrap())))
            .collect();
        // Cookies authenticate a page of the site only.
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain([("sec-fetch-site", "same-origin")])
            .collect();
        let query = request["query_string"].as_str().map_or_else(String::new, |q| format!("?{q}"));
        let body = match (&request["body"], &request["body_raw"]) {
            (Value::Null, raw) => raw.as_str().unwrap_or_default().to_owned(),
            (body, _) => body.to_string(),
        };
        let path = format!("/graphql{}", self.fill(&query));
        let answer = self.site.send(method, &path, &headers, self.fill(&body)).await;
        (answer.status, answer.json())
    }

    /// `{{name}}` is a value captured before; `{{tampered:name}}` is one with a character changed.
    fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, value) in &self.captured {
            let middle = value.len() - 10;
            let other = if value.as_bytes()[middle] == b'A' { "B" } else { "A" };
            let tampered = [&value[..middle], other, &value[middle + 1..]].concat();
            filled = filled.replace(&format!("{{{{{name}}}}}"), value);
            filled = filled.replace(&format!("{{{{tampered:{name}}}}}"), &tampered);
        }
        assert!(!filled.contains("{{"), "not captured: {filled}");
        filled
    }

    async fn check_mails(&mut self, step: &Value, name: &str, is_different: bool) {
        self.site.deliver_mail().await;
        let all = self.site.aws.mailbox().messages();
        let ours: Vec<_> = all[self.mails..].iter().map(|mail| mail.to.join(",")).collect();
        self.mails = all.len();
        let recorded = step["emails"].as_array().unwrap();
        let theirs: Vec<_> = recorded.iter().map(|mail| mail["to"].as_str().unwrap()).collect();
        if !is_different {
            assert_eq!(ours, theirs, "{name}");
        }
        for mail in &all[all.len() - ours.len()..] {
            assert_eq!(mail.subject, "Activate your account on Example", "{name}");
        }
    }

    async fn capture(&mut self, step: &Value, ours: &Value) {
        for capture in step["captures"].as_array().into_iter().flatten() {
            let name = capture["name"].as_str().unwrap().to_owned();
            let value = match capture["path"].as_str() {
                Some(path) => {
                    let path = format!("/{}", path.replace('.', "/"));
                    ours.pointer(&path).and_then(Value::as_str).unwrap().to_owned()
                }
                None => self.site.link_token(capture["to"].as_str().unwrap()).await,
            };
            self.captured.insert(name, value);
        }
    }
}

/// Makes alike what differs each time: ids, cursors, tokens and times.
fn alike(mut data: Value) -> Value {
    const EACH_TIME: &[&str] = &[
        "id",
        "pk",
        "cursor",
        "startCursor",
        "endCursor",
        "token",
        "refreshToken",
        "dateJoined",
        "exp",
        "origIat",
        "revoked",
    ];
    match &mut data {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                let differs = !value.is_null() && EACH_TIME.contains(&name.as_str());
                *value = if differs { "<each time>".into() } else { alike(value.take()) };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = alike(item.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    data
}
