//! Operations that end a session take effect at the next request.

use accounts::AuthError;
use accounts::model::{Role, UserId};
use jiff::SignedDuration;
use journeys::forge;
use journeys::{Actor, Calls, PASSWORD, Site, failure_code};
use serde_json::json;

const NEW: &str = "another jf84jfKKd";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Revoke,
    LogOut,
    EndOne,
    EndOthers,
    ChangePassword,
    ResetPassword,
    Ban,
    Role,
}

impl Ending {
    const ALL: [Self; 8] = [
        Self::Revoke,
        Self::LogOut,
        Self::EndOne,
        Self::EndOthers,
        Self::ChangePassword,
        Self::ResetPassword,
        Self::Ban,
        Self::Role,
    ];

    /// Ends the session `there`, by `here` if a user does it; returns the session in which `here` goes on, if it
    /// does.
    async fn end(self, site: &Site, here: &Actor, there: &Actor, staff: &Actor) -> Option<Actor> {
        let reset = site.reset_link(here).await;
        let staff = site.caller(staff).await;
        let admin = site.accounts.admin(&staff).unwrap();
        let user = here.user_id();
        let (answer, next) = match self {
            Self::Revoke => (site.revoke_token(&there.refresh).await, Some(here.clone())),
            Self::LogOut => (site.log_out(there).await, Some(here.clone())),
            Self::EndOne => (site.end_session(here, &there.session_id()).await, Some(here.clone())),
            Self::EndOthers => (site.end_other_sessions(here).await, Some(here.clone())),
            Self::ChangePassword => {
                let answer = site.change_password(here, PASSWORD, NEW, NEW).await;
                let next = here.with_tokens(&answer);
                (answer, Some(next))
            }
            Self::ResetPassword => (site.reset_password(&reset, NEW, NEW).await, None),
            Self::Ban => {
                let done = admin.ban(user, "spam", None).await.is_ok();
                (json!({ "success": done }), None)
            }
            Self::Role => {
                let done = admin.set_role(user, Role::Staff, None).await.is_ok();
                (json!({ "success": done }), None)
            }
        };
        assert_eq!(answer["success"], true, "{self:?}: {answer}");
        next
    }
}

async fn staff(site: &Site, name: &str) -> Actor {
    let actor = site.signed_in(name).await;
    assert!(site.store.set_role(actor.user_id(), Role::Superuser).await.unwrap());
    site.log_in(&actor).await
}

#[tokio::test]
async fn whatever_ends_a_session_its_tokens_are_refused_from_the_next_request_on() {
    for ending in Ending::ALL {
        let site = Site::start().await;
        let staff = staff(&site, "boss").await;
        let (here, bob) = (site.signed_in("ann").await, site.signed_in("bob").await);
        let older = site.log_in(&here).await;
        let there = site.refreshed(&older).await;
        assert_eq!(site.me(&older).await.as_deref(), Some("ann"), "not over by a refresh");
        let next = ending.end(&site, &here, &there, &staff).await;

        site.calls.take();
        assert_eq!(site.me(&there).await, None, "{ending:?}");
        // Where the user's epoch was raised, both are read once more: a write may have been seen in part.
        let is_epoch_raised = matches!(
            ending,
            Ending::EndOthers | Ending::ChangePassword | Ending::ResetPassword | Ending::Role
        );
        let reads = if is_epoch_raised { 2 } else { 1 };
        let calls = Calls { round_trips: reads, calls: reads };
        assert_eq!(site.calls.take(), calls, "{ending:?}");
        assert_eq!(failure_code(&site.refresh_token(&there.refresh).await), "invalid_token");
        site.assert_over(&there).await;
        assert_eq!(site.me(&older).await, None, "{ending:?}");
        match next {
            Some(next) => {
                assert_eq!(next.access == here.access, ending != Ending::ChangePassword);
                site.assert_goes_on(&next).await;
            }
            None => site.assert_over(&here).await,
        }
        if ending == Ending::ChangePassword {
            site.assert_over(&here).await;
        }
        for somebody_else in [&bob, &staff] {
            site.assert_goes_on(somebody_else).await;
        }
    }
}

#[tokio::test]
async fn a_session_stays_over_when_the_ban_is_lifted_or_the_role_given_back() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let staff = staff(&site, "boss").await;
    let staff = site.caller(&staff).await;
    let admin = site.accounts.admin(&staff).unwrap();
    for is_ban in [true, false] {
        let ann = site.log_in(&ann).await;
        let user = ann.user_id();
        if is_ban {
            admin.ban(user, "spam", None).await.unwrap();
            assert!(!site.is_password(&ann, PASSWORD).await);
            admin.lift_ban(user, "").await.unwrap();
        } else {
            admin.set_role(user, Role::Staff, None).await.unwrap();
            admin.set_role(user, Role::User, None).await.unwrap();
        }
        site.assert_over(&ann).await;
        let again = site.log_in(&ann).await;
        site.assert_goes_on(&again).await;
    }
}

