//! Requests for an address: they end with their session, and with a newer request.

use std::sync::Arc;

use accounts::model::{Client, PlainPassword};
use embedded::{Fault, Gate, Times};
use journeys::{Actor, PASSWORD, Site};
use serde_json::json;

use super::{EVIL, OLD, add_second, emails, with_ann};

async fn asked_in(site: &Site, actor: &Actor, is_second: bool) -> String {
    if !is_second {
        return site.email_change_link(actor, EVIL).await;
    }
    let caller = site.caller(actor).await;
    let password = PlainPassword::new(PASSWORD.to_owned());
    site.accounts
        .send_secondary_email_activation(&caller, EVIL, password, &Client::default())
        .await
        .unwrap();
    site.link_token(EVIL).await
}

#[tokio::test]
pub(crate) async fn a_link_asked_for_in_a_session_that_has_ended_is_void() {
    for (how, is_second) in
        [("end", false), ("end", true), ("log out", false), ("revoke", false), ("expire", true)]
    {
        let (site, ann) = with_ann().await;
        let thief = site.log_in(&ann).await;
        let token = asked_in(&site, &thief, is_second).await;
        let done = match how {
            "end" => site.end_session(&ann, &thief.session_id()).await,
            "log out" => site.log_out(&thief).await,
            "revoke" => site.revoke_token(&thief.refresh).await,
            _ => {
                let mut session =
                    site.item("USER#", &format!("SESSION#{}", thief.session_id())).await;
                session.insert("expires_at".to_owned(), journeys::n(site.now().as_second()));
                site.put(session).await;
                json!({ "success": true })
            }
        };
        assert_eq!(done["success"], true, "{how}");
        let before = site.dump().await;
        let outcome = site.accounts.confirm_address(&token).await;
        assert_eq!(outcome.unwrap_err().code(), "invalid_token", "{how} {is_second}");
        assert_eq!(site.dump().await, before, "{how}");
    }
}

/// The link was read while the session stood: the write itself has to see that it has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_while_its_link_is_used_makes_it_void() {
    for is_second in [false, true] {
        let site = Arc::new(Site::start().await);
        let ann = site.signed_in("ann").await;
        let thief = site.log_in(&ann).await;
        let token = asked_in(&site, &thief, is_second).await;
        let gate = Gate::new();
        site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::Held(gate.clone()));
        let late = tokio::spawn({
            let (site, token) = (site.clone(), token.clone());
            async move { site.accounts.confirm_address(&token).await.map_err(|error| error.code()) }
        });
        gate.arrived(1).await;
        assert_eq!(site.end_session(&ann, &thief.session_id()).await["success"], true);
        gate.open();
        assert_eq!(late.await.unwrap(), Err("invalid_token"));
        assert_eq!(emails(&site, &ann).await, (Some(OLD.to_owned()), None));
        site.assert_addresses_have_unique_keys().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_asked_for_in_a_session_that_ends_meanwhile() {
    let site = Arc::new(Site::start().await);
    let ann = site.signed_in("ann").await;
    let thief = site.log_in(&ann).await;
    let caller = site.caller(&thief).await;
    assert_eq!(site.end_session(&ann, &thief.session_id()).await["success"], true);
    let before = site.dump().await;
    let outcome = site.accounts.change_email(&caller, EVIL, None, &Client::default()).await;
    assert_eq!(outcome.unwrap_err().code(), "unauthenticated");
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
pub(crate) async fn of_two_addresses_that_are_asked_for_only_the_newest_can_be_had() {
    let (site, ann) = with_ann().await;
    let first = site.email_change_link(&ann, EVIL).await;
    let second = site.email_change_link(&ann, "ann@new.example").await;
    let outcome = site.accounts.verify_new_email(&first).await;
    assert_eq!(outcome.unwrap_err().code(), "invalid_token");
    site.accounts.verify_new_email(&second).await.unwrap();
    let thief = site.log_in(&ann).await;
    let first = asked_in(&site, &thief, true).await;
    add_second(&site, &ann, "ann@second.example", PASSWORD).await;
    let outcome = site.accounts.verify_secondary_email(&first).await;
    assert_eq!(outcome.unwrap_err().code(), "invalid_token");
}
