//! The costs of log-ins by mail.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::metered::{Cost, from_address, metered, of_success};
use super::operation::Operation;
use crate::Site;

/// Does an operation of a log-in by mail once, and counts.
pub(super) async fn cost(operation: Operation) -> Cost {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let ann = site.signed_in("ann").await.email();
    site.advance(SignedDuration::from_mins(2));
    // The first log-in from an address sends a mail.
    let id = text(&ask(&site, &ann).await);
    let done = log_in(&site, &id, &site.code(&ann).await).await;
    assert_eq!(done["success"], true, "{done}");
    site.deliver_mail().await;
    site.advance(SignedDuration::from_mins(2));
    let is_known = operation != Operation::RequestLogInMailUnknownAddress;
    let email = if is_known { ann.as_str() } else { "nobody@example.com" };
    let (id, asking) = metered(&site, ask(&site, email)).await;
    let id = text(&id);
    if operation == Operation::LogInByCode {
        let code = site.code(&ann).await;
        return of_success(&site, log_in(&site, &id, &code)).await;
    }
    if operation == Operation::LogInByLink {
        let token = site.link_token(&ann).await;
        return of_success(&site, log_in(&site, &id, &token)).await;
    }
    if operation == Operation::WrongCode {
        let (answer, cost) = metered(&site, log_in(&site, &id, "000000")).await;
        assert_eq!(answer["success"], false, "{answer}");
        return cost;
    }
    asking
}

fn text(value: &Value) -> String {
    let Some(text) = value.as_str() else { panic!("no text: {value}") };
    text.to_owned()
}

async fn ask(site: &Site, email: &str) -> Value {
    let document = "mutation($e: String!) { it: sendLoginEmail(email: $e) { success loginId } }";
    from_address(site, document, json!({ "e": email })).await["it"]["loginId"].clone()
}

async fn log_in(site: &Site, id: &str, code: &str) -> Value {
    let document = "mutation($i: String!, $c: String!) {
        it: loginByEmail(loginId: $i, code: $c) { success } }";
    from_address(site, document, json!({ "i": id, "c": code })).await["it"].clone()
}
