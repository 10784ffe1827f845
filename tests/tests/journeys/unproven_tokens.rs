//! Tokens of an account whose address is not proven say so, and are not refreshed.

use accounts::model::Client;
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site, failure_code, forge};
use serde_json::{Value, json};

const HASURA: &str = "https://hasura.io/jwt/claims";

/// The claims of the access token about its user.
fn says(actor: &Actor) -> Value {
    let claims = forge::payload(&actor.access);
    json!([
        claims["email_verified"],
        claims["role"],
        claims[HASURA]["x-hasura-default-role"],
        claims[HASURA]["x-hasura-allowed-roles"],
    ])
}

#[tokio::test]
async fn the_tokens_of_a_sign_up_say_that_nothing_is_proven() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    assert_eq!(says(&ann), json!([false, "user", "unverified", ["unverified"]]));
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"), "they are of use until then");
    let ann = site.signed_in("bob").await;
    assert_eq!(says(&ann), json!([true, "user", "user", ["user"]]));
}

#[tokio::test]
pub(crate) async fn a_refresh_is_refused_until_the_address_is_proven_and_not_used_up_by_that() {
    for minutes in [0, 20] {
        let site = Site::start().await;
        let ann = site.sign_up("ann").await;
        for _ in 0..2 {
            let refused = site.refresh_token(&ann.refresh).await;
            assert_eq!(failure_code(&refused), "not_verified");
            site.advance(SignedDuration::from_mins(minutes));
        }
        let link = site.link_token(&ann.email()).await;
        assert_eq!(site.verify_account(&link).await["success"], true);
        let ann = site.refreshed(&ann).await;
        assert_eq!(says(&ann), json!([true, "user", "user", ["user"]]));
        site.assert_goes_on(&ann).await;
    }
}

#[tokio::test]
async fn a_refresh_of_a_session_that_is_over_says_nothing_of_the_account() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    site.log_out(&ann).await;
    assert_eq!(failure_code(&site.refresh_token(&ann.refresh).await), "invalid_token");
}

#[tokio::test]
async fn a_refresh_token_that_stays_is_refused_until_the_address_is_proven() {
    let site = Site::start().await;
    let document = format!(
        "mutation {{ user_register(arg: {{email: \"ann@example.com\", username: \"ann\", \
         password: \"{PASSWORD}\"}}) {{ tokens }} }}"
    );
    let answer = site.graphql(&document, Value::Null).await.json();
    let refresh = answer["data"]["user_register"]["tokens"]["refresh"].as_str().unwrap().to_owned();
    let refreshed = async || site.accounts.refresh(&refresh, &Client::default()).await;
    assert!(matches!(refreshed().await, Err(accounts::AuthError::NotVerified)));
    let link = site.link_token("ann@example.com").await;
    site.advance(SignedDuration::from_mins(20));
    assert_eq!(site.verify_account(&link).await["success"], true);
    for _ in 0..2 {
        assert!(refreshed().await.unwrap().claims.email_verified);
    }
}

#[tokio::test]
async fn where_accounts_are_used_without_a_proof_tokens_are_as_good() {
    let site = Site::with(&[("ALLOW_LOGIN_NOT_VERIFIED", "true")]).await;
    let ann = site.sign_up("ann").await;
    assert_eq!(says(&ann), json!([false, "user", "user", ["user"]]));
    site.assert_goes_on(&ann).await;
}
