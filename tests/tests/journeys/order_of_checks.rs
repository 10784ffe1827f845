//! The answer to a request with several faults, as the real django-graphql-auth 0.3.16 gave it.

use std::collections::HashMap;

use axum::http::StatusCode;
use jiff::SignedDuration;
use journeys::{Actor, Answer, PASSWORD, Site, failure, link_token, s};
use serde_json::{Value, json};

/// Answers of the library: four scenes, each line a mutation of a user.
const RECORDED: &str = include_str!("../../recordings/order.jsonl");

/// Where we differ on purpose, with the code that ours answers instead; without one, it is done.
const DIFFERENT: &[(&str, Option<&str>)] = &[
    // Look-alikes are one address.
    ("another-spelling", Some("/email/0/code unique")),
    // A link works once.
    ("second-address-link-again", Some("/nonFieldErrors/0/code invalid_token")),
    ("reset-link-again", Some("/nonFieldErrors/0/code invalid_token")),
    ("reset-link-from-before", Some("/nonFieldErrors/0/code invalid_token")),
    // One answer names all faults.
    ("register-second-address-and-more", Some("/email/0/code unique")),
    // The purpose of a link decides how old it may be.
    ("link-of-another-kind", Some("/nonFieldErrors/0/code invalid_token")),
    // Terminals and CSV files obey control characters.
    ("line-break-in-a-name", Some("/firstName/0/code control_characters_not_allowed")),
    // The current GraphQL specification.
    ("null-literal", None),
];

/// The old engine took an integer for a string.
const REFUSED: &[&str] = &["not-a-string"];

#[derive(Default)]
struct Replay {
    actors: HashMap<String, Actor>,
    filled: HashMap<String, String>,
}

impl Replay {
    async fn step(&mut self, site: &Site, step: &Value) -> Answer {
        let seconds = step["wait"].as_i64().unwrap_or_default();
        site.advance(SignedDuration::from_secs(seconds));
        let call = self.fill(step["do"].as_str().unwrap());
        let operation = call.split('(').next().unwrap();
        let more = match operation {
            "register" | "refreshToken" | "passwordChange" => "token refreshToken",
            "tokenAuth" => "token refreshToken unarchiving user { username }",
            _ => "",
        };
        let declared = step["declared"].as_str().map(|it| format!("({it})")).unwrap_or_default();
        let document = format!("mutation{declared} {{ it: {call} {{ success errors {more} }} }}");
        let actor = step["as"].as_str().map(|name| self.actors[name].authorization());
        let answer = site.graphql_as(actor.as_deref(), &document, step["variables"].clone()).await;
        check(step, &answer);
        let ours = answer.json()["data"]["it"].clone();
        if ours["token"].is_string() {
            let name = match step["as"].as_str().or_else(|| ours["user"]["username"].as_str()) {
                Some(name) => name.to_owned(),
                None => self.newcomer(&call),
            };
            let actor = Actor { name: name.clone(), ..Actor::default() }.with_tokens(&ours);
            self.know(&name, actor);
        }
        for (name, place) in step["mails"].as_object().into_iter().flatten() {
            let mails = site.mails_to(place[0].as_str().unwrap()).await;
            let number = usize::try_from(place[1].as_u64().unwrap()).unwrap();
            self.filled.insert(name.clone(), link_token(&mails[number]));
        }
        answer
    }

    fn know(&mut self, name: &str, actor: Actor) {
        self.filled.insert(format!("access:{name}"), actor.access.clone());
        self.filled.insert(format!("refresh:{name}"), actor.refresh.clone());
        self.actors.insert(name.to_owned(), actor);
    }

    /// The user who registers by that call, or refreshes.
    fn newcomer(&self, call: &str) -> String {
        let named = call.split("username:\"").nth(1).and_then(|rest| rest.split('"').next());
        let holds = |actor: &&Actor| call.contains(&actor.refresh);
        let refreshing = || self.actors.values().find(holds).map(|actor| actor.name.as_str());
        named.or_else(refreshing).unwrap().trim().to_owned()
    }

    fn fill(&self, text: &str) -> String {
        let filled = self.filled.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{{{name}}}}}"), value)
        });
        assert!(!filled.contains("{{"), "not known: {filled}");
        filled
    }
}

fn check(step: &Value, answer: &Answer) {
    let name = step["step"].as_str().unwrap_or_default();
    let ours = &answer.json()["data"]["it"];
    if let Some((_, expected)) = DIFFERENT.iter().find(|(step, _)| *step == name) {
        let found = expected.map(|expected| {
            let path = expected.split(' ').next().unwrap();
            let code = ours["errors"].pointer(path).and_then(Value::as_str);
            format!("{path} {}", code.unwrap_or_default())
        });
        assert_eq!(found.as_deref(), *expected, "{step} {}", answer.text);
        assert_eq!(ours["success"], expected.is_none(), "{step} {}", answer.text);
    } else if REFUSED.contains(&name) || step["status"] == 400 {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{step} {}", answer.text);
    } else {
        assert_eq!(answer.status, StatusCode::OK, "{step} {}", answer.text);
        assert_eq!(ours["errors"], step["errors"], "{step}");
        assert_eq!(ours["success"], step["errors"].is_null(), "{step} {}", answer.text);
        assert!(step["errors"].is_null() || ours["token"].is_null(), "{step} {}", answer.text);
        if let Some(unarchiving) = step.get("unarchiving") {
            assert_eq!(&ours["unarchiving"], unarchiving, "{step}");
        }
    }
}

