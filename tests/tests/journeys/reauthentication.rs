//! Operations that need the password, or a log-in of the last minutes: an access token alone is not enough.

use jiff::SignedDuration;
use journeys::{Actor, Answer, PASSWORD, Site};
use serde_json::{Value, json};

const NEW: &str = "ann@new.example";
const DOCUMENT: &str = "mutation($i: UpdateUserInput!) { updateUser(input: $i) { ok } }";

async fn with_ann() -> (Site, Actor) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    (site, ann)
}

async fn update(site: &Site, actor: &Actor, input: Value) -> Answer {
    site.ask(actor, DOCUMENT, json!({ "i": input })).await
}

#[tokio::test]
async fn another_address_wants_the_password_once_the_log_in_is_five_minutes_old() {
    let (site, ann) = with_ann().await;
    site.advance(SignedDuration::from_mins(5));
    assert_eq!(update(&site, &ann, json!({ "email": NEW })).await.code(), None);
    assert_eq!(site.mails_to(NEW).await.len(), 1);
    site.advance(SignedDuration::from_secs(1));
    let before = site.dump().await;
    let refused = update(&site, &ann, json!({ "email": NEW })).await;
    assert_eq!(refused.code().as_deref(), Some("reauthentication_required"), "{}", refused.text);
    assert_eq!(site.dump().await, before);
    let done = update(&site, &ann, json!({ "email": NEW, "password": PASSWORD })).await;
    assert_eq!(done.code(), None, "{}", done.text);
}

#[tokio::test]
async fn a_refresh_is_no_log_in() {
    let (site, mut ann) = with_ann().await;
    for _ in 0..3 {
        site.advance(SignedDuration::from_mins(4));
        ann = site.refreshed(&ann).await;
    }
    let refused = update(&site, &ann, json!({ "email": NEW })).await;
    assert_eq!(refused.code().as_deref(), Some("reauthentication_required"));
    let ann = site.log_in(&ann).await;
    assert_eq!(update(&site, &ann, json!({ "email": NEW })).await.code(), None);
}

#[tokio::test]
async fn a_password_that_is_given_has_to_be_right_however_recent_the_log_in_is() {
    let (site, ann) = with_ann().await;
    let before = site.dump().await;
    let name = json!({ "firstName": "Ann", "password": "a guess" });
    let own = json!({ "email": ann.email(), "password": "a guess" });
    for input in [json!({ "email": NEW, "password": "a guess" }), name, own] {
        let refused = update(&site, &ann, input).await;
        assert_eq!(refused.code().as_deref(), Some("invalid_password"), "{}", refused.text);
    }
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn the_rest_of_the_profile_wants_no_password_and_nor_does_the_address_that_one_has() {
    let (site, ann) = with_ann().await;
    site.advance(SignedDuration::from_mins(6));
    let input = json!({ "email": ann.email(), "firstName": "Ann" });
    let done = update(&site, &ann, input).await;
    assert_eq!(done.code(), None, "{}", done.text);
}

/// Otherwise a thief could ask who has an account.
#[tokio::test]
async fn an_update_does_not_reveal_a_taken_address_before_the_password_is_right() {
    let (site, ann) = with_ann().await;
    let bob = site.sign_up("bob").await;
    site.advance(SignedDuration::from_mins(6));
    let refused = update(&site, &ann, json!({ "email": bob.email() })).await;
    assert_eq!(refused.code().as_deref(), Some("reauthentication_required"));
}

#[tokio::test]
async fn a_session_of_the_release_before_goes_on_and_was_proved_when_it_was_opened() {
    let (site, ann) = with_ann().await;
    let mut session = site.item("USER#", &format!("SESSION#{}", ann.session_id())).await;
    session.remove("auth_time");
    session.insert("version".to_owned(), journeys::n(1));
    site.put(session).await;
    let ann = site.assert_goes_on(&ann).await;
    assert_eq!(update(&site, &ann, json!({ "email": NEW })).await.code(), None);
    site.advance(SignedDuration::from_mins(6));
    let ann = site.assert_goes_on(&ann).await;
    let refused = update(&site, &ann, json!({ "email": NEW })).await;
    assert_eq!(refused.code().as_deref(), Some("reauthentication_required"));
}
