//! Operations of staff on other users. One of the staff always stays.

use std::sync::Arc;

use accounts::AuthError;
use accounts::model::{PlainPassword, Role, User, UserId};
use accounts::operations::Caller;
use embedded::{Fault, Gate, Times};
use journeys::{Actor, PASSWORD, Site, at_once, failure};
use serde_json::{Value, json};

const FOR_GOOD: &[(&str, &str)] = &[("ALLOW_DELETE_ACCOUNT", "true")];
const NOT_FOR_GOOD: &[(&str, &str)] = &[];

async fn staff(site: &Site, name: &str) -> Actor {
    let actor = site.signed_in(name).await;
    assert!(site.store.set_role(actor.user_id(), Role::Superuser).await.unwrap());
    site.log_in(&actor).await
}

/// How many can do what staff do, after a log-in at the most.
async fn left(site: &Site, of: &[UserId]) -> usize {
    let users = site.store.users(of).await.unwrap();
    let is_staff =
        |user: &&User| user.role == Role::Superuser && user.is_active && !user.is_archived;
    users.values().filter(is_staff).count()
}

/// One of the staff goes: by oneself, or by the other.
async fn go(site: &Site, how: &str, caller: &Caller, other: UserId) -> Result<(), AuthError> {
    let password = PlainPassword::new(PASSWORD);
    match how {
        "demotes" => site.accounts.admin(caller)?.set_role(other, Role::User, None).await,
        "bans" => site.accounts.admin(caller)?.ban(other, "", None).await,
        "archives" => site.accounts.archive_account(caller, password).await,
        _ => site.accounts.delete_account(caller, password).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_staff_who_go_or_send_each_other_away_at_once_one_is_left() {
    // The operation, and which of the two does it.
    for (settings, ways) in [
        (NOT_FOR_GOOD, [("demotes", 0), ("demotes", 1)]),
        (NOT_FOR_GOOD, [("bans", 0), ("demotes", 1)]),
        (NOT_FOR_GOOD, [("demotes", 0), ("archives", 0)]),
        (NOT_FOR_GOOD, [("archives", 0), ("archives", 1)]),
        (NOT_FOR_GOOD, [("archives", 0), ("deletes", 1)]),
        (FOR_GOOD, [("deletes", 0), ("deletes", 1)]),
        (FOR_GOOD, [("bans", 0), ("deletes", 0)]),
    ] {
        let site = Arc::new(Site::with(settings).await);
        let mut callers = Vec::new();
        for name in ["ann", "bob"] {
            callers.push(site.caller(&staff(&site, name).await).await);
        }
        let ids: Vec<_> = callers.iter().map(|caller| caller.user.id).collect();
        site.meet("TransactWriteItems", 2);
        let answers = at_once(2, |at| {
            let (way, by) = ways[at];
            let (site, caller, other) = (site.clone(), callers[by].clone(), ids[1 - by]);
            async move { go(&site, way, &caller, other).await.map_err(|error| error.code()) }
        })
        .await;
        assert_eq!(left(&site, &ids).await, 1, "{ways:?}: {answers:?}");
        let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.len(), 1, "{ways:?}: {refused:?}");
        assert!(["unauthenticated", "last_of_staff"].contains(&refused[0]), "{ways:?}");
    }
}

#[tokio::test]
async fn a_change_by_staff_fails_if_they_lose_their_role_or_session_before_the_write() {
    for change in ["demotes", "bans", "clears"] {
        for becomes in ["demoted", "banned", "logged out everywhere"] {
            let site = Site::start().await;
            let ann = site.signed_in("ann").await;
            site.set_on_user(&ann, "email_status", journeys::s("bounced")).await;
            let caller = site.caller(&staff(&site, "boss").await).await;
            let boss = caller.user.id;
            let gate = Gate::new();
            site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::Held(gate.clone()));
            let change = async {
                match change {
                    "clears" => {
                        let admin = site.accounts.admin(&caller).unwrap();
                        admin.clear_email_status(ann.user_id()).await
                    }
                    how => go(&site, how, &caller, ann.user_id()).await,
                }
            };
            let meanwhile = async {
                gate.arrived(1).await;
                match becomes {
                    "demoted" => assert!(site.store.set_role(boss, Role::User).await.unwrap()),
                    "banned" => assert!(site.store.set_active(boss, false).await.unwrap()),
                    _ => site.store.end_all_sessions(boss).await.unwrap(),
                }
                let before = site.dump().await;
                gate.open();
                before
            };
            let (answer, before) = tokio::join!(change, meanwhile);
            assert!(matches!(answer, Err(AuthError::Unauthenticated)), "{becomes}: {answer:?}");
            assert_eq!(site.dump().await, before, "{becomes}");
        }
    }
}

#[tokio::test]
async fn staff_let_mail_go_to_themselves_again() {
    let site = Site::start().await;
    let boss = staff(&site, "boss").await;
    site.set_on_user(&boss, "email_status", journeys::s("bounced")).await;
    let caller = site.caller(&boss).await;
    assert!(!caller.user.email_status.is_ok());
    site.accounts.admin(&caller).unwrap().clear_email_status(boss.user_id()).await.unwrap();
    assert!(site.caller(&boss).await.user.email_status.is_ok());
}

async fn leave(site: &Site, actor: &Actor, field: &str) -> Value {
    let document =
        format!("mutation {{ it: {field}(password: \"{PASSWORD}\") {{ success errors }} }}");
    site.ask(actor, &document, Value::Null).await.json()["data"]["it"].clone()
}

#[tokio::test]
pub(super) async fn the_last_of_the_staff_can_neither_archive_nor_delete_the_account() {
    for settings in [NOT_FOR_GOOD, FOR_GOOD] {
        for field in ["archiveAccount", "deleteAccount"] {
            let site = Site::with(settings).await;
            let boss = staff(&site, "boss").await;
            // None of these can take the place.
            let ann = site.signed_in("ann").await;
            let (banned, away) = (staff(&site, "bob").await, staff(&site, "cat").await);
            assert!(site.store.set_active(banned.user_id(), false).await.unwrap());
            assert_eq!(leave(&site, &away, "archiveAccount").await["success"], true);
            let unproven = site.sign_up("dan").await;
            assert!(site.store.set_role(unproven.user_id(), Role::Superuser).await.unwrap());

            let before = site.dump().await;
            let refused = failure("last_of_staff", "The last of the staff cannot leave.");
            let expected = json!({ "success": false, "errors": refused });
            assert_eq!(leave(&site, &boss, field).await, expected, "{field}");
            assert_eq!(site.dump().await, before, "{field}");
            // A user who is no staff can leave, and so can one of two staff.
            assert_eq!(leave(&site, &ann, field).await["success"], true, "{field}");
            staff(&site, "eve").await;
            assert_eq!(leave(&site, &boss, field).await["success"], true, "{field}");
        }
    }
}
