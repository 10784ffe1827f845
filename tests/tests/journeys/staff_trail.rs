//! The audit trail: staff and users read it, and no function changes it.

use accounts::model::{Client, PlainPassword, Role};
use accounts::operations::Credentials;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use jiff::SignedDuration;
use journeys::{Actor, Site, s};
use serde_json::{Value, json};

const AGENT: &str = "Console/1.0";
const HERE: [u8; 4] = [192, 0, 2, 44];

/// Posts a document as that user, from an address and with a user agent: the id of the request.
async fn from_here(site: &Site, actor: &Actor, document: &str) -> String {
    let authorization = actor.authorization();
    let headers = [
        ("authorization", &*authorization),
        ("content-type", "application/json"),
        ("user-agent", AGENT),
    ];
    let body = json!({ "query": document }).to_string();
    site.send_from(HERE, "/graphql", &headers, body).await.request_id().to_owned()
}

#[tokio::test]
async fn a_change_and_a_refused_change_have_actor_address_agent_and_request_in_both_trails() {
    let site = Site::start().await;
    let staff = site.signed_in_as(Role::Staff, "sam").await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    let ann = site.signed_in("ann").await;
    for (user, event, detail, is_refused) in [
        (&ann, "all_sessions_ended", Value::Null, false),
        (&boss, "staff_refused", json!("end_sessions"), true),
    ] {
        site.advance(SignedDuration::from_secs(1));
        let call = format!("staffEndSessions(user: \"{}\") {{ id }}", user.user_id());
        let request = from_here(&site, &staff, &format!("mutation {{ {call} }}")).await;
        let expected = json!({
            "event": event, "userId": user.user_id().to_string(),
            "by": format!("staff:{}", staff.user_id()), "isRefused": is_refused,
            "reason": null, "detail": detail, "count": null, "factor": null,
            "ipAddress": "192.0.2.44", "userAgent": AGENT, "requestId": request, "batch": null,
        });
        for trail in
            [format!("user: \"{}\"", user.user_id()), format!("by: \"staff:{}\"", staff.user_id())]
        {
            let mut newest = site.events(&boss, &trail).await.remove(0);
            let fields = newest.as_object_mut().unwrap();
            assert!(fields.remove("id").is_some());
            let at = format!("{}+00:00", site.now().strftime("%Y-%m-%dT%H:%M:%S%.6f"));
            assert_eq!(fields.remove("at").unwrap(), at);
            assert_eq!(newest, expected, "{trail}");
        }
    }
}

#[tokio::test]
async fn a_trail_is_read_page_by_page_and_no_place_of_another_kind_counts() {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Staff, "boss").await;
    let ann = site.signed_in("ann").await;
    for _ in 0..7 {
        site.change(&boss, "staffClearEmailStatus", ann.user_id(), "").await.unwrap();
    }
    let all = site.events(&boss, &format!("user: \"{}\"", ann.user_id())).await;
    let (mut pages, mut before) = (Vec::new(), String::new());
    loop {
        let call = format!(
            "staffTrail(user: \"{}\", count: 3 {before}) {{ events {{ id }} next }}",
            ann.user_id()
        );
        let page = site.call(&boss, "query", &call).await.unwrap();
        let events = page["events"].as_array().unwrap();
        assert!(events.len() <= 3);
        pages.extend(events.iter().map(|event| event["id"].clone()));
        match page["next"].as_str() {
            Some(next) => before = format!(", before: \"{next}\""),
            None => break,
        }
    }
    let ids: Vec<_> = all.iter().map(|event| event["id"].clone()).collect();
    assert_eq!(pages, ids);
    for (arguments, code) in [
        ("before: \"x\"", "invalid_page"),
        ("user: \"x\"", "not_found"),
        ("by: \"root\"", "not_found"),
        ("user: \"x\", by: \"staff\"", "invalid"),
    ] {
        let call = format!("staffTrail({arguments}) {{ next }}");
        assert_eq!(site.call(&boss, "query", &call).await, Err(code.to_owned()), "{arguments}");
    }
}

#[tokio::test]
async fn the_change_of_a_network_is_in_the_trail_of_no_user() {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Staff, "boss").await;
    let lift = "staffLiftNetwork(ip: \"2001:db8::1\") { locks { rule } }";
    site.call(&boss, "mutation", lift).await.unwrap();
    let events =
        site.call(&boss, "query", "staffTrail { events { event userId detail by } }").await;
    let newest = &events.unwrap()["events"][0];
    assert_eq!(newest["event"], "network_unlocked");
    assert_eq!(newest["userId"], Value::Null);
    assert_eq!(newest["by"], format!("staff:{}", boss.user_id()));
    assert_eq!(newest["detail"], "2001:db8::/64");
}

