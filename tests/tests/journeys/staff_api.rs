//! The operations of staff by GraphQL: each takes effect at the user's next request.

use accounts::model::Role;
use axum::http::Method;
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site, s};
use serde_json::{Value, json};

const NEW: &str = "zmxn73hhQQp";
const FOR_GOOD: &[(&str, &str)] = &[("ALLOW_DELETE_ACCOUNT", "true")];

async fn site() -> (Site, Actor) {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    (site, boss)
}

#[tokio::test]
async fn an_invited_user_chooses_a_password_by_the_mailed_link_and_logs_in() {
    let (site, boss) = site().await;
    let call = "staffInvite(email: \"ann@example.com\", username: \"ann\") { id email isVerified }";
    let invited = site.call(&boss, "mutation", call).await.unwrap();
    assert_eq!(invited["email"], "ann@example.com");
    assert_eq!(invited["isVerified"], false);
    let token = site.link_token("ann@example.com").await;
    assert_eq!(site.set_password(&token, PASSWORD, PASSWORD).await["success"], true);
    let ann = site.log_in(&Actor { name: "ann".to_owned(), ..Actor::default() }).await;
    assert_eq!(invited["id"], ann.user_id().to_string());
    // Staff may see who has an account.
    let answer = site.ask(&boss, &format!("mutation {{ it: {call} }}"), Value::Null).await.json();
    let error = &answer["errors"][0]["extensions"];
    assert_eq!(error["code"], "invalid");
    assert_eq!(error["fields"]["email"][0]["code"], "unique");
    assert_eq!(error["fields"]["username"][0]["code"], "unique");
}

#[tokio::test]
async fn a_user_whom_staff_verify_logs_in() {
    let (site, boss) = site().await;
    let ann = site.sign_up("ann").await;
    assert!(!site.is_password(&ann, PASSWORD).await);
    let user = site.change(&boss, "staffVerify", ann.user_id(), "").await.unwrap();
    assert_eq!(user["isVerified"], true);
    assert!(site.is_password(&ann, PASSWORD).await);
    let again = site.change(&boss, "staffVerify", ann.user_id(), "").await;
    assert_eq!(again, Err("already_verified".to_owned()));
    // The account stays.
    site.advance(SignedDuration::from_hours(24 * 60));
    site.clean_up().await;
    assert!(site.is_password(&ann, PASSWORD).await);
}

#[tokio::test]
async fn a_user_with_a_new_role_logs_in_again_and_acts_by_it() {
    let (site, boss) = site().await;
    let ann = site.signed_in("ann").await;
    let look = "staffUser(find: \"boss\") { id }";
    assert_eq!(site.call(&ann, "query", look).await, Err("not_found".to_owned()));
    let user = site.change(&boss, "staffSetRole", ann.user_id(), "role: STAFF").await.unwrap();
    assert_eq!(user["role"], "STAFF");
    site.assert_over(&ann).await;
    let ann = site.log_in(&ann).await;
    assert_eq!(site.call(&ann, "query", look).await.unwrap()["id"], boss.user_id().to_string());
}

#[tokio::test]
async fn a_role_and_a_deletion_need_the_password_or_a_log_in_of_the_last_five_minutes() {
    let (site, boss) = site().await;
    let ann = site.signed_in("ann").await;
    for (field, more) in [("staffSetRole", "role: STAFF"), ("staffDelete", "reason: \"\"")] {
        let old = site.log_in(&boss).await;
        site.advance(SignedDuration::from_mins(5) + SignedDuration::from_secs(1));
        let refused = site.change(&old, field, ann.user_id(), more).await;
        assert_eq!(refused, Err("reauthentication_required".to_owned()), "{field}");
        let wrong = format!("{more}, password: \"not it\"");
        let refused = site.change(&old, field, ann.user_id(), &wrong).await;
        assert_eq!(refused, Err("invalid_password".to_owned()), "{field}");
        let right = format!("{more}, password: \"{PASSWORD}\"");
        site.change(&old, field, ann.user_id(), &right).await.unwrap();
    }
}

