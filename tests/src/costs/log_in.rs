//! The costs of log-ins by a password.

use serde_json::{Value, json};

use super::metered::{Cost, from_address, metered, of_success};
use crate::{PASSWORD, Site};

pub(super) async fn log_in(variables: Value) -> Cost {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    site.signed_in("ann").await;
    // The first log-in from an address sends a mail.
    token_auth(&site, variables.clone()).await;
    of_success(&site, token_auth(&site, variables)).await
}

/// `tokenAuth` from an IP address, so that the limits of the address cost calls, too.
async fn token_auth(site: &Site, variables: Value) -> Value {
    let document = "mutation($email: String, $username: String, $password: String!) {
        tokenAuth(email: $email, username: $username, password: $password) { success } }";
    from_address(site, document, variables).await["tokenAuth"].clone()
}

pub(super) async fn locked_log_in() -> Cost {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    site.signed_in("ann").await;
    let wrong = json!({ "username": "ann", "password": "not it" });
    for _ in 0..5 {
        token_auth(&site, wrong.clone()).await;
    }
    let right = json!({ "username": "ann", "password": PASSWORD });
    let (answer, cost) = metered(&site, token_auth(&site, right)).await;
    assert_eq!(answer["success"], false, "{answer}");
    cost
}

pub(super) async fn refused_log_in(variables: Value) -> Cost {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    site.signed_in("ann").await;
    let (answer, cost) = metered(&site, token_auth(&site, variables)).await;
    assert_eq!(answer["success"], false, "{answer}");
    cost
}
