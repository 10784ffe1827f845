//! Operations of users on their own accounts.

use accounts::model::Client;
use axum::http::StatusCode;
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site};
use serde_json::{Value, json};

/// A mutation as that actor, and what its field answers.
async fn ask(site: &Site, actor: &Actor, field: &str, arguments: &str) -> Value {
    let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
    let document = format!("mutation {{ {field}{arguments} {{ success errors }} }}");
    let header = actor.authorization();
    let answer = site.graphql_as(Some(&header), &document, Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["data"][field].clone()
}

fn password(password: &str) -> String {
    format!("password: \"{password}\"")
}

async fn names(site: &Site, actor: &Actor) -> Value {
    let header = actor.authorization();
    let answer = site.graphql_as(Some(&header), "{ me { firstName lastName } }", Value::Null).await;
    answer.json()["data"]["me"].clone()
}

fn code(answer: &Value, field: &str) -> String {
    assert_eq!(answer["success"], false, "{answer}");
    answer["errors"][field][0]["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_name_that_is_left_out_is_left_alone() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    ask(&site, &ann, "updateAccount", "firstName: \" Ann \", lastName: \"Lee\"").await;
    let answer = ask(&site, &ann, "updateAccount", "firstName: \"Anna\"").await;
    assert_eq!(answer, json!({ "success": true, "errors": null }));
    assert_eq!(names(&site, &ann).await, json!({ "firstName": "Anna", "lastName": "Lee" }));
}

#[tokio::test]
async fn a_name_that_is_too_long_changes_nothing() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let long = "x".repeat(151);
    let arguments = format!("firstName: \"Ann\", lastName: \"{long}\"");
    let answer = ask(&site, &ann, "updateAccount", &arguments).await;
    assert_eq!(code(&answer, "lastName"), "max_length");
    assert_eq!(names(&site, &ann).await, json!({ "firstName": "", "lastName": "" }));
}

#[tokio::test]
async fn an_anonymous_or_unverified_caller_changes_no_account() {
    let site = Site::start().await;
    let (anonymous, ann) = (Actor::default(), site.sign_up("ann").await);
    for (field, arguments) in [
        ("updateAccount", "firstName: \"A\"".to_owned()),
        ("archiveAccount", password("wrong")),
        ("deleteAccount", password("wrong")),
    ] {
        let answer = ask(&site, &anonymous, field, &arguments).await;
        assert_eq!(code(&answer, "nonFieldErrors"), "unauthenticated", "{field}");
        let answer = ask(&site, &ann, field, &arguments).await;
        assert_eq!(code(&answer, "nonFieldErrors"), "not_verified", "{field}");
    }
}

#[tokio::test]
async fn an_archived_account_has_no_session_until_its_next_log_in() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let answer = ask(&site, &ann, "archiveAccount", &password("wrong")).await;
    assert_eq!(code(&answer, "password"), "invalid_password");
    let answer = ask(&site, &ann, "archiveAccount", &password(PASSWORD)).await;
    assert_eq!(answer["success"], true);
    assert_eq!(site.me(&ann).await, None);
    let wrong = site.token_auth(json!({ "username": "ann", "password": "wrong" })).await;
    assert_eq!(wrong["unarchiving"], false);
    let right = json!({ "username": "ann", "password": PASSWORD });
    assert_eq!(site.token_auth(right.clone()).await["unarchiving"], true);
    assert_eq!(site.token_auth(right).await["unarchiving"], false);
}

#[tokio::test]
async fn a_deleted_account_keeps_its_name_where_deletion_is_not_allowed() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    assert_eq!(ask(&site, &ann, "deleteAccount", &password(PASSWORD)).await["success"], true);
    assert_eq!(site.me(&ann).await, None);
    assert_eq!(site.refresh_token(&ann.refresh).await["success"], false);
    let answer = site.token_auth(json!({ "username": "ann", "password": PASSWORD })).await;
    assert_eq!(code(&answer, "nonFieldErrors"), "invalid_credentials");
    let again = site.register("ann@example.com", "ann", PASSWORD, PASSWORD).await;
    assert_eq!(code(&again, "email"), "unique");
}

#[tokio::test]
async fn an_account_deleted_for_good_leaves_name_and_address_free() {
    let site = Site::with(&[("ALLOW_DELETE_ACCOUNT", "true")]).await;
    let ann = site.signed_in("ann").await;
    assert_eq!(ask(&site, &ann, "deleteAccount", &password(PASSWORD)).await["success"], true);
    assert_eq!(site.me(&ann).await, None);
    for partition in ["EMAIL#ann@example.com", "USERNAME#ann"] {
        assert!(!site.items(partition).await.contains(&"GUARD".to_owned()), "{partition}");
    }
    assert!(!site.items("USER#").await.contains(&"USER".to_owned()));
    let again = site.register("ann@example.com", "ann", PASSWORD, PASSWORD).await;
    assert_eq!(again["success"], true, "{again}");
}

