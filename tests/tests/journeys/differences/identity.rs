//! Identity: names, addresses, registration.

use accounts::model::PlainPassword;
use journeys::{PASSWORD, Site, s};
use serde_json::{Value, json};

use super::{anonymous, ask, code, log_in, second_address_link, verify_second_address};

#[tokio::test]
pub(super) async fn a_name_and_an_address_are_taken_whatever_their_case() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    let answer = site.register(" ANN@example.com ", " ANN ", PASSWORD, PASSWORD).await;
    assert_eq!(
        (code(&answer, "email"), code(&answer, "username")),
        ("unique".into(), "unique".into())
    );
}

#[tokio::test]
pub(super) async fn a_name_and_an_address_log_in_in_any_case_and_with_space_around_them() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    for (how, who) in [
        ("username", "ANN"),
        ("username", " ann "),
        ("email", "ANN@Example.COM"),
        ("email", " ann@example.com "),
    ] {
        assert_eq!(log_in(&site, how, who).await["success"], true, "{who}");
    }
}

#[tokio::test]
pub(super) async fn a_username_with_space_around_it_or_not_in_nfkc_is_normalised() {
    let site = Site::with(&[("ALLOW_LOGIN_NOT_VERIFIED", "true")]).await;
    for (typed, kept) in [(" ann ", "ann"), ("\u{fb01}sher", "fisher")] {
        let email = format!("{kept}@example.com");
        let answer = site.register(&email, typed, PASSWORD, PASSWORD).await;
        assert_eq!(answer["success"], true, "{answer}");
        assert_eq!(log_in(&site, "email", &email).await["user"]["username"], kept);
        assert_eq!(site.mails_to(&email).await.len(), 1);
    }
}

#[tokio::test]
pub(super) async fn a_new_username_is_not_taken_for_something_else() {
    let site = Site::with(&[("ALLOW_LOGIN_NOT_VERIFIED", "true")]).await;
    for (name, expected) in [
        ("bob@example.com", "username_not_own_email"),
        ("\u{430}nn", "username_mixed_scripts"),
        ("Admin", "username_reserved"),
        ("adm\u{131}n", "username_reserved"),
    ] {
        let answer = site.register("ann@example.com", name, PASSWORD, PASSWORD).await;
        assert_eq!(code(&answer, "username"), expected, "{name}");
    }
    let own = site.register("ann@example.com", "Ann@Example.com", PASSWORD, PASSWORD).await;
    assert_eq!(own["success"], true, "{own}");

    // A name of before these rules: its owner logs in with it as ever.
    let hash = "$argon2id$v=19$m=8192,t=1,p=2$Y2vBl7amkMmqWbZ/f7y8Tg$D75KBDKxrBP0KsxKIx0nyGspBWMXlkgbTHC83y453jQ";
    site.add_user("\u{430}dmin", |user| {
        user.is_verified = true;
        user.password = serde_json::from_value(json!(hash)).ok();
    })
    .await;
    assert_eq!(log_in(&site, "username", "\u{430}dmin").await["success"], true);
}

#[tokio::test]
pub(super) async fn a_text_about_oneself_takes_no_control_characters() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    for text in ["a\\r\\nb", "a\\u001b[31m", "a\\u202eb"] {
        let answer = ask(&site, &ann, &format!("updateAccount(firstName: \"{text}\")")).await;
        assert_eq!(code(&answer, "firstName"), "control_characters_not_allowed", "{text}");
    }
}

#[tokio::test]
pub(super) async fn the_domain_of_an_address_is_kept_as_the_dns_has_it() {
    let site = Site::with(&[("ALLOW_LOGIN_NOT_VERIFIED", "true")]).await;
    site.register("Ann@Bücher.example", "ann", PASSWORD, PASSWORD).await;
    let user = log_in(&site, "email", "ann@bücher.example").await["user"].clone();
    assert_eq!(user["email"], "Ann@xn--bcher-kva.example");
    assert_eq!(site.mails_to("Ann@xn--bcher-kva.example").await.len(), 1);
}

#[tokio::test]
pub(super) async fn an_unverified_account_has_tokens_from_registration_and_does_not_log_in() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
    assert_eq!(code(&log_in(&site, "username", "ann").await, "nonFieldErrors"), "not_verified");
}

/// A known user has a password to compare with, or none. The hasher does the same work for an unknown user.
#[tokio::test]
pub(super) async fn an_unknown_user_costs_what_a_known_one_does() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let mut costs = Vec::new();
    for who in ["ann", "nobody"] {
        for (how, who) in [("username", who.to_owned()), ("email", format!("{who}@example.com"))] {
            site.calls.take();
            let answer = site.token_auth(json!({ how: who, "password": "wrong" })).await;
            assert_eq!(code(&answer, "nonFieldErrors"), "invalid_credentials");
            costs.push(site.calls.take());
        }
    }
    assert_eq!(costs, [costs[0]; 4]);
}

#[tokio::test]
pub(super) async fn a_pk_is_the_user_id_as_a_string() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let me = site.ask(&ann, "{ me { pk } }", Value::Null).await.json();
    assert_eq!(me["data"]["me"]["pk"], ann.user_id().to_string());
}

