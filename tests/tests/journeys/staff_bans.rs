//! Bans that end by the clock, and bans of several users.

use accounts::model::Role;
use accounts::operations::staff::MAX_BATCH;
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site};
use serde_json::{Value, json};

const NEW: &str = "zmxn73hhQQp";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

async fn site() -> (Site, Actor) {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    (site, boss)
}

fn for_an_hour(site: &Site) -> String {
    format!("reason: \"calm down\", until: \"{}\"", site.now() + HOUR)
}

#[tokio::test]
async fn a_ban_with_an_end_ends_all_sessions_in_one_write_and_lapses_by_the_clock() {
    let (site, boss) = site().await;
    let ann = site.signed_in("ann").await;
    let until = for_an_hour(&site);
    site.aws.tally().start();
    site.change(&boss, "staffBan", ann.user_id(), &until).await.unwrap();
    let calls = site.aws.tally().take();
    let writes = calls.iter().filter(|call| call.write_units > 0.0);
    assert_eq!(writes.count(), 1, "{calls:?}");
    site.aws.tally().stop();
    site.assert_over(&ann).await;

    site.advance(HOUR - SignedDuration::from_secs(1));
    assert!(!site.is_password(&ann, PASSWORD).await);
    site.advance(SignedDuration::from_secs(1));
    // No job has run. Staff, the lists and the log-in agree.
    let boss = site.log_in(&boss).await;
    let state = "staffUser(find: \"ann\") { isActive ban { reason } }";
    let state = site.call(&boss, "query", state).await.unwrap();
    assert_eq!(state, json!({ "isActive": true, "ban": null }));
    let active = "staffUsers(filter: {isActive: true}) { edges { node { username } } }";
    let active = site.call(&boss, "query", active).await.unwrap();
    assert!(active.to_string().contains("\"ann\""), "{active}");
    site.assert_over(&ann).await;
    let ann = site.log_in(&ann).await;
    site.assert_goes_on(&ann).await;
}

#[tokio::test]
async fn a_lapsed_ban_does_not_activate_an_account_that_its_owner_has_deactivated() {
    let (site, boss) = site().await;
    let ann = site.signed_in("ann").await;
    let document = format!("mutation {{ deleteAccount(password: \"{PASSWORD}\") {{ success }} }}");
    let deleted = site.ask(&ann, &document, Value::Null).await;
    assert_eq!(deleted.json()["data"]["deleteAccount"]["success"], true, "{}", deleted.text);
    // The second ban replaces the first one.
    for _ in 0..2 {
        let until = for_an_hour(&site);
        site.change(&boss, "staffBan", ann.user_id(), &until).await.unwrap();
    }
    site.advance(HOUR * 2);
    assert!(!site.is_password(&ann, PASSWORD).await);
    // Staff can still let the owner in again.
    let boss = site.log_in(&boss).await;
    site.change(&boss, "staffLiftBan", ann.user_id(), "reason: \"\"").await.unwrap();
    assert!(site.is_password(&ann, PASSWORD).await);
}

#[tokio::test]
async fn after_a_ban_has_lapsed_a_reset_link_and_an_activation_link_work() {
    let (site, boss) = site().await;
    let (ann, eve) = (site.signed_in("ann").await, site.sign_up("eve").await);
    let activation = site.link_token(&eve.email()).await;
    for user in [&ann, &eve] {
        site.change(&boss, "staffBan", user.user_id(), &for_an_hour(&site)).await.unwrap();
    }
    let mails = site.mails_to(&ann.email()).await.len();
    site.send_password_reset(&ann.email()).await;
    assert_eq!(site.mails_to(&ann.email()).await.len(), mails, "a banned user gets no link");
    assert_eq!(site.verify_account(&activation).await["success"], false);
    site.advance(HOUR);
    assert_eq!(site.verify_account(&activation).await["success"], true);
    site.log_in(&eve).await;
    let reset = site.reset_link(&ann).await;
    assert_eq!(site.reset_password(&reset, NEW, NEW).await["success"], true);
    assert!(site.is_password(&ann, NEW).await);
}

