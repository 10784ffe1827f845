//! What staff see of users, what it costs, and what no answer has.

use accounts::model::Role;
use jiff::SignedDuration;
use journeys::log::lines_of;
use journeys::{Actor, EVENT, LISTS, PASSWORD, SECRET, STATE, Site, link_token};
use serde_json::{Value, json};

const COUNT: usize = 5_000;

#[tokio::test]
async fn a_user_is_found_by_id_address_or_name_and_never_by_a_part() {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Staff, "boss").await;
    let ann = site.signed_in("ann").await;
    let id = ann.user_id().to_string();
    for text in [&*id, "ann", "ANN", " ann@Example.com "] {
        let call = format!("staffUser(find: \"{text}\") {{ id }}");
        assert_eq!(site.call(&boss, "query", &call).await.unwrap()["id"], id, "{text}");
    }
    for text in ["an", "ann@", "", &id[1..], "ann@example.co"] {
        let call = format!("staffUser(find: \"{text}\") {{ id }}");
        assert_eq!(site.call(&boss, "query", &call).await, Err("not_found".to_owned()), "{text}");
    }
}

#[tokio::test]
async fn staff_see_the_state_of_a_user_and_the_lists_that_they_ask_for() {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let boss = site.signed_in_as(Role::Staff, "boss").await;
    let ann = site.signed_in("ann").await;
    site.advance(SignedDuration::from_secs(1));
    let ann = site.log_in(&ann).await;
    site.deliver_mail().await;
    let call =
        format!("staffUser(find: \"ann\") {{ {STATE} {LISTS} trail {{ events {{ event }} }} }}");
    let user = site.call(&boss, "query", &call).await.unwrap();
    assert_eq!(user["username"], "ann");
    assert_eq!(user["role"], "USER");
    assert_eq!(user["emailStatus"], "OK");
    assert_eq!(user["secondaryEmailStatus"], Value::Null);
    assert_eq!(user["sessions"][0]["id"], ann.session_id());
    let mails = user["mails"].as_array().unwrap();
    let mail = mails.iter().find(|mail| mail["kind"] == "activation").unwrap();
    assert_eq!((&mail["state"], &mail["to"]), (&json!("SENT"), &json!(ann.email())));
    let events = user["trail"]["events"].as_array().unwrap();
    assert_eq!(events[0]["event"], "logged_in");
    let has = |kind: &str| events.iter().any(|event| event["event"] == kind);
    assert!(has("signed_up") && has("address_verified"), "{events:?}");
    assert_eq!(user["lastLogin"], user["sessions"][0]["createdAt"]);
}

#[tokio::test]
async fn a_mail_to_a_former_address_does_not_show_it() {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Staff, "boss").await;
    let ann = site.signed_in("ann").await;
    let token = site.email_change_link(&ann, "ann@new.example").await;
    site.accounts.verify_new_email(&token).await.unwrap();
    let call = "staffUser(find: \"ann\") { email mails { kind to } }";
    let user = site.call(&boss, "query", call).await.unwrap();
    assert_eq!(user["email"], "ann@new.example");
    assert!(user["mails"].as_array().unwrap().len() >= 2, "{user}");
    assert!(!user.to_string().contains(&ann.email()), "{user}");
}

#[tokio::test]
async fn a_list_of_a_user_is_read_only_if_the_document_asks_for_it_and_ten_times_at_most() {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Staff, "boss").await;
    let id = boss.user_id();
    let mut costs = Vec::new();
    for more in ["", "sessions { id }", "sessions { id } mails { kind } trail { next }"] {
        site.calls.take();
        let call = format!("staffUser(find: \"{id}\") {{ id {more} }}");
        site.call(&boss, "query", &call).await.unwrap();
        costs.push(site.calls.take().calls);
    }
    // The caller; whether staff need a second factor; the user. The mails are found by an index, and then read.
    assert_eq!(costs, [3, 4, 7]);
    let lists: Vec<_> = (0..10).map(|at| format!("a{at}: sessions {{ id }}")).collect();
    let call = |more: &str| format!("staffUser(find: \"{id}\") {{ {} {more} }}", lists.join(" "));
    assert!(site.call(&boss, "query", &call("")).await.is_ok());
    let refused = site.call(&boss, "query", &call("b: trail { next }")).await;
    assert_eq!(refused, Err("too_complex".to_owned()));
}

