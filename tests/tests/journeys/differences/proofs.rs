//! How often a proof works: links, access tokens, refresh tokens.

use jiff::SignedDuration;
use journeys::{PASSWORD, Site, failure, failure_code};
use serde_json::{Value, json};

use super::{ask, log_in, second_address_link, verify_second_address};

const NEW: &str = "zmxn73hhQQp";

#[tokio::test]
pub(super) async fn a_failed_log_in_does_not_unarchive() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    ask(&site, &ann, &format!("archiveAccount(password: \"{PASSWORD}\")")).await;
    let wrong = site.token_auth(json!({ "username": "ann", "password": "wrong" })).await;
    assert_eq!(wrong["unarchiving"], false);
    assert_eq!(log_in(&site, "username", "ann").await["unarchiving"], true);
}

#[tokio::test]
pub(super) async fn a_reset_link_works_once() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let link = site.reset_link(&ann).await;
    assert_eq!(site.reset_password(&link, NEW, NEW).await["success"], true);
    let again = site.reset_password(&link, PASSWORD, PASSWORD).await;
    assert_eq!(failure_code(&again), "invalid_token");
    assert!(site.is_password(&ann, NEW).await);
}

#[tokio::test]
pub(super) async fn a_link_for_a_second_address_works_once() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let link = second_address_link(&site, &ann, "ann@second.example").await;
    assert_eq!(verify_second_address(&site, &link).await["success"], true);
    let remove = format!("removeSecondaryEmail(password: \"{PASSWORD}\")");
    assert_eq!(ask(&site, &ann, &remove).await["success"], true);
    let again = verify_second_address(&site, &link).await;
    assert_eq!(failure_code(&again), "invalid_token");
}

#[tokio::test]
pub(super) async fn an_access_token_is_dead_after_log_out_password_change_and_archiving() {
    let change = format!(
        "passwordChange(oldPassword: \"{PASSWORD}\", newPassword1: \"{NEW}\", newPassword2: \"{NEW}\")"
    );
    let archive = format!("archiveAccount(password: \"{PASSWORD}\")");
    for call in [None, Some(change), Some(archive)] {
        let site = Site::start().await;
        let ann = site.signed_in("ann").await;
        let answer = match &call {
            None => site.revoke_token(&ann.refresh).await,
            Some(call) => ask(&site, &ann, call).await,
        };
        assert_eq!(answer["success"], true, "{answer}");
        assert_eq!(site.me(&ann).await, None, "{call:?}");
        assert_eq!(failure_code(&site.verify_token(&ann.access).await), "invalid_token");
    }
}

#[tokio::test]
pub(super) async fn a_refresh_token_that_is_used_again_after_the_grace_ends_the_session() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let next = site.refreshed(&ann).await;
    site.advance(SignedDuration::from_secs(10));
    assert_eq!(site.refresh_token(&ann.refresh).await["refreshToken"], next.refresh);
    site.advance(SignedDuration::from_secs(1));
    assert_eq!(failure_code(&site.refresh_token(&ann.refresh).await), "invalid_token");
    site.assert_over(&next).await;
}

/// A front end of the site's own calls it at the path that all these links have.
#[tokio::test]
pub(super) async fn verify_account_takes_the_link_of_any_address() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let reset = site.reset_link(&ann).await;
    assert_eq!(failure_code(&site.verify_account(&reset).await), "invalid_token");
    let second = second_address_link(&site, &ann, "ann@second.example").await;
    let first = site.email_change_link(&ann, "ann@first.example").await;
    for link in [&second, &first] {
        assert_eq!(site.verify_account(link).await["success"], true);
        assert_eq!(failure_code(&site.verify_account(link).await), "invalid_token");
    }
    let document = "{ me { email secondaryEmail } }";
    let me = site.ask(&ann, document, Value::Null).await.json()["data"]["me"].clone();
    assert_eq!(me, json!({ "email": "ann@first.example", "secondaryEmail": "ann@second.example" }));
}

#[tokio::test]
pub(super) async fn a_link_of_another_kind_is_invalid_whatever_its_age() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let activation = site.link_token(&ann.email()).await;
    site.advance(SignedDuration::from_secs(3601));
    let answer = site.reset_password(&activation, NEW, NEW).await;
    assert_eq!(failure_code(&answer), "invalid_token");
    assert_eq!(site.verify_account(&activation).await["success"], true);
}

/// Every mutation that takes a token, with everything that could be taken for one.
#[tokio::test]
pub(super) async fn garbage_for_a_token_is_an_invalid_token() {
    const CALLS: &[(&str, &str)] = &[
        ("verifyAccount", "token: $t"),
        ("verifySecondaryEmail", "token: $t"),
        (
            "passwordReset",
            "token: $t, newPassword1: \"zmxn73hhQQp\", newPassword2: \"zmxn73hhQQp\"",
        ),
        ("passwordSet", "token: $t, newPassword1: \"zmxn73hhQQp\", newPassword2: \"zmxn73hhQQp\""),
        ("verifyToken", "token: $t"),
        ("refreshToken", "refreshToken: $t"),
        ("revokeToken", "refreshToken: $t"),
    ];
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let (access, long) = (&ann.access, "x".repeat(10_000));
    let cut = access.len() / 2;
    let garbage = [
        "",
        " ",
        "garbage",
        "a.b.c",
        "..",
        "....",
        "null",
        "{}",
        "\0",
        "\u{1f4a9}.\u{202e}.é",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
        "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
        "eyJ1c2VybmFtZSI6ImFubiJ9:1kH8yQ:Zm9v",
        "%00%ff",
        "' OR 1=1 --",
        &access[..cut],
        &access[cut..],
        &format!("JWT {access}"),
        &format!("{access}="),
        &long,
    ];
    let before = site.dump().await;
    for (name, arguments) in CALLS {
        let document =
            format!("mutation($t: String!) {{ it: {name}({arguments}) {{ success errors }} }}");
        for token in garbage {
            let answer = site.graphql(&document, json!({ "t": token })).await;
            assert_eq!(answer.status, 200, "{name} {token:?}");
            let expected = failure("invalid_token", "Invalid token.");
            let expected = json!({ "data": { "it": { "success": false, "errors": expected } } });
            assert_eq!(answer.json(), expected, "{name} {token:?}");
        }
    }
    assert_eq!(site.dump().await, before);
    let document = "{ me { username } }";
    for token in
        garbage.into_iter().filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        let answer = site.graphql_as(Some(&format!("JWT {token}")), document, Value::Null).await;
        assert_eq!(answer.json(), json!({ "data": { "me": null } }), "{token:?}");
    }
}
