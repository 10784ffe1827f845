//! C21: second factors move with their user, by an export and an import; and the user reads which they are.

use accounts::error::{AuthError, Refusal};
use accounts::model::{Client, PlainPassword, Record};
use accounts::operations::{Credentials, Judged, Undone};
use journeys::{PASSWORD, Site};
use serde_json::{Value, json};

use crate::passkeys::browser::Browser;
use crate::passkeys::{add, first_step, with_passkey};
use crate::second_factor::Phone;

/// Another deployment, at the same domain.
const OTHER_SECRET: &[(&str, &str)] =
    &[("AUTH_SECRET", "another-secret-of-at-least-thirty-two-bytes-00")];

/// The only user of a site, as the line of an export.
async fn exported(site: &Site) -> Value {
    let mut users = site.accounts.export("eve").await.unwrap();
    let record = users.next().await.unwrap().expect("a user");
    assert!(users.next().await.unwrap().is_none());
    serde_json::to_value(record).unwrap()
}

async fn import(site: &Site, line: &Value) -> Judged {
    let import = site.accounts.import("eve", "run", false).unwrap();
    let record: Record = serde_json::from_value(line.clone()).unwrap();
    match import.prepare(&record) {
        Ok(prepared) => {
            let judged = import.judge(&prepared).await.unwrap();
            let written = import.write(&prepared).await.unwrap();
            assert_eq!(judged, written, "a dry run says the same");
            written
        }
        Err(faults) => Judged::Rejected(faults),
    }
}

fn codes(judged: &Judged) -> Vec<String> {
    match judged {
        Judged::Rejected(faults) => faults.codes().collect(),
        Judged::New(_) | Judged::Unchanged(_) => panic!("{judged:?}"),
    }
}

#[tokio::test]
async fn an_app_a_passkey_and_recovery_codes_work_on_the_site_that_imports_them() {
    let (first, mut browser) = (Site::start().await, Browser::new());
    let ann = first.signed_in("ann").await;
    let caller = first.caller(&ann).await;
    let app = first.accounts.begin_app(&caller, None).await.unwrap();
    let phone = Phone::reading(&app.uri);
    let added = first.accounts.add_app(&caller, &app.setup, &phone.code(&first)).await.unwrap();
    let caller = first.accounts.authenticate(&added.tokens.access).await.unwrap();
    add(&first, &caller, &mut browser, "Phone").await;
    let line = exported(&first).await;
    let factors = &line["second_factors"];
    assert_eq!(factors["app"]["secret"], app.secret, "{line}");
    assert_eq!(factors["passkeys"][0]["name"], "Phone");
    assert_eq!(factors["recovery_codes"].as_array().unwrap().len(), 10);

    let second = Site::with(OTHER_SECRET).await;
    assert_eq!(import(&second, &line).await, Judged::New(ann.user_id()));
    assert_eq!(exported(&second).await, line, "the same, with the same user handle");
    let table = second.dump().await.join("\n");
    assert!(!table.contains(&app.secret), "the secret is encrypted");
    // The password alone opens nothing.
    let client = Client::default();
    let (who, password) = (Credentials::Username("ann".to_owned()), PlainPassword::new(PASSWORD));
    let alone = second.accounts.log_in(who, password, &client).await;
    assert!(matches!(alone, Err(AuthError::SecondFactorRequired { .. })), "{alone:?}");
    let code = added.recovery_codes[0].expose();
    let challenge = first_step(&second, "ann").await;
    let again = second.accounts.complete_log_in(&challenge, &phone.code(&second), &client).await;
    assert!(
        matches!(again, Err(AuthError::Refused(Refusal::InvalidCode))),
        "used on the other site: {again:?}"
    );
    for code in [phone.next(&second), code] {
        let challenge = first_step(&second, "ann").await;
        second.accounts.complete_log_in(&challenge, &code, &client).await.unwrap();
    }
    let options = second.accounts.begin_passkey_log_in(&client).await.unwrap();
    let answer = browser.get(&options).await;
    let opened = second.accounts.passkey_log_in(&answer, &client).await.unwrap();
    assert_eq!(opened.caller.user.id, ann.user_id());
}

