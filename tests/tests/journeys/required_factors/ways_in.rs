//! C4: no way in gives a token before the user has the factor.

use accounts::model::Client;
use accounts::operations::MailProof;
use journeys::{Actor, DIALECTS, PASSWORD, Site, TokenPair, Visit, failure_code};
use serde_json::{Value, json};

use super::{ALL, add_app, code, first_step};
use crate::second_factor::proof;

const NEW: &str = "an other jf84jfKKd";

fn held(actor: &Actor) -> TokenPair {
    TokenPair { access: actor.access.clone(), refresh: actor.refresh.clone() }
}

#[tokio::test]
async fn no_way_in_gives_a_token_before_the_factor_that_the_user_must_have() {
    let site = Site::start().await;
    let before = site.signed_in("ann").await;
    let cookie = Visit::open(&site, "/account", "ann").await.cookie;
    let site = site.restarted_with(ALL);
    let email = "ann@example.com";
    let mut password = PASSWORD.to_owned();
    for (number, dialect) in DIALECTS.into_iter().enumerate() {
        // The session from before is refused, like one that has ended.
        assert!(dialect.who(&site, &held(&before)).await.is_err(), "{dialect:?}");
        assert!(dialect.refresh(&site, &held(&before)).await.is_err(), "{dialect:?}");
        dialect.setup_step(&site, "ann", email, &password).await;
        let id = dialect.request_log_in_mail(&site, email).await.unwrap();
        let code = site.code(email).await;
        dialect.setup_step_by_mail(&site, &id, &code).await;
        password = format!("{NEW}{number}");
        dialect.reset(&site, email, &password).await.unwrap();
        dialect.setup_step(&site, "ann", email, &password).await;
    }
    let site = site.restarted_with(&[("MFA_REQUIRED", "all"), ("TOKENS_IN_COOKIES", "true")]);
    for root in ["/account", "/login", "/admin"] {
        let answer = Visit::log_in(&site, root, "ann", &password).await;
        assert!(answer.headers.get("set-cookie").is_none(), "{root}: {answer:?}");
        assert!(answer.status != 303, "{root}: {answer:?}");
    }
    let page = Visit::with(&site, cookie).get("/account").await;
    assert_eq!(page.status, 303, "{page:?}");
}

#[tokio::test]
async fn a_session_without_the_factor_does_nothing_and_is_not_used_up() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let site = site.restarted_with(ALL);
    assert_eq!(failure_code(&site.verify_token(&ann.access).await), "invalid_token");
    assert_eq!(failure_code(&site.refresh_token(&ann.refresh).await), "invalid_token");
    for call in [
        format!("stepUp(password: \"{PASSWORD}\")"),
        format!(
            "passwordChange(oldPassword: \"{PASSWORD}\", newPassword1: \"{NEW}\", newPassword2: \"{NEW}\")"
        ),
        "beginApp".to_owned(),
        "beginPasskey".to_owned(),
        "addApp(setup: \"x\", code: \"123456\")".to_owned(),
        "addPasskey(credential: \"{}\")".to_owned(),
    ] {
        let document = format!("mutation {{ it: {call} {{ success errors }} }}");
        let answer = site.ask(&ann, &document, Value::Null).await.json();
        assert_eq!(failure_code(&answer["data"]["it"]), "unauthenticated", "{call}: {answer}");
    }
    // The requirement was a mistake: the user is still logged in.
    let site = site.restarted_with(&[("MFA_REQUIRED", "off")]);
    site.assert_goes_on(&ann).await;
}

#[tokio::test]
async fn a_sign_up_gives_no_tokens_and_a_stranger_adds_no_factor() {
    for settings in [ALL, &[("MFA_REQUIRED", "all"), ("ALLOW_LOGIN_NOT_VERIFIED", "true")]] {
        let site = Site::with(settings).await;
        let answer = site.register("ann@example.com", "ann", PASSWORD, PASSWORD).await;
        assert_eq!((&answer["success"], &answer["token"]), (&json!(true), &Value::Null));
        let bob = json!({ "username": "bob", "email": "bob@example.com", "password": PASSWORD });
        let answer = site.post_json("/api/accounts/signup/", None, &bob).await;
        assert!(answer.status == 201 && !answer.text.contains("eyJ"), "{answer:?}");
        assert_eq!(super::outcome(&site, "ann").await, "not_verified");
        site.verify_account(&site.link_token("ann@example.com").await).await;
        add_app(&site, &first_step(&site, "ann").await).await.unwrap();
    }
}

#[tokio::test]
async fn a_mail_proves_the_address_and_leads_to_the_factor() {
    let site = Site::with(ALL).await;
    // A stranger has signed up with ann's address.
    site.register("ann@example.com", "eve", PASSWORD, PASSWORD).await;
    let client = Client::default();
    let id = site.accounts.send_log_in("ann@example.com", None, &client).await.unwrap();
    let mailed = site.code("ann@example.com").await;
    let by_code = MailProof::Code(&mailed);
    let error = site.accounts.log_in_by_mail(&id, by_code, &client).await.unwrap_err();
    let accounts::error::AuthError::SecondFactorSetupRequired { challenge } = error else {
        panic!("{error:?}");
    };
    // The code is used up, and the stranger's password is void.
    assert_eq!(code(site.accounts.log_in_by_mail(&id, by_code, &client).await), "invalid_otp");
    assert_eq!(super::outcome(&site, "eve").await, "invalid_credentials");
    let (_, added) = add_app(&site, &challenge).await.unwrap();
    let (amr, acr, _) = proof(&added.opened.tokens.access);
    assert_eq!((amr, acr), (json!(["email", "otp", "mfa"]), json!("aal2")));
    assert!(added.opened.caller.user.is_verified);
}

/// Only a caller who knows the password learns that the user has to add a factor.
#[tokio::test]
async fn a_wrong_password_is_answered_as_for_any_user() {
    let site = Site::start().await;
    for name in ["ann", "bob"] {
        site.signed_in(name).await;
    }
    site.sign_up("carol").await;
    let site = site.restarted_with(&[("MFA_REQUIRED", "all"), ("CONCEAL_ACCOUNTS", "true")]);
    add_app(&site, &first_step(&site, "bob").await).await.unwrap();
    let mut seen = Vec::new();
    for name in ["ann", "bob", "carol", "nobody"] {
        let variables = json!({ "username": name, "password": "not the password" });
        seen.push(site.token_auth(variables).await);
    }
    assert!(seen.iter().all(|answer| *answer == seen[0]), "{seen:?}");
    // Where accounts are concealed, the right password of an account without a proof opens nothing, either.
    assert_eq!(super::outcome(&site, "carol").await, "invalid_credentials");
}
