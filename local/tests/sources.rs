//! Users of other systems: an operator imports an export, and they log in with their old passwords.

#![allow(missing_docs, reason = "the tests' names are sentences")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "that fails a test")]

#[allow(dead_code, reason = "the tests of the server use the rest")]
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use server::{Server, run};
use tempfile::{TempDir, tempdir};

/// Users may log in before their address is proven, so that each password can be tried.
const SETTINGS: &[(&str, &str)] = &[("ALLOW_LOGIN_NOT_VERIFIED", "true")];

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/import/fixtures")).join(name)
}

/// The password that the export has a hash of: see `tests/import/README.md`.
fn password(email: &str) -> String {
    match email.split('@').next().unwrap() {
        "un.named" | "Un.Named" => "unnamed kdjf84jfKKd".to_owned(),
        "signs+tag" => "@+.-_ kdjf84jfKKd".to_owned(),
        "composed" => "café kdjf84jfKKd".to_owned(),
        "user1" => "user1password".to_owned(),
        "argon" => "kdjf84jfKKd".to_owned(),
        name => format!("{name} kdjf84jfKKd"),
    }
}

/// A site into which an export was imported.
struct Site {
    dir: TempDir,
    output: Value,
    rejects: Vec<Value>,
}

impl Site {
    /// Imports an export that is there.
    async fn of(name: &str, format: &str, options: &[&str]) -> Self {
        let dir = tempdir().unwrap();
        let input = dir.path().join(name);
        fs::copy(fixture(name), &input).unwrap();
        let output = import(dir.path(), &input, format, options).await;
        let text = String::from_utf8(output.stdout).unwrap();
        let output = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!("{error}: {text} {}", String::from_utf8_lossy(&output.stderr))
        });
        let rejects = rejects(&input);
        Self { dir, output, rejects }
    }

    fn counts(&self) -> [u64; 4] {
        let count = |name: &str| self.output["counts"][name].as_u64().unwrap();
        ["new", "rejected", "without_password", "unknown_hashes"].map(count)
    }

    async fn show(&self, who: &str) -> Value {
        read(self.dir.path(), &["users", "show", who, "--json"]).await.remove(0)
    }

    /// Tries the password of each user, and returns the names of those whom it lets in.
    async fn log_in(&self) -> Vec<String> {
        let users = read(self.dir.path(), &["users", "list", "--json", "--limit", "100"]).await;
        let server = Server::with(self.dir.path(), SETTINGS).await;
        let mut names = Vec::new();
        for user in users {
            let email = user["email"].as_str().unwrap();
            let is_in = log_in(&server, email, &password(email)).await;
            let may = user["has_password"] == true && user["is_active"] == true;
            assert_eq!(is_in, may, "{user}");
            assert!(!log_in(&server, email, "another kdjf84jfKKd").await, "{user}");
            if is_in {
                // The hash is Latchkey's now, and the password is the same.
                assert!(log_in(&server, email, &password(email)).await, "{user}");
                names.push(email.split('@').next().unwrap().to_lowercase());
            }
        }
        names.sort();
        names
    }
}

async fn import(dir: &Path, input: &Path, format: &str, options: &[&str]) -> Output {
    let input = input.to_str().unwrap();
    let arguments = ["import", input, "--from", format, "--as", "eve", "--json"];
    run(dir, &[&arguments, options].concat(), SETTINGS).await
}

