//! A second address: as unique as the first one.

use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site};
use serde_json::{Value, json};

const SECOND: &str = "ann@second.example";

async fn ask(site: &Site, actor: &Actor, call: &str) -> Value {
    let header = actor.authorization();
    let document = format!("mutation {{ it: {call} {{ success errors }} }}");
    site.graphql_as(Some(&header), &document, Value::Null).await.json()["data"]["it"].clone()
}

async fn send(site: &Site, actor: &Actor, address: &str) -> Value {
    let arguments = format!("email: \"{address}\", password: \"{PASSWORD}\"");
    ask(site, actor, &format!("sendSecondaryEmailActivation({arguments})")).await
}

async fn verify(site: &Site, token: &str) -> Value {
    ask(site, &Actor::default(), &format!("verifySecondaryEmail(token: \"{token}\")")).await
}

/// Ann, with a second address.
async fn with_second(site: &Site) -> Actor {
    let ann = site.signed_in("ann").await;
    assert_eq!(send(site, &ann, SECOND).await["success"], true);
    let token = site.link_token(SECOND).await;
    assert_eq!(verify(site, &token).await["success"], true);
    ann
}

fn code(answer: &Value, field: &str) -> String {
    assert_eq!(answer["success"], false, "{answer}");
    answer["errors"][field][0]["code"].as_str().unwrap_or_default().to_owned()
}

async fn emails(site: &Site, actor: &Actor) -> Value {
    let header = actor.authorization();
    let answer = site.graphql_as(Some(&header), "{ me { email secondaryEmail } }", Value::Null);
    answer.await.json()["data"]["me"].clone()
}

#[tokio::test]
async fn a_second_address_is_the_accounts_when_it_is_proven_and_not_before() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    send(&site, &ann, SECOND).await;
    assert_eq!(emails(&site, &ann).await["secondaryEmail"], Value::Null);
    let token = site.link_token(SECOND).await;
    verify(&site, &token).await;
    let expected = json!({ "email": "ann@example.com", "secondaryEmail": SECOND });
    assert_eq!(emails(&site, &ann).await, expected);
    assert_eq!(code(&verify(&site, &token).await, "nonFieldErrors"), "invalid_token");
}

#[tokio::test]
async fn a_second_address_is_proven_on_the_activation_page_too() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    send(&site, &ann, SECOND).await;
    let path = format!("/activate/{}", site.link_token(SECOND).await);
    site.send(axum::http::Method::GET, &path, &[], "").await;
    assert_eq!(emails(&site, &ann).await["secondaryEmail"], Value::Null);
    site.send(axum::http::Method::POST, &path, &[], "").await;
    assert_eq!(emails(&site, &ann).await["secondaryEmail"], SECOND);
}

#[tokio::test]
async fn a_second_address_logs_in_and_gets_a_reset_link_of_its_own() {
    let site = Site::start().await;
    with_second(&site).await;
    let by_second = json!({ "email": SECOND, "password": PASSWORD });
    assert_eq!(site.token_auth(by_second).await["success"], true);
    let reset = format!("sendPasswordResetEmail(email: \"{SECOND}\")");
    ask(&site, &Actor::default(), &reset).await;
    let token = site.link_token(SECOND).await;
    let reset = format!(
        "passwordReset(token: \"{token}\", newPassword1: \"zmxn73hhQQp\", newPassword2: \"zmxn73hhQQp\")"
    );
    assert_eq!(ask(&site, &Actor::default(), &reset).await["success"], true);
}

#[tokio::test]
async fn addresses_are_swapped_and_both_stay_the_accounts() {
    let site = Site::start().await;
    let ann = with_second(&site).await;
    let swap = format!("swapEmails(password: \"{PASSWORD}\")");
    assert_eq!(ask(&site, &ann, &swap).await["success"], true);
    let expected = json!({ "email": SECOND, "secondaryEmail": "ann@example.com" });
    assert_eq!(emails(&site, &ann).await, expected);
    for (address, name) in [(SECOND, "bob"), ("ann@example.com", "cat")] {
        let taken = site.register(address, name, PASSWORD, PASSWORD).await;
        assert_eq!(code(&taken, "email"), "unique");
    }
}

#[tokio::test]
async fn a_second_address_that_is_given_up_is_free() {
    let site = Site::start().await;
    let ann = with_second(&site).await;
    let remove = format!("removeSecondaryEmail(password: \"{PASSWORD}\")");
    assert_eq!(ask(&site, &ann, &remove).await["success"], true);
    assert_eq!(emails(&site, &ann).await["secondaryEmail"], Value::Null);
    assert_eq!(site.register(SECOND, "bob", PASSWORD, PASSWORD).await["success"], true);
    let again = ask(&site, &ann, &remove).await;
    assert_eq!(code(&again, "nonFieldErrors"), "secondary_email_required");
}

#[tokio::test]
async fn another_second_address_takes_the_place_of_the_one_before() {
    let site = Site::start().await;
    let ann = with_second(&site).await;
    send(&site, &ann, "ann@third.example").await;
    let token = site.link_token("ann@third.example").await;
    assert_eq!(verify(&site, &token).await["success"], true);
    assert_eq!(emails(&site, &ann).await["secondaryEmail"], "ann@third.example");
    assert_eq!(site.register(SECOND, "bob", PASSWORD, PASSWORD).await["success"], true);
}

#[tokio::test]
async fn a_link_that_is_too_old_changes_nothing() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    send(&site, &ann, SECOND).await;
    let token = site.link_token(SECOND).await;
    site.advance(SignedDuration::from_secs(3601));
    assert_eq!(code(&verify(&site, &token).await, "nonFieldErrors"), "expired_token");
    let ann = site.log_in(&ann).await;
    assert_eq!(emails(&site, &ann).await["secondaryEmail"], Value::Null);
}

#[tokio::test]
async fn a_new_password_ends_the_links_that_were_asked_for_with_the_old_one() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    send(&site, &ann, SECOND).await;
    let token = site.link_token(SECOND).await;
    let change = format!(
        "passwordChange(oldPassword: \"{PASSWORD}\", newPassword1: \"zmxn73hhQQp\", \
         newPassword2: \"zmxn73hhQQp\")"
    );
    assert_eq!(ask(&site, &ann, &change).await["success"], true);
    assert_eq!(code(&verify(&site, &token).await, "nonFieldErrors"), "invalid_token");
    assert_eq!(site.register(SECOND, "bob", PASSWORD, PASSWORD).await["success"], true);
}
