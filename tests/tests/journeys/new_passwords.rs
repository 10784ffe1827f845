//! What a site asks of a new password holds wherever a user chooses one.

use axum::http::Method;
use journeys::{Actor, HasuraApi, PASSWORD, Site};
use serde_json::json;

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

/// The answers to a sign-up with that password, in each dialect.
pub(crate) async fn sign_up_everywhere(site: &Site, password: &str) -> Vec<(&'static str, String)> {
    let fields = json!({ "username": "eve", "email": "eve@example.com", "password": password });
    let document = "mutation($e: String!, $u: String!, $p: String!) {
        register(email: $e, username: $u, password1: $p, password2: $p) { success errors } }";
    let variables = json!({ "e": "eve@example.com", "u": "eve", "p": password });
    let registered = site.graphql(document, variables).await;
    let document = "mutation($input: CreateUserInput!) { createUser(input: $input) { ok } }";
    let created = site.graphql(document, json!({ "input": fields })).await;
    let mut answers = vec![("register", registered.text), ("createUser", created.text)];
    for api in HasuraApi::ALL {
        let outcome = site.hasura(api, "user_register", fields.clone()).await;
        answers.push(("user_register", outcome.body.to_string()));
    }
    answers.push(("signup/", site.rest("signup/", fields).await.text));
    answers
}

/// The answers to each other operation that chooses a password, in each dialect and on the pages: Ann changes and
/// resets hers, and the link sets the first one of another user.
pub(crate) async fn choose_everywhere(
    site: &Site,
    ann: &Actor,
    first: &str,
    password: &str,
) -> Vec<(&'static str, String)> {
    let change = json!({ "old_password": PASSWORD, "new_password": password });
    let header = ann.authorization();
    let changed = site.change_password(ann, PASSWORD, password, password).await;
    let mut answers = vec![("passwordChange", changed.to_string())];
    for api in HasuraApi::ALL {
        let access = Some(ann.access.as_str());
        let outcome = site.hasura_as(access, api, "user_change_password", change.clone()).await;
        answers.push(("user_change_password", outcome.body.to_string()));
    }
    let changed = site.rest_as(Method::POST, Some(&header), "password/change/", change).await;
    answers.push(("password/change/", changed.text));

    let token = site.reset_link(ann).await;
    let reset = site.reset_password(&token, password, password).await;
    answers.push(("passwordReset", reset.to_string()));
    let confirm = json!({ "email": ann.email(), "token": token, "password": password });
    for api in HasuraApi::ALL {
        let outcome = site.hasura(api, "user_password_reset_confirm", confirm.clone()).await;
        answers.push(("user_password_reset_confirm", outcome.body.to_string()));
    }
    let confirm = json!({ "token": token, "new_password": password });
    answers.push(("reset/confirm/", site.rest("password/reset/confirm/", confirm).await.text));
    let set = site.set_password(first, password, password).await;
    answers.push(("passwordSet", set.to_string()));
    for path in [format!("/password-reset/{token}"), format!("/password-set/{first}")] {
        let body = format!("password={password}&again={password}");
        let page = site.send(Method::POST, &path, &FORM, body).await;
        answers.push(("page", page.text));
    }
    answers
}

/// A site where Ann has a password, and a link that sets the first one of Bob.
pub(crate) async fn with_ann_and_a_link(
    settings: &'static [(&'static str, &'static str)],
) -> (Site, Actor, String) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let site = site.restarted_with(&[("ALLOW_PASSWORDLESS_REGISTRATION", "true")]);
    let bob = site.sign_up_without_password("bob").await;
    let first = site.link_token(&bob.email()).await;
    (site.restarted_with(settings), ann, first)
}

const LONG: &[(&str, &str)] = &[("PASSWORD_MIN_LENGTH", "15")];

#[tokio::test]
async fn the_sites_own_length_of_passwords_holds_wherever_one_is_chosen() {
    let (site, ann, first) = with_ann_and_a_link(LONG).await;
    // The rule is for new passwords: Ann has a shorter one.
    assert!(site.is_password(&ann, PASSWORD).await);
    let text = "This password is too short. It must contain at least 15 characters.";
    let short = "kdjf84jfKKd-xy";
    let mut answers = sign_up_everywhere(&site, short).await;
    answers.extend(choose_everywhere(&site, &ann, &first, short).await);
    for (operation, answer) in answers {
        assert!(answer.contains(text), "{operation}: {answer}");
    }
    assert!(site.is_password(&ann, PASSWORD).await);
    assert_eq!(site.items("USERNAME#eve").await.len(), 0);
    let long = "kdjf84jfKKd-xyz";
    assert_eq!(site.set_password(&first, long, long).await["success"], true);
    assert_eq!(site.change_password(&ann, PASSWORD, long, long).await["success"], true);
}

#[tokio::test]
async fn the_pages_name_the_sites_own_length_in_each_language() {
    let (site, ann, _) = with_ann_and_a_link(LONG).await;
    let token = site.reset_link(&ann).await;
    for (language, hint, error) in [
        ("en", "At least 15 characters.", "at least 15 characters"),
        ("de", "Mindestens 15 Zeichen.", "mindestens 15 Zeichen"),
        ("fa", "دست‌کم 15 نویسه.", "دست‌کم 15 نویسه داشته"),
    ] {
        let path = format!("/password-reset/{token}?lang={language}");
        let page = site.send(Method::GET, &path, &[], "").await.text;
        assert!(page.contains("minlength=\"15\"") && page.contains(hint), "{page}");
        let page = site.send(Method::POST, &path, &FORM, "password=short&again=short").await.text;
        assert!(page.contains(error), "{page}");
    }
}

/// Attackers try the names of the product, of the site, and of its hosts first.
#[tokio::test]
async fn the_names_of_the_site_are_refused_as_passwords() {
    let site = Site::with(&[
        ("SITE_NAME", "Marmalade"),
        ("BASE_URL", "https://auth.zebrafinch.example"),
        ("APP_URL", "https://www.bluejay-books.example"),
    ])
    .await;
    for password in ["Latchkey1", "marmalade2", "Zebrafinch3", "bluejay-books", "bluejay99"] {
        let refused = site.register("eve@example.com", "eve", password, password).await;
        let violation = &refused["errors"]["password2"][0];
        assert_eq!(violation["code"], "password_too_similar", "{password}: {refused}");
        let text = "The password is too similar to the name of this site.";
        assert_eq!(violation["message"], text);
    }
}

/// The password of a sign-up when shorter ones were allowed.
#[tokio::test]
async fn an_older_password_that_is_too_short_by_now_still_logs_in_and_confirms() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let site = site.restarted_with(&[("PASSWORD_MIN_LENGTH", "64")]);
    let ann = site.log_in(&ann).await;
    let new = "zmxn73hhQQp".repeat(6);
    let changed = site.change_password(&ann, PASSWORD, PASSWORD, PASSWORD).await;
    assert_eq!(changed["success"], false, "{changed}");
    let changed = site.change_password(&ann, PASSWORD, &new, &new).await;
    assert_eq!(changed["success"], true, "{changed}");
}
