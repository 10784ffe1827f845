//! The first password of an account that started without one, set by a mailed link.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::http::{Method, StatusCode};
use embedded::{Fault, Gate, Times};
use jiff::SignedDuration;
use journeys::{
    Actor, Answer, PASSWORD, Site, at_once, error, failure, failure_code, forge, link_token, s,
};
use serde_json::{Value, json};

const ALLOWED: (&str, &str) = ("ALLOW_PASSWORDLESS_REGISTRATION", "true");
const OTHER: &str = "another jf84jfKKd";
const ALREADY_SET: &str = "Password already set for account.";

/// Ann, who has signed up without a password; her activation token, and the one to set a password.
async fn with_ann() -> (Site, Actor, String, String) {
    let site = Site::with(&[ALLOWED]).await;
    let ann = site.sign_up_without_password("ann").await;
    let mails = site.mails_to(&ann.email()).await;
    let [activation, set] = mails.as_slice() else { panic!("{mails:?}") };
    let (activation, set) = (link_token(activation), link_token(set));
    (site, ann, activation, set)
}

fn already_set() -> Value {
    json!({ "success": false, "errors": failure("password_already_set", ALREADY_SET) })
}

/// The form of the page behind the link.
async fn send_form(site: &Site, token: &str, password: &str, again: &str) -> Answer {
    let form = format!("password={password}&again={again}").replace(' ', "+");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    site.submit(&format!("/password-set/{token}"), &headers, form).await
}

fn assert_page(answer: &Answer, status: StatusCode, text: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert!(answer.text.contains(text), "{}", answer.text);
}

#[tokio::test]
async fn the_first_password_logs_in_verifies_the_account_and_ends_all_sessions() {
    let (site, ann, _, link) = with_ann().await;
    let answer = site.set_password(&link, PASSWORD, PASSWORD).await;
    assert_eq!(answer, json!({ "success": true, "errors": null }));
    site.assert_over(&ann).await;
    assert!(!site.is_password(&ann, OTHER).await);
    site.assert_goes_on(&site.log_in(&ann).await).await;
}

