//! The events of accounts: each committed change is one, in order, at least once.

use std::sync::Arc;

use accounts::model::{EmailStatus, Role, UserId};
use accounts::operations::UserUpdate;
use accounts::operations::{Changes, PictureChange};
use embedded::{Fault, Times};
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site, at_once};
use serde_json::{Value, json};

use crate::pictures::files::png;

const NEW: &str = "zmxn73hhQQp";

/// Type, kind and actor of the events of a user.
async fn events_of(site: &Site, user: UserId) -> Vec<(String, String, String)> {
    let events = site.published().await.into_iter();
    let events = events.filter(|event| event["data"]["user_id"] == user.to_string());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let event = |event: Value| {
        let data = &event["data"];
        (text(&event["type"]), text(&data["kind"]), text(&data["by"]))
    };
    events.map(event).collect()
}

async fn kinds_of(site: &Site, user: UserId) -> Vec<String> {
    events_of(site, user).await.into_iter().map(|(_, kind, _)| kind).collect()
}

async fn asks(site: &Site, actor: &Actor, field: &str) {
    let document = format!("mutation {{ it: {field} {{ success errors }} }}");
    let answer = site.ask(actor, &document, Value::Null).await.json();
    assert_eq!(answer["data"]["it"]["success"], true, "{answer}");
}

fn first_name(name: &str) -> UserUpdate {
    let changes = Changes { first_name: Some(name.to_owned()), ..Changes::default() };
    UserUpdate { changes, ..UserUpdate::default() }
}

/// All of this happens within a millisecond, but for the changes by staff.
#[tokio::test]
async fn each_committed_change_of_an_account_is_one_event_in_its_order() {
    let site = Site::with(&[("ALLOW_DELETE_ACCOUNT", "true"), ("EVENTS_LOG_INS", "on")]).await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    let ann = site.signed_in("ann").await;
    let id = ann.user_id();
    let client = accounts::model::Client::default();
    let update = UserUpdate { picture: PictureChange::Set(png()), ..first_name("Ann") };
    let caller = site.caller(&ann).await;
    let user = site.accounts.update_user(&caller, update, &client).await.unwrap();
    assert_eq!((&*user.first_name, user.profile_picture.is_some()), ("Ann", true));
    let answer = site.change_password(&ann, PASSWORD, NEW, NEW).await;
    let ann = ann.with_tokens(&answer);
    let link = site.email_change_link(&ann, "ann@new.example").await;
    site.submit(&format!("/activate/{link}"), &[], "").await;
    asks(&site, &ann, &format!("archiveAccount(password: \"{NEW}\")")).await;
    let answer = site.token_auth(json!({ "username": "ann", "password": NEW })).await;
    let ann = ann.with_tokens(&answer);
    for (field, more) in [
        ("staffSetRole", "role: STAFF"),
        ("staffBan", "reason: \"\""),
        ("staffLiftBan", "reason: \"\""),
        ("staffExpirePassword", ""),
    ] {
        site.change(&boss, field, id, more).await.unwrap();
    }
    // In another process.
    site.advance(SignedDuration::from_millis(1));
    site.store.set_email_status(id, "ann@new.example", EmailStatus::Bounced, None).await.unwrap();
    site.change(&boss, "staffDelete", id, "reason: \"\"").await.unwrap();
    let _ = ann;

    let expected = [
        ("user.created", "signed_up", "self"),
        ("user.verified", "address_verified", "self"),
        ("session.created", "logged_in", "self"),
        ("user.updated", "profile_changed", "self"),
        ("user.updated", "profile_changed", "self"),
        ("user.password_changed", "password_changed", "self"),
        ("user.email_changed", "email_changed", "self"),
        ("user.archived", "archived", "self"),
        ("user.unarchived", "unarchived", "self"),
        ("session.created", "logged_in", "self"),
        ("user.role_changed", "role_changed", "staff"),
        ("user.banned", "banned", "staff"),
        ("user.unbanned", "ban_lifted", "staff"),
        ("user.password_disabled", "password_expired", "staff"),
        ("user.email_failed", "mail_bounced", "system"),
        ("user.deleted", "deleted", "staff"),
    ];
    let found = events_of(&site, id).await;
    let found: Vec<_> = found.iter().map(|(a, b, c)| (&**a, &**b, &**c)).collect();
    assert_eq!(found, expected);
    // Ids are unique, and sort as the changes were made.
    let events = site.published().await.into_iter();
    let of_ann = events.filter(|event| event["data"]["user_id"] == id.to_string());
    let ids: Vec<_> = of_ann.map(|event| event["id"].to_string()).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
}

