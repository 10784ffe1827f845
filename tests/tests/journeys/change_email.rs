//! Another first address: the caller asks for it, a link proves the new one, and the old one gets a notice.

use accounts::AuthError;
use accounts::error::{Field, Violation, Violations};
use accounts::model::{Client, PlainPassword};
use accounts::operations::NewPassword;
use axum::http::Method;
use jiff::SignedDuration;
use journeys::{Actor, Answer, BASE_URL, PASSWORD, Site, failure_code, s};
use serde_json::{Value, json};

const OLD: &str = "ann@example.com";
const NEW: &str = "ann.lee@new.example";
const OTHER: &str = "ann@other.example";
const NEW_PASSWORD: &str = "another jf84jfKKd";

async fn with_ann() -> (Site, Actor) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    (site, ann)
}

async fn use_link(site: &Site, token: &str) -> Result<(), &'static str> {
    site.accounts.verify_new_email(token).await.map_err(|error| error.code())
}

async fn addresses(site: &Site, actor: &Actor) -> Value {
    let answer = site.ask(actor, "{ me { email secondaryEmail verified } }", Value::Null).await;
    answer.json()["data"]["me"].clone()
}

async fn logs_in_by(site: &Site, email: &str) -> bool {
    let credentials = json!({ "email": email, "password": PASSWORD });
    site.token_auth(credentials).await["success"] == true
}

/// Gives a user a second address.
async fn add_second(site: &Site, actor: &Actor, email: &str) {
    let caller = site.caller(actor).await;
    let password = PlainPassword::new(PASSWORD.to_owned());
    site.accounts
        .send_secondary_email_activation(&caller, email, password, &Client::default())
        .await
        .unwrap();
    site.accounts.verify_secondary_email(&site.link_token(email).await).await.unwrap();
}

#[tokio::test]
async fn the_old_address_is_the_log_in_until_the_new_one_is_proven() {
    let (site, ann) = with_ann().await;
    let token = site.email_change_link(&ann, NEW).await;
    assert_eq!(addresses(&site, &ann).await["email"], OLD);
    assert!(logs_in_by(&site, OLD).await && !logs_in_by(&site, NEW).await);
    use_link(&site, &token).await.unwrap();
    assert_eq!(addresses(&site, &ann).await["email"], NEW);
    assert!(!logs_in_by(&site, OLD).await && logs_in_by(&site, NEW).await);
    site.assert_addresses_have_unique_keys().await;
}

#[tokio::test]
async fn a_change_of_address_ends_no_session() {
    let (site, ann) = with_ann().await;
    let there = site.log_in(&ann).await;
    use_link(&site, &site.email_change_link(&ann, NEW).await).await.unwrap();
    site.assert_goes_on(&ann).await;
    site.assert_goes_on(&there).await;
}

#[tokio::test]
async fn a_link_works_once_and_then_changes_nothing() {
    let (site, ann) = with_ann().await;
    let token = site.email_change_link(&ann, NEW).await;
    use_link(&site, &token).await.unwrap();
    let before = site.dump().await;
    assert_eq!(use_link(&site, &token).await, Err("invalid_token"));
    assert_eq!(site.dump().await, before);
    // Nor does it bring the address back later.
    use_link(&site, &site.email_change_link(&ann, OLD).await).await.unwrap();
    assert_eq!(use_link(&site, &token).await, Err("invalid_token"));
    assert_eq!(addresses(&site, &ann).await["email"], OLD);
    site.assert_addresses_have_unique_keys().await;
}

#[tokio::test]
async fn a_link_works_for_an_hour_and_not_a_second_longer() {
    let (site, ann) = with_ann().await;
    let token = site.email_change_link(&ann, NEW).await;
    site.advance(SignedDuration::from_secs(3600));
    let before = site.dump().await;
    assert_eq!(use_link(&site, &token).await, Err("expired_token"));
    assert_eq!(site.dump().await, before);

    let (site, ann) = with_ann().await;
    let token = site.email_change_link(&ann, NEW).await;
    site.advance(SignedDuration::from_secs(3599));
    use_link(&site, &token).await.unwrap();
}

#[tokio::test]
async fn lifetime_and_path_of_the_link_are_as_the_site_says() {
    let site = Site::with(&[
        ("EXPIRATION_EMAIL_CHANGE_TOKEN", "60"),
        ("EMAIL_CHANGE_PATH_ON_EMAIL", "/account/new-address/"),
    ])
    .await;
    let ann = site.signed_in("ann").await;
    let token = site.email_change_link(&ann, NEW).await;
    let mail = site.mails_to(NEW).await.remove(0);
    let link = format!("\n{BASE_URL}/account/new-address/{token}\n");
    assert!(mail.text.as_deref().unwrap().contains(&link), "{mail:?}");
    site.advance(SignedDuration::from_secs(60));
    assert_eq!(use_link(&site, &token).await, Err("expired_token"));
}

