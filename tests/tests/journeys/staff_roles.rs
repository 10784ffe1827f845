//! Who may act on whom, by GraphQL.

use std::sync::Arc;

use accounts::model::{AuditEvent, Role, Trail, User, UserId};
use journeys::{Calls, Site, at_once};
use serde_json::Value;

/// The mutations on a user, with their further arguments.
const MUTATIONS: &[(&str, &str)] = &[
    ("staffVerify", ""),
    ("staffSetRole", "role: STAFF"),
    ("staffBan", "reason: \"\""),
    ("staffLiftBan", ""),
    ("staffEndSession", "session: \"SESSION\""),
    ("staffEndSessions", ""),
    ("staffExpirePassword", ""),
    ("staffSendActivation", ""),
    ("staffSendReset", ""),
    ("staffClearEmailStatus", ""),
    ("staffLiftLocks", ""),
    ("staffExportUser", ""),
    ("staffDelete", "reason: \"\""),
];
/// The fields of staff that are about no single user.
const OTHERS: &[(&str, &str)] = &[
    ("query", "staffUser(find: \"boss\") { id }"),
    ("query", "staffUsers { edges { cursor } }"),
    ("query", "staffTrail { next }"),
    ("query", "staffOverview { waitingMails }"),
    ("query", "staffNetwork(ip: \"192.0.2.1\") { locks { rule } }"),
    ("mutation", "staffInvite(email: \"new@example.com\") { id }"),
    ("mutation", "staffLiftNetwork(ip: \"192.0.2.1\") { locks { rule } }"),
];

/// What a caller's change of a user comes to.
fn expected(caller: Role, target: Role, is_own: bool, field: &str) -> &'static str {
    let is_help =
        ["staffSendReset", "staffSendActivation", "staffClearEmailStatus", "staffLiftLocks"]
            .contains(&field);
    match (caller, target) {
        (Role::User, _) => "not_found",
        _ if is_help => "done",
        _ if is_own => "permission_denied",
        (Role::Superuser, _) => "done",
        (Role::Staff, Role::User) if field != "staffSetRole" => "done",
        (Role::Staff, _) => "permission_denied",
    }
}

fn outcome(answer: Result<Value, String>) -> String {
    answer.map_or_else(|code| code, |_| "done".to_owned())
}

/// A user to act on, and a session of that user. Only where it matters, the user has logged in.
async fn target(site: &Site, name: &str, role: Role, field: &str) -> (UserId, String) {
    if field == "staffEndSession" {
        let actor = site.signed_in_as(role, name).await;
        return (actor.user_id(), actor.session_id());
    }
    let is_unproven = ["staffVerify", "staffSendActivation"].contains(&field);
    let change = |user: &mut User| (user.role, user.is_verified) = (role, !is_unproven);
    (site.add_user(name, change).await.id, String::new())
}

async fn events_of(site: &Site, user: UserId) -> Vec<AuditEvent> {
    site.store.trail(Trail::Of(user), None, 100).await.unwrap().events
}

#[tokio::test]
async fn staff_change_users_superusers_change_all_others_and_no_caller_changes_its_own_account() {
    let site = Site::start().await;
    let mut number = 0;
    for role in Role::ALL {
        let caller = site.signed_in_as(role, &format!("caller-{role}")).await;
        for (field, more) in MUTATIONS {
            for of in Role::ALL {
                number += 1;
                let (user, session) = target(&site, &format!("user{number}"), of, field).await;
                let more = more.replace("SESSION", &session);
                let before = events_of(&site, user).await.len();
                let found = outcome(site.change(&caller, field, user, &more).await);
                let place = format!("{role} {field} of {of}");
                assert_eq!(found, expected(role, of, false, field), "{place}");
                let events = events_of(&site, user).await;
                assert_eq!(events.len() - before, usize::from(role != Role::User), "{place}");
                if role != Role::User {
                    let newest = &events[0];
                    assert_eq!(newest.by.to_string(), format!("staff:{}", caller.user_id()));
                    assert_eq!(newest.is_refused, found == "permission_denied", "{place}");
                }
            }
            // Their own address is proven: else they would be no staff.
            if ["staffVerify", "staffSendActivation"].contains(field) {
                continue;
            }
            let more = more.replace("SESSION", &caller.session_id());
            let found = outcome(site.change(&caller, field, caller.user_id(), &more).await);
            assert_eq!(found, expected(role, role, true, field), "{role} {field} of oneself");
        }
    }
}

