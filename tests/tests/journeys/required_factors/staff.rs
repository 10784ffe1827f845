//! Staff: as soon as a superuser has a second factor, or as the setting says.

use accounts::model::{Client, Role};
use accounts::operations::second_factor::StepUp;
use accounts::operations::{Caller, Judged};
use journeys::{Actor, PASSWORD, Site, Visit, at_once};
use serde_json::Value;

use super::{ALL, STAFF, add_app, code, first_step, is_honoured, outcome, set_role};
use crate::passkeys::browser::Browser;
use crate::second_factor::{Secured, secure};

/// A superuser, a member of staff and a user, each in a session.
async fn people(site: &Site) -> [Actor; 3] {
    [
        site.signed_in_as(Role::Superuser, "rosa").await,
        site.signed_in_as(Role::Staff, "sam").await,
        site.signed_in("ann").await,
    ]
}

async fn caller(site: &Site, actor: &Actor) -> Caller {
    site.accounts.authenticate(&actor.access).await.unwrap()
}

#[tokio::test]
async fn once_a_superuser_has_a_factor_all_staff_must_have_one() {
    let site = Site::start().await;
    let [root, sam, ann] = people(&site).await;
    // The factor of other users changes nothing.
    secure(&site, &ann).await;
    for actor in [&root, &sam] {
        assert!(is_honoured(&site, actor).await);
    }
    let Secured { ann: root, .. } = secure(&site, &root).await;
    assert!(is_honoured(&site, &root).await);
    assert!(!is_honoured(&site, &sam).await);
    assert_eq!(site.refresh_token(&sam.refresh).await["success"], false);
    assert_eq!(outcome(&site, "sam").await, "second_factor_setup_required");
    let bob = site.signed_in("bob").await;
    assert!(is_honoured(&site, &bob).await, "users go on as before");
    let (_, added) = add_app(&site, &first_step(&site, "sam").await).await.unwrap();
    site.accounts.admin(&added.opened.caller).unwrap();
    // The last factor stays, also that of the superuser.
    let caller = caller(&site, &root).await;
    assert_eq!(code(site.accounts.remove_app(&caller).await), "last_factor");
    assert_eq!(code(site.accounts.remove_app(&added.opened.caller).await), "last_factor");
    let site = site.restarted_with(&[("MFA_REQUIRED", "off")]);
    site.accounts.remove_app(&caller).await.unwrap();
}

#[tokio::test]
async fn a_passkey_of_a_superuser_is_a_factor_and_the_last_one_stays() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    let [root, sam, _] = people(&site).await;
    let root = crate::passkeys::add(&site, &caller(&site, &root).await, &mut browser, "").await;
    assert!(!is_honoured(&site, &sam).await);
    let list = site.accounts.passkeys(&root).await.unwrap();
    let id = list.passkeys[0].credential.id.to_string();
    assert_eq!(code(site.accounts.remove_passkey(&root, &id).await), "last_factor");
    // With another one, the first one can go.
    let root = crate::passkeys::add(&site, &root, &mut Browser::new(), "").await;
    site.accounts.remove_passkey(&root, &id).await.unwrap();
}

#[tokio::test]
async fn a_user_with_a_factor_who_becomes_a_superuser_makes_staff_add_one() {
    let site = Site::start().await;
    let [_, sam, ann] = people(&site).await;
    secure(&site, &ann).await;
    set_role(&site, &ann, Role::Staff).await;
    assert!(is_honoured(&site, &sam).await);
    set_role(&site, &ann, Role::Superuser).await;
    assert!(!is_honoured(&site, &sam).await);
}

/// The user adds the factor at the moment of the promotion: one of the two sees the other.
#[tokio::test]
async fn a_promotion_and_a_factor_at_once_do_not_miss_each_other() {
    let site = Site::start().await;
    let [_, sam, ann] = people(&site).await;
    let caller = caller(&site, &ann).await;
    let app = site.accounts.begin_app(&caller, None).await.unwrap();
    let code = crate::second_factor::Phone::reading(&app.uri).code(&site);
    site.meet("TransactWriteItems", 2);
    let added = at_once(2, |number| {
        let (accounts, caller) = (site.accounts.clone(), caller.clone());
        let (setup, code) = (app.setup.clone(), code.clone());
        async move {
            if number == 0 {
                let admin = accounts.operator("eve").unwrap();
                admin.set_role(caller.user.id, Role::Superuser, None).await.unwrap();
                false
            } else {
                accounts.add_app(&caller, &setup, &code).await.is_ok()
            }
        }
    })
    .await;
    let is_added = added.contains(&true);
    assert_eq!(is_honoured(&site, &sam).await, !is_added);
}