#[tokio::test]
async fn a_link_for_one_purpose_is_refused_for_another() {
    let (site, ann) = with_ann().await;
    let password = || PlainPassword::new(PASSWORD.to_owned());
    let new = || NewPassword {
        password: Some(PlainPassword::new(NEW_PASSWORD.to_owned())),
        refused: Violations::default(),
    };
    let caller = site.caller(&ann).await;
    site.accounts
        .send_secondary_email_activation(&caller, OTHER, password(), &Client::default())
        .await
        .unwrap();
    let bob = site.sign_up("bob").await;
    let site = site.restarted_with(&[("ALLOW_PASSWORDLESS_REGISTRATION", "true")]);
    let cat = site.sign_up_without_password("cat").await;
    let token = site.email_change_link(&ann, NEW).await;
    let others = [
        site.link_token(OTHER).await,
        site.link_token(&bob.email()).await,
        site.link_token(&cat.email()).await,
        site.reset_link(&ann).await,
        ann.access.clone(),
        ann.refresh.clone(),
    ];
    let before = site.dump().await;
    for other in &others {
        assert_eq!(use_link(&site, other).await, Err("invalid_token"));
    }
    for refused in [
        site.accounts.verify_account(&token).await,
        site.accounts.verify_secondary_email(&token).await,
        site.accounts.reset_password((&*token).into(), new(), None, &Client::default()).await,
        site.accounts.set_password(&token, new()).await,
    ] {
        assert!(matches!(refused, Err(AuthError::InvalidToken)), "{refused:?}");
    }
    assert_eq!(site.dump().await, before);
    use_link(&site, &token).await.unwrap();
}