#[tokio::test]
async fn for_callers_who_are_not_staff_no_field_exists_and_none_costs_more_than_the_log_in() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let unproven = site.sign_up("eve").await;
    assert!(site.store.set_role(unproven.user_id(), Role::Superuser).await.unwrap());
    site.signed_in_as(Role::Superuser, "boss").await;
    let all = MUTATIONS.iter().map(|(field, more)| {
        let call = match *field {
            "staffBan" => "staffBan(users: [\"x\"], reason: \"\") { changed }".to_owned(),
            "staffDelete" => "staffDelete(user: \"x\", reason: \"\")".to_owned(),
            "staffExportUser" => "staffExportUser(user: \"x\")".to_owned(),
            field => format!("{field}(user: \"x\", {more}) {{ id }}"),
        };
        ("mutation", call)
    });
    let all: Vec<_> =
        all.chain(OTHERS.iter().map(|(kind, call)| (*kind, (*call).to_owned()))).collect();
    for (kind, call) in all {
        let document = format!("{kind} {{ it: {call} }}");
        site.calls.take();
        let answer = site.graphql(&document, Value::Null).await;
        assert_eq!(answer.code().as_deref(), Some("unauthenticated"), "{call}: {}", answer.text);
        assert_eq!(site.calls.take(), Calls::default(), "{call}");
        let answer = site.call(&ann, kind, &call).await;
        assert_eq!(answer, Err("not_found".to_owned()), "{call}");
        assert_eq!(site.calls.take(), Calls { round_trips: 1, calls: 1 }, "{call}");
        let answer = site.call(&unproven, kind, &call).await;
        assert!(answer.is_err(), "{call}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_superusers_who_remove_each_other_at_once_one_is_left() {
    for field in ["staffSetRole", "staffBan", "staffDelete"] {
        let site = Arc::new(Site::start().await);
        let mut both = Vec::new();
        for name in ["ann", "bob"] {
            both.push(site.signed_in_as(Role::Superuser, name).await);
        }
        site.meet("TransactWriteItems", 2);
        let answers = at_once(2, |at| {
            let (site, by, other) = (site.clone(), both[at].clone(), both[1 - at].clone());
            async move {
                let more = if field == "staffSetRole" { "role: USER" } else { "reason: \"\"" };
                outcome(site.change(&by, field, other.user_id(), more).await)
            }
        })
        .await;
        let done = answers.iter().filter(|answer| *answer == "done").count();
        assert_eq!(done, 1, "{field}: {answers:?}");
        assert!(answers.contains(&"unauthenticated".to_owned()), "{field}: {answers:?}");
        let mut left = 0;
        for actor in &both {
            let call = "staffOverview { waitingMails }";
            left += usize::from(site.call(actor, "query", call).await.is_ok());
        }
        assert_eq!(left, 1, "{field}");
    }
}

#[tokio::test]
async fn a_demoted_or_banned_member_of_staff_is_refused_at_the_next_request() {
    for (field, more) in [("staffSetRole", "role: USER"), ("staffBan", "reason: \"\"")] {
        let site = Site::start().await;
        let boss = site.signed_in_as(Role::Superuser, "boss").await;
        let staff = site.signed_in_as(Role::Staff, "sam").await;
        let ann = site.signed_in("ann").await;
        site.change(&staff, "staffEndSessions", ann.user_id(), "").await.unwrap();
        site.change(&boss, field, staff.user_id(), more).await.unwrap();
        let before = site.dump().await;
        for (kind, call) in OTHERS {
            let answer = site.call(&staff, kind, call).await;
            assert_eq!(answer, Err("unauthenticated".to_owned()), "{field}: {call}");
        }
        let refused = site.change(&staff, "staffEndSessions", ann.user_id(), "").await;
        assert_eq!(refused, Err("unauthenticated".to_owned()));
        assert_eq!(site.dump().await, before, "{field}");
    }
}