#[tokio::test]
async fn a_new_role_is_that_of_the_next_log_in() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let ann_as_user = site.caller(&ann).await;
    assert!(site.accounts.admin(&ann_as_user).is_err());
    let staff = staff(&site, "boss").await;
    let root = site.caller(&staff).await;
    site.accounts.admin(&root).unwrap().set_role(ann.user_id(), Role::Staff, None).await.unwrap();
    let ann = site.log_in(&ann).await;
    assert_eq!(forge::payload(&ann.access)["role"], "staff");
    let ann = site.caller(&ann).await;
    assert!(site.accounts.admin(&ann).is_ok());
}

fn is_not_found<T>(outcome: &Result<T, AuthError>) -> bool {
    matches!(outcome, Err(AuthError::NotFound))
}

#[tokio::test]
async fn operations_of_staff_are_not_found_for_other_users() {
    let site = Site::with(&[("ALLOW_LOGIN_NOT_VERIFIED", "true")]).await;
    let ann = site.signed_in("ann").await;
    assert!(is_not_found(&site.accounts.admin(&site.caller(&ann).await)));
    // Staff who have not proven their address have no rights yet.
    let eve = site.sign_up("eve").await;
    site.store.set_role(eve.user_id(), Role::Staff).await.unwrap();
    let eve = site.log_in(&eve).await;
    assert!(is_not_found(&site.accounts.admin(&site.caller(&eve).await)));
}

#[tokio::test]
async fn staff_cannot_ban_or_demote_themselves_or_an_unknown_user() {
    let site = Site::start().await;
    let staff = staff(&site, "boss").await;
    let before = site.dump().await;
    let caller = site.caller(&staff).await;
    let admin = site.accounts.admin(&caller).unwrap();
    let unknown: UserId = "019ca93c-8000-7000-8000-000000000000".parse().unwrap();
    assert!(is_not_found(&admin.ban(unknown, "", None).await));
    assert!(is_not_found(&admin.set_role(unknown, Role::User, None).await));
    assert_eq!(site.dump().await, before);
    let own = staff.user_id();
    assert!(matches!(admin.ban(own, "", None).await, Err(AuthError::PermissionDenied)));
    let refused = admin.set_role(own, Role::User, None).await;
    assert!(matches!(refused, Err(AuthError::PermissionDenied)));
    site.assert_goes_on(&staff).await;
}

/// Until when a token id is listed, if it is.
async fn listed(site: &Site, jti: &str) -> Option<String> {
    let partition = format!("JTI#{jti}");
    if site.items(&partition).await.is_empty() {
        return None;
    }
    site.item(&partition, "JTI").await["expires_at"].as_n().ok().cloned()
}

fn jti_and_end(token: &str) -> (String, String) {
    let payload = forge::payload(token);
    (payload["jti"].as_str().unwrap().to_owned(), payload["exp"].to_string())
}

#[tokio::test]
async fn a_session_ends_without_an_item_for_each_of_its_tokens() {
    for ending in [Ending::Revoke, Ending::LogOut, Ending::EndOne] {
        let site = Site::start().await;
        let here = site.signed_in("ann").await;
        let there = site.refreshed(&site.log_in(&here).await).await;
        let staff = staff(&site, "boss").await;
        let ids = |items: Vec<_>| items.into_iter().filter(|key: &String| key == "JTI").count();
        let before = ids(site.items("JTI#").await);
        ending.end(&site, &here, &there, &staff).await;
        assert_eq!(ids(site.items("JTI#").await), before, "{ending:?}");
    }
}

#[tokio::test]
async fn the_id_of_a_used_link_is_listed_until_the_link_would_be_over() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let activation = site.link_token(&ann.email()).await;
    let (jti, end) = jti_and_end(&activation);
    assert_eq!(listed(&site, &jti).await, None);
    assert_eq!(site.verify_account(&activation).await["success"], true);
    assert_eq!(listed(&site, &jti).await, Some(end));

    let reset = site.reset_link(&ann).await;
    let (jti, end) = jti_and_end(&reset);
    assert_eq!(end, (site.now().as_second() + 3600).to_string());
    assert_eq!(site.reset_password(&reset, "1", "1").await["success"], false);
    assert_eq!(listed(&site, &jti).await, None, "a password that is refused uses up no link");
    assert_eq!(site.reset_password(&reset, NEW, NEW).await["success"], true);
    assert_eq!(listed(&site, &jti).await.as_ref(), Some(&end));
    site.advance(SignedDuration::from_secs(3599));
    site.clean_up().await;
    assert_eq!(listed(&site, &jti).await, Some(end));
    site.advance(SignedDuration::from_secs(1));
    site.clean_up().await;
    assert_eq!(listed(&site, &jti).await, None);
}
