use accounts::model::Client;
use jiff::SignedDuration;
use journeys::{Actor, Site, failure_code};
use serde_json::json;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// How long a used refresh token gives the same successor.
const GRACE: SignedDuration = SignedDuration::from_secs(10);

async fn with_ann() -> (Site, Actor) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    (site, ann)
}

async fn refusal(site: &Site, token: &str) -> String {
    failure_code(&site.refresh_token(token).await).to_owned()
}

#[tokio::test]
async fn a_refresh_gives_new_tokens_of_the_same_log_in() {
    let (site, ann) = with_ann().await;
    let logged_in = site.now().as_second();
    site.advance(SignedDuration::from_mins(20));
    let answer = site.refresh_token(&ann.refresh).await;
    let exp = site.now().as_second() + 900;
    let payload = json!({ "username": "ann", "exp": exp, "origIat": logged_in });
    assert_eq!(answer["payload"], payload);
    assert_ne!(answer["refreshToken"], ann.refresh);
    assert_ne!(answer["token"], ann.access);
}

#[tokio::test]
async fn a_refresh_refuses_every_other_token() {
    let (site, ann) = with_ann().await;
    let link = site.link_token(&ann.email()).await;
    for other in ["", "garbage", &ann.access, &link] {
        assert_eq!(refusal(&site, other).await, "invalid_token", "{other}");
    }
}

#[tokio::test]
async fn the_same_token_within_the_grace_has_the_same_successor() {
    let (site, ann) = with_ann().await;
    let first = site.refresh_token(&ann.refresh).await;
    site.advance(GRACE);
    let again = site.refresh_token(&ann.refresh).await;
    assert_eq!(again, first);
    assert_eq!(again["success"], true);
}

#[tokio::test]
async fn a_used_token_after_the_grace_ends_the_session_for_everybody() {
    let (site, ann) = with_ann().await;
    let next = site.refreshed(&ann).await;
    site.advance(GRACE + SECOND);
    assert_eq!(site.me(&next).await.as_deref(), Some("ann"));
    assert_eq!(refusal(&site, &ann.refresh).await, "invalid_token");
    assert_eq!(refusal(&site, &next.refresh).await, "invalid_token");
    assert_eq!(site.me(&next).await, None);
    assert_eq!(site.me(&ann).await, None);
}

#[tokio::test]
async fn a_token_two_rotations_old_ends_the_session_even_within_the_grace() {
    let (site, ann) = with_ann().await;
    let second = site.refreshed(&ann).await;
    let third = site.refreshed(&second).await;
    assert_eq!(refusal(&site, &ann.refresh).await, "invalid_token");
    assert_eq!(refusal(&site, &third.refresh).await, "invalid_token");
    assert_eq!(site.me(&third).await, None);
}

#[tokio::test]
async fn a_theft_ends_one_session_and_leaves_the_others() {
    let (site, ann) = with_ann().await;
    let elsewhere = site.log_in(&ann).await;
    site.refreshed(&ann).await;
    site.advance(GRACE + SECOND);
    assert_eq!(refusal(&site, &ann.refresh).await, "invalid_token");
    assert_eq!(site.me(&elsewhere).await.as_deref(), Some("ann"));
}

#[tokio::test]
async fn there_is_no_grace_where_the_site_gives_none() {
    let site = Site::with(&[("REFRESH_GRACE", "0")]).await;
    let ann = site.signed_in("ann").await;
    site.refreshed(&ann).await;
    site.advance(SECOND);
    assert_eq!(refusal(&site, &ann.refresh).await, "invalid_token");
}

#[tokio::test]
async fn a_session_without_a_refresh_ends_after_seven_days() {
    let (site, ann) = with_ann().await;
    site.advance(DAY * 7 - SECOND);
    let ann = site.refreshed(&ann).await;
    site.advance(DAY * 7);
    assert_eq!(refusal(&site, &ann.refresh).await, "invalid_token");
    assert_eq!(failure_code(&site.revoke_token(&ann.refresh).await), "invalid_token");
}

#[tokio::test]
async fn a_session_ends_after_thirty_days_however_often_it_is_refreshed() {
    let (site, mut ann) = with_ann().await;
    for _ in 0..4 {
        site.advance(DAY * 7 - SECOND);
        ann = site.refreshed(&ann).await;
    }
    site.advance(DAY * 2 + SECOND * 3);
    ann = site.refreshed(&ann).await;
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
    site.advance(SECOND);
    assert_eq!(site.me(&ann).await, None);
    assert_eq!(refusal(&site, &ann.refresh).await, "invalid_token");
}

#[tokio::test]
async fn an_access_token_does_not_outlive_its_session() {
    let site = Site::with(&[("REFRESH_TOKEN_LIFETIME", "60")]).await;
    let ann = site.signed_in("ann").await;
    let answer = site.verify_token(&ann.access).await;
    assert_eq!(answer["payload"]["exp"], site.now().as_second() + 60);
}

const NEW_SECRET: (&str, &str) = ("AUTH_SECRET", "another secret for tests of as many bytes");
const BOTH_SECRETS: (&str, &str) = (
    "AUTH_SECRET",
    "another secret for tests of as many bytes, a secret for tests that has more than 32 bytes",
);

#[tokio::test]
async fn a_new_secret_beside_the_old_one_logs_no_user_out() {
    let (site, ann) = with_ann().await;
    let site = site.restarted_with(&[BOTH_SECRETS]);
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
    let ann = site.refreshed(&ann).await;
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
}

#[tokio::test]
async fn links_and_codes_that_were_mailed_before_a_new_secret_still_work() {
    let site = Site::start().await;
    let (ann, bob) = (site.sign_up("ann").await, site.sign_up("bob").await);
    let (link, code) = (site.link_token(&ann.email()).await, site.code(&bob.email()).await);
    let site = site.restarted_with(&[BOTH_SECRETS]);
    assert_eq!(site.verify_account(&link).await["success"], true);
    assert!(
        site.accounts.verify_account_by_code(&bob.email(), &code, &Client::default()).await.is_ok()
    );
}

#[tokio::test]
async fn once_the_old_secret_is_gone_only_what_the_new_one_signed_is_honoured() {
    let (site, old) = with_ann().await;
    let site = site.restarted_with(&[BOTH_SECRETS]);
    let new = site.log_in(&old).await;
    let site = site.restarted_with(&[NEW_SECRET]);
    assert_eq!(site.me(&old).await, None);
    assert_eq!(refusal(&site, &old.refresh).await, "invalid_token");
    assert_eq!(site.me(&new).await.as_deref(), Some("ann"));
    site.refreshed(&new).await;
}

#[tokio::test]
async fn the_published_keys_are_those_of_all_present_secrets() {
    let site = Site::with(&[BOTH_SECRETS]).await;
    let answer = site.send(axum::http::Method::GET, "/.well-known/jwks.json", &[], "").await;
    let keys = answer.json()["keys"].as_array().cloned().unwrap();
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().all(|key| key["kty"] == "OKP" && key["d"].is_null()), "{}", answer.text);
}
