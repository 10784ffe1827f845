//! An import, record by record: what it makes, what it refuses, that it changes nothing twice, and how it is undone.

use std::sync::Arc;

use accounts::model::{EmailStatus, Gender, Record, Role, Trail, UserId};
use accounts::operations::{Import, Judged, Undone};
use embedded::{Fault, Gate, Times};
use journeys::{Actor, PASSWORD, Site, at_once, failure_code};
use serde_json::{Value, json};

/// Of `PASSWORD`; made by `argon2-cffi`.
const HASH: &str = "$argon2id$v=19$m=8192,t=1,p=2$Y2vBl7amkMmqWbZ/f7y8Tg$D75KBDKxrBP0KsxKIx0nyGspBWMXlkgbTHC83y453jQ";

fn record(json: Value) -> Record {
    serde_json::from_value(json).unwrap()
}

fn ann() -> Record {
    record(json!({
        "legacy_id": 42,
        "username": "Ann",
        "email": "ann@example.com",
        "secondary_email": "ann@second.example",
        "is_verified": true,
        "password": HASH,
        "first_name": "Ann",
        "last_name": "Lee",
        "gender": "female",
        "position": "Baker",
        "department": "Bread",
        "locale": "de",
        "secondary_email_status": "bounced",
        "created_at": "2019-05-01T10:00:00Z",
        "last_login": "2024-02-03T04:05:06Z",
    }))
}

fn person(name: &str, hash: &str) -> Record {
    let email = format!("{name}@example.com");
    record(json!({ "username": name, "email": email, "is_verified": true, "password": hash }))
}

fn import(site: &Site, run: &str) -> Import {
    site.accounts.import("eve", run, false).unwrap()
}

async fn write(import: &Import, record: &Record) -> Judged {
    match import.prepare(record) {
        Ok(prepared) => import.write(&prepared).await.unwrap(),
        Err(faults) => Judged::Rejected(faults),
    }
}

fn codes(judged: &Judged) -> Vec<String> {
    match judged {
        Judged::Rejected(faults) => faults.codes().collect(),
        Judged::New(_) | Judged::Unchanged(_) => panic!("{judged:?}"),
    }
}

async fn made(import: &Import, record: &Record) -> UserId {
    let judged = write(import, record).await;
    let Judged::New(id) = judged else { panic!("{judged:?}") };
    id
}

async fn log_in(site: &Site, name: &str) -> Value {
    site.token_auth(json!({ "username": name, "password": PASSWORD })).await
}

#[tokio::test]
async fn an_imported_user_keeps_everything_gets_no_mail_and_logs_in_with_the_old_password() {
    let site = Site::start().await;
    let id = made(&import(&site, "run-1"), &ann()).await;
    let user = site.store.user(id).await.unwrap().unwrap();
    assert_eq!(Record { id: None, ..Record::of(&user) }, ann());
    assert_eq!((user.gender, user.role), (Some(Gender::Female), Role::User));
    assert_eq!(user.secondary_email_status, EmailStatus::Bounced);
    assert!(site.items("MAIL#").await.is_empty());
    assert!(site.store.sessions(id).await.unwrap().is_empty());
    let trail = site.store.trail(Trail::Of(id), None, 10).await.unwrap().events;
    let events: Vec<_> = trail.iter().map(|event| event.event.name()).collect();
    assert_eq!(events, ["address_verified", "imported"]);
    for event in &trail {
        assert_eq!(event.by.to_string(), "operator:eve");
        assert_eq!(event.batch.as_deref(), Some("run-1"));
    }

    assert_eq!(log_in(&site, "ann").await["success"], true);
    let by_second = json!({ "email": "ann@second.example", "password": PASSWORD });
    assert_eq!(site.token_auth(by_second).await["success"], true);
    let [unique_keys, accounts] = site.owners().await;
    assert_eq!(unique_keys, accounts);
}

#[tokio::test]
async fn names_that_a_sign_up_refuses_stay_as_they_are() {
    let site = Site::start().await;
    for (n, name) in ["admin", "bob@elsewhere.example", "\u{430}nn", "x"].into_iter().enumerate() {
        let email = format!("user{n}@example.com");
        let id =
            made(&import(&site, "run"), &record(json!({ "username": name, "email": email }))).await;
        assert_eq!(site.store.user(id).await.unwrap().unwrap().username, name);
    }
}

