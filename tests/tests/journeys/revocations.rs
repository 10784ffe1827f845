//! The feed of ended sessions, for a service that verifies access tokens by itself.

use accounts::model::Role;
use axum::http::Method;
use embedded::{Fault, Times};
use jiff::SignedDuration;
use journeys::{Actor, Answer, PASSWORD, Site, forge};
use serde_json::{Value, json};

const NEW: &str = "zmxn73hhQQp";
const ON: &[(&str, &str)] = &[("REVOCATIONS", "on"), ("ALLOW_DELETE_ACCOUNT", "true")];
/// Longer than a process answers with the same list.
const AGE: SignedDuration = SignedDuration::from_secs(6);

async fn feed(site: &Site) -> Answer {
    site.send(Method::GET, "/.well-known/revocations", &[], "").await
}

async fn claims(site: &Site) -> Value {
    let answer = feed(site).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    forge::payload(&answer.text)
}

/// What the examples of the documentation check.
fn is_revoked(feed: &Value, actor: &Actor) -> bool {
    let (sid, sub) = (actor.session_id(), actor.user_id().to_string());
    let list = |name: &str| feed[name].as_array().unwrap().clone();
    list("sessions").contains(&json!(sid))
        || list("users").iter().any(|end| {
            end["sub"] == sub
                && *sid < *end["before"].as_str().unwrap()
                && end.get("except") != Some(&json!(sid))
        })
}

#[tokio::test]
async fn each_way_in_which_a_session_ends_is_in_the_feed() {
    for way in [
        "logout",
        "revokeToken",
        "endSession",
        "endOtherSessions",
        "passwordChange",
        "passwordReset",
        "reuse",
        "archive",
        "delete",
        "cancelEmailChange",
        "staffEndSessions",
        "staffBan",
        "staffSetRole",
        "staffExpirePassword",
        "staffDelete",
    ] {
        let site = Site::with(ON).await;
        let boss = site.signed_in_as(Role::Superuser, "boss").await;
        let ann = site.signed_in("ann").await;
        site.advance(SignedDuration::from_secs(1));
        let here = site.log_in(&ann).await;
        let eve = site.signed_in("eve").await;
        site.advance(AGE);
        let before = claims(&site).await;
        assert!(!is_revoked(&before, &ann) && !is_revoked(&before, &here), "{way} {before}");
        let id = ann.user_id();
        let mut goes_on = vec![eve];
        match way {
            "logout" => assert_eq!(site.log_out(&ann).await["success"], true),
            "revokeToken" => assert_eq!(site.revoke_token(&ann.refresh).await["success"], true),
            "endSession" => {
                assert_eq!(site.end_session(&here, &ann.session_id()).await["success"], true);
            }
            "endOtherSessions" => {
                assert_eq!(site.end_other_sessions(&here).await["success"], true);
            }
            "passwordChange" => {
                let answer = site.change_password(&here, PASSWORD, NEW, NEW).await;
                goes_on.push(here.with_tokens(&answer));
            }
            "passwordReset" => {
                let link = site.reset_link(&ann).await;
                assert_eq!(site.reset_password(&link, NEW, NEW).await["success"], true);
            }
            "reuse" => {
                site.refreshed(&ann).await;
                site.advance(SignedDuration::from_mins(2));
                assert_eq!(site.refresh_token(&ann.refresh).await["success"], false);
            }
            "archive" | "delete" => {
                let document = format!(
                    "mutation {{ it: {way}Account(password: \"{PASSWORD}\") {{ success }} }}"
                );
                let answer = site.ask(&here, &document, Value::Null).await.json();
                assert_eq!(answer["data"]["it"]["success"], true, "{answer}");
            }
            "cancelEmailChange" => {
                site.email_change_link(&ann, "ann@new.example").await;
                let stop = site.link_token(&ann.email()).await;
                site.submit(&format!("/cancel-email-change/{stop}"), &[], "").await;
            }
            _ => {
                let more = match way {
                    "staffSetRole" => "role: STAFF",
                    "staffBan" | "staffDelete" => "reason: \"\"",
                    _ => "",
                };
                site.change(&boss, way, id, more).await.unwrap();
            }
        }
        site.advance(AGE);
        let after = claims(&site).await;
        assert!(is_revoked(&after, &ann), "{way} {after}");
        // Of the user's sessions, exactly those that Latchkey itself refuses.
        let is_over = site.me(&here).await.is_none();
        assert_eq!(is_revoked(&after, &here), is_over, "{way} {after}");
        for actor in goes_on {
            assert!(!is_revoked(&after, &actor), "{way} {after}");
        }
        assert_eq!(after["truncated"], false);
    }
}

#[tokio::test]
async fn a_session_after_the_end_of_all_is_not_in_the_feed_and_an_end_is_not_for_ever() {
    let site = Site::with(ON).await;
    let ann = site.signed_in("ann").await;
    site.advance(SignedDuration::from_secs(1));
    let link = site.reset_link(&ann).await;
    site.reset_password(&link, PASSWORD, PASSWORD).await;
    site.advance(SignedDuration::from_millis(1));
    let next = site.log_in(&ann).await;
    let feed = claims(&site).await;
    assert!(is_revoked(&feed, &ann) && !is_revoked(&feed, &next), "{feed}");
    // No access token of the session is valid any more.
    site.advance(SignedDuration::from_mins(18));
    assert_eq!(claims(&site).await["users"], json!([]));
}

#[tokio::test]
async fn the_feed_is_signed_as_access_tokens_are_and_is_cached() {
    let site = Site::with(ON).await;
    let ann = site.signed_in("ann").await;
    let answer = feed(&site).await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=5");
    assert_eq!(answer.headers["content-type"], "application/jwt");
    let (header, token) = (forge::header(&answer.text), forge::header(&ann.access));
    assert_eq!((&header["kid"], &header["alg"]), (&token["kid"], &token["alg"]));
    assert_eq!(header["typ"], "revocations+jwt");
    let claims = forge::payload(&answer.text);
    let of_token = forge::payload(&ann.access);
    assert_eq!((&claims["iss"], &claims["aud"]), (&of_token["iss"], &of_token["aud"]));
    assert_eq!(claims["iat"], site.now().as_second());
    assert_eq!(claims["exp"], site.now().as_second() + 60);
    // It opens nothing here.
    let thief = Actor { access: answer.text.clone(), ..ann.clone() };
    assert_eq!(site.me(&thief).await, None);

    // Many requests cost one query.
    site.advance(AGE);
    site.aws.tally().start();
    for _ in 0..50 {
        assert_eq!(feed(&site).await.status, 200);
    }
    let calls = site.aws.tally().take();
    assert_eq!(calls.len(), 1, "{calls:?}");
    // A clock that goes back makes no list last longer.
    site.log_out(&ann).await;
    site.advance(SignedDuration::from_secs(-60));
    assert!(is_revoked(&self::claims(&site).await, &ann));
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_no_empty_feed_and_without_the_setting_there_is_none() {
    let site = Site::with(ON).await;
    site.aws.faults().fail("Query", Times::Always, Fault::InternalError);
    assert_eq!(feed(&site).await.status, 503);
    site.end_faults().await;
    assert_eq!(feed(&site).await.status, 200);

    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    site.log_out(&ann).await;
    assert_eq!(feed(&site).await.status, 404);
    assert_eq!(site.items("REVOCATIONS").await, [""; 0]);
}
