//! C21: second factors of a Django move with their users. The real django-otp and django-allauth have made the factors, and
//! have tried the codes at the same times: `tests/import/factors.py`.

use std::fs;
use std::path::{Path, PathBuf};

use accounts::error::{AuthError, Refusal};
use accounts::model::{Client, EventKind, PlainPassword, Record, Trail, UserId};
use accounts::operations::{Credentials, Judged, LoggedIn};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use journeys::{Site, at_once};
use serde_json::{Value, json};

fn file(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/import")).join(name)
}

/// What the libraries accept and refuse.
fn answers() -> Value {
    serde_json::from_str(&fs::read_to_string(file("fixtures/django-answers.json")).unwrap())
        .unwrap()
}

/// The records that the command `import` reads from a dump of that site, and the site with their users, at the time of the
/// dump.
async fn imported(site: &str) -> (Site, Vec<(String, UserId)>) {
    let text = fs::read_to_string(file(&format!("records/django-{site}.json.txt"))).unwrap();
    let site = Site::start().await;
    move_to(&site, "now");
    let import = site.accounts.import("eve", "run", false).unwrap();
    let mut users = Vec::new();
    for line in text.lines() {
        let (_, record) = line.split_once(' ').unwrap();
        let Ok(record) = serde_json::from_str::<Record>(record) else { continue };
        let Ok(mut prepared) = import.prepare(&record) else { continue };
        // A dry run and a continued run prepare the record again, and find the same.
        assert_eq!(import.prepare(&record).unwrap().record(), prepared.record());
        let Judged::New(id) = import.write(&prepared).await.unwrap() else { panic!("{record:?}") };
        prepared = import.prepare(&record).unwrap();
        assert_eq!(import.write(&prepared).await.unwrap(), Judged::New(id), "the same run again");
        users.push((record.username.unwrap(), id));
    }
    (site, users)
}

fn move_to(site: &Site, moment: &str) {
    let second = answers()[moment].as_i64().unwrap();
    site.advance(SignedDuration::from_secs(second - site.now().as_second()));
}

async fn first_step(site: &Site, name: &str) -> String {
    let who = Credentials::Username(name.to_owned());
    let password = PlainPassword::new(format!("{name} kdjf84jfKKd"));
    match site.accounts.log_in(who, password, &Client::default()).await {
        Err(AuthError::SecondFactorRequired { challenge }) => challenge,
        other => panic!("{name}: {other:?}"),
    }
}

/// Both steps of a log-in.
async fn log_in(site: &Site, name: &str, code: &str) -> Result<LoggedIn, AuthError> {
    let challenge = first_step(site, name).await;
    site.accounts.complete_log_in(&challenge, code, &Client::default()).await
}

async fn is_in(site: &Site, name: &str, code: &str) -> bool {
    match log_in(site, name, code).await {
        Ok(opened) => opened.tokens.claims.acr == "aal2",
        Err(AuthError::Refused(Refusal::InvalidCode)) => false,
        Err(other) => panic!("{name} {code}: {other:?}"),
    }
}

fn text(answer: &Value) -> &str {
    answer.as_str().unwrap()
}

#[tokio::test]
async fn a_code_that_the_library_has_accepted_does_not_work_again_and_the_next_one_does() {
    for (name, users) in [("otp", &["app", "drifted", "fresh"][..]), ("mfa", &["totp"])] {
        let (site, _) = imported(name).await;
        let answers = &answers()[name];
        for user in users {
            if let Some(used) = answers[user]["used"].as_str() {
                assert!(!is_in(&site, user, used).await, "{user}");
            }
        }
        move_to(&site, "later");
        for user in users {
            let code = text(&answers[user]["later"]);
            assert!(is_in(&site, user, code).await, "{user}");
            assert!(!is_in(&site, user, code).await, "{user}: once");
        }
    }
}

#[tokio::test]
async fn a_recovery_code_of_the_other_system_works_once_however_it_is_typed() {
    let (otp, _) = imported("otp").await;
    let (mfa, _) = imported("mfa").await;
    for (site, name, user) in
        [(&otp, "otp", "static"), (&mfa, "mfa", "seed"), (&mfa, "mfa", "migrated")]
    {
        let answers = &answers()[name][user];
        let codes = answers["codes"].as_array().unwrap();
        assert!(!is_in(site, user, text(&answers["used"])).await, "{user}");
        let (first, last) = (text(&codes[0]), text(codes.last().unwrap()));
        let typed = format!(" {}-{} ", &first[..4].to_uppercase(), &first[4..].to_uppercase());
        assert!(is_in(site, user, &typed).await, "{user} {typed}");
        assert!(!is_in(site, user, first).await, "{user}: once");
        // C11: of many tries at the same time, one is right. Each costs one hash at most.
        let challenge = first_step(site, user).await;
        let before = site.accounts.password_hashes();
        let tries = at_once(4, |_| {
            let (accounts, challenge) = (site.accounts.clone(), challenge.clone());
            let last = last.to_owned();
            async move { accounts.complete_log_in(&challenge, &last, &Client::default()).await.is_ok() }
        });
        assert_eq!(tries.await.into_iter().filter(|is_in| *is_in).count(), 1, "{user}");
        assert!(site.accounts.password_hashes() > before, "{user}");
    }
    let wrong = log_in(&otp, "static", "00000000").await;
    assert_eq!(wrong.unwrap_err().code(), "invalid_otp");
}

