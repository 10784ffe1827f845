//! A sign-up that proves no address ends by itself, and gives address and name free.

use accounts::model::{Client, PlainPassword, Role};
use accounts::store::{Proof, Verified};
use axum::http::Method;
use embedded::{Fault, Gate, Times};
use jiff::SignedDuration;
use journeys::{Actor, Item, PASSWORD, Site, failure_code, s};
use serde_json::{Value, json};

use crate::pictures::files::png;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
const SECOND: SignedDuration = SignedDuration::from_secs(1);
const OTHER: &str = "another jf84jfKKd";

fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// The ends of the user item and of the unique keys.
async fn ends(site: &Site) -> Vec<Option<i64>> {
    let mut ends = Vec::new();
    for item in site.all().await {
        match item["sk"].as_s().map(String::as_str) {
            Ok("USER") => ends.push(number(&item, "ends_at").or(number(&item, "sweep_at"))),
            Ok("GUARD") => ends.push(number(&item, "expires_at")),
            _ => {}
        }
    }
    ends
}

fn code_of(answer: &Value) -> String {
    let errors = &answer["errors"];
    let code = errors["nonFieldErrors"][0]["code"].as_str();
    code.or(errors["username"][0]["code"].as_str()).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn user_and_guards_of_a_sign_up_have_one_end() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    let end = (site.now() + LIFETIME).as_second();
    assert_eq!(ends(&site).await, [Some(end); 3]);
}

#[tokio::test]
pub(crate) async fn a_sign_up_without_a_proof_ends_and_its_address_and_name_are_free() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    site.advance(LIFETIME - SECOND);
    let taken = site.register("ann@example.com", "ann", OTHER, OTHER).await;
    assert_eq!(taken["errors"]["email"][0]["code"], "unique");
    site.advance(SECOND);

    // No item was deleted yet, but no read finds the account.
    assert_eq!(site.store.user(ann.user_id()).await.unwrap(), None);
    let log_in = site.token_auth(json!({ "username": "ann", "password": PASSWORD })).await;
    assert_eq!(failure_code(&log_in), "invalid_credentials");
    site.assert_over(&ann).await;
    let again = site.register("ann@example.com", "ann", OTHER, OTHER).await;
    assert_eq!(again["success"], true, "{again}");
    let ann = Actor::default().with_tokens(&again);
    let link = site.link_token("ann@example.com").await;
    assert_eq!(site.verify_account(&link).await["success"], true);
    assert_eq!(ends(&site).await.iter().filter(|end| end.is_none()).count(), 3);

    // The clean-up deletes the items of the first one, and none of the second.
    assert_eq!(site.clean_up().await.accounts, 1);
    assert_eq!(ends(&site).await, [None; 3]);
    site.assert_addresses_have_unique_keys().await;
    assert_eq!(site.me(&Actor { name: "ann".to_owned(), ..ann }).await.as_deref(), Some("ann"));
    site.advance(LIFETIME * 2);
    assert_eq!(site.clean_up().await.accounts, 0);
    let log_in = site.token_auth(json!({ "username": "ann", "password": OTHER })).await;
    assert_eq!(log_in["success"], true, "{log_in}");
}

