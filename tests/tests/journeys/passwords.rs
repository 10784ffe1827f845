//! Another password: knowing the old one, or by a mailed link.

use std::sync::Arc;

use axum::http::Method;
use embedded::{Fault, Gate, Times};
use jiff::SignedDuration;
use journeys::{Actor, Answer, PASSWORD, Site, at_once, error, failure, failure_code};
use serde_json::{Value, json};

const NEW: &str = "another jf84jfKKd";
const OTHER: &str = "a third jf84jfKKd";
const MISMATCH: &str = "The two password fields didn’t match.";

fn refused(errors: &Value, answer: &Value) {
    assert_eq!(answer["success"], false, "{answer}");
    assert_eq!(&answer["errors"], errors, "{answer}");
    assert_eq!(answer["token"], Value::Null, "{answer}");
    assert_eq!(answer["refreshToken"], Value::Null, "{answer}");
}

async fn with_ann() -> (Site, Actor) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    (site, ann)
}

#[tokio::test]
async fn the_new_password_logs_in_and_the_old_one_does_not() {
    let (site, ann) = with_ann().await;
    let answer = site.change_password(&ann, PASSWORD, NEW, NEW).await;
    assert_eq!((&answer["success"], &answer["errors"]), (&true.into(), &Value::Null));
    site.assert_goes_on(&ann.with_tokens(&answer)).await;
    assert!(!site.is_password(&ann, PASSWORD).await);
    assert!(site.is_password(&ann, NEW).await);
}

/// Each call is wrong in all the ways of the ones after it.
#[tokio::test]
async fn a_change_with_several_faults_is_answered_with_the_first_one() {
    let site = Site::start().await;
    let (bob, ann) = (site.sign_up("bob").await, site.signed_in("ann").await);
    let before = site.dump().await;
    let wrong = "kdjf84jfKKe";
    let unauthenticated = failure("unauthenticated", "Unauthenticated.");
    let answer = site.change_password(&Actor::default(), wrong, "1", "2").await;
    refused(&unauthenticated, &answer);
    let answer = site.change_password(&bob, wrong, "1", "2").await;
    refused(&failure("not_verified", "Please verify your account."), &answer);
    for old in [wrong, "", " kdjf84jfKKd", "KDJF84JFKKD", &"x".repeat(5000)] {
        let answer = site.change_password(&ann, old, "1", "2").await;
        let invalid = json!({ "oldPassword": [error("invalid_password", "Invalid password.")] });
        refused(&invalid, &answer);
    }
    let answer = site.change_password(&ann, PASSWORD, "1", "2").await;
    refused(&json!({ "newPassword2": [error("password_mismatch", MISMATCH)] }), &answer);
    assert_eq!(site.dump().await, before);
    site.assert_goes_on(&ann).await;
}

#[tokio::test]
async fn a_new_password_is_judged_as_a_first_one_under_its_own_names() {
    let (site, ann) = with_ann().await;
    let link = site.reset_link(&ann).await;
    let before = site.dump().await;
    let required = || error("required", "This field is required.");
    let short = error(
        "password_too_short",
        "This password is too short. It must contain at least 8 characters.",
    );
    let common = error("password_too_common", "This password is too common.");
    let numeric = error("password_entirely_numeric", "This password is entirely numeric.");
    let too_long =
        error("max_length", "Ensure this value has at most 256 characters (it has 500).");
    let long = "é".repeat(500);
    for (first, second, errors) in [
        ("", "", json!({ "newPassword1": [required()], "newPassword2": [required()] })),
        ("", NEW, json!({ "newPassword1": [required()] })),
        (NEW, "", json!({ "newPassword2": [required()] })),
        (NEW, OTHER, json!({ "newPassword2": [error("password_mismatch", MISMATCH)] })),
        (
            NEW,
            &NEW.to_uppercase(),
            json!({ "newPassword2": [error("password_mismatch", MISMATCH)] }),
        ),
        ("1", "1", json!({ "newPassword2": [short, common.clone(), numeric.clone()] })),
        ("password", "password", json!({ "newPassword2": [common] })),
        ("7315926408513", "7315926408513", json!({ "newPassword2": [numeric] })),
        (&long, &long, json!({ "newPassword2": [too_long] })),
    ] {
        refused(&errors, &site.change_password(&ann, PASSWORD, first, second).await);
        let answer = site.reset_password(&link, first, second).await;
        assert_eq!(answer, json!({ "success": false, "errors": errors }));
    }
    assert_eq!(site.dump().await, before);
    assert_eq!(site.reset_password(&link, NEW, NEW).await["success"], true, "not used up");
}

#[tokio::test]
async fn a_new_password_like_the_name_or_the_address_is_refused() {
    let site = Site::start().await;
    let ann = site.signed_in("annabella.w").await;
    let link = site.reset_link(&ann).await;
    for like in ["annabella.w", "Annabella.W1"] {
        for answer in [
            site.change_password(&ann, PASSWORD, like, like).await,
            site.reset_password(&link, like, like).await,
        ] {
            assert_eq!(answer["errors"]["newPassword2"][0]["code"], "password_too_similar");
        }
    }
    site.assert_goes_on(&ann).await;
}