#[tokio::test]
async fn a_try_of_a_recovery_code_costs_one_hash_and_new_codes_void_the_old_ones() {
    let (site, users) = imported("mfa").await;
    let answers = &answers()["mfa"]["seed"];
    let challenge = first_step(&site, "seed").await;
    for (code, is_right) in
        [("00000000", false), ("0123-4567-89ab-cdef", false), (text(&answers["codes"][6]), true)]
    {
        let before = site.accounts.password_hashes();
        let done = site.accounts.complete_log_in(&challenge, code, &Client::default()).await;
        assert_eq!(
            (done.is_ok(), site.accounts.password_hashes() - before),
            (is_right, 1),
            "{code}"
        );
    }
    let (_, id) = users.iter().find(|(name, _)| name == "seed").unwrap();
    let trail = site.store.trail(Trail::Of(*id), None, 5).await.unwrap();
    assert!(trail.events.iter().any(|event| event.event == EventKind::RecoveryCodeUsed));
    let opened = log_in(&site, "seed", text(&answers["codes"][5])).await.unwrap();
    let caller = opened.caller;
    assert_eq!(site.accounts.factors(&caller).await.unwrap().recovery_codes, 6);
    let codes = site.accounts.replace_recovery_codes(&caller).await.unwrap();
    assert!(!is_in(&site, "seed", text(&answers["codes"][0])).await);
    assert!(is_in(&site, "seed", &codes[0].expose()).await);
}

#[tokio::test]
async fn imported_factors_are_the_same_after_an_export_and_an_import() {
    for (name, user, code) in [
        ("mfa", "seed", &answers()["mfa"]["seed"]["codes"][0]),
        ("otp", "static", &answers()["otp"]["static"]["codes"][0]),
    ] {
        let (first, _) = imported(name).await;
        let second =
            Site::with(&[("AUTH_SECRET", "another-secret-of-at-least-thirty-two-bytes-00")]).await;
        move_to(&second, "now");
        let import = second.accounts.import("eve", "run", false).unwrap();
        let exported = all(&first).await;
        for record in &exported {
            let record: Record = serde_json::from_value(record.clone()).unwrap();
            import.write(&import.prepare(&record).unwrap()).await.unwrap();
        }
        assert_eq!(all(&second).await, exported);
        assert!(!serde_json::to_string(&exported).unwrap().contains("plain_recovery_codes"));
        assert!(is_in(&second, user, text(code)).await);
        assert!(!is_in(&second, user, text(code)).await);
    }
}

/// All users, as an export has them.
async fn all(site: &Site) -> Vec<Value> {
    let mut users = site.accounts.export("eve").await.unwrap();
    let mut records = Vec::new();
    while let Some(record) = users.next().await.unwrap() {
        records.push(serde_json::to_value(record).unwrap());
    }
    records.sort_by_key(|record| record["id"].to_string());
    records
}

#[tokio::test]
async fn a_passkey_of_django_allauth_logs_in_alone() {
    let (site, users) = imported("mfa").await;
    let (_, id) = users.iter().find(|(name, _)| name == "passkey").unwrap();
    first_step(&site, "passkey").await;
    let client = Client::default();
    for (counter, is_right) in [(6, false), (8, true), (9, true)] {
        let options = site.accounts.begin_passkey_log_in(&client).await.unwrap();
        let answer = signed(&serde_json::from_str(&options).unwrap(), counter);
        let opened = site.accounts.passkey_log_in(&answer, &client).await;
        assert_eq!(
            opened.as_ref().is_ok_and(|it| it.caller.user.id == *id),
            is_right,
            "{counter} {opened:?}"
        );
    }
}

/// The answer of the authenticator whose key the fixture has.
fn signed(options: &Value, counter: u32) -> String {
    let passkey = &answers()["mfa"]["passkey"];
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(&passkey[name])).unwrap();
    let sha256 = |bytes: &[u8]| digest(&SHA256, bytes).as_ref().to_vec();
    let origin = format!("https://{}", text(&passkey["rp_id"]));
    let client_data = json!({
        "type": "webauthn.get", "challenge": options["challenge"], "origin": origin, "crossOrigin": false,
    });
    let client_data = client_data.to_string();
    // The user is present and verified; the passkey is backed up.
    let flags = 0b1_1101;
    let data = [&sha256(text(&passkey["rp_id"]).as_bytes())[..], &[flags], &counter.to_be_bytes()]
        .concat();
    let key = EcdsaKeyPair::from_private_key_and_public_key(
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &bytes("key"),
        &bytes("public"),
    );
    let message = [&data[..], &sha256(client_data.as_bytes())].concat();
    let signature = key.unwrap().sign(&SystemRandom::new(), &message).unwrap();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({
        "type": "public-key", "id": passkey["id"], "rawId": passkey["id"], "clientExtensionResults": {},
        "response": {
            "authenticatorData": text(&data),
            "clientDataJSON": text(client_data.as_bytes()),
            "signature": text(signature.as_ref()),
            "userHandle": passkey["handle"],
        },
    })
    .to_string()
}
