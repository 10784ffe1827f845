//! Second factors: an authenticator app, whose codes another implementation makes, and recovery codes.

mod adding;
mod codes;
mod every_way_in;
mod guesses;
mod losing;
mod sensitive;
mod steps;
mod trusted;
pub(crate) mod ways_in;

use jiff::SignedDuration;
use journeys::{Actor, Answer, PASSWORD, Site, forge};
use serde_json::{Value, json};
use totp_rs::Totp;

const STEP: SignedDuration = SignedDuration::from_secs(30);

/// An authenticator app that is not ours: the crate `totp-rs`.
#[derive(Clone, Debug)]
pub(crate) struct Phone(Totp);

impl Phone {
    /// Reads the QR code.
    pub(crate) fn reading(uri: &str) -> Self {
        Self(Totp::from_url(uri).unwrap())
    }

    /// The code that it shows now.
    pub(crate) fn code(&self, site: &Site) -> String {
        self.0.generate(site.now().as_second().unsigned_abs()).to_string()
    }

    /// The code that it shows half a minute later: one that was not used yet.
    pub(crate) fn next(&self, site: &Site) -> String {
        site.advance(STEP);
        self.code(site)
    }
}

/// A user with a second factor, in the session in which it was added.
pub(crate) struct Secured {
    pub(crate) ann: Actor,
    pub(crate) phone: Phone,
    pub(crate) recovery_codes: Vec<String>,
}

/// `{success, errors, …}` of a mutation, as that user.
async fn mutate(site: &Site, actor: &Actor, call: &str, more: &str) -> Value {
    let document = format!("mutation {{ it: {call} {{ success errors {more} }} }}");
    let answer = site.ask(actor, &document, Value::Null).await.json();
    assert!(answer["data"]["it"].is_object(), "{document}: {answer}");
    answer["data"]["it"].clone()
}

/// The same; it succeeds.
async fn done(site: &Site, actor: &Actor, call: &str, more: &str) -> Value {
    let answer = mutate(site, actor, call, more).await;
    assert_eq!(answer["success"], true, "{call}: {answer}");
    answer
}

/// The same; the code of its failure.
async fn refusal(site: &Site, actor: &Actor, call: &str) -> String {
    let answer = mutate(site, actor, call, "").await;
    assert_eq!(answer["success"], false, "{call}: {answer}");
    let first = answer["errors"].as_object().unwrap().values().next().unwrap();
    first[0]["code"].as_str().unwrap().to_owned()
}

/// Adds an authenticator app for that user.
pub(crate) async fn secure(site: &Site, ann: &Actor) -> Secured {
    let begun = done(site, ann, "beginApp", "secret uri setup").await;
    let phone = Phone::reading(begun["uri"].as_str().unwrap());
    let (setup, code) = (begun["setup"].as_str().unwrap(), phone.code(site));
    let call = format!("addApp(setup: \"{setup}\", code: \"{code}\")");
    let added = done(site, ann, &call, "recoveryCodes token refreshToken").await;
    Secured { ann: ann.with_tokens(&added), phone, recovery_codes: texts(&added["recoveryCodes"]) }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// A user who has a second factor.
async fn with_ann(site: &Site) -> Secured {
    secure(site, &site.signed_in("ann").await).await
}

async fn add_second_address(site: &Site, ann: &Actor, address: &str) {
    let call =
        format!("sendSecondaryEmailActivation(email: \"{address}\", password: \"{PASSWORD}\")");
    done(site, ann, &call, "").await;
    let token = site.link_token(address).await;
    done(site, ann, &format!("verifySecondaryEmail(token: \"{token}\")"), "").await;
}

/// The first step of a log-in, with those headers: the challenge.
pub(crate) async fn first_step(site: &Site, name: &str, headers: &[(&str, &str)]) -> String {
    let document = "mutation($u: String!, $p: String!) {
        tokenAuth(username: $u, password: $p) { success errors token refreshToken user { id } } }";
    let variables = json!({ "u": name, "p": PASSWORD });
    let answer = post(site, document, variables, headers).await.json();
    let answer = &answer["data"]["tokenAuth"];
    assert_eq!(answer["success"], false, "{answer}");
    for absent in ["token", "refreshToken", "user"] {
        assert_eq!(answer[absent], Value::Null, "{answer}");
    }
    let error = &answer["errors"]["nonFieldErrors"][0];
    assert_eq!(error["code"], "second_factor_required", "{answer}");
    error["challenge"].as_str().unwrap().to_owned()
}

const COMPLETE: &str = "mutation($challenge: String!, $code: String!) {
    it: completeLogin(challenge: $challenge, code: $code) {
        success errors token refreshToken unarchiving payload user { username } } }";

/// The second step of a log-in, with those headers.
async fn second_step(site: &Site, challenge: &str, code: &str, headers: &[(&str, &str)]) -> Answer {
    post(site, COMPLETE, json!({ "challenge": challenge, "code": code }), headers).await
}

/// The code of the failure of a second step.
async fn second_step_refusal(site: &Site, challenge: &str, code: &str) -> String {
    let answer = second_step(site, challenge, code, &[]).await.json();
    journeys::failure_code(&answer["data"]["it"]).to_owned()
}

/// Both steps.
async fn log_in(site: &Site, name: &str, code: &str) -> Actor {
    let challenge = first_step(site, name, &[]).await;
    let answer = second_step(site, &challenge, code, &[]).await.json();
    let answer = &answer["data"]["it"];
    assert_eq!(answer["success"], true, "{answer}");
    Actor { name: name.to_owned(), ..Actor::default() }.with_tokens(answer)
}

async fn post(site: &Site, document: &str, variables: Value, more: &[(&str, &str)]) -> Answer {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let headers = [&[("content-type", "application/json")], more].concat();
    site.send(axum::http::Method::POST, "/graphql", &headers, body).await
}

/// `stepUp` by a code: the next tokens of the session.
async fn step_up(site: &Site, ann: &Actor, code: &str) -> Actor {
    let call = format!("stepUp(code: \"{code}\")");
    ann.with_tokens(&done(site, ann, &call, "token refreshToken").await)
}

/// The claims that say how the user of a token has proven who it is.
pub(crate) fn proof(access: &str) -> (Value, Value, i64) {
    let claims = forge::payload(access);
    (claims["amr"].clone(), claims["acr"].clone(), claims["auth_time"].as_i64().unwrap())
}

/// Whether a log-in of the user needs no second step.
async fn logs_in_by_password_alone(site: &Site, ann: &Actor) -> bool {
    site.is_password(ann, PASSWORD).await
}