#[tokio::test]
async fn a_new_password_like_a_first_or_last_name_is_refused() {
    let (site, ann) = with_ann().await;
    let names = "mutation { updateAccount(firstName: \"Marmalade\", lastName: \"Zebrafinch\") {
        success } }";
    site.ask(&ann, names, Value::Null).await;
    let link = site.reset_link(&ann).await;
    for (like, text) in [
        ("marmalade1", "The password is too similar to the first name."),
        ("zebrafinch1", "The password is too similar to the last name."),
    ] {
        let errors = json!({ "newPassword2": [error("password_too_similar", text)] });
        refused(&errors, &site.change_password(&ann, PASSWORD, like, like).await);
        assert_eq!(site.reset_password(&link, like, like).await["errors"], errors);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_at_once_one_is_done() {
    let (site, ann) = with_ann().await;
    let site = Arc::new(site);
    site.meet("TransactWriteItems", 2);
    let answers = at_once(2, |at| {
        let (site, ann) = (site.clone(), ann.clone());
        let new = [NEW, OTHER][at];
        async move { (new, site.change_password(&ann, PASSWORD, new, new).await) }
    })
    .await;
    let (done, lost): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(_, answer)| answer["success"] == true);
    assert_eq!((done.len(), lost.len()), (1, 1), "{lost:?}");
    assert_eq!(failure_code(&lost[0].1), "unauthenticated");
    site.assert_goes_on(&ann.with_tokens(&done[0].1)).await;
    site.assert_over(&ann).await;
    assert!(site.is_password(&ann, done[0].0).await);
    assert!(!site.is_password(&ann, lost[0].0).await);
}

#[tokio::test]
async fn a_reset_ends_all_sessions_and_opens_none() {
    let (site, ann) = with_ann().await;
    let there = site.log_in(&ann).await;
    let link = site.reset_link(&ann).await;
    site.assert_goes_on(&there).await;
    assert!(site.is_password(&ann, PASSWORD).await, "asking for a link changes nothing");
    let answer = site.reset_password(&link, NEW, NEW).await;
    assert_eq!(answer, json!({ "success": true, "errors": null }));
    for session in [&ann, &there] {
        site.assert_over(session).await;
    }
    let user = format!("USER#{}", ann.user_id());
    let before = site.items(&user).await.len();
    assert!(!site.is_password(&ann, PASSWORD).await);
    assert_eq!(site.items(&user).await.len(), before);
    assert!(site.is_password(&ann, NEW).await);
}

#[tokio::test]
async fn a_reset_link_works_once() {
    let (site, ann) = with_ann().await;
    let link = site.reset_link(&ann).await;
    assert_eq!(site.reset_password(&link, NEW, NEW).await["success"], true);
    let answer = site.reset_password(&link, OTHER, OTHER).await;
    assert_eq!(answer["errors"], failure("invalid_token", "Invalid token."));
    assert!(site.is_password(&ann, NEW).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_resets_by_one_link_at_once_one_is_done() {
    let (site, ann) = with_ann().await;
    let site = Arc::new(site);
    let link = site.reset_link(&ann).await;
    site.meet("TransactWriteItems", 20);
    let answers = at_once(20, |at| {
        let (site, link, new) = (site.clone(), link.clone(), format!("{NEW} {at}"));
        async move { (site.reset_password(&link, &new, &new).await, new) }
    })
    .await;
    let (done, lost): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(answer, _)| answer["success"] == true);
    assert_eq!((done.len(), lost.len()), (1, 19), "{lost:?}");
    assert!(lost.iter().all(|(answer, _)| failure_code(answer) == "invalid_token"), "{lost:?}");
    assert!(site.is_password(&ann, &done[0].1).await);
    assert!(!site.is_password(&ann, &lost[0].1).await);
}

#[tokio::test]
async fn the_token_is_judged_before_the_password_is() {
    let (site, ann) = with_ann().await;
    let (activation, link) = (site.link_token(&ann.email()).await, site.reset_link(&ann).await);
    let invalid = failure("invalid_token", "Invalid token.");
    for token in ["", "garbage", &activation, &ann.access, &ann.refresh, &link[1..]] {
        for (first, second) in [("1", "2"), ("", ""), (NEW, NEW)] {
            let answer = site.reset_password(token, first, second).await;
            assert_eq!(answer["errors"], invalid, "{token}");
        }
    }
    assert_eq!(failure_code(&site.verify_account(&link).await), "invalid_token");
    site.advance(SignedDuration::from_secs(3599));
    assert_eq!(site.reset_password(&link, "1", "2").await["errors"]["nonFieldErrors"], Value::Null);
    site.advance(SignedDuration::from_secs(1));
    let answer = site.reset_password(&link, "1", "2").await;
    assert_eq!(answer["errors"], failure("expired_token", "Expired token."));
    site.assert_goes_on(&site.refreshed(&ann).await).await;
}

#[tokio::test]
async fn a_reset_proves_the_address_that_the_link_was_mailed_to() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    assert!(!site.is_password(&ann, PASSWORD).await, "not verified");
    let link = site.reset_link(&ann).await;
    assert_eq!(site.reset_password(&link, NEW, NEW).await["success"], true);
    assert!(site.is_password(&ann, NEW).await);
}

