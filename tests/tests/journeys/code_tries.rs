//! How often codes may be tried for one address, over all codes that are mailed to it.

use accounts::Accounts;
use accounts::model::Client;
use jiff::SignedDuration;
use journeys::{Actor, Site, at_once};
use serde_json::json;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

async fn with_ann() -> (Site, Actor) {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let ann = site.sign_up("ann").await;
    (site, ann)
}

/// Tries a code from a network that has tried none.
async fn enter(accounts: &Accounts, number: usize, email: &str, code: &str) -> &'static str {
    let ip = format!("203.0.{}.{}", number / 250, number % 250);
    let client = Client { ip: Some(ip), ..Client::default() };
    let entered = accounts.verify_account_by_code(email, code, &client).await;
    entered.map_or_else(|error| error.code(), |()| "ok")
}

fn other_than(right: &str) -> &'static str {
    if right == "123456" { "654321" } else { "123456" }
}

#[tokio::test]
async fn an_address_has_twenty_tries_of_codes_a_day_and_its_link_still_works() {
    let (site, ann) = with_ann().await;
    let mut networks = 0..;
    let mut enter = async |email: &str, code: &str| {
        enter(&site.accounts, networks.next().unwrap(), email, code).await
    };
    for round in 0..4 {
        let right = site.code(&ann.email()).await;
        for _ in 0..5 {
            assert_eq!(enter(&ann.email(), other_than(&right)).await, "invalid_otp", "{round}");
        }
        site.advance(HOUR);
        site.accounts.resend_activation(&ann.email(), &Client::default()).await.unwrap();
        site.deliver_mail().await;
    }
    let right = site.code(&ann.email()).await;
    let before = site.dump().await;
    assert_eq!(enter(&ann.email(), &right).await, "throttled");
    assert_eq!(site.dump().await, before, "that costs no write");
    let bob = site.sign_up("bob").await;
    let code = site.code(&bob.email()).await;
    assert_eq!(enter(&bob.email(), &code).await, "ok", "another address");
    // The answer leads to the link.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for (language, advice) in [("en", "The link in the mail"), ("de", "Der Link in der Mail")] {
        let body = format!("email={}&code={right}", ann.email());
        let page = site.submit(&format!("/activate?lang={language}"), &form, body).await;
        assert_eq!(page.status, 429);
        assert!(page.text.contains(advice), "{}", page.text);
    }
    let fields = json!({ "email": ann.email(), "otp": right });
    let answer = site.post_json("/api/accounts/verify-email/", None, &fields).await;
    assert_eq!(answer.status, 429);
    assert!(answer.text.contains("Please use the link in the mail"), "{}", answer.text);
    let link = site.link_token(&ann.email()).await;
    assert_eq!(site.verify_account(&link).await["success"], true);
}

#[tokio::test]
async fn a_day_later_another_code_works() {
    let (site, ann) = with_ann().await;
    for number in 0..20 {
        enter(&site.accounts, number, &ann.email(), "123456").await;
    }
    assert_eq!(enter(&site.accounts, 20, &ann.email(), "123456").await, "throttled");
    site.advance(DAY);
    site.accounts.resend_activation(&ann.email(), &Client::default()).await.unwrap();
    let right = site.code(&ann.email()).await;
    assert_eq!(enter(&site.accounts, 21, &ann.email(), &right).await, "ok");
}

#[tokio::test]
async fn an_address_without_a_code_is_locked_when_and_as_one_with_a_code_is() {
    let site = Site::with(&[("THROTTLE", "on"), ("CONCEAL_ACCOUNTS", "true")]).await;
    let ann = site.sign_up("ann").await;
    let mut result = Vec::new();
    for email in [ann.email(), "nobody@example.com".to_owned()] {
        let mut codes = Vec::new();
        for number in 0..22 {
            codes.push(enter(&site.accounts, number, &email, "123456").await);
        }
        result.push(codes);
    }
    assert_eq!(result[0], result[1]);
    assert_eq!(result[0], [vec!["invalid_otp"; 20], vec!["throttled"; 2]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_codes_at_once_from_everywhere_no_more_are_tried_than_an_address_allows() {
    let (site, ann) = with_ann().await;
    let wrong = other_than(&site.code(&ann.email()).await);
    let jobs = at_once(50, |number| {
        let accounts = if number % 2 == 0 { &site.accounts } else { &site.elsewhere }.clone();
        let email = ann.email();
        async move { enter(&accounts, number, &email, wrong).await }
    });
    let codes = jobs.await;
    let of = |code: &str| codes.iter().filter(|it| **it == code).count();
    let tried = of("invalid_otp") + of("too_many_attempts");
    assert_eq!((tried, of("throttled")), (20, 30), "{codes:?}");
    assert!(of("invalid_otp") <= 5, "{codes:?}");
}
