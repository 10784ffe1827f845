//! The changes of the own account on its pages: names, password, addresses, and the deletion.

use accounts::model::Role;
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use journeys::{Actor, Answer, FORM, PASSWORD, Site, Visit};

use super::{OTHER, assert_error_at};
use crate::second_factor::secure;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// Every page of a change, with a form that would make it.
const CHANGES: [(&str, &str); 7] = [
    ("profile", "first_name=Eve"),
    ("password", "password=kdjf84jfKKd&new_password=zmxn73hhQQp&again=zmxn73hhQQp"),
    ("email", "email=eve%40example.com&password=kdjf84jfKKd"),
    ("second-email", "email=eve%40example.com&password=kdjf84jfKKd"),
    ("swap-emails", "password=kdjf84jfKKd"),
    ("remove-second-email", "password=kdjf84jfKKd"),
    ("delete", "name=ann&password=kdjf84jfKKd"),
];

async fn site() -> (Site, Actor) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    (site, ann)
}

fn path(change: &str) -> String {
    format!("/account/{change}")
}

async fn post(visit: &Visit<'_>, change: &str, fields: &str) -> Answer {
    let csrf = visit.csrf("/account").await;
    visit.post(&path(change), &csrf, fields).await
}

fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.headers["location"].to_str().unwrap()
}

fn assert_refused(answer: &Answer, field: &str, text: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert_error_at(&answer.text, field, text);
    assert!(!answer.text.contains(PASSWORD), "a password never comes back: {}", answer.text);
}

/// The user has a second address, as well.
async fn with_two_addresses(site: &Site, visit: &Visit<'_>) {
    let fields = format!("email=second%40example.com&password={PASSWORD}");
    let asked = post(visit, "second-email", &fields).await;
    assert_eq!(location(&asked), "/account?done=email-asked");
    let token = site.link_token("second@example.com").await;
    let done = site.send(Method::POST, &format!("/activate/{token}"), &[FORM[0]], "").await;
    assert_eq!(location(&done), "/done/address-confirmed");
}

#[tokio::test]
async fn users_change_their_names() {
    let (site, ann) = site().await;
    let visit = Visit::open(&site, "/account", "ann").await;
    let done = post(&visit, "profile", "first_name=Ann+%3Cb%3E&last_name=").await;
    assert_eq!(location(&done), "/account?done=profile-changed");
    let page = visit.get("/account?done=profile-changed").await.text;
    assert!(page.contains("Your name is saved."), "{page}");
    let page = visit.get("/account/profile").await.text;
    assert!(page.contains("value=\"Ann &lt;b&gt;\""), "{page}");
    let long = format!("first_name=Bob&last_name={}", "x".repeat(151));
    let refused = post(&visit, "profile", &long).await;
    assert_refused(&refused, "last_name", "at most 150 characters (it has 151)");
    assert!(refused.text.contains("value=\"Bob\""), "{}", refused.text);
    assert_eq!(site.caller(&ann).await.user.first_name, "Ann <b>");
}

#[tokio::test]
async fn a_new_password_wants_the_old_one_and_logs_out_everywhere() {
    let (site, ann) = site().await;
    let visit = Visit::open(&site, "/account", "ann").await;
    let fields = |old: &str, new: &str, again: &str| {
        format!("password={old}&new_password={new}&again={again}")
    };
    for (fields, field, text) in [
        (fields("wrong", OTHER, OTHER), "password", "That password is wrong."),
        (fields("", OTHER, OTHER), "password", "That password is wrong."),
        (fields(PASSWORD, "1234", "1234"), "new_password", "too short"),
        (fields(PASSWORD, OTHER, "another"), "again", "didn’t match"),
    ] {
        assert_refused(&post(&visit, "password", &fields).await, field, text);
    }
    assert!(site.me(&ann).await.is_some());
    let done = post(&visit, "password", &fields(PASSWORD, OTHER, OTHER)).await;
    assert_eq!(location(&done), "/done/password-set");
    let cleared = done.headers["set-cookie"].to_str().unwrap();
    assert!(cleared.contains("latchkey-account=; ") && cleared.contains("; Max-Age=0;"));
    assert_eq!(site.me(&ann).await, None);
    assert_eq!(visit.get("/account/activity").await.status, StatusCode::SEE_OTHER);
    assert!(site.is_password(&ann, OTHER).await);
    assert!(!site.is_password(&ann, PASSWORD).await);
}