/// The read units of a page, and where the next one begins.
async fn page(site: &Site, boss: &Actor, arguments: &str) -> (f64, usize, String) {
    site.aws.tally().start();
    let call = format!(
        "staffUsers({arguments}) {{ edges {{ node {{ {STATE} }} }} pageInfo {{ endCursor }} }}"
    );
    let page = site.call(boss, "query", &call).await.unwrap();
    let units = site.aws.tally().take().iter().map(|call| call.read_units).sum();
    site.aws.tally().stop();
    let end = page["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
    (units, page["edges"].as_array().unwrap().len(), end)
}

#[tokio::test]
async fn a_page_of_five_thousand_users_costs_a_read_a_row_and_a_constant_whichever_page_it_is() {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Staff, "boss").await;
    site.add_users("user", COUNT, |_, _| {}).await;
    let rows = |count: usize| f64::from(u32::try_from(count).unwrap());
    let mut after = String::new();
    let mut costs = Vec::new();
    for _ in 0..10 {
        let (units, count, end) =
            page(&site, &boss, &format!("first: 100, after: \"{after}\"")).await;
        assert_eq!(count, 100);
        assert!(units <= rows(count) + 21.0, "{units}");
        costs.push(units);
        after = end;
    }
    assert!(costs[9] <= costs[0] + 1.0, "{costs:?}");
    for arguments in ["first: 10", "first: 10, filter: {usernameStartsWith: \"user1\"}"] {
        let (units, count, _) = page(&site, &boss, arguments).await;
        assert_eq!(count, 10, "{arguments}");
        assert!(units <= rows(count) + 21.0, "{arguments}: {units}");
    }
}

#[tokio::test]
async fn no_answer_of_staff_has_a_hash_a_token_a_code_a_link_or_a_password() {
    let site = Site::with(&[("THROTTLE", "on"), ("ALLOW_DELETE_ACCOUNT", "true")]).await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    let ann = site.signed_in("ann").await;
    let eve = site.sign_up("eve").await;
    site.advance(SignedDuration::from_hours(2));
    let boss = site.log_in(&boss).await;
    let ann = site.log_in(&ann).await;
    let reset = site.reset_link(&ann).await;
    site.is_password(&ann, "a wrong password").await;

    let look = |name: &str| {
        let trail = format!("trail(count: 100) {{ events {{ {EVENT} }} next }}");
        format!("query {{ it: staffUser(find: \"{name}\") {{ {STATE} {LISTS} {trail} }} }}")
    };
    let trail = format!("events {{ {EVENT} }} next");
    let state = |field: &str, of: &Actor, more: &str| {
        let id = of.user_id();
        let lists = format!("{LISTS} trail {{ {trail} }}");
        format!("mutation {{ it: {field}(user: \"{id}\", {more}) {{ {STATE} {lists} }} }}")
    };
    let bosses = format!("by: \"staff:{}\"", boss.user_id());
    let documents = [
        look("ann"),
        look("eve"),
        format!("query {{ it: staffUsers {{ edges {{ cursor node {{ {STATE} }} }} }} }}"),
        format!("mutation {{ it: staffInvite(email: \"new@example.com\") {{ {STATE} }} }}"),
        state("staffSendActivation", &eve, ""),
        state("staffSendReset", &ann, ""),
        state("staffVerify", &eve, ""),
        state("staffEndSession", &ann, &format!("session: \"{}\"", ann.session_id())),
        state("staffExpirePassword", &ann, ""),
        state("staffSetRole", &eve, "role: STAFF"),
        state("staffLiftLocks", &ann, ""),
        state("staffClearEmailStatus", &ann, ""),
        state("staffLiftBan", &ann, ""),
        format!("query {{ it: staffTrail({bosses}) {{ {trail} }} }}"),
        look("ann"),
        "query { it: staffOverview { waitingMails days { date signUps logIns } } }".to_owned(),
        format!("mutation {{ it: staffExportUser(user: \"{}\") }}", ann.user_id()),
        format!("mutation {{ it: staffDelete(user: \"{}\", reason: \"\") }}", eve.user_id()),
    ];
    let mut answers = Vec::new();
    for document in &documents {
        let answer = site.ask(&boss, document, Value::Null).await;
        assert_eq!(answer.code(), None, "{document}: {}", answer.text);
        assert_eq!(lines_of(answer.request_id())[0]["dialect"], "staff", "{document}");
        answers.push(answer.text);
        site.deliver_mail().await;
    }
    let mut secrets = vec![PASSWORD.to_owned(), SECRET.to_owned(), reset];
    for actor in [&boss, &ann, &eve] {
        secrets.extend([actor.access.clone(), actor.refresh.clone()]);
    }
    for mail in site.aws.mailbox().messages() {
        let text = mail.text.clone().unwrap_or_default();
        if text.contains("http") {
            secrets.push(link_token(&mail));
        }
        let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|it| it.is_ascii_digit());
        secrets.extend(text.lines().filter(is_code).map(str::to_owned));
    }
    assert!(secrets.len() > 15, "{}", secrets.len());
    secrets.retain(|secret| !secret.is_empty());
    let marks =
        ["$argon2", "argon2id", "pbkdf2", "eyJ", "http", "password_failures", "binding", "_key"];
    for (document, answer) in documents.iter().zip(answers) {
        let found = secrets.iter().map(String::as_str).chain(marks).find(|it| answer.contains(it));
        assert_eq!(found, None, "{document}: {answer}");
    }
}