#[tokio::test]
async fn users_read_their_own_trail_and_no_member_of_staff_is_in_it() {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    let ann = site.signed_in("ann").await;
    let id = ann.user_id();
    for call in [
        format!("staffBan(users: [\"{id}\"], reason: \"a rumour\") {{ changed }}"),
        format!("staffLiftBan(user: \"{id}\", reason: \"a rumour\") {{ id }}"),
        format!("staffSetRole(user: \"{id}\", role: STAFF) {{ id }}"),
    ] {
        site.advance(SignedDuration::from_millis(1));
        from_here(&site, &boss, &format!("mutation {{ {call} }}")).await;
    }
    site.advance(SignedDuration::from_millis(1));
    let ann = site.log_in(&ann).await;
    let operator = site.accounts.operator("olga").unwrap();
    site.advance(SignedDuration::from_millis(1));
    operator.clear_email_status(ann.user_id()).await.unwrap();
    // A change of the staff user that was refused is for staff only.
    let other = site.signed_in_as(Role::Staff, "other").await;
    let refused = site.change(&other, "staffBan", ann.user_id(), "reason: \"\"").await;
    assert_eq!(refused, Err("permission_denied".to_owned()));

    let own = site.activity(&ann).await;
    let events: Vec<_> = own["events"].as_array().unwrap().iter().collect();
    let kinds: Vec<_> = events
        .iter()
        .map(|it| (it["event"].as_str().unwrap(), it["by"].as_str().unwrap()))
        .collect();
    assert_eq!(
        kinds[..5],
        [
            ("email_status_cleared", "staff"),
            ("logged_in", "self"),
            ("role_changed", "staff"),
            ("ban_lifted", "staff"),
            ("banned", "staff"),
        ]
    );
    let text = own.to_string();
    let (boss_id, other_id) = (boss.user_id().to_string(), other.user_id().to_string());
    for secret in [&*boss_id, &*other_id, "boss", "olga", "192.0.2.44", AGENT, "a rumour"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    // An anonymous caller has none.
    assert_eq!(site.activity(&Actor::default()).await, Value::Null);
}

#[tokio::test]
async fn no_function_updates_or_deletes_an_event() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let events: Vec<_> = site
        .all()
        .await
        .into_iter()
        .filter(|item| item["pk"].as_s().is_ok_and(|pk| pk.starts_with("AUDIT#")))
        .collect();
    assert!(events.len() >= 3, "{events:?}");
    let before = site.dump().await;
    for function in
        ["GraphqlFunction", "EmailEventFunction", "TokenCleanupFunction", "AccountEventFunction"]
    {
        let sdk = accounts::aws::embedded_as(site.aws.endpoint_url(), function);
        let client = aws_sdk_dynamodb::Client::new(&sdk);
        for event in &events {
            let update = client.update_item().table_name(site.aws.table_name());
            let update = update.key("pk", event["pk"].clone()).key("sk", event["sk"].clone());
            let update = update.update_expression("SET reason = :none");
            let update = update.expression_attribute_values(":none", s("none")).send().await;
            assert_eq!(update.unwrap_err().code(), Some("AccessDeniedException"), "{function}");
            let delete = client.delete_item().table_name(site.aws.table_name());
            let delete = delete.key("pk", event["pk"].clone()).key("sk", event["sk"].clone());
            let delete = delete.send().await.unwrap_err();
            assert_eq!(delete.code(), Some("AccessDeniedException"), "{function}");
        }
    }
    assert_eq!(site.dump().await, before);
}

/// How many events the table has.
async fn events(site: &Site) -> usize {
    let is_event =
        |item: &journeys::Item| item["pk"].as_s().is_ok_and(|pk| pk.starts_with("AUDIT#"));
    site.all().await.iter().filter(|item| is_event(item)).count()
}

fn client(number: usize) -> Client {
    let ip = format!("10.{}.{}.7", number / 250, number % 250);
    Client { ip: Some(ip), ..Client::default() }
}

#[tokio::test]
async fn wrong_passwords_from_everywhere_write_a_few_events_however_many_they_are() {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    site.signed_in("ann").await;
    site.advance(SignedDuration::from_hours(1));
    let before = events(&site).await;
    for number in 0..500 {
        // Each from another network, so that the limits of the account are the only ones.
        let name = Credentials::Username("ann".to_owned());
        let password = PlainPassword::new("not it");
        assert!(site.accounts.log_in(name, password, &client(number)).await.is_err());
        if number % 10 == 9 {
            site.advance(SignedDuration::from_hours(1));
        }
    }
    let written = events(&site).await - before;
    assert!((1..=30).contains(&written), "{written}");
}

/// The limits let most attempts not count. Here each counts.
#[tokio::test]
async fn a_thousand_wrong_passwords_that_count_write_at_most_thirty_events() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let before = events(&site).await;
    let mut user = site.store.user(ann.user_id()).await.unwrap().unwrap();
    let mut written = 0;
    for number in 1..=1_000 {
        assert!(site.store.count_wrong_password(&user, false, &[]).await.unwrap());
        user.password_failures += 1;
        if number == 200 {
            written = events(&site).await - before;
        }
    }
    let user = site.store.user(ann.user_id()).await.unwrap().unwrap();
    assert_eq!(user.password_failures, 1_000);
    assert!((1..=30).contains(&written), "{written}");
    assert_eq!(events(&site).await - before, written, "no more after the first 200");
}