#[tokio::test]
pub(super) async fn mail_goes_to_the_address_as_its_owner_wrote_it() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    assert_eq!(site.send_password_reset("ANN@example.com").await["success"], true);
    assert_eq!(site.mails_to("ANN@example.com").await.len(), 0);
    assert_eq!(site.mails_to(&ann.email()).await.len(), 2);
}

#[tokio::test]
pub(super) async fn quotes_that_are_not_needed_make_no_other_account() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    let answer = site.register("\"ann\"@example.com", "other", PASSWORD, PASSWORD).await;
    assert_eq!(code(&answer, "email"), "unique");
}

#[tokio::test]
pub(super) async fn a_password_has_256_code_points_at_most() {
    let site = Site::start().await;
    let of = |length: usize| "é1".repeat(length / 2);
    let answer = site.register("ann@example.com", "ann", &of(258), &of(258)).await;
    assert_eq!(code(&answer, "password2"), "max_length");
    let answer = site.register("ann@example.com", "ann", &of(256), &of(256)).await;
    assert_eq!(answer["success"], true, "{answer}");
}

#[tokio::test]
pub(super) async fn a_password_like_the_name_of_the_site_is_refused() {
    let site = Site::with(&[("SITE_NAME", "Marmalade")]).await;
    let ann = site.signed_in("ann").await;
    let like = ["marmalade", "Marmalade1", "accounts.example"];
    for password in like {
        let answer = site.register("bob@example.com", "bob", password, password).await;
        assert_eq!(code(&answer, "password2"), "password_too_similar", "{password}");
        let answer = site.change_password(&ann, PASSWORD, password, password).await;
        assert_eq!(code(&answer, "newPassword2"), "password_too_similar", "{password}");
    }
}

/// The hash is of Django 5.2's `make_password("cafe\u0301 noir 84")`.
#[tokio::test]
pub(super) async fn a_password_is_the_same_on_every_keyboard() {
    const DJANGO: &str =
        "pbkdf2_sha256$1000000$fourhundredgrams$ThnghaAEesLVrrYxUEdPZj+o9Q16bOz7M8c8zA0Oe0I=";
    let (one, two) = ("caf\u{e9} noir 84", "cafe\u{301} noir 84");
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    site.set_on_user(&ann, "password", s(DJANGO)).await;
    assert!(!site.is_password(&ann, "cafe noir 84").await);
    assert_eq!(site.hash_of(&ann).await, DJANGO);
    // As it was typed when Django hashed it; from then on as any keyboard has it.
    for typed in [two, one, two] {
        assert!(site.is_password(&ann, typed).await, "{typed}");
        assert!(site.hash_of(&ann).await.starts_with("$argon2id$"));
    }
    let here = site.caller(&ann).await;
    let same = PlainPassword::new(one);
    site.accounts.archive_account(&here, same).await.unwrap();
}

#[tokio::test]
pub(super) async fn updating_one_name_leaves_the_other() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    ask(&site, &ann, "updateAccount(firstName: \"Ann\", lastName: \"Lee\")").await;
    ask(&site, &ann, "updateAccount(lastName: \"Poe\")").await;
    let me = site.ask(&ann, "{ me { firstName lastName } }", Value::Null).await.json();
    assert_eq!(me["data"]["me"], json!({ "firstName": "Ann", "lastName": "Poe" }));
}

#[tokio::test]
pub(super) async fn the_second_address_of_another_user_is_reported_with_all_other_faults() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let link = second_address_link(&site, &ann, "ann@second.example").await;
    assert_eq!(verify_second_address(&site, &link).await["success"], true);
    let answer = site.register("ann@second.example", "ann", PASSWORD, "another").await;
    assert_eq!(code(&answer, "username"), "unique");
    assert_eq!(code(&answer, "password2"), "password_mismatch");
    assert_eq!(answer["errors"]["email"][0]["message"], "A user with that email already exists.");
}

async fn register_without_password(site: &Site) -> Value {
    ask(site, &anonymous(), "register(email: \"ann@example.com\", username: \"ann\")").await
}

#[tokio::test]
pub(super) async fn registration_without_a_password_succeeds_where_unverified_accounts_may_log_in()
{
    let settings =
        &[("ALLOW_PASSWORDLESS_REGISTRATION", "true"), ("ALLOW_LOGIN_NOT_VERIFIED", "true")];
    let site = Site::with(settings).await;
    let answer = register_without_password(&site).await;
    assert_eq!(answer, json!({ "success": true, "errors": null }));
    assert_eq!(site.items("USERNAME#ann").await, ["GUARD"]);
}

#[tokio::test]
pub(super) async fn a_sign_up_without_a_password_mails_a_link_to_set_it() {
    let site = Site::with(&[("ALLOW_PASSWORDLESS_REGISTRATION", "true")]).await;
    register_without_password(&site).await;
    let link = site.link_token("ann@example.com").await;
    assert_eq!(site.set_password(&link, PASSWORD, PASSWORD).await["success"], true);
    assert_eq!(log_in(&site, "username", "ann").await["success"], true);
}