#[tokio::test]
async fn a_banned_user_is_out_at_once_and_in_again_after_the_ban_is_lifted() {
    let (site, boss) = site().await;
    let ann = site.signed_in("ann").await;
    site.change(&boss, "staffBan", ann.user_id(), "reason: \"spam\"").await.unwrap();
    site.assert_over(&ann).await;
    assert!(!site.is_password(&ann, PASSWORD).await);
    let found = site.call(&boss, "query", "staffUser(find: \"ann\") { isActive ban { reason } }");
    let found = found.await.unwrap();
    assert_eq!(found, json!({ "isActive": false, "ban": { "reason": "spam" } }));
    let user =
        site.change(&boss, "staffLiftBan", ann.user_id(), "reason: \"a mistake\"").await.unwrap();
    assert_eq!((&user["isActive"], &user["ban"]), (&json!(true), &Value::Null));
    site.assert_over(&ann).await;
    assert!(site.is_password(&ann, PASSWORD).await);
}

#[tokio::test]
async fn staff_end_one_session_or_all() {
    let (site, boss) = site().await;
    let first = site.signed_in("ann").await;
    let second = site.log_in(&first).await;
    let session = format!("session: \"{}\"", first.session_id());
    site.change(&boss, "staffEndSession", first.user_id(), &session).await.unwrap();
    site.assert_over(&first).await;
    let second = site.assert_goes_on(&second).await;
    let again = site.change(&boss, "staffEndSession", first.user_id(), &session).await;
    assert_eq!(again, Err("not_found".to_owned()));
    site.change(&boss, "staffEndSessions", second.user_id(), "").await.unwrap();
    site.assert_over(&second).await;
    assert!(site.is_password(&second, PASSWORD).await);
}

#[tokio::test]
async fn an_expired_password_lets_no_user_in_until_the_mailed_link_sets_another() {
    let (site, boss) = site().await;
    let ann = site.signed_in("ann").await;
    site.change(&boss, "staffExpirePassword", ann.user_id(), "").await.unwrap();
    site.assert_over(&ann).await;
    assert!(!site.is_password(&ann, PASSWORD).await);
    let token = site.link_token(&ann.email()).await;
    assert_eq!(site.reset_password(&token, NEW, NEW).await["success"], true);
    assert!(site.is_password(&ann, NEW).await);
}

#[tokio::test]
async fn the_links_that_staff_send_work() {
    let (site, boss) = site().await;
    let ann = site.sign_up("ann").await;
    site.deliver_mail().await;
    site.aws.mailbox().clear();
    site.change(&boss, "staffSendActivation", ann.user_id(), "").await.unwrap();
    let token = site.link_token(&ann.email()).await;
    assert_eq!(site.verify_account(&token).await["success"], true);
    let again = site.change(&boss, "staffSendActivation", ann.user_id(), "").await;
    assert_eq!(again, Err("already_verified".to_owned()));
    site.change(&boss, "staffSendReset", ann.user_id(), "").await.unwrap();
    let token = site.link_token(&ann.email()).await;
    assert_eq!(site.reset_password(&token, NEW, NEW).await["success"], true);
}

#[tokio::test]
async fn mail_goes_to_a_user_again_after_staff_have_cleared_the_status() {
    let (site, boss) = site().await;
    let ann = site.signed_in("ann").await;
    site.set_on_user(&ann, "email_status", s("bounced")).await;
    let found = site.call(&boss, "query", "staffUser(find: \"ann\") { emailStatus }").await;
    assert_eq!(found.unwrap()["emailStatus"], "BOUNCED");
    site.aws.mailbox().clear();
    site.send_password_reset(&ann.email()).await;
    assert_eq!(site.mails_to(&ann.email()).await.len(), 0);
    let user = site.change(&boss, "staffClearEmailStatus", ann.user_id(), "").await.unwrap();
    assert_eq!(user["emailStatus"], "OK");
    site.send_password_reset(&ann.email()).await;
    assert_eq!(site.mails_to(&ann.email()).await.len(), 1);
}

/// The code of a log-in from an address.
async fn log_in_from(site: &Site, ip: [u8; 4], name: &str, password: &str) -> Option<String> {
    let document = "mutation($n: String!, $p: String!) { tokenAuth(username: $n, password: $p) {
        token } }";
    let variables = json!({ "n": name, "p": password });
    let body = json!({ "query": document, "variables": variables }).to_string();
    let headers = [("content-type", "application/json")];
    site.send_from(ip, "/graphql", &headers, body).await.code()
}

