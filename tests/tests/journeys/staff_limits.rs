//! What a stolen token of a member of staff cannot do: send mails or write events without end, or learn more than the
//! role allows.

use accounts::AuthError;
use accounts::model::{Role, UserId};
use accounts::operations::staff::Invitation;
use accounts::operations::{Admin, Caller};
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site};

const LIMITS: &[(&str, &str)] = &[("THROTTLE", "on")];
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Mails, and refusals, of a member of staff in an hour.
const MOST: usize = 100;

fn result<T>(answer: Result<T, AuthError>) -> String {
    answer.map_or_else(|error| error.code().to_owned(), |_| "ok".to_owned())
}

async fn caller(site: &Site, role: Role, name: &str) -> Caller {
    site.caller(&site.signed_in_as(role, name).await).await
}

/// Everything by which staff mail: to a user, to one whose address is not proven, and to a new one.
async fn mail_by_each(
    admin: &Admin<'_>,
    (ann, eve): (UserId, UserId),
    number: usize,
) -> Vec<String> {
    let email = format!("new{number}@example.com");
    vec![
        result(admin.send_reset(ann).await),
        result(admin.send_activation(eve).await),
        result(admin.expire_password(ann).await),
        result(admin.invite(Invitation { email, username: None }).await),
    ]
}

#[tokio::test]
async fn a_member_of_staff_causes_a_hundred_mails_an_hour_and_an_operator_more() {
    let site = Site::with(LIMITS).await;
    let boss = caller(&site, Role::Superuser, "boss").await;
    let sam = caller(&site, Role::Staff, "sam").await;
    let users = (site.signed_in("ann").await.user_id(), site.sign_up("eve").await.user_id());
    let admin = site.accounts.admin(&sam).unwrap();
    for number in 0..MOST / 4 {
        assert_eq!(mail_by_each(&admin, users, number).await, ["ok"; 4], "{number}");
    }
    let before = site.dump().await;
    assert_eq!(mail_by_each(&admin, users, MOST).await, ["throttled"; 4]);
    assert_eq!(site.dump().await, before);
    // What mails nothing goes on.
    admin.ban(users.0, "", None).await.unwrap();
    admin.lift_ban(users.0, "").await.unwrap();
    let others = [site.accounts.admin(&boss), site.accounts.operator("olga")];
    for (number, other) in others.into_iter().enumerate() {
        assert_eq!(mail_by_each(&other.unwrap(), users, MOST + number).await, ["ok"; 4]);
    }
    site.advance(HOUR);
    assert_eq!(mail_by_each(&admin, users, 2 * MOST).await, ["ok"; 4]);
}

#[tokio::test]
async fn a_member_of_staff_causes_at_most_a_hundred_refusal_events_an_hour() {
    let site = Site::with(LIMITS).await;
    let boss = caller(&site, Role::Superuser, "boss").await;
    let sam = caller(&site, Role::Staff, "sam").await;
    let user = site.signed_in("ann").await.user_id();
    let admin = site.accounts.admin(&sam).unwrap();
    for number in 0..MOST {
        let answer = result(admin.ban(boss.user.id, "", None).await);
        assert_eq!(answer, "permission_denied", "{number}");
    }
    let before = site.dump().await;
    for _ in 0..MOST {
        assert_eq!(result(admin.end_sessions(boss.user.id).await), "throttled");
    }
    assert_eq!(site.dump().await, before);
    // What is allowed goes on.
    admin.end_sessions(user).await.unwrap();
    site.advance(HOUR);
    assert_eq!(result(admin.end_sessions(boss.user.id).await), "permission_denied");
}

#[tokio::test]
async fn the_role_is_checked_before_the_password_and_before_the_session() {
    let site = Site::with(LIMITS).await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    let sam = site.signed_in_as(Role::Staff, "sam").await;
    let wrong = "reason: \"\", password: \"not it\"";
    let unknown = "session: \"01920000-0000-7000-8000-000000000001\"";
    for (caller, field, target, more) in [
        (&sam, "staffDelete", &boss, wrong),
        (&sam, "staffEndSession", &boss, unknown),
        (&boss, "staffDelete", &boss, wrong),
        (&boss, "staffSetRole", &boss, "role: USER, password: \"not it\""),
    ] {
        let refused = site.change(caller, field, target.user_id(), more).await;
        assert_eq!(refused, Err("permission_denied".to_owned()), "{field}");
        let newest = site.events(&boss, &format!("user: \"{}\"", target.user_id())).await.remove(0);
        assert_eq!(newest["event"], "staff_refused", "{field}");
        assert_eq!(newest["by"], format!("staff:{}", caller.user_id()), "{field}");
        site.advance(SignedDuration::from_millis(1));
    }
    assert_eq!(failures(&site, &sam).await, 0);
    // Where the role allows it, the password counts.
    let ann = site.signed_in("ann").await;
    let refused = site.change(&sam, "staffDelete", ann.user_id(), wrong).await;
    assert_eq!(refused, Err("invalid_password".to_owned()));
    assert_eq!(failures(&site, &sam).await, 1);
    assert!(site.is_password(&ann, PASSWORD).await);
}

/// Wrong passwords in the sessions of a user.
async fn failures(site: &Site, of: &Actor) -> u32 {
    let user = site.store.user(of.user_id()).await.unwrap().unwrap();
    user.failures_in_a_row(true)
}