#[tokio::test]
async fn every_proof_of_the_address_lets_the_account_stay() {
    for way in ["link", "code", "reset", "other address", "same address"] {
        let site = Site::start().await;
        let ann = site.sign_up("ann").await;
        match way {
            "link" => {
                let link = site.link_token(&ann.email()).await;
                assert_eq!(site.verify_account(&link).await["success"], true);
            }
            "code" => {
                let proof = json!({ "email": ann.email(), "otp": site.code(&ann.email()).await });
                assert_eq!(site.rest("verify-email/", proof).await.status, 200);
            }
            "reset" => {
                let link = site.reset_link(&ann).await;
                assert_eq!(site.reset_password(&link, OTHER, OTHER).await["success"], true);
            }
            _ => {
                let email = if way == "same address" { "Ann@example.com" } else { "b@example.com" };
                site.deliver_mail().await;
                let link = site.email_change_link(&ann, email).await;
                site.accounts.confirm_address(&link).await.unwrap();
            }
        }
        assert_eq!(ends(&site).await, [None; 3], "{way}");
        site.advance(LIFETIME);
        site.clean_up().await;
        assert_eq!(ends(&site).await, [None; 3], "{way}");
        let email = if way == "other address" { "b@example.com" } else { "ann@example.com" };
        let taken = site.register(email, "ann", OTHER, OTHER).await["errors"].clone();
        assert!(taken["email"].is_array() && taken["username"].is_array(), "{way}: {taken}");
    }
}

#[tokio::test]
async fn the_clean_up_removes_an_ended_account_with_its_picture() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    site.set_picture(&ann, png()).await.unwrap();
    site.deliver_mail().await;
    site.advance(LIFETIME);
    // A clean-up that breaks off is no obstacle for the next one.
    site.aws.faults().fail("s3:DeleteObject", Times::Always, Fault::Rejected);
    assert_eq!(site.clean_up().await.accounts, 0);
    site.end_faults().await;
    assert_eq!(site.clean_up().await.accounts, 1);
    assert_eq!(site.objects().await, Vec::<String>::new());
    let left = site.dump_without_trail().await;
    assert!(!left.iter().any(|item| item.contains(&ann.user_id().to_string())), "{left:#?}");
    assert!(!left.iter().any(|item| item.contains("ann@example.com")), "{left:#?}");
}

#[tokio::test]
async fn lists_leave_ended_accounts_out() {
    let site = Site::start().await;
    let staff = site.signed_in("sue").await;
    site.store.set_role(staff.user_id(), Role::Staff).await.unwrap();
    site.sign_up("ann").await;
    let names = async || {
        let staff = site.log_in(&staff).await;
        let document = "{ users(first: 10) { edges { node { username } } } }";
        let answer = site.ask(&staff, document, Value::Null).await.json();
        answer["data"]["users"]["edges"].as_array().unwrap().len()
    };
    assert_eq!(names().await, 2);
    site.advance(LIFETIME);
    assert_eq!(names().await, 1);
}

#[tokio::test]
async fn a_proof_that_comes_too_late_is_refused() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    site.deliver_mail().await;
    site.advance(LIFETIME - DAY);
    // Asked for on the last day: the link works no longer than the account.
    let resend =
        format!("mutation {{ resendActivationEmail(email: \"{}\") {{ success }} }}", ann.email());
    site.graphql(&resend, Value::Null).await;
    let link = site.link_token(&ann.email()).await;
    let reset = site.reset_link(&ann).await;
    site.advance(DAY);
    assert_eq!(failure_code(&site.verify_account(&link).await), "expired_token");
    let answer = site.reset_password(&reset, OTHER, OTHER).await;
    assert_eq!(failure_code(&answer), "expired_token");
}

#[tokio::test]
async fn of_a_late_proof_and_a_new_sign_up_one_wins() {
    for proof_is_first in [true, false] {
        let site = std::sync::Arc::new(Site::start().await);
        let ann = site.sign_up("ann").await;
        site.deliver_mail().await;
        site.advance(LIFETIME - SECOND);
        site.accounts.resend_activation(&ann.email(), &Client::default()).await.unwrap();
        let link = site.link_token(&ann.email()).await;
        // The proof is on its way when the account ends.
        let gate = Gate::new();
        site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::Held(gate.clone()));
        let proof = tokio::spawn({
            let site = site.clone();
            async move { site.verify_account(&link).await["success"] == true }
        });
        gate.arrived(1).await;
        site.advance(SECOND);
        let sign_up = async || site.register("ann@example.com", "ann", OTHER, OTHER).await;
        if proof_is_first {
            gate.open();
            assert!(proof.await.unwrap());
            assert_eq!(sign_up().await["success"], false);
        } else {
            assert_eq!(sign_up().await["success"], true);
            gate.open();
            assert!(!proof.await.unwrap());
        }
        site.clean_up().await;
        site.assert_addresses_have_unique_keys().await;
        let [guards, accounts] = site.owners().await;
        assert_eq!(guards, accounts);
        assert_eq!(guards.len(), 2);
    }
}

