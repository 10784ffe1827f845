//! Two accounts have no names that look alike: applications take a user for the name that they show.

use std::sync::Arc;

use accounts::model::Username;
use accounts::store::Subject;
use jiff::SignedDuration;
use journeys::{Actor, Item, PASSWORD, Site, at_once, s};
use serde_json::json;

/// Cyrillic letters, each of which looks like one of `coco`.
const CYRILLIC: &str = "\u{441}\u{43e}\u{441}\u{43e}";
const OTHER: &str = "another jf84jfKKd";

/// The code of the fault of a name in a sign-up; empty if the account was made.
async fn refused(site: &Site, email: &str, name: &str) -> String {
    let answer = site.register(email, name, PASSWORD, PASSWORD).await;
    let code = answer["errors"]["username"][0]["code"].as_str();
    assert_eq!(code.is_none(), answer["success"] == true, "{answer}");
    code.unwrap_or_default().to_owned()
}

/// A user of that name who has proven the address and logged in.
async fn signed_in(site: &Site, name: &str) -> Actor {
    assert_eq!(refused(site, "ann@example.com", name).await, "");
    let token = site.link_token("ann@example.com").await;
    assert_eq!(site.verify_account(&token).await["success"], true);
    site.log_in(&Actor { name: name.to_owned(), ..Actor::default() }).await
}

async fn assert_guarded(site: &Site) {
    let [guards, accounts] = site.owners().await;
    assert_eq!(guards, accounts);
}

#[tokio::test]
async fn a_name_that_looks_like_another_is_taken_whichever_comes_first() {
    for (first, second) in [("coco", CYRILLIC), (CYRILLIC, "coco"), (CYRILLIC, "COCO")] {
        let site = Site::start().await;
        assert_eq!(refused(&site, "ann@example.com", first).await, "");
        assert_eq!(refused(&site, "bob@example.com", second).await, "unique", "{first} {second}");
        // A wrong password makes the answer name the fault of the name, too.
        let both = site.register("bob@example.com", second, "short", "short").await;
        assert_eq!(both["errors"]["username"][0]["code"], "unique", "{both}");
        assert_guarded(&site).await;
    }
}

#[tokio::test]
async fn of_two_who_sign_up_at_once_with_names_that_look_alike_one_has_the_account() {
    let site = Arc::new(Site::start().await);
    let names = ["coco", CYRILLIC, "Coco", "\u{421}\u{41e}\u{421}\u{41e}"];
    let made = at_once(names.len(), |number| {
        let (site, name) = (Arc::clone(&site), names[number]);
        async move {
            let email = format!("u{number}@example.com");
            site.register(&email, name, PASSWORD, PASSWORD).await["success"] == true
        }
    })
    .await;
    assert_eq!(made.iter().filter(|made| **made).count(), 1, "{made:?}");
    assert_guarded(&site).await;
}

#[tokio::test]
async fn the_look_of_a_name_is_no_name_to_log_in_by() {
    let site = Site::start().await;
    let cyrillic = signed_in(&site, CYRILLIC).await;
    let by = |name: &str| site.token_auth(json!({ "username": name, "password": PASSWORD }));
    assert_eq!(by("coco").await["errors"]["nonFieldErrors"][0]["code"], "invalid_credentials");
    assert_eq!(by(CYRILLIC).await["success"], true);
    let coco = Username::parse("coco").unwrap();
    assert_eq!(site.store.find_user(&Subject::Username(coco)).await.unwrap(), None);
    assert_eq!(site.me(&cyrillic).await.as_deref(), Some(CYRILLIC));
}

#[tokio::test]
async fn the_look_of_a_name_is_free_when_the_account_is_deleted_or_ends() {
    let site = Site::with(&[("ALLOW_DELETE_ACCOUNT", "true")]).await;
    let ann = signed_in(&site, CYRILLIC).await;
    let document = format!("mutation {{ deleteAccount(password: \"{PASSWORD}\") {{ success }} }}");
    let deleted = site.ask(&ann, &document, json!(null)).await.json();
    assert_eq!(deleted["data"]["deleteAccount"]["success"], true, "{deleted}");
    assert_eq!(refused(&site, "bob@example.com", "coco").await, "");

    let site = Site::start().await;
    assert_eq!(refused(&site, "ann@example.com", CYRILLIC).await, "");
    site.advance(SignedDuration::from_hours(30 * 24));
    assert_eq!(refused(&site, "bob@example.com", "coco").await, "");
    site.clean_up().await;
    assert_guarded(&site).await;
}

#[tokio::test]
async fn a_proven_account_keeps_the_look_of_its_name() {
    let site = Site::start().await;
    signed_in(&site, CYRILLIC).await;
    site.advance(SignedDuration::from_hours(365 * 24));
    site.clean_up().await;
    assert_eq!(refused(&site, "bob@example.com", "coco").await, "unique");
}

/// The owner of an address who takes over a sign-up that was never proven may choose its name.
#[tokio::test]
async fn an_owner_who_takes_over_a_sign_up_may_choose_a_name_like_its_name() {
    for settings in [&[][..], &[("ALLOW_LOGIN_NOT_VERIFIED", "true")][..]] {
        for (before, after) in [(CYRILLIC, "coco"), ("coco", CYRILLIC), (CYRILLIC, "ann")] {
            let site = Site::with(settings).await;
            assert_eq!(refused(&site, "ann@example.com", before).await, "");
            assert_eq!(site.send_password_reset("ann@example.com").await["success"], true);
            let token = site.link_token("ann@example.com").await;
            let document = "mutation($t: String!, $p: String!, $u: String!) {
                passwordReset(token: $t, newPassword1: $p, newPassword2: $p, username: $u) {
                    success errors } }";
            let variables = json!({ "t": token, "p": OTHER, "u": after });
            let done = site.graphql(document, variables).await.json();
            assert_eq!(done["data"]["passwordReset"]["success"], true, "{before} {after}: {done}");
            let by = json!({ "username": after, "password": OTHER });
            assert_eq!(site.token_auth(by).await["success"], true, "{before} {after}");
            assert_guarded(&site).await;
            let other = if after == "ann" { "coco" } else { "ann" };
            assert_eq!(refused(&site, "bob@example.com", other).await, "", "{before} {after}");
        }
    }
}

/// An account that an earlier release made has no look.
#[tokio::test]
async fn an_account_without_a_look_goes_on_and_can_be_deleted() {
    let site = Site::with(&[("ALLOW_DELETE_ACCOUNT", "true")]).await;
    let ann = signed_in(&site, CYRILLIC).await;
    let mut user: Item = site.item(&format!("USER#{}", ann.user_id()), "USER").await;
    user.remove("username_looks");
    site.put(user).await;
    let look = site.dynamodb.delete_item().table_name(site.aws.table_name());
    look.key("pk", s("USERNAME#coco")).key("sk", s("GUARD")).send().await.unwrap();
    assert_eq!(refused(&site, "coco@example.com", "coco").await, "");
    let ann = site.log_in(&ann).await;
    let document = format!("mutation {{ deleteAccount(password: \"{PASSWORD}\") {{ success }} }}");
    let deleted = site.ask(&ann, &document, json!(null)).await.json();
    assert_eq!(deleted["data"]["deleteAccount"]["success"], true, "{deleted}");
    assert_eq!(refused(&site, "third@example.com", "coco").await, "unique", "it is another's");
}