#[tokio::test]
async fn an_address_that_cannot_be_had_is_refused_and_nothing_is_mailed() {
    let (site, ann) = with_ann().await;
    let bob = site.sign_up("bob").await;
    add_second(&site, &ann, OTHER).await;
    let before = site.dump().await;
    for (email, violation) in [
        ("", Violation::Required),
        ("nope", Violation::EmailMalformed),
        ("ann@new.example\r\nBcc: eve@example.com", Violation::EmailMalformed),
        (&bob.email(), Violation::EmailTaken),
        (&bob.email().to_uppercase(), Violation::EmailTaken),
        (OTHER, Violation::EmailTaken),
    ] {
        match site.change_email(&ann, email).await {
            Err(AuthError::Invalid(found)) => {
                assert_eq!(found.iter().collect::<Vec<_>>(), [(Field::Email, violation)]);
            }
            other => panic!("{email}: {other:?}"),
        }
    }
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn there_is_nothing_to_do_for_the_address_that_one_has() {
    let (site, ann) = with_ann().await;
    let before = site.dump().await;
    for email in [OLD, "  ann@EXAMPLE.com "] {
        site.change_email(&ann, email).await.unwrap();
    }
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn another_spelling_of_the_address_is_proven_and_mailed_as_another_address_is() {
    let (site, ann) = with_ann().await;
    let token = site.email_change_link(&ann, "Ann@example.com").await;
    assert_eq!(addresses(&site, &ann).await["email"], OLD);
    let before = site.mails_to(OLD).await.len();
    use_link(&site, &token).await.unwrap();
    assert_eq!(addresses(&site, &ann).await["email"], "Ann@example.com");
    assert_eq!(site.mails_to(OLD).await.len(), before + 1);
    assert_eq!(use_link(&site, &token).await, Err("invalid_token"));
    assert!(logs_in_by(&site, OLD).await);
    site.assert_addresses_have_unique_keys().await;
}

#[tokio::test]
async fn the_second_address_stays_when_the_first_one_changes() {
    let (site, ann) = with_ann().await;
    add_second(&site, &ann, OTHER).await;
    use_link(&site, &site.email_change_link(&ann, NEW).await).await.unwrap();
    let expected = json!({ "email": NEW, "secondaryEmail": OTHER, "verified": true });
    assert_eq!(addresses(&site, &ann).await, expected);
    site.assert_addresses_have_unique_keys().await;
}

#[tokio::test]
async fn an_address_that_was_mistyped_at_sign_up_can_be_changed_and_proves_nothing_later() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let (activation, code) = (site.link_token(OLD).await, site.code(OLD).await);
    let token = site.email_change_link(&ann, NEW).await;
    // One more activation mail, decided on and not sent yet.
    site.accounts.resend_activation(OLD, &Client::default()).await.unwrap();
    use_link(&site, &token).await.unwrap();
    assert_eq!(addresses(&site, &ann).await["verified"], true);
    let before = site.dump().await;
    assert_eq!(failure_code(&site.verify_account(&activation).await), "invalid_token");
    assert_eq!(site.dump().await, before);
    let by_code = site.accounts.verify_account_by_code(OLD, &code, &Client::default()).await;
    assert!(by_code.is_err(), "{by_code:?}");
    let subjects: Vec<_> = site.mails_to(OLD).await.into_iter().map(|mail| mail.subject).collect();
    let expected = ["Activate your account on Example", "Your address on Example was changed"];
    assert_eq!(subjects, expected);
    // Neither works for a user who signs up with the address, or has it proven.
    assert_eq!(site.register(OLD, "eve", PASSWORD, PASSWORD).await["success"], true);
    assert_eq!(failure_code(&site.verify_account(&activation).await), "invalid_token");
    let by_code = site.accounts.verify_account_by_code(OLD, &code, &Client::default()).await;
    assert_eq!(by_code.unwrap_err().code(), "already_verified", "of ann, who owns the code");
    assert!(!logs_in_by(&site, OLD).await, "eve has proven nothing");
}

#[tokio::test]
async fn an_activation_link_of_before_says_so_when_the_address_comes_back() {
    let (site, ann) = with_ann().await;
    let activation = site.link_token(OLD).await;
    for email in [NEW, OLD] {
        use_link(&site, &site.email_change_link(&ann, email).await).await.unwrap();
    }
    assert_eq!(failure_code(&site.verify_account(&activation).await), "already_verified");
}

#[tokio::test]
async fn a_reset_link_that_was_mailed_to_the_old_address_is_of_no_use() {
    let (site, ann) = with_ann().await;
    let reset = site.reset_link(&ann).await;
    let token = site.email_change_link(&ann, NEW).await;
    // One more, decided on and not sent yet.
    site.accounts.send_password_reset(OLD, &Client::default()).await.unwrap();
    let mails = site.aws.mailbox().messages().len();
    use_link(&site, &token).await.unwrap();
    let answer = site.reset_password(&reset, NEW_PASSWORD, NEW_PASSWORD).await;
    assert_eq!(failure_code(&answer), "invalid_token");
    site.accounts.send_password_reset(OLD, &Client::default()).await.unwrap();
    assert_eq!(
        site.mails_to(OLD).await.last().unwrap().subject,
        "Your address on Example was changed"
    );
    assert_eq!(site.aws.mailbox().messages().len(), mails + 1);
    assert!(site.is_password(&ann, PASSWORD).await);
    // The new address gets one that works.
    site.accounts.send_password_reset(NEW, &Client::default()).await.unwrap();
    let reset = site.link_token(NEW).await;
    assert_eq!(site.reset_password(&reset, NEW_PASSWORD, NEW_PASSWORD).await["success"], true);
}

#[tokio::test]
async fn a_new_password_a_ban_or_an_end_of_other_sessions_voids_links_of_the_session() {
    for what in ["a new password", "an end of the other sessions", "a ban"] {
        let (site, ann) = with_ann().await;
        let there = site.log_in(&ann).await;
        let token = site.email_change_link(&there, NEW).await;
        // Decided on and not sent yet.
        site.change_email(&there, OTHER).await.unwrap();
        match what {
            "a new password" => {
                let answer = site.change_password(&ann, PASSWORD, NEW_PASSWORD, NEW_PASSWORD).await;
                assert_eq!(answer["success"], true, "{answer}");
            }
            "a ban" => assert!(site.store.set_active(ann.user_id(), false).await.unwrap()),
            _ => assert_eq!(site.end_other_sessions(&ann).await["success"], true),
        }
        assert_eq!(use_link(&site, &token).await, Err("invalid_token"), "{what}");
        assert_eq!(site.mails_to(OTHER).await.len(), 0, "{what}");
        let user = site.item(&format!("USER#{}", ann.user_id()), "USER").await;
        assert_eq!(user["email"], s(OLD), "{what}");
        site.assert_addresses_have_unique_keys().await;
    }
}

/// For example a first try with a typing error: a stranger has its mail.
#[tokio::test]
async fn the_first_link_that_is_used_ends_the_others() {
    let (site, ann) = with_ann().await;
    let mistyped = site.email_change_link(&ann, OTHER).await;
    let right = site.email_change_link(&ann, NEW).await;
    use_link(&site, &right).await.unwrap();
    assert_eq!(use_link(&site, &mistyped).await, Err("invalid_token"));
    assert_eq!(addresses(&site, &ann).await["email"], NEW);
    site.assert_addresses_have_unique_keys().await;
}

#[tokio::test]
async fn an_address_that_another_user_got_meanwhile_is_taken_and_nothing_changes() {
    let (site, ann) = with_ann().await;
    let token = site.email_change_link(&ann, NEW).await;
    assert_eq!(site.register(NEW, "bob", PASSWORD, PASSWORD).await["success"], true);
    let before = site.dump().await;
    assert_eq!(use_link(&site, &token).await, Err("unique"));
    assert_eq!(site.dump().await, before);
}

async fn open(site: &Site, method: Method, token: &str) -> Answer {
    site.send(method, &format!("/activate/{token}"), &[], "").await
}

#[tokio::test]
async fn looking_at_the_page_changes_nothing_and_its_button_changes_the_address() {
    let (site, ann) = with_ann().await;
    let token = site.email_change_link(&ann, NEW).await;
    let before = site.dump().await;
    for method in [Method::GET, Method::GET, Method::HEAD] {
        assert_eq!(open(&site, method, &token).await.status, 200);
    }
    assert_eq!(site.dump().await, before);
    let page = open(&site, Method::POST, &token).await;
    assert_eq!(page.status, 303);
    assert_eq!(page.headers["location"], "/done/address-confirmed");
    assert_eq!(addresses(&site, &ann).await["email"], NEW);
    let again = open(&site, Method::POST, &token).await;
    assert_eq!(again.status, 400);
    assert!(again.text.contains("This link is not valid"), "{}", again.text);
}

#[tokio::test]
async fn the_page_tells_a_link_that_is_too_old_from_an_address_that_is_taken() {
    let (site, ann) = with_ann().await;
    let token = site.email_change_link(&ann, NEW).await;
    site.register(NEW, "bob", PASSWORD, PASSWORD).await;
    let page = open(&site, Method::POST, &token).await;
    assert_eq!(page.status, 409);
    assert!(page.text.contains("This address is taken"), "{}", page.text);
    site.advance(SignedDuration::from_secs(3600));
    assert_eq!(open(&site, Method::POST, &token).await.status, 410);
}

#[tokio::test]
async fn the_page_takes_no_link_that_is_for_a_password() {
    let (site, ann) = with_ann().await;
    let reset = site.reset_link(&ann).await;
    let before = site.dump().await;
    assert_eq!(open(&site, Method::POST, &reset).await.status, 400);
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn an_unproven_account_whose_name_is_an_address_cannot_move_away_from_it() {
    for settings in [&[][..], &[("ALLOW_LOGIN_NOT_VERIFIED", "true")][..]] {
        let site = Site::with(settings).await;
        let answer = site.register("ann@example.com", "ann@example.com", PASSWORD, PASSWORD).await;
        let access = answer["token"].as_str().unwrap().to_owned();
        let mallory = Actor { name: "ann".to_owned(), access, ..Actor::default() };
        let change = |email: &str| {
            format!("mutation {{ updateUser(input: {{ email: \"{email}\" }}) {{ ok }} }}")
        };
        let refused = site.ask(&mallory, &change("mallory@evil.example"), Value::Null).await.json();
        assert_eq!(refused["errors"][0]["extensions"]["code"], "not_verified", "{refused}");
        // Another spelling is the same address.
        let spelled = site.ask(&mallory, &change("Ann@example.com"), Value::Null).await.json();
        assert_eq!(spelled["data"]["updateUser"]["ok"], true, "{spelled}");

        // Proven, the account may move, and keeps its name.
        let token = site.link_token("Ann@example.com").await;
        site.accounts.verify_new_email(&token).await.unwrap();
        let ann =
            site.token_auth(json!({ "username": "ann@example.com", "password": PASSWORD })).await;
        let access = ann["token"].as_str().unwrap().to_owned();
        let ann = Actor { name: "ann".to_owned(), access, ..Actor::default() };
        let moved = site.ask(&ann, &change("ann@new.example"), Value::Null).await.json();
        assert_eq!(moved["data"]["updateUser"]["ok"], true, "{moved}");
    }
}
