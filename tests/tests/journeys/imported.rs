//! Users whose password another system hashed.

use std::sync::Arc;

use embedded::{Fault, Gate, Times};
use journeys::{Actor, PASSWORD, Site, at_once, failure_code, s};
use serde_json::{Value, json};

/// The start of every hash that Latchkey makes.
const OURS: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

/// Of `kdjf84jfKKd`: made by Django 5.2, by Python's `bcrypt`, and by `argon2-cffi`.
const IMPORTED: [&str; 10] = [
    "pbkdf2_sha256$1000000$mjnC1AKhFWyB7faGKyUrOM$SmxZrdgX8357Mtl3dtQ6O5gW973eq2j+Wg5DSBFxNnE=",
    "pbkdf2_sha1$1000000$6ggRzlgC9JahPKQhjgUQcY$556RfYkSrLs4l7QpM+PeyG4JlME=",
    "bcrypt_sha256$$2b$12$weitAaW8mASZO/LJZMK66uRa1lE6WgYh.16bRRHBCIfCi5SRXyaxW",
    "bcrypt$$2b$12$aDrbY2fJPKZfWYrKh6tIt.UMZrDm17by7vQZGh3Ib7zA8G1SE7Hxy",
    "scrypt$16384$qlTKz7Ar8BHzs3qDgMPkQw$8$5$nHVGKPS8nHrZAgKZm/tmPOKG6dQlJUpMqE6DuuDYY1xE6khgFNQiBYQVsy1ZKezkN36RB9xC2oRIUlRRoxpWhA==",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$Vm5ZSFZHZHNGRlZyRkZ2SDZLVFczMg$ygfBNMSBVqHrm8mY099eX6e9QJxplv6dPUFI5j2qOmE",
    "$2b$10$xClBscBx0q6S8Ay5PomVnOMiSZzEImJl6ypoH5Yt7cFRklnSZohV.",
    "$2a$10$A3RvhWURTMSqe8j3jHkGg.gr/yDT8ocbCPKecr6GPY2iV5nZTcXBe",
    "$argon2id$v=19$m=8192,t=1,p=2$Y2vBl7amkMmqWbZ/f7y8Tg$D75KBDKxrBP0KsxKIx0nyGspBWMXlkgbTHC83y453jQ",
    "$argon2i$v=19$m=8192,t=2,p=1$NkRlB2baNHTvGSeXq3y6MA$XfshX7tc7XKMwHuTPCCmhF1Mkg3sIAxifxYiDG1WGN4",
];
/// One of them that costs little.
const CHEAP: &str = IMPORTED[8];
const NEW: &str = "another jf84jfKKd";

async fn with_ann() -> (Site, Actor) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    (site, ann)
}

async fn try_password(site: &Site, password: &str) -> Value {
    site.token_auth(json!({ "username": "ann", "password": password })).await
}

#[tokio::test]
async fn an_imported_password_logs_in_and_is_hashed_anew_in_the_same_log_in() {
    let (site, ann) = with_ann().await;
    for imported in IMPORTED {
        site.set_on_user(&ann, "password", s(imported)).await;
        let wrong = try_password(&site, "kdjf84jfKKe").await;
        assert_eq!(failure_code(&wrong), "invalid_credentials", "{imported}");
        assert_eq!(site.hash_of(&ann).await, imported, "a wrong password changes nothing");

        site.calls.take();
        let answer = try_password(&site, PASSWORD).await;
        assert_eq!(answer["success"], true, "{imported}: {answer}");
        assert_eq!(site.calls.take().round_trips, 3, "{imported}");
        let hash = site.hash_of(&ann).await;
        assert!(hash.starts_with(OURS), "{imported}: {hash}");
        site.assert_goes_on(&ann.with_tokens(&answer)).await;

        let answer = try_password(&site, PASSWORD).await;
        assert_eq!(answer["success"], true, "{imported}: {answer}");
        assert_eq!(site.hash_of(&ann).await, hash, "{imported}: ours stays");
        assert!(!site.is_password(&ann, "kdjf84jfKKe").await, "{imported}");
    }
    site.assert_goes_on(&ann).await;
}