#[tokio::test]
async fn a_ban_must_end_in_the_future_and_its_reason_has_a_length() {
    let (site, boss) = site().await;
    let ann = site.signed_in("ann").await;
    let before = site.dump().await;
    for (more, field, code) in [
        (format!("reason: \"\", until: \"{}\"", site.now()), "until", "not_in_future"),
        (format!("reason: \"{}\"", "x".repeat(10_000)), "reason", "max_length"),
    ] {
        let call = format!("staffBan(users: [\"{}\"], {more}) {{ changed }}", ann.user_id());
        let answer = site.ask(&boss, &format!("mutation {{ {call} }}"), Value::Null).await.json();
        let error = &answer["errors"][0]["extensions"];
        assert_eq!(error["fields"][field][0]["code"], code, "{answer}");
    }
    assert_eq!(site.dump().await, before);
    site.assert_goes_on(&ann).await;
}

#[tokio::test]
async fn a_ban_of_several_answers_for_each_and_its_events_have_one_batch() {
    let (site, _) = site().await;
    let staff = site.signed_in_as(Role::Staff, "sam").await;
    let other = site.signed_in_as(Role::Staff, "other").await;
    let (ann, bob) = (site.signed_in("ann").await, site.signed_in("bob").await);
    let unknown = "01920000-0000-7000-8000-000000000001";
    let ids = [
        ann.user_id().to_string(),
        other.user_id().to_string(),
        unknown.to_owned(),
        bob.user_id().to_string(),
        ann.user_id().to_string(),
    ];
    let call = |more: &str| {
        format!(
            "staffBan(users: {ids:?}, reason: \"spam\"{more}) {{
                batch changed answers {{ id code user {{ isActive }} }} }}"
        )
    };
    let before = site.dump().await;
    let row =
        |at: usize, code: Value, user: Value| json!({ "id": ids[at], "code": code, "user": user });
    let active = |is_active: bool| json!({ "isActive": is_active });
    let dry = site.call(&staff, "mutation", &call(", dryRun: true")).await.unwrap();
    let expected = |is_active: bool| {
        json!([
            row(0, Value::Null, active(is_active)),
            row(1, json!("permission_denied"), active(true)),
            row(2, json!("not_found"), Value::Null),
            row(3, Value::Null, active(is_active)),
        ])
    };
    assert_eq!(dry, json!({ "batch": null, "changed": 2, "answers": expected(true) }));
    assert_eq!(site.dump().await, before);

    let done = site.call(&staff, "mutation", &call("")).await.unwrap();
    assert_eq!((&done["changed"], &done["answers"]), (&json!(2), &expected(false)));
    for user in [&ann, &bob] {
        site.assert_over(user).await;
    }
    site.assert_goes_on(&other).await;
    let batch = done["batch"].as_str().unwrap();
    let events = site.events(&staff, &format!("by: \"staff:{}\"", staff.user_id())).await;
    let of_batch: Vec<_> = events.iter().filter(|event| event["batch"] == batch).collect();
    let mut kinds: Vec<_> = of_batch.iter().map(|it| it["event"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["banned", "banned", "staff_refused"]);
    assert_eq!(events.len(), of_batch.len());
}

#[tokio::test]
async fn a_ban_takes_fifty_users_and_not_one_more() {
    let (site, boss) = site().await;
    let users = site.add_users("user", MAX_BATCH + 1, |_, _| {}).await;
    let ids: Vec<_> = users.iter().map(|user| user.id.to_string()).collect();
    let call = |ids: &[String]| format!("staffBan(users: {ids:?}, reason: \"\") {{ changed }}");
    let before = site.dump().await;
    let refused = site.call(&boss, "mutation", &call(&ids)).await;
    assert_eq!(refused, Err("invalid_page".to_owned()));
    assert_eq!(site.dump().await, before);
    let done = site.call(&boss, "mutation", &call(&ids[1..])).await.unwrap();
    assert_eq!(done, json!({ "changed": MAX_BATCH }));
}
