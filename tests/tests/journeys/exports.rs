//! All users out, and in again; and the personal data of one user.

use std::collections::BTreeSet;

use accounts::model::{
    Actor as By, BanRecord, EmailStatus, Gender, Languages, PasswordHash, Record, Role, Trail,
};
use accounts::operations::Judged;
use axum::http::Method;
use jiff::Timestamp;
use journeys::{PASSWORD, SECRET, Site};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::properties;

const JSON: (&str, &str) = ("content-type", "application/json");
/// Forms of hashes, and none.
const HASHES: [&str; 3] = [
    "$argon2id$v=19$m=8192,t=1,p=2$Y2vBl7amkMmqWbZ/f7y8Tg$D75KBDKxrBP0KsxKIx0nyGspBWMXlkgbTHC83y453jQ",
    "pbkdf2_sha256$1000000$mjnC1AKhFWyB7faGKyUrOM$SmxZrdgX8357Mtl3dtQ6O5gW973eq2j+Wg5DSBFxNnE=",
    "$2b$10$xClBscBx0q6S8Ay5PomVnOMiSZzEImJl6ypoH5Yt7cFRklnSZohV.",
];

/// All users, as the lines of an export.
async fn export(site: &Site) -> Vec<String> {
    let mut users = site.accounts.export("eve").await.unwrap();
    let mut lines = Vec::new();
    while let Some(record) = users.next().await.unwrap() {
        lines.push(serde_json::to_string(&record).unwrap());
    }
    lines
}

/// Imports lines of an export.
async fn import(site: &Site, lines: &[String]) {
    let import = site.accounts.import("eve", "run", true).unwrap();
    for line in lines {
        let record: Record = serde_json::from_str(line).unwrap();
        let prepared =
            import.prepare(&record).unwrap_or_else(|faults| panic!("{faults:?}: {line}"));
        let judged = import.write(&prepared).await.unwrap();
        assert!(matches!(judged, Judged::New(_)), "{judged:?}: {line}");
    }
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0..1_700_000_000_i64, 0..1_000_000)
        .prop_map(|(second, micro)| Timestamp::new(second, micro * 1_000).unwrap())
}

fn future() -> impl Strategy<Value = Timestamp> {
    (2_000_000_000..4_000_000_000_i64).prop_map(|second| Timestamp::from_second(second).unwrap())
}

/// A record of a user with that number, whose unique keys no other user has.
fn record(number: usize) -> impl Strategy<Value = Record> {
    let texts = ("[a-zA-Zäßé\u{0645}]{0,9}", "[ -~]{0,20}", "[ -~]{0,9}", "[a-z ]{0,9}");
    let words = (
        option::of(select(&HASHES[..])),
        option::of(select(&[Gender::Male, Gender::Female, Gender::Other][..])),
        select(&Role::ALL[..]),
        select(&["", "de", "pt-br, en;q=0.5"][..]),
        select(&[EmailStatus::Ok, EmailStatus::Bounced, EmailStatus::Complained][..]),
    );
    let facts = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let times =
        (option::of(future()), moment(), option::of(moment()), option::of(option::of(future())));
    (texts, words, facts, times).prop_map(move |(texts, words, facts, times)| {
        let (name, first_name, last_name, position) = texts;
        let (hash, gender, role, languages, status) = words;
        let (is_verified, is_active, is_archived, has_second, has_old_id) = facts;
        let (ends_at, created_at, last_login, ban) = times;
        let ban = ban.map(|ends_at| BanRecord {
            reason: "spam".to_owned(),
            ends_at,
            at: Some(created_at),
            was_inactive: is_archived,
        });
        Record {
            legacy_id: has_old_id.then(|| number.to_string()),
            username: Some(format!("u{number}{name}")),
            email: Some(format!("\"a b\"+{number}@EXAMPLE.com").replace("\"a b\"", "Ann")),
            secondary_email: has_second.then(|| format!("second{number}@example.com")),
            secondary_email_status: if has_second { status } else { EmailStatus::Ok },
            is_verified,
            password: hash.map(PasswordHash::new),
            first_name,
            last_name,
            gender,
            position,
            is_active: is_active && ban.is_none(),
            ban,
            role,
            is_archived,
            locale: Languages::accepted(languages),
            email_status: status,
            ends_at: ends_at.filter(|_| !is_verified),
            created_at: Some(created_at),
            last_login,
            ..Record::default()
        }
    })
}