#[tokio::test]
async fn another_address_is_the_users_once_its_link_is_used() {
    let (site, ann) = site().await;
    site.signed_in("bob").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    assert!(!visit.get("/account/email").await.text.contains("type=\"password\""));
    assert_refused(&post(&visit, "email", "email=ann").await, "email", "valid email address");
    let taken = post(&visit, "email", "email=bob%40example.com").await;
    assert_refused(&taken, "email", "already exists");
    assert!(taken.text.contains("value=\"bob@example.com\""), "{}", taken.text);

    // Some minutes after the log-in, it wants the password.
    site.advance(MINUTE * 6);
    assert!(visit.get("/account/email").await.text.contains("type=\"password\""));
    for (password, text) in
        [("", "Please enter your password."), ("wrong", "That password is wrong.")]
    {
        let fields = format!("email=new%40example.com&password={password}");
        assert_refused(&post(&visit, "email", &fields).await, "password", text);
    }
    let fields = format!("email=new%40example.com&password={PASSWORD}");
    assert_eq!(location(&post(&visit, "email", &fields).await), "/account?done=email-asked");
    let page = visit.get("/account?done=email-asked").await.text;
    assert!(page.contains("on its way to the new address"), "{page}");
    let link = site.link_token("new@example.com").await;
    site.send(Method::POST, &format!("/activate/{link}"), &[FORM[0]], "").await;
    assert_eq!(site.caller(&ann).await.user.email, "new@example.com");
}

#[tokio::test]
async fn a_second_address_is_added_swapped_and_removed() {
    let (site, ann) = site().await;
    let visit = Visit::open(&site, "/account", "ann").await;
    let page = visit.get("/account").await.text;
    assert!(!page.contains("swap-emails"), "{page}");
    for change in ["swap-emails", "remove-second-email"] {
        assert_eq!(location(&visit.get(&path(change)).await), "/account");
        let fields = format!("password={PASSWORD}");
        assert_eq!(location(&post(&visit, change, &fields).await), "/account");
    }
    with_two_addresses(&site, &visit).await;
    let addresses = async || {
        let user = site.caller(&ann).await.user;
        (user.email, user.secondary_email)
    };
    let (first, second) = ("ann@example.com".to_owned(), "second@example.com".to_owned());
    assert_eq!(addresses().await, (first.clone(), Some(second.clone())));
    let page = visit.get("/account/swap-emails").await.text;
    assert!(page.contains("ann@example.com") && page.contains("second@example.com"), "{page}");
    for change in ["swap-emails", "remove-second-email"] {
        let wrong = post(&visit, change, "password=wrong").await;
        assert_refused(&wrong, "password", "That password is wrong.");
    }
    let fields = format!("password={PASSWORD}");
    let swapped = post(&visit, "swap-emails", &fields).await;
    assert_eq!(location(&swapped), "/account?done=emails-swapped");
    assert_eq!(addresses().await, (second.clone(), Some(first)));
    let removed = post(&visit, "remove-second-email", &fields).await;
    assert_eq!(location(&removed), "/account?done=second-email-removed");
    assert_eq!(addresses().await, (second, None));
}

#[tokio::test]
async fn a_deletion_wants_the_name_and_the_password() {
    let site = Site::with(&[("ALLOW_DELETE_ACCOUNT", "true")]).await;
    let ann = site.signed_in("ann").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    let fields = |name: &str, password: &str| format!("name={name}&password={password}");
    let wrong = post(&visit, "delete", &fields("Anna", PASSWORD)).await;
    assert_refused(&wrong, "name", "That is not the username.");
    let wrong = post(&visit, "delete", &fields("ann", "wrong")).await;
    assert_refused(&wrong, "password", "That password is wrong.");
    assert!(site.me(&ann).await.is_some());
    let done = post(&visit, "delete", &fields("+ann+", PASSWORD)).await;
    assert_eq!(location(&done), "/done/account-deleted");
    assert!(done.headers["set-cookie"].to_str().unwrap().contains("; Max-Age=0;"));
    assert!(site.store.user(ann.user_id()).await.unwrap().is_none());
    let page = site.send(Method::GET, "/done/account-deleted", &[], "").await;
    assert!(page.text.contains("<h1>Your account is deleted</h1>"), "{}", page.text);
}

#[tokio::test]
async fn the_last_superuser_stays() {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    let visit = Visit::open(&site, "/account", "boss").await;
    let refused = post(&visit, "delete", &format!("name=boss&password={PASSWORD}")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text.contains("You are the last superuser."), "{}", refused.text);
    assert!(site.me(&boss).await.is_some());
}