#[tokio::test]
async fn an_event_of_a_session_names_it() {
    let site = Site::with(&[("EVENTS_LOG_INS", "on")]).await;
    let ann = site.signed_in("ann").await;
    let (second, third) = (site.log_in(&ann).await, site.log_in(&ann).await);
    assert_eq!(site.log_out(&second).await["success"], true);
    assert_eq!(site.end_other_sessions(&third).await["success"], true);
    let link = site.email_change_link(&third, "ann@new.example").await;
    let stop = site.link_token(&ann.email()).await;
    assert_ne!(link, stop);
    let answer = site.submit(&format!("/cancel-email-change/{stop}"), &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    let events = site.published().await.into_iter();
    let of_sessions = events.filter(|event| event["data"].get("session_id").is_some());
    let of_sessions: Vec<_> = of_sessions
        .map(|event| (event["type"].clone(), event["data"]["session_id"].clone()))
        .collect();
    let expected = [
        ("session.created", &ann),
        ("session.created", &second),
        ("session.created", &third),
        ("session.ended", &second),
        ("sessions.ended", &third),
        ("session.ended", &third),
    ];
    let expected = expected.map(|(name, actor)| (json!(name), json!(actor.session_id())));
    assert_eq!(of_sessions, expected);
}

#[tokio::test]
async fn a_refused_change_an_attempt_and_a_request_are_no_events() {
    let site = Site::start().await;
    let staff = site.signed_in_as(Role::Staff, "sam").await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    let before = kinds_of(&site, boss.user_id()).await;
    assert_eq!(before, ["signed_up", "address_verified"]);
    let refused = site.change(&staff, "staffBan", boss.user_id(), "reason: \"\"").await;
    assert_eq!(refused, Err("permission_denied".to_owned()));
    assert!(!site.is_password(&boss, "wrong").await);
    site.change_email(&boss, "boss@new.example").await.unwrap();
    site.change(&staff, "staffSendReset", boss.user_id(), "").await.unwrap();
    assert_eq!(kinds_of(&site, boss.user_id()).await, before);
}

#[tokio::test]
async fn a_bus_that_fails_holds_up_no_mail_and_gets_each_event_later_in_order() {
    for fault in [Fault::Throttled, Fault::InternalError, Fault::AnswerLost, Fault::Unprocessed] {
        let site = Site::start().await;
        site.aws.faults().fail("events:PutEvents", Times::Always, fault.clone());
        let ann = site.signed_in("ann").await;
        let caller = site.caller(&ann).await;
        let client = accounts::model::Client::default();
        for name in ["Ann", "Anna", "Anne"] {
            site.accounts.update_user(&caller, first_name(name), &client).await.unwrap();
        }
        let eve = site.signed_in("eve").await;
        let delivery = site.publish_events().await;
        assert!(delivery.retrying > 0, "{fault:?} {delivery:?}");
        assert_eq!(site.mails_to(&eve.email()).await.len(), 1, "{fault:?}");

        site.end_faults().await;
        let delivery = site.publish_events().await;
        assert_eq!((delivery.retrying, delivery.failed.len()), (0, 0), "{fault:?}");
        let mut events = site.published().await;
        // A receiver forgets what it has seen.
        let mut seen = std::collections::BTreeSet::new();
        events.retain(|event| seen.insert(event["id"].to_string()));
        let kinds: Vec<_> = events.iter().map(|event| event["data"]["kind"].clone()).collect();
        let sign_up = ["signed_up", "address_verified"];
        let expected = [&sign_up[..], &["profile_changed"; 3], &sign_up].concat();
        assert_eq!(kinds, expected, "{fault:?}");
    }
}

#[tokio::test]
async fn an_event_has_no_secret_and_personal_data_only_by_the_setting() {
    let site = Site::with(&[("EVENTS_LOG_INS", "on")]).await;
    let ann = site.signed_in("ann").await;
    let caller = site.caller(&ann).await;
    let client = accounts::model::Client::default();
    site.accounts.update_user(&caller, first_name("Anastasia"), &client).await.unwrap();
    let text = json!(site.published().await).to_string();
    let hash = site.hash_of(&ann).await;
    for secret in [PASSWORD, &*ann.access, &*ann.refresh, &*hash, "Anastasia", "\"ann", "192.0.2"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }

    let site =
        Site::with(&[("EVENTS_PERSONAL_DATA", "on"), ("ALLOW_DELETE_ACCOUNT", "true")]).await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    let ann = site.sign_up("ann").await;
    let user = json!({
        "email": "ann@example.com", "is_verified": false, "username": "ann", "first_name": "",
        "last_name": "", "role": "user",
    });
    assert_eq!(site.published().await.last().unwrap()["data"]["user"], user);
    site.change(&boss, "staffDelete", ann.user_id(), "reason: \"\"").await.unwrap();
    let deleted = site.published().await.pop().unwrap();
    assert_eq!((&deleted["type"], deleted["data"].get("user")), (&json!("user.deleted"), None));
}

#[tokio::test]
async fn an_account_that_ends_by_itself_is_one_event_however_often_the_clean_up_breaks_off() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    assert_eq!(kinds_of(&site, ann.user_id()).await, ["signed_up"]);
    site.advance(SignedDuration::from_hours(24 * 31));
    // The deletion of the items breaks off, after the account is closed.
    site.aws.faults().fail("dynamodb:DeleteItem", Times::Always, Fault::InternalError);
    for _ in 0..2 {
        let _ = site.cleanup().run(site.now() + SignedDuration::from_hours(1)).await;
    }
    site.end_faults().await;
    assert_eq!(site.clean_up().await.accounts, 1);
    let events = events_of(&site, ann.user_id()).await;
    let deleted = ("user.deleted", "deleted", "system");
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!((&*events[1].0, &*events[1].1, &*events[1].2), deleted);
}

/// Each picture that was replaced is deleted, so the requests agree which ones those are.
#[tokio::test]
async fn pictures_and_names_that_are_set_at_once_are_one_event_each() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let caller = Arc::new(site.caller(&ann).await);
    let job = |_| {
        let (accounts, caller) = (site.accounts.clone(), caller.clone());
        async move { accounts.set_picture(&caller, png()).await }
    };
    for result in at_once(4, job).await {
        result.unwrap();
    }
    let kinds = kinds_of(&site, ann.user_id()).await;
    assert_eq!(kinds[2..], ["profile_changed"; 4]);
}