/// What the run has refused.
fn rejects(input: &Path) -> Vec<Value> {
    let folder = format!("{}.import", input.display());
    let text = fs::read_to_string(Path::new(&folder).join("rejects.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines and codes of what a run has refused.
fn codes(rejects: &[Value]) -> Vec<(u64, &str)> {
    let code = |reject: &'_ Value| reject["line"].as_u64().unwrap();
    rejects.iter().map(|reject| (code(reject), reject["codes"][0].as_str().unwrap())).collect()
}

async fn read(dir: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = run(dir, arguments, &[]).await;
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn log_in(server: &Server, email: &str, password: &str) -> bool {
    let document = format!(
        "mutation {{ tokenAuth(email: \"{email}\", password: \"{password}\") {{ token errors }} }}"
    );
    let answer = server.graphql(&document).await["data"]["tokenAuth"].clone();
    assert!(answer["token"].is_string() || answer["errors"].is_object(), "{answer}");
    answer["token"].is_string()
}

#[tokio::test]
async fn users_of_django_log_in_with_each_hash_that_django_makes() {
    let site = Site::of("django-auth.json", "django", &[]).await;
    // Element 33 has no address. Of the others, `unusable` has no password, and MD5 is no form that is verified.
    assert_eq!(codes(&site.rejects), [(33, "email: required")]);
    assert_eq!(site.counts(), [13, 1, 2, 1]);
    let staff = site.show("staff@example.com").await;
    assert_eq!((&staff["role"], &staff["legacy_id"]), (&json!("user"), &json!("8")));
    assert_eq!(staff["last_login"], "2026-10-31T23:59:59.123Z");
    assert_eq!(staff["created_at"], "2019-03-08T08:30:00Z");
    assert_eq!(
        site.log_in().await,
        [
            "argon2",
            "bcrypt",
            "bcrypt-sha256",
            "pbkdf2-sha1",
            "pbkdf2-sha256",
            "root",
            "scrypt",
            "signs+tag",
            "staff",
            "un.named"
        ]
    );
}

#[tokio::test]
async fn users_of_django_graphql_auth_keep_status_second_address_and_role() {
    let site = Site::of("django-graphql-auth.json", "django", &["--with-staff"]).await;
    assert_eq!(site.counts(), [17, 1, 3, 2]);
    let both = site.show("both").await;
    assert_eq!((&both["is_verified"], &both["is_archived"]), (&json!(true), &json!(true)));
    assert_eq!(both["secondary_email"], "both.address@example.com");
    let argon2 = site.show("argon2").await;
    assert_eq!((&argon2["is_verified"], &argon2["is_archived"]), (&json!(false), &json!(false)));
    assert_eq!(site.show("root").await["role"], "superuser");
    assert_eq!(site.log_in().await.len(), 13);
    assert_eq!(site.show("both").await["is_archived"], false, "the log-in takes it out");
}

#[tokio::test]
async fn users_of_allauth_keep_the_addresses_that_they_have_proven() {
    let site = Site::of("django-allauth.json", "django", &[]).await;
    assert_eq!(site.counts(), [6, 0, 0, 0]);
    for (name, is_verified, second) in [
        ("verified", true, json!(null)),
        ("unverified", false, json!(null)),
        ("second", true, json!("second.address@example.com")),
        ("second-unverified", true, json!(null)),
        ("primary", true, json!(null)),
        ("none", false, json!(null)),
    ] {
        let user = site.show(name).await;
        assert_eq!(
            (&user["is_verified"], &user["secondary_email"]),
            (&is_verified.into(), &second)
        );
    }
    assert_eq!(site.log_in().await.len(), 6);
}

/// The answer of the second step of a log-in, by a recovery code.
async fn second_step(server: &Server, name: &str, code: &str) -> Value {
    let document = format!(
        "mutation {{ tokenAuth(username: \"{name}\", password: \"{name} kdjf84jfKKd\") {{ token errors }} }}"
    );
    let answer = server.graphql(&document).await["data"]["tokenAuth"].clone();
    assert!(answer["token"].is_null(), "{answer}");
    let challenge =
        answer["errors"]["nonFieldErrors"][0]["challenge"].as_str().expect("a challenge");
    let document = format!(
        "mutation {{ completeLogin(challenge: \"{challenge}\", code: \"{code}\") {{ token errors }} }}"
    );
    server.graphql(&document).await["data"]["completeLogin"].clone()
}

#[tokio::test]
async fn users_of_django_with_a_second_factor_keep_it_or_are_refused() {
    let answers: Value =
        serde_json::from_str(&fs::read_to_string(fixture("django-answers.json")).unwrap()).unwrap();
    let otp = ["--assume-verified"];
    let mfa = ["--rp-id", "accounts.example"];
    for (name, options, counts, rejected, user, dropped) in [
        ("otp", &otp[..], [5, 6, 4, 0], 6, "static", [11, 0, 6, 6]),
        ("mfa", &mfa, [4, 3, 4, 0], 2, "seed", [7, 0, 4, 3]),
        ("mfa", &mfa[..0], [3, 4, 3, 0], 3, "migrated", [7, 0, 3, 4]),
    ] {
        let file = format!("django-{name}.json");
        let count = |site: &Site| {
            let counts = &site.output["counts"];
            let count = |name: &str| counts[name].as_u64().unwrap();
            ["new", "rejected", "with_second_factor", "lost_factors"].map(count)
        };
        let site = Site::of(&file, "django", options).await;
        assert_eq!(count(&site), counts, "{name} {:?}", site.rejects);
        let found = codes(&site.rejects);
        let is_unsupported = |(_, code): &&(u64, &str)| *code == "second_factors: unsupported";
        assert_eq!(found.iter().filter(is_unsupported).count(), rejected, "{found:?}");
        let text = format!("{:?}{:?}", site.rejects, site.output);
        assert!(!text.contains("gAAAA") && !text.contains("1234\""), "it quotes no secret: {text}");
        let server = Server::with(site.dir.path(), SETTINGS).await;
        let (answers, codes) = (&answers[name][user], &answers[name][user]["codes"]);
        let (used, unused) = (answers["used"].as_str().unwrap(), codes[0].as_str().unwrap());
        assert!(second_step(&server, user, used).await["token"].is_null());
        assert!(second_step(&server, user, unused).await["token"].is_string());
        assert!(second_step(&server, user, unused).await["token"].is_null(), "once");
        drop(server);

        // The operator says that the password alone may open these accounts.
        let site = Site::of(&file, "django", &[options, &["--drop-second-factors"]].concat()).await;
        assert_eq!(count(&site), dropped, "{name} {:?}", site.rejects);
    }
    // An unproven address may belong to a stranger, and with it the app.
    let site = Site::of("django-otp.json", "django", &[]).await;
    let found = codes(&site.rejects);
    assert_eq!(found.iter().filter(|(_, code)| *code == "second_factors: not_verified").count(), 4);
}

#[tokio::test]
async fn users_of_another_model_of_django_log_in() {
    let map = "username=login,email=mail,first_name=given,last_name=family,created_at=since,\
               is_active=enabled,is_verified=confirmed,locale=tongue";
    let options = ["--user-model", "members.Member", "--map", map];
    let site = Site::of("django-custom.json", "django", &options).await;
    assert_eq!(site.counts(), [3, 0, 0, 0]);
    let ann = site.show("00000000-0000-4000-8000-000000000001").await;
    assert_eq!((&ann["username"], &ann["is_verified"]), (&json!("ann"), &json!(true)));
    assert_eq!(site.log_in().await, ["ann", "cem"]);
    let site = Site::of("django-natural.jsonl", "django", &[]).await;
    assert_eq!(site.show("ann").await["is_verified"], true);
    assert_eq!(site.log_in().await, ["ann", "bob"]);
}

#[tokio::test]
async fn users_of_better_auth_log_in_however_they_type_their_password() {
    let site = Site::of("better-auth.json", "better-auth", &[]).await;
    assert_eq!(site.counts(), [7, 0, 1, 0]);
    let banned = site.show("banned").await;
    assert_eq!((&banned["ban"]["reason"], &banned["is_active"]), (&json!("spam"), &json!(false)));
    assert_eq!(site.show("lapsed").await["is_active"], true);
    assert_eq!(site.log_in().await, ["admin", "ann", "composed", "lapsed", "verified"]);
}

#[tokio::test]
async fn users_of_supabase_and_nhost_log_in_and_keep_their_ids() {
    let site = Site::of("supabase.csv", "supabase", &[]).await;
    assert_eq!(
        codes(&site.rejects),
        [(9, "deleted"), (11, "email: required"), (12, "email: required")]
    );
    assert_eq!(site.counts(), [9, 3, 1, 0]);
    let ann = site.show("00000000-0000-4000-8000-0000000a0001").await;
    assert_eq!((&ann["email"], &ann["is_verified"]), (&json!("ann@example.com"), &json!(true)));
    assert_eq!(site.show("forever@example.com").await["ban"]["until"], Value::Null);
    assert_eq!(site.log_in().await, ["ann", "argon", "lapsed", "named", "parts", "unverified"]);
    let site = Site::of("nhost.jsonl", "nhost", &[]).await;
    assert_eq!(codes(&site.rejects), [(7, "email: required")]);
    assert_eq!(site.counts(), [6, 1, 1, 0]);
    let ann = site.show("00000000-0000-4000-8000-0000000a0001").await;
    assert_eq!((&ann["first_name"], &ann["last_name"]), (&json!("Ann"), &json!("Lee")));
    assert_eq!(site.log_in().await, ["ann", "metadata", "staff", "unverified"]);
}

#[tokio::test]
async fn users_of_cognito_have_no_password() {
    for (name, counts) in [("cognito.csv", [4, 1, 4, 0]), ("cognito.json", [3, 0, 3, 0])] {
        let site = Site::of(name, "cognito", &[]).await;
        assert_eq!(site.counts(), counts, "{name}");
        assert_eq!(site.log_in().await, [""; 0]);
    }
}

#[tokio::test]
async fn users_of_firebase_log_in_with_the_parameters_of_their_project() {
    let config = fixture("firebase-hash-config.txt");
    let options = ["--hash-config", config.to_str().unwrap()];
    let site = Site::of("firebase.json", "firebase", &options).await;
    assert_eq!(codes(&site.rejects), [(7, "email: required")]);
    assert_eq!(site.counts(), [6, 1, 1, 0]);
    let user1 = site.show("user1@example.com").await;
    assert_eq!(user1["legacy_id"], "kYi4EvWQlQTKSfnJ3dRSP6IH3ed2");
    assert_eq!(site.log_in().await, ["admin", "ann", "unverified", "user1"]);

    // Without the parameters, the loss of each password is counted.
    let site = Site::of("firebase.json", "firebase", &[]).await;
    let codes = codes(&site.rejects);
    assert_eq!(codes.iter().filter(|(_, code)| *code == "no_hash_config").count(), 5, "{codes:?}");
    assert_eq!(site.counts()[0], 1);
}

#[tokio::test]
async fn users_of_a_table_log_in_and_an_address_counts_as_proven_only_if_the_operator_says_so() {
    let map = "legacy_id=no,username=login,email=mail,first_name=first,last_name=last,\
               password=pw,created_at=since";
    for (options, is_verified) in [
        (&["--map", map, "--map", "is_verified=confirmed"][..], [true, false]),
        (&["--map", map], [false, false]),
        (&["--map", map, "--assume-verified"], [true, true]),
        (&["--map", map, "--map", "is_verified=confirmed", "--assume-verified"], [true, false]),
    ] {
        let site = Site::of("plain.csv", "csv", options).await;
        assert_eq!(site.counts(), [2, 0, 1, 0]);
        let (ann, bob) = (site.show("17").await, site.show("bob").await);
        assert_eq!(ann["last_name"], "Lee, Dr.");
        assert_eq!([&ann["is_verified"], &bob["is_verified"]], is_verified);
        if options.len() == 2 {
            assert_eq!(site.log_in().await, ["ann"]);
        }
    }
}

#[tokio::test]
async fn a_damaged_record_costs_one_reject_and_a_cut_file_imports_no_user() {
    let dir = tempdir().unwrap();
    let dump = fs::read_to_string(fixture("django-graphql-auth.json")).unwrap();

    // One user is a text, one has a date that is none.
    let damaged = dir.path().join("damaged.json");
    let text = dump.replacen("\"last_login\": null", "\"last_login\": \"kdjf84jfKKd\"", 1);
    fs::write(&damaged, format!("[\"kdjf84jfKKd\",{}", &text[1..])).unwrap();
    let output = import(dir.path(), &damaged, "django", &[]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let found = rejects(&damaged);
    assert_eq!(codes(&found)[..2], [(1, "malformed"), (30, "malformed")]);
    assert!(found[1]["text"].as_str().unwrap().contains("`last_login`"), "{found:?}");
    assert!(!format!("{found:?}{output:?}").contains("kdjf84jfKKd"), "it has a value of the file");

    let dir = tempdir().unwrap();
    let (cut, latin, empty) =
        (dir.path().join("cut"), dir.path().join("latin"), dir.path().join("empty"));
    fs::write(&cut, &dump[..dump.len() - 300]).unwrap();
    fs::write(&latin, b"login,mail\nann,ann@example.com\nj\xf6rg,joerg@example.com\n").unwrap();
    fs::write(&empty, "").unwrap();
    for (input, format, code) in [(&cut, "django", 1), (&empty, "csv", 1), (&latin, "csv", 1)] {
        let output = import(dir.path(), input, format, &[]).await;
        assert_eq!(output.status.code(), Some(code), "{format}: {output:?}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "nothing was made");

    let map = ["--map", "username=login,email=mail"];
    let output = import(dir.path(), &latin, "csv", &map).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(codes(&rejects(&latin)), [(3, "malformed")]);
    assert_eq!(read(dir.path(), &["users", "list", "--json"]).await.len(), 1);

    for bad in ["usrname=login", "username", "username="] {
        let output = import(dir.path(), &latin, "csv", &["--map", bad]).await;
        assert_eq!(output.status.code(), Some(2), "{bad}: {output:?}");
    }
}
