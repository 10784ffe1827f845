//! The costs of passkeys. Each operation has two requests: one for the challenge, and one with the answer of an
//! authenticator.

use serde_json::{Value, json};

use super::metered::{Cost, from_address, of_success};
use super::operation::Operation;
use super::second_factor::{first_step, text};
use crate::Site;
use crate::browser::Browser;

/// Does an operation once, and counts.
pub(super) async fn cost(operation: Operation) -> Cost {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let ann = site.signed_in("ann").await;
    let mut browser = Browser::new();
    let add = async {
        let begun = site.ask(&ann, "mutation { it: beginPasskey { options } }", Value::Null).await;
        let begun = begun.json()["data"]["it"]["options"].clone();
        let credential = browser.create(text(&begun)).await;
        let document =
            "mutation($c: String!) { it: addPasskey(credential: $c) { success errors } }";
        let added = site.ask(&ann, document, json!({ "c": credential })).await;
        added.json()["data"]["it"].clone()
    };
    let adding = of_success(&site, add).await;
    if operation == Operation::AddPasskey {
        return adding;
    }
    // The first log-in from an address sends a mail.
    let opened = log_in(&site, &mut browser).await;
    assert_eq!(opened["success"], true, "{opened}");
    if operation == Operation::LogInByPasskey {
        return of_success(&site, log_in(&site, &mut browser)).await;
    }
    let challenge = first_step(&site).await;
    of_success(&site, second_step(&site, text(&challenge), &mut browser)).await
}

async fn log_in(site: &Site, browser: &mut Browser) -> Value {
    let begun = from_address(site, "mutation { it: beginPasskeyLogin { options } }", Value::Null);
    let credential = browser.get(text(&begun.await["it"]["options"])).await;
    let document = "mutation($c: String!) { it: passkeyLogin(credential: $c) { success errors } }";
    from_address(site, document, json!({ "c": credential })).await["it"].clone()
}

async fn second_step(site: &Site, challenge: &str, browser: &mut Browser) -> Value {
    let document = "mutation($t: String!) { it: beginPasskeyStep(challenge: $t) { options } }";
    let begun = from_address(site, document, json!({ "t": challenge })).await;
    let credential = browser.get(text(&begun["it"]["options"])).await;
    let document = "mutation($t: String!, $c: String!) {
        it: completeLoginByPasskey(challenge: $t, credential: $c) { success errors } }";
    let variables = json!({ "t": challenge, "c": credential });
    from_address(site, document, variables).await["it"].clone()
}