#[tokio::test]
async fn of_a_late_proof_and_the_clean_up_one_wins() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let user = site.store.user(ann.user_id()).await.unwrap().unwrap();
    let proof = |jti: &str| Proof::Link { jti: jti.to_owned(), exp: i64::MAX };
    site.advance(LIFETIME);
    assert_eq!(site.store.verify_address(&user, proof("1")).await.unwrap(), Verified::Changed);
    assert_eq!(site.clean_up().await.accounts, 1);
    let refused = site.store.verify_address(&user, proof("2")).await.unwrap();
    assert_ne!(refused, Verified::Done);
    assert_eq!(site.items("USER#").await, Vec::<String>::new());
}

#[tokio::test]
async fn where_accounts_are_used_without_a_proof_none_ends() {
    let site = Site::with(&[("ALLOW_LOGIN_NOT_VERIFIED", "true")]).await;
    site.sign_up("ann").await;
    assert_eq!(ends(&site).await, [None; 3]);
    // One that was made before the setting stays once it is used.
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let site = site.restarted_with(&[("ALLOW_LOGIN_NOT_VERIFIED", "true")]);
    site.log_in(&ann).await;
    assert_eq!(ends(&site).await, [None; 3]);
}

#[tokio::test]
pub(crate) async fn an_account_of_an_earlier_release_has_no_end() {
    let site = Site::start().await;
    let bob = site.add_user("bob", |_| {}).await;
    site.advance(LIFETIME * 10);
    site.clean_up().await;
    assert!(site.store.user(bob.id).await.unwrap().is_some());
}

#[tokio::test]
pub(crate) async fn the_owner_of_an_address_takes_over_what_a_stranger_made_of_it() {
    let site = Site::start().await;
    site.sign_up("bob").await;
    // A stranger signs up with ann's address, and says things of her.
    let stranger = site.sign_up("ann").await;
    let document = "mutation { updateUser(input: {firstName: \"Eve\", gender: FEMALE,
        position: \"Thief\", department: \"Theft\"}) { ok } }";
    site.ask(&stranger, document, Value::Null).await;
    site.set_picture(&stranger, png()).await.unwrap();
    site.deliver_mail().await;
    let activation = site.link_token("ann@example.com").await;
    let code = site.code("ann@example.com").await;
    let theirs = site.email_change_link(&stranger, "eve@example.com").await;

    let link = site.reset_link(&stranger).await;
    let view = site.accounts.view_link(&link).await.unwrap();
    assert_eq!((view.username.as_str(), view.is_account_proven), ("ann", false));
    let reset = async |name: &str| {
        let document = "mutation($t: String!, $p: String!, $u: String) {
            passwordReset(token: $t, newPassword1: $p, newPassword2: $p, username: $u) {
                success errors } }";
        let variables = json!({ "t": link, "p": OTHER, "u": name });
        site.graphql(document, variables).await.json()["data"]["passwordReset"].clone()
    };
    assert_eq!(code_of(&reset("bob").await), "unique");
    assert_eq!(code_of(&reset("a b").await), "invalid");
    let done = reset("anna").await;
    assert_eq!(done["success"], true, "{done}");

    site.assert_over(&stranger).await;
    let old = site.token_auth(json!({ "username": "ann", "password": PASSWORD })).await;
    assert_eq!(failure_code(&old), "invalid_credentials");
    assert!(site.accounts.confirm_address(&theirs).await.is_err());
    assert_eq!(failure_code(&site.verify_account(&activation).await), "already_verified");
    let proof = json!({ "email": "ann@example.com", "otp": code });
    assert_ne!(site.rest("verify-email/", proof).await.status, 200);
    let anna = site.token_auth(json!({ "username": "anna", "password": OTHER })).await;
    assert_eq!(anna["success"], true, "{anna}");
    let left = site.dump().await.concat();
    for said in ["Eve", "Thief", "Theft", "profile_pics"] {
        assert!(!left.contains(said), "{said}");
    }
    let stay = ends(&site).await.iter().filter(|end| end.is_none()).count();
    assert_eq!(stay, 3, "hers stays, and bob's ends");
    assert_eq!(site.objects().await, Vec::<String>::new());
    let [guards, accounts] = site.owners().await;
    assert_eq!(guards, accounts);
    // The name of before is free, and an account that was proven keeps its name.
    assert_eq!(site.register("c@example.com", "ann", OTHER, OTHER).await["success"], true);
    site.accounts.send_password_reset("ann@example.com", &Client::default()).await.unwrap();
    let link = site.link_token("ann@example.com").await;
    let new = accounts::operations::NewPassword {
        password: Some(PlainPassword::new(PASSWORD)),
        refused: accounts::error::Violations::default(),
    };
    let link = link.as_str().into();
    let client = Client::default();
    let refused = site.accounts.reset_password(link, new, Some("annie"), &client).await;
    let Err(accounts::AuthError::Invalid(refused)) = refused else { panic!("{refused:?}") };
    let codes: Vec<_> = refused.iter().map(|(_, violation)| violation.code()).collect();
    assert_eq!(codes, ["username_fixed"]);
}