#[test]
fn an_import_of_an_export_makes_the_same_users() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(properties::config(12));
    let strategy = (record(1), record(2), record(3), record(4));
    let result = runner.run(&strategy, |(one, two, three, four)| {
        runtime.block_on(async {
            let (first, second) = (Site::start().await, Site::start().await);
            let given = [one, two, three, four].map(|one| serde_json::to_string(&one).unwrap());
            import(&first, &given).await;
            let exported = export(&first).await;
            assert_eq!(exported.len(), 4);
            import(&second, &exported).await;
            assert_eq!(export(&second).await, exported);
            let [unique_keys, accounts] = second.owners().await;
            assert_eq!(unique_keys, accounts);
            // The same again, into the site that it comes from, is unchanged.
            let again = first.accounts.import("eve", "again", true).unwrap();
            for line in &exported {
                let prepared = again.prepare(&serde_json::from_str(line).unwrap()).unwrap();
                assert!(matches!(again.write(&prepared).await.unwrap(), Judged::Unchanged(_)));
            }
        });
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[tokio::test]
async fn users_of_a_site_log_in_to_the_site_that_imports_its_export() {
    let first = Site::start().await;
    for n in 0..120 {
        let line = json!({ "email": format!("user{n}@example.com") }).to_string();
        import(&first, &[line]).await;
    }
    let ann = first.signed_in("ann").await;
    let exported = export(&first).await;
    assert_eq!(exported.iter().collect::<BTreeSet<_>>().len(), 121);
    let second = Site::start().await;
    import(&second, &exported).await;
    assert!(second.is_password(&ann, PASSWORD).await);
    let by = By::Operator("eve".to_owned());
    let acts = first.store.trail(Trail::By(&by), None, 1).await.unwrap().events;
    assert_eq!((acts[0].event.name(), acts[0].user_id), ("exported", None));
}

#[tokio::test]
async fn users_read_their_personal_data_with_the_password_and_it_has_no_secret() {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Staff, "boss").await;
    let ann = site.signed_in("ann").await;
    site.change(&boss, "staffEndSessions", ann.user_id(), "").await.unwrap();
    let ann = site.log_in(&ann).await;
    let ask = async |password: &str| {
        let document = format!(
            "mutation {{ exportAccount(password: \"{password}\") {{ success errors data }} }}"
        );
        site.ask(&ann, &document, Value::Null).await.json()["data"]["exportAccount"].clone()
    };
    let wrong = ask("wrong").await;
    assert_eq!(wrong["errors"]["password"][0]["code"], "invalid_password");
    assert_eq!(wrong["data"], Value::Null);

    let right = ask(PASSWORD).await;
    let data = &right["data"];
    assert_eq!(data["account"]["username"], "ann", "{right}");
    assert_eq!(data["addresses"][0]["email"], ann.email());
    assert_eq!(data["sessions"].as_array().unwrap().len(), 1);
    let events: Vec<_> =
        data["activity"].as_array().unwrap().iter().map(|it| &it["event"]).collect();
    for event in ["personal_data_exported", "logged_in", "all_sessions_ended", "signed_up"] {
        assert!(events.contains(&&json!(event)), "{events:?}");
    }
    let (text, boss_id) = (data.to_string(), boss.user_id().to_string());
    for secret in
        ["argon2", PASSWORD, SECRET, &ann.access, &ann.refresh, &ann.session_id(), &boss_id]
    {
        assert!(!text.contains(secret), "{secret}: {text}");
    }

    let headers = [JSON, ("authorization", &*ann.authorization())];
    let rest = async |password: &str| {
        let body = json!({ "password": password }).to_string();
        site.send(Method::POST, "/api/accounts/export/", &headers, body).await
    };
    let refused = rest("wrong").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("password") && !refused.text.contains("old_password"));
    assert_eq!(rest(PASSWORD).await.json()["account"], data["account"]);
}

#[tokio::test]
async fn staff_read_the_personal_data_of_a_user_for_the_user() {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Staff, "boss").await;
    let ann = site.signed_in("ann").await;
    let data = site.change(&boss, "staffExportUser", ann.user_id(), "").await.unwrap();
    assert_eq!(data["account"]["username"], "ann");
    assert!(!data.to_string().contains(&boss.user_id().to_string()));
    let trail = site.store.trail(Trail::Of(ann.user_id()), None, 1).await.unwrap().events;
    let event = (trail[0].event.name(), trail[0].by.to_string());
    assert_eq!(event, ("personal_data_exported", format!("staff:{}", boss.user_id())));
}