fn scene(name: &str) -> Vec<Value> {
    let steps = RECORDED.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    steps.filter(|step| step["scene"] == name).collect()
}

/// Gives a user a second address.
async fn prove_second(site: &Site, actor: &Actor, address: &str) {
    let document = "mutation($e: String!, $p: String!) {
        sendSecondaryEmailActivation(email: $e, password: $p) { success } }";
    site.ask(actor, document, json!({ "e": address, "p": PASSWORD })).await;
    let document = "mutation($t: String!) { verifySecondaryEmail(token: $t) { success } }";
    let token = site.link_token(address).await;
    let answer = site.graphql(document, json!({ "t": token })).await.json();
    assert_eq!(answer["data"]["verifySecondaryEmail"]["success"], true, "{answer}");
}

/// All items but decoys, which are written so that an answer takes its time.
async fn of_meaning(site: &Site) -> Vec<String> {
    let mut items = site.dump().await;
    items.retain(|item| !item.contains("DECOY#"));
    items
}

#[tokio::test]
async fn the_site_returns_the_same_first_error_as_the_library() {
    let site = Site::start().await;
    let mut replay = Replay::default();
    for name in ["ver", "other", "sec", "oth2"] {
        let actor = site.signed_in(name).await;
        replay.know(name, actor);
    }
    replay.know("unv", site.sign_up("unv").await);
    prove_second(&site, &replay.actors["sec"], "sec2@example.com").await;
    prove_second(&site, &replay.actors["oth2"], "taken2@example.com").await;
    let steps = scene("checks");
    for step in &steps {
        let before = of_meaning(&site).await;
        replay.step(&site, step).await;
        if step["errors"].is_object() {
            assert!(of_meaning(&site).await == before, "{step}");
        }
    }
    assert_eq!(steps.len(), 90);
}

#[tokio::test]
async fn an_account_without_a_password_is_answered_as_the_library_answered() {
    let site = Site::with(&[("ALLOW_PASSWORDLESS_REGISTRATION", "true")]).await;
    let mut replay = Replay::default();
    let steps = scene("passwordless");
    for step in &steps {
        replay.step(&site, step).await;
    }
    assert_eq!(steps.len(), 82);
}

#[tokio::test]
async fn a_password_is_compared_with_name_names_and_address_as_in_the_library() {
    let site = Site::with(&[("ALLOW_PASSWORDLESS_REGISTRATION", "true")]).await;
    let fred = site.sign_up_without_password("fred").await;
    let mut replay = Replay::default();
    replay.filled.insert("set".to_owned(), site.link_token(&fred.email()).await);
    let link = site.reset_link(&fred).await;
    assert_eq!(site.reset_password(&link, PASSWORD, PASSWORD).await["success"], true);
    let site = site.restarted_with(&[]);
    let fred = site.log_in(&fred).await;
    replay.filled.insert("reset".to_owned(), site.reset_link(&fred).await);
    let user = site.item("USER#", "USER").await;
    let steps = scene("similar");
    for step in &steps {
        let mut user = user.clone();
        for (n, field) in ["username", "first_name", "last_name", "email"].into_iter().enumerate() {
            if let Some(value) = step["user"][n].as_str() {
                user.insert(field.to_owned(), s(value));
            }
        }
        site.put(user).await;
        replay.know("fred", fred.clone());
        let mut step = step.clone();
        if step["user"].is_array() {
            step["as"] = json!("fred");
        }
        replay.step(&site, &step).await;
    }
    assert_eq!(steps.len(), 39);
}

/// A name that is absent is blanked by the library, and left alone by ours: `null` in the recording.
#[tokio::test]
async fn names_are_judged_and_kept_as_in_the_library() {
    let site = Site::start().await;
    let mut replay = Replay::default();
    replay.know("gus", site.signed_in("gus").await);
    replay.know("unv2", site.sign_up("unv2").await);
    let gus = replay.actors["gus"].clone();
    let steps = scene("names");
    for step in &steps {
        site.set_on_user(&gus, "first_name", s("Old")).await;
        site.set_on_user(&gus, "last_name", s("Name")).await;
        replay.step(&site, step).await;
        let me = site.ask(&gus, "{ me { firstName lastName } }", Value::Null).await.json();
        let me = &me["data"]["me"];
        let is_as_recorded = step["step"].is_null();
        let recorded = |n: usize, left: &str| {
            let name = step["names"][n].as_str().filter(|_| is_as_recorded);
            json!(name.unwrap_or(left))
        };
        let expected = json!({ "firstName": recorded(0, "Old"), "lastName": recorded(1, "Name") });
        assert_eq!(*me, expected, "{step}");
    }
    assert_eq!(steps.len(), 37);
}

#[tokio::test]
async fn operations_that_the_library_has_not_ask_first_who_is_there_too() {
    let site = Site::start().await;
    let unauthenticated = failure("unauthenticated", "Unauthenticated.");
    for call in ["logout", "endOtherSessions", "endSession(id: \"x\")"] {
        let document = format!("mutation {{ it: {call} {{ success errors }} }}");
        let answer = site.graphql(&document, Value::Null).await.json();
        assert_eq!(answer["data"]["it"]["errors"], unauthenticated, "{call}");
    }
}