#[tokio::test]
async fn a_record_without_a_name_gets_one_that_is_free_made_of_its_address() {
    let site = Site::start().await;
    site.sign_up("kim").await;
    let import = import(&site, "run");
    let names = ["kim@a.example", "kim@b.example"].map(|email| record(json!({ "email": email })));
    for (record, expected) in names.iter().zip(["kim1", "kim2"]) {
        let id = made(&import, record).await;
        assert_eq!(site.store.user(id).await.unwrap().unwrap().username, expected);
    }
    let again = self::import(&site, "again");
    for record in &names {
        assert!(matches!(write(&again, record).await, Judged::Unchanged(_)));
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_a_record_is_found_at_once_and_nothing_is_written() {
    let site = Site::start().await;
    let before = site.dump().await;
    let wrong = record(json!({
        "legacy_id": "x".repeat(65),
        "username": "a b",
        "email": "ann",
        "secondary_email": "@",
        "first_name": "A\nB",
        "last_name": "x".repeat(151),
        "ends_at": "2000-01-01T00:00:00Z",
    }));
    let found = codes(&write(&import(&site, "run"), &wrong).await);
    assert_eq!(
        found,
        [
            "legacy_id: invalid",
            "email: invalid",
            "secondary_email: invalid",
            "username: invalid",
            "first_name: control_characters_not_allowed",
            "last_name: max_length",
            "ends_at: expired",
        ]
    );
    let none = codes(&write(&import(&site, "run"), &Record::default()).await);
    assert_eq!(none, ["email: required"]);
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn an_account_that_exists_is_never_changed_and_each_taken_key_is_named() {
    let site = Site::start().await;
    let bob = site.signed_in("bob").await;
    site.sign_up("carol").await;
    made(&import(&site, "run-1"), &ann()).await;
    let before = site.dump().await;
    let run = import(&site, "run-2");
    let taken = record(json!({
        "id": bob.user_id(),
        "legacy_id": "42",
        "username": "CAROL",
        "email": "Bob@example.com",
        "secondary_email": "ann@example.com",
        "password": HASH,
    }));
    for _ in 0..2 {
        let all = [
            "id: unique",
            "legacy_id: unique",
            "email: unique",
            "secondary_email: unique",
            "username: unique",
        ];
        let prepared = run.prepare(&taken).unwrap();
        assert_eq!(codes(&run.judge(&prepared).await.unwrap()), all);
        assert_eq!(codes(&run.write(&prepared).await.unwrap()), all);
    }
    let look = record(json!({ "username": "b\u{043e}b", "email": "other@example.com" }));
    assert_eq!(codes(&write(&run, &look).await), ["username: unique"]);
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn staff_are_imported_as_users_unless_the_operator_wants_staff() {
    let site = Site::start().await;
    let boss =
        record(json!({ "username": "boss", "email": "boss@example.com", "role": "superuser" }));
    let run = import(&site, "run");
    let prepared = run.prepare(&boss).unwrap();
    assert!(prepared.is_demoted);
    let Judged::New(id) = run.write(&prepared).await.unwrap() else { panic!() };
    assert_eq!(site.store.user(id).await.unwrap().unwrap().role, Role::User);

    let kim =
        Record { username: Some("kim".into()), email: Some("kim@example.com".into()), ..boss };
    let run = site.accounts.import("eve", "run", true).unwrap();
    let prepared = run.prepare(&kim).unwrap();
    assert!(!prepared.is_demoted);
    let Judged::New(id) = run.write(&prepared).await.unwrap() else { panic!() };
    assert_eq!(site.store.user(id).await.unwrap().unwrap().role, Role::Superuser);
}

#[tokio::test]
async fn a_hash_that_no_log_in_could_verify_counts_as_lost_and_a_mail_sets_a_password() {
    let site = Site::start().await;
    let run = import(&site, "run");
    let absurd = "pbkdf2_sha256$4294967295$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (n, hash) in
        ["md5$salt$0123456789abcdef0123456789abcdef", absurd, "!", "x"].iter().enumerate()
    {
        let (name, email) = (format!("user{n}"), format!("user{n}@example.com"));
        let record = record(
            json!({ "username": name, "email": email, "is_verified": true, "password": hash }),
        );
        let prepared = run.prepare(&record).unwrap();
        assert!(prepared.has_lost_password && prepared.has_no_password(), "{hash}");
        assert!(matches!(run.write(&prepared).await.unwrap(), Judged::New(_)));
        assert_eq!(failure_code(&log_in(&site, &name).await), "invalid_credentials");
        site.send_password_reset(&email).await;
        let link = site.link_token(&email).await;
        assert_eq!(site.reset_password(&link, PASSWORD, PASSWORD).await["success"], true);
        assert_eq!(log_in(&site, &name).await["success"], true);
    }
    let none = run.prepare(&record(json!({ "email": "a@example.com" }))).unwrap();
    assert!(!none.has_lost_password && none.has_no_password());
}

#[tokio::test]
async fn the_same_record_again_changes_nothing_whatever_the_user_has_changed_since() {
    let site = Site::start().await;
    let id = made(&import(&site, "run-1"), &ann()).await;
    let answer = log_in(&site, "ann").await;
    let actor = Actor { name: "ann".into(), access: String::new(), refresh: String::new() };
    let actor = actor.with_tokens(&answer);
    let link = site.email_change_link(&actor, "ann@new.example").await;
    site.accounts.verify_new_email(&link).await.unwrap();
    let document = "mutation { updateAccount(firstName: \"Anna\") { success } }";
    assert_eq!(
        site.ask(&actor, document, Value::Null).await.json()["data"]["updateAccount"]["success"],
        true
    );

    let before = site.dump().await;
    for run in ["run-2", "run-3"] {
        assert_eq!(write(&import(&site, run), &ann()).await, Judged::Unchanged(id));
        let run = import(&site, run);
        let judged = run.judge(&run.prepare(&ann()).unwrap()).await.unwrap();
        assert_eq!(judged, Judged::Unchanged(id));
    }
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn a_user_without_an_old_id_is_known_again_after_a_change_of_the_address() {
    let site = Site::start().await;
    let ann = Record { legacy_id: None, ..ann() };
    let id = made(&import(&site, "run-1"), &ann).await;
    let operator = site.accounts.operator("eve").unwrap();
    let user = operator.user(id).await.unwrap();
    let actor = Actor { name: "ann".into(), access: String::new(), refresh: String::new() };
    let actor = actor.with_tokens(&log_in(&site, "ann").await);
    let link = site.email_change_link(&actor, "ann@new.example").await;
    site.accounts.verify_new_email(&link).await.unwrap();
    assert_eq!(write(&import(&site, "run-2"), &ann).await, Judged::Unchanged(id));
    assert!(!user.id.to_string().contains("ann"));
}

#[tokio::test]
async fn another_record_of_the_same_user_is_refused_and_does_not_overwrite() {
    let site = Site::start().await;
    made(&import(&site, "run-1"), &ann()).await;
    let before = site.dump().await;
    let other = Record { first_name: "Anna".into(), ..ann() };
    let found = codes(&write(&import(&site, "run-2"), &other).await);
    let keys = ["legacy_id", "email", "secondary_email", "username"];
    assert_eq!(found, keys.map(|key| format!("{key}: unique")));
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_says_what_the_run_says() {
    let site = Site::start().await;
    site.sign_up("bob").await;
    let before = site.dump().await;
    let run = import(&site, "run");
    let bob = record(json!({ "username": "bob2", "email": "bob@example.com" }));
    for record in [ann(), bob] {
        let prepared = run.prepare(&record).unwrap();
        let judged = run.judge(&prepared).await.unwrap();
        assert_eq!(site.dump().await, before);
        let site = Site::start().await;
        site.sign_up("bob").await;
        let run = import(&site, "run");
        assert_eq!(run.write(&run.prepare(&record).unwrap()).await.unwrap(), judged);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_at_once_one_makes_each_user_and_the_other_finds_it() {
    let site = Arc::new(Site::start().await);
    for n in 0..20 {
        let record = Record {
            legacy_id: Some(n.to_string()),
            username: Some(format!("user{n}")),
            email: Some(format!("user{n}@example.com")),
            secondary_email: None,
            ..ann()
        };
        let judged = at_once(2, |run| {
            let (site, record) = (site.clone(), record.clone());
            async move { write(&import(&site, &format!("run-{run}")), &record).await }
        })
        .await;
        let new = judged.iter().filter(|judged| matches!(judged, Judged::New(_))).count();
        let unchanged =
            judged.iter().filter(|judged| matches!(judged, Judged::Unchanged(_))).count();
        assert_eq!((new, unchanged), (1, 1), "{judged:?}");
    }
}

#[tokio::test]
async fn undo_removes_an_unused_account_and_frees_all_its_keys() {
    let site = Site::start().await;
    let run = import(&site, "run-1");
    let id = made(&run, &ann()).await;
    assert_eq!(import(&site, "run-2").undo(id).await.unwrap(), Undone::NotOurs);
    assert_eq!(run.undo(id).await.unwrap(), Undone::Removed);
    assert_eq!(run.undo(id).await.unwrap(), Undone::NotOurs);
    let rest = site.dump_without_trail().await;
    assert!(rest.is_empty(), "{rest:?}");
    let trail = site.store.trail(Trail::Of(id), None, 10).await.unwrap().events;
    assert_eq!((trail.len(), trail[0].event.name()), (3, "import_undone"));
    assert!(site.items("MAIL#").await.is_empty());
    made(&import(&site, "run-3"), &ann()).await;
}

#[tokio::test]
async fn undo_keeps_a_user_who_has_logged_in_even_if_the_log_in_replaced_no_hash() {
    let site = Site::start().await;
    let ours = site.hash_of(&site.signed_in("other").await).await;
    for (name, hash) in [("kim", HASH), ("lee", ours.as_str())] {
        let run = import(&site, "run");
        let id = made(&run, &person(name, hash)).await;
        assert_eq!(log_in(&site, name).await["success"], true);
        assert_eq!(run.undo(id).await.unwrap(), Undone::Used);
        assert!(site.store.user(id).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn undo_keeps_a_user_whom_staff_or_a_mailed_link_changed_and_no_wrong_password_counts_as_a_change()
 {
    let site = Site::start().await;
    let run = import(&site, "run");
    let banned = made(&run, &person("kim", HASH)).await;
    site.accounts.operator("eve").unwrap().ban(banned, "spam", None).await.unwrap();
    assert_eq!(run.undo(banned).await.unwrap(), Undone::Changed);

    let reset = made(&run, &person("lee", HASH)).await;
    site.send_password_reset("lee@example.com").await;
    let link = site.link_token("lee@example.com").await;
    assert_eq!(
        site.reset_password(&link, "another jf84jfKKd", "another jf84jfKKd").await["success"],
        true
    );
    assert_eq!(run.undo(reset).await.unwrap(), Undone::Changed);

    let guessed = made(&run, &person("sam", HASH)).await;
    for _ in 0..3 {
        site.token_auth(json!({ "username": "sam", "password": "wrong" })).await;
    }
    assert_eq!(run.undo(guessed).await.unwrap(), Undone::Removed);
}

/// Opens the gate after one call has arrived at it, and `meanwhile` is done.
async fn after_one(gate: &Gate, meanwhile: impl Future<Output = Value>) -> Value {
    gate.arrived(1).await;
    let done = meanwhile.await;
    gate.open();
    done
}

#[tokio::test]
async fn a_log_in_that_overtakes_undo_keeps_the_account() {
    let site = Site::start().await;
    let run = import(&site, "run");
    let id = made(&run, &person("kim", HASH)).await;
    let gate = Gate::new();
    site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::Held(gate.clone()));
    let (undone, answer) = tokio::join!(run.undo(id), after_one(&gate, log_in(&site, "kim")));
    assert_eq!((undone.unwrap(), &answer["success"]), (Undone::Used, &json!(true)));
    let kim = Actor { name: "kim".into(), access: String::new(), refresh: String::new() };
    site.assert_goes_on(&kim.with_tokens(&answer)).await;
}

#[tokio::test]
async fn undo_that_overtakes_a_log_in_leaves_it_no_account() {
    let site = Site::start().await;
    let run = import(&site, "run");
    let id = made(&run, &person("kim", HASH)).await;
    let gate = Gate::new();
    site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::Held(gate.clone()));
    let undo = async { json!(run.undo(id).await.unwrap() == Undone::Removed) };
    let (answer, removed) = tokio::join!(log_in(&site, "kim"), after_one(&gate, undo));
    assert_eq!(removed, true);
    assert!(site.store.user(id).await.unwrap().is_none());
    if answer["success"] == true {
        let kim = Actor { name: "kim".into(), access: String::new(), refresh: String::new() };
        site.assert_over(&kim.with_tokens(&answer)).await;
    }
}