#[tokio::test]
async fn the_page_of_a_reset_asks_for_a_name_where_a_stranger_may_have_chosen_it() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let link = site.reset_link(&ann).await;
    let path = format!("/password-reset/{link}");
    let page = site.send(Method::GET, &path, &[], "").await.text;
    assert!(page.contains("name=\"username\"") && page.contains("value=\"ann\""), "{page}");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let post = |name: &str| format!("password={PASSWORD}1&again={PASSWORD}1&username={name}");
    let bad = site.send(Method::POST, &path, &form, post("a%20b")).await;
    assert_eq!(bad.status, 400);
    assert!(bad.text.contains("value=\"a b\"") && bad.text.contains("Enter a valid username"));
    assert_eq!(site.send(Method::POST, &path, &form, post("anna")).await.status, 303);
    let anna = Actor { name: "anna".to_owned(), ..Actor::default() };
    assert!(site.is_password(&anna, &format!("{PASSWORD}1")).await);

    let link = site.reset_link(&ann).await;
    let page = site.send(Method::GET, &format!("/password-reset/{link}"), &[], "").await.text;
    assert!(!page.contains("name=\"username\""), "{page}");
}

#[tokio::test]
async fn settings_by_which_an_account_ends_before_its_link_are_refused() {
    let settings = |lifetime: &'static str| {
        let settings = accounts::config::Settings::new(move |name| {
            (name == "UNVERIFIED_ACCOUNT_LIFETIME").then(|| lifetime.to_owned())
        });
        settings.policy().map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(settings("604800"), Ok(()));
    let error = "UNVERIFIED_ACCOUNT_LIFETIME must not be shorter than EXPIRATION_ACTIVATION_TOKEN";
    assert_eq!(settings("604799"), Err(error.to_owned()));
}

#[tokio::test]
async fn an_ended_account_cannot_be_banned_or_promoted() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    site.set_on_user(&ann, "note", s("x")).await;
    site.advance(LIFETIME);
    assert!(!site.store.set_active(ann.user_id(), true).await.unwrap());
    assert!(!site.store.set_role(ann.user_id(), Role::Staff).await.unwrap());
}