#[tokio::test]
async fn the_first_password_is_set_once() {
    let (site, ann, _, link) = with_ann().await;
    assert_eq!(site.set_password(&link, PASSWORD, PASSWORD).await["success"], true);
    let before = site.dump().await;
    for (first, second) in [(OTHER, OTHER), (PASSWORD, PASSWORD)] {
        assert_eq!(site.set_password(&link, first, second).await, already_set());
    }
    // The passwords are validated first.
    let answer = site.set_password(&link, "1", "2").await;
    assert_eq!(answer["errors"]["newPassword2"][0]["code"], "password_mismatch");
    assert_eq!(site.dump().await, before);
    assert!(site.is_password(&ann, PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_who_set_a_password_by_one_link_at_once_one_does() {
    let (site, ann, _, link) = with_ann().await;
    let site = Arc::new(site);
    site.meet("TransactWriteItems", 10);
    let answers = at_once(10, |at| {
        let (site, link, new) = (site.clone(), link.clone(), format!("{OTHER} {at}"));
        async move { (site.set_password(&link, &new, &new).await, new) }
    })
    .await;
    let (done, lost): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(answer, _)| answer["success"] == true);
    assert_eq!((done.len(), lost.len()), (1, 9), "{lost:?}");
    assert!(lost.iter().all(|(answer, _)| *answer == already_set()), "{lost:?}");
    assert!(site.is_password(&ann, &done[0].1).await);
    assert!(!site.is_password(&ann, &lost[0].1).await);
}

#[tokio::test]
async fn a_link_of_a_password_that_was_taken_away_again_is_used_up_all_the_same() {
    let (site, ann, _, link) = with_ann().await;
    let blank = site.item("USER#", "USER").await;
    assert_eq!(site.set_password(&link, PASSWORD, PASSWORD).await["success"], true);
    site.put(blank).await;
    let before = site.dump().await;
    let answer = site.set_password(&link, OTHER, OTHER).await;
    assert_eq!(answer["errors"], failure("invalid_token", "Invalid token."));
    assert_eq!(site.dump().await, before);
    assert!(!site.is_password(&ann, OTHER).await);
}

#[tokio::test]
async fn a_user_without_a_password_can_choose_one_by_a_reset_too_and_that_ends_the_link() {
    let (site, ann, _, link) = with_ann().await;
    let reset = site.reset_link(&ann).await;
    assert_eq!(site.reset_password(&reset, PASSWORD, PASSWORD).await["success"], true);
    assert_eq!(site.set_password(&link, OTHER, OTHER).await, already_set());
    assert!(site.is_password(&ann, PASSWORD).await);
}

#[tokio::test]
async fn the_first_password_ends_reset_links_from_before() {
    let (site, ann, _, link) = with_ann().await;
    let reset = site.reset_link(&ann).await;
    assert_eq!(site.set_password(&link, PASSWORD, PASSWORD).await["success"], true);
    let answer = site.reset_password(&reset, OTHER, OTHER).await;
    assert_eq!(failure_code(&answer), "invalid_token");
    assert!(site.is_password(&ann, PASSWORD).await);
}

/// The password is wrong in each of them, too: the token is validated first.
#[tokio::test]
async fn a_token_for_anything_else_sets_no_password() {
    let (site, ann, activation, link) = with_ann().await;
    let reset = site.reset_link(&ann).await;
    let before = site.dump().await;
    let (access, refresh) = (ann.access.as_str(), ann.refresh.as_str());
    for token in ["", "garbage", &activation, &reset, access, refresh, &link[1..]] {
        for (first, second) in [("1", "2"), ("", ""), (PASSWORD, PASSWORD)] {
            let answer = site.set_password(token, first, second).await;
            let errors = failure("invalid_token", "Invalid token.");
            assert_eq!(answer, json!({ "success": false, "errors": errors }), "{token}");
        }
    }
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn the_token_for_setting_a_password_is_good_for_nothing_else() {
    let (site, ann, _, link) = with_ann().await;
    let before = site.dump().await;
    let reset = site.reset_password(&link, PASSWORD, PASSWORD).await;
    assert_eq!(failure_code(&reset), "invalid_token");
    assert_eq!(failure_code(&site.verify_account(&link).await), "invalid_token");
    let document = "mutation($t: String!) { verifySecondaryEmail(token: $t) { errors } }";
    let answer = site.graphql(document, json!({ "t": link })).await.json();
    assert_eq!(failure_code(&answer["data"]["verifySecondaryEmail"]), "invalid_token");
    for page in ["activate", "password-reset"] {
        let form = format!("password={PASSWORD}&again={PASSWORD}");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = site.send(Method::POST, &format!("/{page}/{link}"), &headers, form).await;
        assert_page(&answer, StatusCode::BAD_REQUEST, "This link is not valid");
    }
    assert_eq!(site.dump().await, before);
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_link_that_sets_a_password_works_for_an_hour_and_not_a_second_longer() {
    let (site, ann, _, link) = with_ann().await;
    site.advance(SignedDuration::from_secs(3600));
    let answer = site.set_password(&link, "1", "2").await;
    assert_eq!(answer["errors"], failure("expired_token", "Expired token."));
    let page = send_form(&site, &link, PASSWORD, PASSWORD).await;
    assert_page(&page, StatusCode::GONE, "This link is too old");
    assert!(!site.is_password(&ann, PASSWORD).await);

    let (site, _, _, link) = with_ann().await;
    site.advance(SignedDuration::from_secs(3599));
    assert_eq!(site.set_password(&link, PASSWORD, PASSWORD).await["success"], true);
}

#[tokio::test]
async fn a_link_that_sets_a_password_dies_with_a_ban() {
    let (site, ann, _, link) = with_ann().await;
    site.store.set_active(ann.user_id(), false).await.unwrap();
    let before = site.dump().await;
    let answer = site.set_password(&link, PASSWORD, PASSWORD).await;
    assert_eq!(failure_code(&answer), "invalid_token");
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn a_first_password_is_judged_as_any_other_and_one_that_is_refused_uses_up_no_link() {
    let (site, _, _, link) = with_ann().await;
    let before = site.dump().await;
    let required = || error("required", "This field is required.");
    let mismatch = error("password_mismatch", "The two password fields didn’t match.");
    let short = error(
        "password_too_short",
        "This password is too short. It must contain at least 8 characters.",
    );
    let like = error("password_too_similar", "The password is too similar to the email address.");
    for (first, second, errors) in [
        ("", "", json!({ "newPassword1": [required()], "newPassword2": [required()] })),
        (PASSWORD, OTHER, json!({ "newPassword2": [mismatch] })),
        ("kdJ4x", "kdJ4x", json!({ "newPassword2": [short] })),
        ("annexample", "annexample", json!({ "newPassword2": [like] })),
    ] {
        let answer = site.set_password(&link, first, second).await;
        assert_eq!(answer, json!({ "success": false, "errors": errors }));
    }
    assert_eq!(site.dump().await, before);
    assert_eq!(site.set_password(&link, PASSWORD, PASSWORD).await["success"], true);
}

#[tokio::test]
async fn the_id_of_a_link_that_has_set_a_password_is_listed_until_the_link_would_be_over() {
    let (site, _, _, link) = with_ann().await;
    let claims = forge::payload(&link);
    let partition = format!("JTI#{}", claims["jti"].as_str().unwrap());
    assert_eq!(site.items(&partition).await, [""; 0]);
    assert_eq!(site.set_password(&link, PASSWORD, PASSWORD).await["success"], true);
    let listed = site.item(&partition, "JTI").await;
    assert_eq!(listed["expires_at"].as_n().unwrap(), &claims["exp"].to_string());
}

#[tokio::test]
async fn looking_at_the_page_changes_nothing_and_its_form_sets_the_first_password() {
    let (site, ann, _, link) = with_ann().await;
    let before = site.dump().await;
    let page = site.send(Method::GET, &format!("/password-set/{link}"), &[], "").await;
    assert_page(&page, StatusCode::OK, "<h1>Set your password</h1>");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(page.text.contains("<form method=\"post\">"), "{}", page.text);
    assert!(!page.text.contains(&link), "{}", page.text);
    let page = send_form(&site, &link, PASSWORD, OTHER).await;
    assert_page(&page, StatusCode::BAD_REQUEST, "match.");
    assert!(page.text.contains("<h1>Set your password</h1>"), "{}", page.text);
    assert!(!page.text.contains(PASSWORD) && !page.text.contains(OTHER), "{}", page.text);
    assert_eq!(send_form(&site, &link, "1", "1").await.status, StatusCode::BAD_REQUEST);
    let page = site.send(Method::POST, &format!("/password-set/{link}"), &[], "").await;
    assert_page(&page, StatusCode::BAD_REQUEST, "Please enter the password twice.");
    let page = send_form(&site, "garbage", PASSWORD, PASSWORD).await;
    assert_page(&page, StatusCode::BAD_REQUEST, "This link is not valid");
    assert_eq!(site.dump().await, before);

    let page = send_form(&site, &link, PASSWORD, PASSWORD).await;
    assert_page(&page, StatusCode::OK, "Your password is set");
    site.assert_over(&ann).await;
    assert!(site.is_password(&ann, PASSWORD).await);
    let page = send_form(&site, &link, OTHER, OTHER).await;
    assert_page(&page, StatusCode::BAD_REQUEST, "Your password was set before");
    assert!(site.is_password(&ann, PASSWORD).await);
}

#[tokio::test]
async fn when_the_account_changes_meanwhile_the_answer_says_what_has_become_of_it() {
    for (attribute, value, code) in [
        ("is_active", AttributeValue::Bool(false), "invalid_token"),
        ("email_key", s("ann@other.example"), "invalid_token"),
        ("password", s("another one's hash"), "password_already_set"),
        ("is_verified", AttributeValue::Bool(true), ""),
    ] {
        let (site, ann, _, link) = with_ann().await;
        let gate = Gate::new();
        site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::Held(gate.clone()));
        let meanwhile = async {
            gate.arrived(1).await;
            site.set_on_user(&ann, attribute, value).await;
            gate.open();
        };
        let (answer, ()) = tokio::join!(site.set_password(&link, PASSWORD, PASSWORD), meanwhile);
        assert_eq!(failure_code(&answer), code, "{attribute}: {answer}");
        assert_eq!(answer["success"], code.is_empty(), "{attribute}");
    }
}