#[tokio::test]
async fn a_hash_that_cannot_or_should_not_be_computed_lets_no_user_in_and_stays() {
    let (site, ann) = with_ann().await;
    for hash in [
        "",
        "!",
        "!mjnC1AKhFWyB7faGKyUrOMmjnC1AKhFWyB7faGKy",
        "kdjf84jfKKd",
        "md5$salt$0123456789abcdef0123456789abcdef",
        "pbkdf2_sha256$4294967295$salt$AAAA",
        "pbkdf2_sha256$0$salt$AAAA",
        "pbkdf2_sha256$1000000",
        "scrypt$1073741824$salt$8$1$AAAA",
        "scrypt$16384$salt$4294967295$4294967295$AAAA",
        "$2b$31$C6UzMDM.H6dfI/f/IKcEeO7ZDXMLAWV6D.Y1CjSfzPgp7SFHzSIXe",
        "$2b$99$C6UzMDM.H6dfI/f/IKcEeO7ZDXMLAWV6D.Y1CjSfzPgp7SFHzSIXe",
        "$argon2id$v=19$m=2097152,t=2,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Ng",
        "$argon2id$v=19$m=19456,t=4294967295,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Ng",
        // Ours, but damaged.
        "$argon2id$v=19$m=19456,t=2,p=1$",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$",
        "$argon2id$v=19$m=19456,t=2,p=1$!$!",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$AA",
    ] {
        site.set_on_user(&ann, "password", s(hash)).await;
        for password in [PASSWORD, "", hash] {
            let answer = try_password(&site, password).await;
            assert_eq!(failure_code(&answer), "invalid_credentials", "{hash}: {answer}");
        }
        assert_eq!(site.hash_of(&ann).await, hash);
    }
}

#[tokio::test]
async fn a_user_with_an_imported_password_can_change_it() {
    let (site, ann) = with_ann().await;
    site.set_on_user(&ann, "password", s(CHEAP)).await;
    let wrong = site.change_password(&ann, "kdjf84jfKKe", NEW, NEW).await;
    assert_eq!(wrong["errors"]["oldPassword"][0]["code"], "invalid_password");
    assert_eq!(site.change_password(&ann, PASSWORD, NEW, NEW).await["success"], true);
    assert!(site.hash_of(&ann).await.starts_with(OURS));
    assert!(site.is_password(&ann, NEW).await);
}

#[tokio::test]
async fn a_user_with_an_unusable_password_can_choose_one_by_mail() {
    let (site, ann) = with_ann().await;
    site.set_on_user(&ann, "password", s("!")).await;
    let link = site.reset_link(&ann).await;
    assert_eq!(site.reset_password(&link, NEW, NEW).await["success"], true);
    assert!(site.is_password(&ann, NEW).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_log_ins_at_once_both_succeed_and_one_hash_is_kept() {
    let (site, ann) = with_ann().await;
    let site = Arc::new(site);
    site.set_on_user(&ann, "password", s(CHEAP)).await;
    let gate = Gate::new();
    site.aws.faults().fail("TransactWriteItems", Times::N(2), Fault::Held(gate.clone()));
    let opener = gate.clone();
    tokio::spawn(async move {
        opener.arrived(2).await;
        opener.open();
    });
    let answers = at_once(2, |_| {
        let site = site.clone();
        async move { try_password(&site, PASSWORD).await }
    })
    .await;
    for answer in answers {
        assert_eq!(answer["success"], true, "{answer}");
        site.assert_goes_on(&ann.with_tokens(&answer)).await;
    }
    assert!(site.hash_of(&ann).await.starts_with(OURS));
    assert!(site.is_password(&ann, PASSWORD).await);
}

#[tokio::test]
async fn a_log_in_with_an_old_hash_does_not_undo_a_reset_that_overtakes_it() {
    let (site, ann) = with_ann().await;
    site.set_on_user(&ann, "password", s(CHEAP)).await;
    let link = site.reset_link(&ann).await;
    let gate = Gate::new();
    site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::Held(gate.clone()));
    let reset = async {
        gate.arrived(1).await;
        assert_eq!(site.reset_password(&link, NEW, NEW).await["success"], true);
        gate.open();
    };
    let (late, ()) = tokio::join!(try_password(&site, PASSWORD), reset);
    if late["success"] == true {
        site.assert_over(&ann.with_tokens(&late)).await;
    }
    assert!(!site.is_password(&ann, PASSWORD).await);
    assert!(site.is_password(&ann, NEW).await);
}
