//! The costs of second factors.

use accounts::model::{Client, PlainPassword};
use accounts::operations::Credentials;
use jiff::SignedDuration;
use serde_json::{Value, json};
use totp_rs::Totp;

use super::metered::{Cost, client, from_address, metered, of_success};
use super::operation::Operation;
use crate::{Actor, PASSWORD, Site};

/// Does an operation of a user with a second factor once, and counts.
pub(super) async fn cost(operation: Operation) -> Cost {
    let site = Site::with(&[("THROTTLE", "on"), ("TRUSTED_DEVICE_DAYS", "30")]).await;
    let ann = site.signed_in("ann").await;
    let begun = mutation(&site, &ann, "beginApp { success uri setup }").await;
    let Ok(app) = Totp::from_url(text(&begun["uri"])) else { panic!("no app: {begun}") };
    let code = |site: &Site| app.generate(site.now().as_second().unsigned_abs()).to_string();
    let setup = text(&begun["setup"]);
    let call = format!(
        "addApp(setup: \"{setup}\", code: \"{}\") {{ success recoveryCodes }}",
        code(&site)
    );
    let (added, adding) = metered(&site, mutation(&site, &ann, &call)).await;
    assert_eq!(added["success"], true, "{added}");
    if operation == Operation::AddApp {
        return adding;
    }
    site.advance(SignedDuration::from_secs(30));
    if operation == Operation::StepUp {
        let call = format!("stepUp(code: \"{}\") {{ success }}", code(&site));
        return of_success(&site, mutation(&site, &ann, &call)).await;
    }
    // The first log-in from an address sends a mail.
    let before = text(&first_step(&site).await).to_owned();
    let done = second_step(&site, &before, &code(&site)).await;
    assert_eq!(done["success"], true, "{done}");
    site.advance(SignedDuration::from_secs(30));
    let (challenge, first) = metered(&site, first_step(&site)).await;
    if operation == Operation::FirstStep {
        return first;
    }
    let challenge = text(&challenge);
    if operation == Operation::LogInOnTrustedDevice {
        return on_trusted_device(&site, challenge, &code(&site)).await;
    }
    if operation == Operation::WrongSecondStep {
        let (answer, cost) = metered(&site, second_step(&site, challenge, "wrong")).await;
        assert_eq!(answer["success"], false, "{answer}");
        return cost;
    }
    let code = if operation == Operation::SecondStepByRecoveryCode {
        text(&added["recoveryCodes"][0]).to_owned()
    } else {
        code(&site)
    };
    of_success(&site, second_step(&site, challenge, &code)).await
}

/// Adds the app that a log-in requires, and counts the request with its first code.
pub(super) async fn enrolment() -> Cost {
    let site = Site::with(&[("THROTTLE", "on"), ("MFA_REQUIRED", "all")]).await;
    let ann = site.sign_up("ann").await;
    site.deliver_mail().await;
    site.verify_account(&site.link_token(&ann.email()).await).await;
    let challenge = first_step(&site).await;
    let challenge = text(&challenge);
    let call = format!("beginApp(challenge: \"{challenge}\") {{ success uri setup }}");
    let begun = mutation(&site, &Actor::default(), &call).await;
    let Ok(app) = Totp::from_url(text(&begun["uri"])) else { panic!("no app: {begun}") };
    let code = app.generate(site.now().as_second().unsigned_abs());
    let setup = text(&begun["setup"]);
    let document = "mutation($challenge: String!, $setup: String!, $code: String!) {
        it: addApp(challenge: $challenge, setup: $setup, code: $code) { success errors } }";
    let variables = json!({ "challenge": challenge, "setup": setup, "code": code.to_string() });
    let added = async { from_address(&site, document, variables).await["it"].clone() };
    of_success(&site, added).await
}

/// Trusts the device in the second step, and logs in on it.
async fn on_trusted_device(site: &Site, challenge: &str, code: &str) -> Cost {
    let trusting = Client { trusts_device: true, ..client() };
    let opened = site.accounts.complete_log_in(challenge, code, &trusting).await;
    let Ok(opened) = opened else { panic!("{opened:?}") };
    let client = Client { device: Some(opened.device), ..client() };
    let credentials = Credentials::Username("ann".to_owned());
    let log_in = site.accounts.log_in(credentials, PlainPassword::new(PASSWORD), &client);
    let (answer, cost) = metered(site, Box::pin(log_in)).await;
    assert!(answer.is_ok(), "{answer:?}");
    cost
}

pub(super) fn text(value: &Value) -> &str {
    let Some(text) = value.as_str() else { panic!("no text: {value}") };
    text
}

pub(super) async fn mutation(site: &Site, actor: &Actor, call: &str) -> Value {
    let document = format!("mutation {{ it: {call} }}");
    site.ask(actor, &document, Value::Null).await.json()["data"]["it"].clone()
}

pub(super) async fn first_step(site: &Site) -> Value {
    let document = "mutation($p: String!) {
        it: tokenAuth(username: \"ann\", password: $p) { success errors } }";
    let answer = from_address(site, document, json!({ "p": PASSWORD })).await;
    answer["it"]["errors"]["nonFieldErrors"][0]["challenge"].clone()
}

async fn second_step(site: &Site, challenge: &str, code: &str) -> Value {
    let document = "mutation($challenge: String!, $code: String!) {
        it: completeLogin(challenge: $challenge, code: $code) { success } }";
    let variables = json!({ "challenge": challenge, "code": code });
    from_address(site, document, variables).await["it"].clone()
}