/// C8: a session that has not proven the second factor in the last minutes proves it before the form is shown.
#[tokio::test]
async fn a_grave_change_wants_a_code_of_a_user_with_a_second_factor() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    with_two_addresses(&site, &visit).await;
    let phone = secure(&site, &ann).await.phone;
    assert_eq!(visit.get("/account/profile").await.status, StatusCode::OK);
    let stored = async || site.store.user(ann.user_id()).await.unwrap().unwrap();
    let before = stored().await;
    for (change, fields) in &CHANGES[1..] {
        site.advance(MINUTE * 6);
        for asked in [visit.get(&path(change)).await, post(&visit, change, fields).await] {
            assert_eq!(asked.status, StatusCode::FORBIDDEN, "{change}: {}", asked.text);
            assert!(asked.text.contains("<h1>Confirm that it is you</h1>"), "{}", asked.text);
            for typed in [PASSWORD, OTHER, "eve@"] {
                assert!(!asked.text.contains(typed), "{typed}: {}", asked.text);
            }
        }
        let wrong = post(&visit, change, "second_factor_code=000").await;
        assert_eq!(wrong.status, StatusCode::FORBIDDEN);
        assert!(wrong.text.contains("That code is wrong"), "{}", wrong.text);
        let proven = format!("second_factor_code={}", phone.code(&site));
        assert_eq!(location(&post(&visit, change, &proven).await), path(change));
        let form = visit.get(&path(change)).await;
        assert_eq!(form.status, StatusCode::OK, "{change}: {}", form.text);
        let asks_password = form.text.contains("type=\"password\"");
        assert_eq!(asks_password, *change != "email", "{change}: {}", form.text);
    }
    let after = stored().await;
    assert_eq!((after.epoch, after.email), (before.epoch, before.email));
    // The proof is good for each of them, for some minutes.
    let swapped = post(&visit, "swap-emails", &format!("password={PASSWORD}")).await;
    assert_eq!(location(&swapped), "/account?done=emails-swapped");
    let fields = "email=new%40example.com";
    assert_eq!(location(&post(&visit, "email", fields).await), "/account?done=email-asked");
}

#[tokio::test]
async fn only_a_form_of_this_session_from_a_page_of_this_site_changes_the_account() {
    let (site, _) = site().await;
    let visit = Visit::open(&site, "/account", "ann").await;
    with_two_addresses(&site, &visit).await;
    site.signed_in("eve").await;
    let foreign = Visit::open(&site, "/account", "eve").await.csrf("/account").await;
    let csrf = visit.csrf("/account").await;
    let before = site.dump().await;
    let cookie = ("cookie", visit.cookie.as_str());
    for (change, fields) in CHANGES {
        for (headers, csrf) in [
            (vec![FORM[0], cookie, ("sec-fetch-site", "cross-site")], csrf.as_str()),
            (vec![FORM[0], cookie, ("origin", "https://evil.example")], csrf.as_str()),
            (vec![FORM[0], FORM[1], cookie], ""),
            (vec![FORM[0], FORM[1], cookie], foreign.as_str()),
        ] {
            let form = format!("csrf={csrf}&{fields}");
            let refused = site.send(Method::POST, &path(change), &headers, form).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{change} {headers:?}");
        }
        let form = format!("csrf={csrf}&{fields}");
        let refused = site.send(Method::POST, &path(change), &FORM, form).await;
        assert_eq!(location(&refused), "/account", "without a session");
        let page = visit.get(&format!("{}?{fields}", path(change))).await;
        assert_eq!(page.status, StatusCode::OK, "{change}: {}", page.text);
    }
    assert_eq!(site.dump().await, before, "a GET changes nothing, and no refused form does");
}

#[tokio::test]
async fn a_user_whose_address_is_not_verified_changes_names_and_the_address_only() {
    let site = Site::with(&[("ALLOW_LOGIN_NOT_VERIFIED", "true")]).await;
    site.sign_up("ann").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    for change in ["password", "second-email", "delete"] {
        let page = visit.get(&path(change)).await;
        assert!(page.text.contains("Please confirm your e-mail address first."), "{}", page.text);
        assert!(!page.text.contains("<form"), "{}", page.text);
        let fields = CHANGES.iter().find(|(name, _)| *name == change).unwrap().1;
        assert_eq!(post(&visit, change, fields).await.status, StatusCode::BAD_REQUEST);
    }
    let done = post(&visit, "profile", "first_name=Ann").await;
    assert_eq!(location(&done), "/account?done=profile-changed");
    let done = post(&visit, "email", "email=new%40example.com").await;
    assert_eq!(location(&done), "/account?done=email-asked");
}