#[tokio::test]
async fn an_imported_superuser_with_a_factor_makes_staff_add_one() {
    let first = Site::start().await;
    let root = first.signed_in_as(Role::Superuser, "rosa").await;
    secure(&first, &root).await;
    let mut lines = Vec::new();
    let mut export = first.accounts.export("eve").await.unwrap();
    while let Some(record) = export.next().await.unwrap() {
        lines.push(record);
    }
    let second = Site::start().await;
    // Otherwise the two sites would give the same ids.
    second.advance(jiff::SignedDuration::from_hours(1));
    let sam = second.signed_in_as(Role::Staff, "sam").await;
    let import = second.accounts.import("eve", "run", true).unwrap();
    for record in &lines {
        let judged = import.write(&import.prepare(record).unwrap()).await.unwrap();
        assert!(matches!(judged, Judged::New(_)), "{judged:?}");
    }
    assert!(!is_honoured(&second, &sam).await);
}

#[tokio::test]
async fn a_member_of_staff_without_a_factor_loses_the_session_with_the_promotion() {
    let site = Site::with(STAFF).await;
    let ann = site.signed_in("ann").await;
    set_role(&site, &ann, Role::Staff).await;
    assert_eq!(outcome(&site, "ann").await, "second_factor_setup_required");
    let (_, added) = add_app(&site, &first_step(&site, "ann").await).await.unwrap();
    // A user again, who may be without one.
    set_role(&site, &ann, Role::User).await;
    assert_eq!(
        code(site.accounts.authenticate(&added.opened.tokens.access).await),
        "invalid_token"
    );
    assert_eq!(outcome(&site, "ann").await, "second_factor_required");
}

/// Staff still help a user who has lost everything: the user adds another factor at the next log-in.
#[tokio::test]
async fn after_the_removal_by_an_operator_the_user_adds_another_factor() {
    let site = Site::with(ALL).await;
    site.register("ann@example.com", "ann", PASSWORD, PASSWORD).await;
    site.verify_account(&site.link_token("ann@example.com").await).await;
    let (old, added) = add_app(&site, &first_step(&site, "ann").await).await.unwrap();
    let user = added.opened.caller.user.id;
    let admin = site.accounts.operator("eve").unwrap();
    admin.remove_second_factor(user, "lost", true, None).await.unwrap();
    let (phone, added) = add_app(&site, &first_step(&site, "ann").await).await.unwrap();
    assert_ne!(phone.code(&site), old.code(&site));
    assert_eq!(added.recovery_codes.len(), 10);
    let factors = site.accounts.factors(&added.opened.caller).await.unwrap();
    assert_eq!(factors.recovery_codes, 10);
    assert_eq!(outcome(&site, "ann").await, "second_factor_required");
}

/// The console asks no user to add a factor who could not use it: the right password of a user opens nothing there.
#[tokio::test]
async fn the_console_refuses_a_user_who_is_no_staff_before_the_factor() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let site = site.restarted_with(ALL);
    let right = Visit::log_in(&site, "/admin", "ann", PASSWORD).await;
    let wrong = Visit::log_in(&site, "/admin", "ann", "not the password").await;
    assert_eq!((right.status, &right.text), (wrong.status, &wrong.text));
}

/// Commands of an operator need no session.
#[tokio::test]
async fn an_operator_creates_a_superuser_who_adds_a_factor_at_the_first_log_in() {
    let site = Site::with(STAFF).await;
    let password = accounts::model::PlainPassword::new(PASSWORD);
    let made = site.accounts.create_superuser(("rosa", "rosa@example.com"), password, "eve").await;
    made.unwrap();
    let (phone, added) = add_app(&site, &first_step(&site, "rosa").await).await.unwrap();
    site.advance(jiff::SignedDuration::from_mins(6));
    let caller = added.opened.caller;
    let next = site.accounts.step_up(&caller, StepUp::Code(phone.code(&site))).await.unwrap();
    let client = Client::default();
    site.accounts.refresh(&next.refresh, &client).await.unwrap();
    let document = "{ users(first: 1) { edges { node { username } } } }";
    let header = format!("Bearer {}", next.access);
    let seen = site.graphql_as(Some(&header), document, Value::Null).await;
    assert_eq!(seen.code(), None, "{}", seen.text);
}