#[tokio::test]
async fn an_undone_import_frees_the_passkey_and_two_users_never_have_the_same() {
    let (first, mut browser) = (Site::start().await, Browser::new());
    let (ann, _) = with_passkey(&first, &mut browser).await;
    let line = exported(&first).await;
    let second = Site::start().await;
    assert_eq!(import(&second, &line).await, Judged::New(ann.user_id()));
    let mut other = line.clone();
    other["id"] = Value::Null;
    other["username"] = json!("bob");
    other["email"] = json!("bob@example.com");
    assert_eq!(codes(&import(&second, &other).await), ["second_factors: unique"]);
    let run = second.accounts.import("eve", "run", false).unwrap();
    assert_eq!(run.undo(ann.user_id()).await.unwrap(), Undone::Removed);
    assert!(matches!(import(&second, &other).await, Judged::New(_)));
    // In one file, the second record of the two is in conflict before anything is written.
    let prepared = |line: &Value| run.prepare(&serde_json::from_value(line.clone()).unwrap());
    let (line, other) = (prepared(&line).unwrap().keys(), prepared(&other).unwrap().keys());
    let shared: Vec<_> = line.iter().filter(|key| other.contains(key)).collect();
    assert_eq!(shared.iter().map(|key| key.field).collect::<Vec<_>>(), ["second_factors"]);
}

#[tokio::test]
async fn factors_that_no_log_in_could_use_are_refused() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    with_passkey(&site, &mut browser).await;
    let line = exported(&site).await;
    let site = Site::start().await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut line = line.clone();
        change(&mut line);
        line
    };
    let unproven = with(&|line| line["is_verified"] = json!(false));
    assert_eq!(codes(&import(&site, &unproven).await), ["second_factors: not_verified"]);
    let changes: [&dyn Fn(&mut Value); 11] = [
        &|factors| *factors = json!({}),
        &|factors| factors["passkeys"] = json!([]),
        &|factors| factors["user_handle"] = Value::Null,
        &|factors| factors["app"] = json!({ "secret": "not Base32" }),
        &|factors| factors["app"] = json!({ "secret": "GEZDGNBV" }),
        &|factors| factors["recovery_codes"][0]["hash"] = json!("plain"),
        &|factors| factors["recovery_codes"][0]["label"] = json!("!"),
        // A code of another system beside ours; two of them with two salts; one in clear that is too short.
        &|factors| factors["recovery_codes"][0]["label"] = json!(""),
        &|factors| {
            for code in factors["recovery_codes"].as_array_mut().unwrap() {
                code["label"] = json!("");
            }
        },
        &|factors| {
            factors["recovery_codes"] = json!([]);
            factors["plain_recovery_codes"] = json!(["12345678", "1234567"]);
        },
        &|factors| {
            let passkey = factors["passkeys"][0].clone();
            factors["passkeys"] = json!([passkey, passkey]);
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        let line = with(&|line| change(&mut line["second_factors"]));
        let refused = import(&site, &line).await;
        assert_eq!(codes(&refused), ["second_factors: invalid"], "{number}");
    }
    assert_eq!(site.dump().await, [""; 0]);
    assert!(matches!(import(&site, &line).await, Judged::New(_)));
}

#[tokio::test]
async fn users_read_the_names_and_times_of_their_factors_and_no_key() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    let (_, caller) = with_passkey(&site, &mut browser).await;
    let data = site.accounts.export_account(&caller, PlainPassword::new(PASSWORD)).await.unwrap();
    let data = serde_json::to_value(data).unwrap();
    let now = site.now().to_string();
    let expected = json!({
        "app_added_at": null,
        "passkeys": [{
            "name": "Passkey", "provider": null, "added_at": now, "last_used_at": null,
            "is_backed_up": data["second_factors"]["passkeys"][0]["is_backed_up"],
        }],
        "recovery_codes_left": 10,
        "trusted_devices": [],
    });
    assert_eq!(data["second_factors"], expected);
    let id = site.accounts.passkeys(&caller).await.unwrap().passkeys[0].credential.id.to_string();
    assert!(!data.to_string().contains(&id));
}