#[tokio::test]
async fn staff_see_and_lift_the_locks_of_an_account_and_of_a_network() {
    const HERE: [u8; 4] = [192, 0, 2, 1];
    let site = Site::with(&[("THROTTLE", "on"), ("PROOF_OF_WORK", "off")]).await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    let ann = site.signed_in("ann").await;
    for _ in 0..5 {
        log_in_from(&site, HERE, "ann", "not it").await;
    }
    assert_eq!(log_in_from(&site, HERE, "ann", PASSWORD).await.as_deref(), Some("throttled"));
    let locks = "staffUser(find: \"ann\") { locks { rule until } }";
    let found = site.call(&boss, "query", locks).await.unwrap();
    assert_eq!(found["locks"][0]["rule"], "account_and_ip", "{found}");
    assert_eq!(found["locks"].as_array().unwrap().len(), 1, "{found}");
    site.change(&boss, "staffLiftLocks", ann.user_id(), "").await.unwrap();
    assert_eq!(log_in_from(&site, HERE, "ann", PASSWORD).await, None);
    assert_eq!(site.call(&boss, "query", locks).await.unwrap(), json!({ "locks": [] }));

    for number in 0..30 {
        log_in_from(&site, HERE, &format!("user{number}"), "not it").await;
    }
    assert_eq!(log_in_from(&site, HERE, "ann", PASSWORD).await.as_deref(), Some("throttled"));
    let of_network = "staffNetwork(ip: \"192.0.2.1\") { locks { rule until } }";
    let found = site.call(&boss, "query", of_network).await.unwrap();
    assert_eq!(found["locks"][0]["rule"], "ip_accounts", "{found}");
    let lift = "staffLiftNetwork(ip: \"192.0.2.1\") { locks { rule } }";
    let lifted = site.call(&boss, "mutation", lift).await.unwrap();
    assert_eq!(lifted, json!({ "locks": [] }));
    assert_eq!(log_in_from(&site, HERE, "ann", PASSWORD).await, None);
}

#[tokio::test]
async fn of_a_deleted_user_only_the_id_remains_in_the_trail() {
    let site = Site::with(FOR_GOOD).await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    let ann = site.signed_in("ann").await;
    let id = ann.user_id().to_string();
    let gone =
        site.change(&boss, "staffDelete", ann.user_id(), "reason: \"asked for it\"").await.unwrap();
    assert_eq!(gone, json!(id));
    site.assert_over(&ann).await;
    for text in ["ann", "ann@example.com", &*id] {
        let call = format!("staffUser(find: \"{text}\") {{ id }}");
        assert_eq!(site.call(&boss, "query", &call).await, Err("not_found".to_owned()), "{text}");
    }
    let events = site.events(&boss, &format!("user: \"{id}\"")).await;
    assert_eq!(events[0]["event"], "deleted");
    assert_eq!(events[0]["by"], format!("staff:{}", boss.user_id()));
    assert_eq!(events[0]["reason"], "asked for it");
    assert!(events.iter().any(|event| event["event"] == "signed_up"), "{events:?}");
    let left = site.dump().await;
    let left: Vec<_> = left.iter().filter(|item| item.contains(&id)).collect();
    assert!(left.len() >= events.len());
    for item in left {
        assert!(!item.contains("ann@example.com") && !item.contains("\"ann\""), "{item}");
    }
    // The name and the address are free.
    assert_ne!(site.signed_in("ann").await.user_id().to_string(), id);
}

#[tokio::test]
async fn the_mutations_of_staff_take_arguments_in_the_form_for_relay_too() {
    let (site, boss) = site().await;
    let ann = site.signed_in("ann").await;
    let document = format!("mutation {{ staffEndSessions(user: \"{}\") {{ id }} }}", ann.user_id());
    let authorization = boss.authorization();
    let headers = [("authorization", &*authorization), ("content-type", "application/json")];
    let body = json!({ "query": document }).to_string();
    let answer = site.send(Method::POST, "/graphql/relay", &headers, body).await;
    assert_eq!(answer.code(), None, "{}", answer.text);
    site.assert_over(&ann).await;
}