#[tokio::test]
async fn a_reset_link_goes_to_active_users_only_and_dies_with_a_ban() {
    let (site, ann) = with_ann().await;
    let link = site.reset_link(&ann).await;
    let mails = site.mails_to(&ann.email()).await.len();
    site.store.set_active(ann.user_id(), false).await.unwrap();
    // Decoys take as long as a mail.
    let but_decoys = |mut items: Vec<String>| {
        items.retain(|item| !item.contains("DECOY#"));
        items
    };
    let before = site.dump().await;
    let nobody = "nobody@example.com".to_owned();
    for email in [nobody.clone(), ann.email(), ann.email().to_uppercase()] {
        let answer = site.send_password_reset(&email).await;
        assert_eq!(answer, json!({ "success": true, "errors": null }), "{email}");
    }
    assert_eq!(but_decoys(site.dump().await), before);
    assert_eq!(site.mails_to(&ann.email()).await.len(), mails);
    assert_eq!(site.mails_to(&nobody).await.len(), 0);
    assert_eq!(failure_code(&site.reset_password(&link, NEW, NEW).await), "invalid_token");
}

#[tokio::test]
async fn a_reset_is_not_sent_to_what_is_no_address() {
    let site = Site::start().await;
    for email in ["", "ann", "ann@", "@example.com", "ann@example.com\r\nBcc: eve@example.com"] {
        let answer = site.send_password_reset(email).await;
        assert_eq!(answer["success"], false, "{email}");
        assert!(answer["errors"]["email"][0]["code"].is_string(), "{answer}");
    }
}

/// The form of the page behind the link.
async fn send_form(site: &Site, token: &str, password: &str, again: &str) -> Answer {
    let form = format!("password={password}&again={again}").replace(' ', "+");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    site.submit(&format!("/password-reset/{token}"), &headers, form).await
}

#[tokio::test]
async fn looking_at_the_reset_page_changes_nothing_and_its_form_sets_the_password() {
    let (site, ann) = with_ann().await;
    let link = site.reset_link(&ann).await;
    let before = site.dump().await;
    for _ in 0..2 {
        let page = site.send(Method::GET, &format!("/password-reset/{link}"), &[], "").await;
        assert_eq!(page.status, 200);
        assert_eq!(page.headers["cache-control"], "no-store");
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        assert!(page.text.contains("<form method=\"post\""), "{}", page.text);
        assert!(!page.text.contains(&link), "{}", page.text);
    }
    let page = send_form(&site, &link, NEW, OTHER).await;
    assert_eq!(page.status, 400);
    assert!(page.text.contains("match."), "{}", page.text);
    assert!(!page.text.contains(NEW) && !page.text.contains(OTHER), "{}", page.text);
    assert_eq!(send_form(&site, &link, "1", "1").await.status, 400);
    assert_eq!(send_form(&site, &link, "", "").await.status, 400);
    assert_eq!(site.dump().await, before);

    let page = send_form(&site, &link, NEW, NEW).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Your password is set"), "{}", page.text);
    assert!(site.is_password(&ann, NEW).await);
    site.assert_over(&ann).await;
    let page = send_form(&site, &link, OTHER, OTHER).await;
    assert_eq!(page.status, 400);
    assert!(page.text.contains("This link is not valid"), "{}", page.text);
    assert!(site.is_password(&ann, NEW).await);
}

#[tokio::test]
async fn the_reset_page_says_that_an_old_link_is_too_old() {
    let (site, ann) = with_ann().await;
    let link = site.reset_link(&ann).await;
    site.advance(SignedDuration::from_hours(1));
    let page = send_form(&site, &link, NEW, NEW).await;
    assert_eq!(page.status, 410);
    assert!(page.text.contains("This link is too old"), "{}", page.text);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let page = site.send(Method::POST, &format!("/password-reset/{link}"), &headers, "x=1").await;
    assert_eq!(page.status, 400);
    assert!(site.is_password(&ann, PASSWORD).await);
}

#[tokio::test]
async fn a_reset_that_meets_the_proof_of_the_address_sets_the_password() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let activation = site.link_token(&ann.email()).await;
    let reset = site.reset_link(&ann).await;
    let gate = Gate::new();
    site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::Held(gate.clone()));
    let meanwhile = async {
        gate.arrived(1).await;
        assert_eq!(site.verify_account(&activation).await["success"], true);
        gate.open();
    };
    let (answer, ()) = tokio::join!(site.reset_password(&reset, NEW, NEW), meanwhile);
    assert_eq!(answer["success"], true, "{answer}");
    assert!(site.is_password(&ann, NEW).await);
}