#[tokio::test]
async fn an_activation_mail_can_be_asked_for_again_with_the_same_live_code() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let first = site.code(&ann.email()).await;
    let resend = "email: \"ANN@example.com\"";
    let answer = ask(&site, &ann, "resendActivationEmail", resend).await;
    assert_eq!(answer["success"], true);
    assert_eq!(site.mails_to(&ann.email()).await.len(), 2);
    assert_eq!(site.code(&ann.email()).await, first);
    site.advance(SignedDuration::from_mins(11));
    ask(&site, &ann, "resendActivationEmail", resend).await;
    assert_ne!(site.code(&ann.email()).await, first);
}

#[tokio::test]
async fn mail_goes_to_the_address_as_its_owner_wrote_it() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let reset = "email: \"ANN@EXAMPLE.com\"";
    ask(&site, &Actor::default(), "sendPasswordResetEmail", reset).await;
    assert_eq!(site.mails_to("ANN@example.com").await.len(), 0);
    assert_eq!(site.mails_to("ann@example.com").await.len(), 2);
}

#[tokio::test]
async fn a_change_of_password_leaves_no_reset_link_behind() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let anonymous = Actor::default();
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let asked = format!("email: \"{}\"", ann.email());
        ask(&site, &anonymous, "sendPasswordResetEmail", &asked).await;
        tokens.push(site.link_token(&ann.email()).await);
    }
    let reset = |token: &str, new: &str| {
        format!("token: \"{token}\", newPassword1: \"{new}\", newPassword2: \"{new}\"")
    };
    let first = ask(&site, &anonymous, "passwordReset", &reset(&tokens[1], "zmxn73hhQQp")).await;
    assert_eq!(first["success"], true, "{first}");
    let second = ask(&site, &anonymous, "passwordReset", &reset(&tokens[0], "qpwo38dkJJs")).await;
    assert_eq!(code(&second, "nonFieldErrors"), "invalid_token");
}

#[tokio::test]
async fn an_intruder_with_a_session_cannot_prevent_a_reset_by_the_owner() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let intruder = site.log_in(&ann).await;
    let asked = format!("email: \"{}\"", ann.email());
    ask(&site, &Actor::default(), "sendPasswordResetEmail", &asked).await;
    let token = site.link_token(&ann.email()).await;
    assert_eq!(ask(&site, &intruder, "endOtherSessions", "").await["success"], true);
    let reset =
        format!("token: \"{token}\", newPassword1: \"zmxn73hhQQp\", newPassword2: \"zmxn73hhQQp\"");
    let answer = ask(&site, &Actor::default(), "passwordReset", &reset).await;
    assert_eq!(answer["success"], true, "{answer}");
    assert_eq!(site.me(&intruder).await, None);
}

#[tokio::test]
async fn a_revoked_session_changes_nothing_later_in_the_same_document() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let document = format!(
        "mutation {{ updateAccount(firstName: \"A\") {{ success }} \
         revokeToken(refreshToken: \"{}\") {{ success }} \
         again: updateAccount(firstName: \"B\") {{ success errors }} }}",
        ann.refresh
    );
    let header = ann.authorization();
    let answer = site.graphql_as(Some(&header), &document, Value::Null).await;
    let data = answer.json()["data"].clone();
    assert_eq!(data["updateAccount"]["success"], true);
    assert_eq!(code(&data["again"], "nonFieldErrors"), "unauthenticated");
}

#[tokio::test]
async fn a_code_that_was_tried_too_often_is_not_mailed_again() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let code: u32 = site.code(&ann.email()).await.parse().unwrap();
    let wrong = format!("{:06}", (code + 1) % 1_000_000);
    for _ in 0..5 {
        let tried =
            site.accounts.verify_account_by_code(&ann.email(), &wrong, &Client::default()).await;
        assert!(tried.is_err());
    }
    let resend = format!("email: \"{}\"", ann.email());
    ask(&site, &Actor::default(), "resendActivationEmail", &resend).await;
    let mail = site.mails_to(&ann.email()).await.pop().unwrap().text.unwrap();
    assert!(!mail.contains("code"), "{mail}");
    assert!(mail.contains("/activate/"), "{mail}");
}

#[tokio::test]
async fn an_unknown_address_is_answered_as_a_known_one_and_gets_no_mail() {
    let site = Site::start().await;
    let anonymous = Actor::default();
    let unknown = "email: \"nobody@example.com\"";
    for field in ["resendActivationEmail", "sendPasswordResetEmail"] {
        assert_eq!(ask(&site, &anonymous, field, unknown).await["success"], true, "{field}");
    }
    assert_eq!(site.mails_to("nobody@example.com").await.len(), 0);
}

#[tokio::test]
async fn a_log_in_counts_for_what_follows_in_the_same_document() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let document = format!(
        "mutation {{ tokenAuth(username: \"ann\", password: \"{PASSWORD}\") {{ success }} \
         updateAccount(firstName: \"Ann\") {{ success }} logout {{ success }} \
         again: logout {{ success errors }} }}"
    );
    let data = site.graphql(&document, Value::Null).await.json()["data"].clone();
    assert_eq!(data["updateAccount"]["success"], true);
    assert_eq!(data["logout"]["success"], true);
    assert_eq!(code(&data["again"], "nonFieldErrors"), "unauthenticated");
}
