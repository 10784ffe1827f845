//! Operations of the core for clients of other APIs than django-graphql-auth's.

use std::sync::Arc;

use accounts::error::AuthError;
use accounts::model::{Client, Gender, PlainPassword, RefreshTokens};
use accounts::operations::{Changes, Credentials, FirstPassword, Registration, ResetLink};
use jiff::SignedDuration;
use journeys::{PASSWORD, Site, at_once};

fn registration(email: &str) -> Registration {
    let password = FirstPassword::Given(PlainPassword::new(PASSWORD));
    let first_name = Some(" Ann ".to_owned());
    Registration { first_name, ..Registration::new(email.to_owned(), None, password) }
}

fn staying() -> Client {
    Client { refresh_tokens: RefreshTokens::Stay, ..Client::default() }
}

#[tokio::test]
async fn a_username_is_made_of_the_address() {
    let site = Site::start().await;
    for (email, name) in [
        ("Ann.Lee+x@example.com", "Ann.Lee+x"),
        ("\"o'brien\"@example.com", "obrien"),
        ("!#$@example.com", "user"),
    ] {
        let done = site.accounts.register(registration(email), &Client::default()).await.unwrap();
        assert_eq!(done.user.username, name);
        assert_eq!(done.user.first_name, "Ann");
        assert_eq!(done.tokens.unwrap().claims.username, name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usernames_that_are_made_at_once_are_all_different() {
    let site = Arc::new(Site::start().await);
    site.meet("TransactWriteItems", 8);
    let names = at_once(8, |at| {
        let site = site.clone();
        async move {
            let registration = registration(&format!("ann@{at}.example.com"));
            let done = site.accounts.register(registration, &Client::default()).await.unwrap();
            let log_in = Credentials::Username(done.user.username.clone());
            let password = PlainPassword::new(PASSWORD);
            let answer = site.accounts.log_in(log_in, password, &Client::default()).await;
            assert!(matches!(answer, Err(AuthError::NotVerified)), "{answer:?}");
            done.user.username
        }
    })
    .await;
    let different: std::collections::HashSet<_> = names.iter().collect();
    assert_eq!(different.len(), 8, "{names:?}");
    assert!(names.contains(&"ann".to_owned()) && names.iter().all(|name| name.starts_with("ann")));
}

#[tokio::test]
async fn a_registration_reports_a_taken_address_although_the_derived_username_is_taken_too() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    let refused = site.accounts.register(registration("ann@example.com"), &Client::default()).await;
    let Err(AuthError::Invalid(violations)) = refused else { panic!("{refused:?}") };
    let codes: Vec<_> = violations.iter().map(|(field, what)| (field, what.code())).collect();
    assert_eq!(codes, [(accounts::Field::Email, "unique")]);
}

#[tokio::test]
async fn a_refresh_token_that_stays_works_again_and_again_until_its_end() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let (log_in, password) = (Credentials::Username("ann".into()), PlainPassword::new(PASSWORD));
    let first = site.accounts.log_in(log_in, password, &staying()).await.unwrap().tokens;
    let mut access = vec![first.access.clone()];
    for _ in 0..3 {
        site.advance(SignedDuration::from_hours(40));
        let next = site.accounts.refresh(&first.refresh, &staying()).await.unwrap();
        assert_eq!(next.refresh, first.refresh);
        assert!(site.accounts.authenticate(&next.access).await.is_ok());
        access.push(next.access);
    }
    access.dedup();
    assert_eq!(access.len(), 4);
    // Seven days after the log-in, however often it was used.
    site.advance(SignedDuration::from_hours(7 * 24 - 120));
    let late = site.accounts.refresh(&first.refresh, &staying()).await;
    assert!(matches!(late, Err(AuthError::InvalidToken)), "{late:?}");
}

#[tokio::test]
async fn a_refresh_token_that_stays_ends_with_its_session() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let credentials = || Credentials::Username("ann".into());
    let client = Client { refresh_tokens: RefreshTokens::Stay, ..Client::default() };
    let log_in = || site.accounts.log_in(credentials(), PlainPassword::new(PASSWORD), &client);
    let (out, changed) = (log_in().await.unwrap().tokens, log_in().await.unwrap().tokens);
    site.accounts.refresh(&out.refresh, &client).await.unwrap();
    site.accounts.revoke(&out.refresh).await.unwrap();
    let after = site.accounts.refresh(&out.refresh, &client).await;
    assert!(matches!(after, Err(AuthError::InvalidToken)), "{after:?}");
    let answer = site.change_password(&ann, PASSWORD, "zmxn73hhQQp", "zmxn73hhQQp").await;
    assert_eq!(answer["success"], true);
    let after = site.accounts.refresh(&changed.refresh, &client).await;
    assert!(matches!(after, Err(AuthError::InvalidToken)), "{after:?}");
}

#[tokio::test]
async fn a_reset_link_belongs_to_the_address_that_it_was_mailed_to() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    site.signed_in("bob").await;
    let token = site.reset_link(&ann).await;
    let check = |email| site.accounts.check_reset_link(ResetLink { token: &token, email });
    let before = site.dump().await;
    assert!(check(Some("bob@example.com")).await.is_err());
    assert!(check(Some("rubbish")).await.is_err());
    check(Some(" ANN@example.com ")).await.unwrap();
    check(None).await.unwrap();
    assert_eq!(site.dump().await, before);
    assert_eq!(site.reset_password(&token, "zmxn73hhQQp", "zmxn73hhQQp").await["success"], true);
    assert!(check(Some("ann@example.com")).await.is_err());
}

#[tokio::test]
async fn a_profile_keeps_what_is_not_given() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let caller = site.accounts.authenticate(&ann.access).await.unwrap();
    let changes = Changes {
        gender: Some(Gender::Female),
        position: Some(" Engineer ".to_owned()),
        ..Changes::default()
    };
    site.accounts.update_profile(&caller, changes).await.unwrap();
    // The caller of the next request.
    let caller = site.accounts.authenticate(&ann.access).await.unwrap();
    let changes = Changes { department: Some("R&D".to_owned()), ..Changes::default() };
    let user = site.accounts.update_profile(&caller, changes).await.unwrap();
    assert_eq!(user.gender, Some(Gender::Female));
    assert_eq!((user.position.as_str(), user.department.as_str()), ("Engineer", "R&D"));
    let long = Changes { position: Some("x".repeat(101)), ..Changes::default() };
    let refused = site.accounts.update_profile(&caller, long).await;
    assert!(matches!(refused, Err(AuthError::Invalid(_))), "{refused:?}");
}

#[tokio::test]
async fn a_code_tells_why_it_does_not_work() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let right = site.code(&ann.email()).await;
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let enter = |code: &str| {
        let (accounts, email, code) = (site.accounts.clone(), ann.email(), code.to_owned());
        async move {
            accounts
                .verify_account_by_code(&email, &code, &Client::default())
                .await
                .map_err(|e| e.code())
        }
    };
    for _ in 0..5 {
        assert_eq!(enter(wrong).await, Err("invalid_otp"));
    }
    assert_eq!(enter(&right).await, Err("too_many_attempts"));
    site.advance(SignedDuration::from_secs(600));
    assert_eq!(enter(&right).await, Err("expired_otp"));
    let anonymous =
        site.accounts.verify_account_by_code("eve@example.com", &right, &Client::default()).await;
    assert_eq!(anonymous.unwrap_err().code(), "invalid_otp");
}
