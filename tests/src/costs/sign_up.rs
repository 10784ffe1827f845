//! The costs of sign-ups.

use accounts::operations::{FirstPassword, Registration};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::metered::{Cost, client, from_address, metered, of_success};
use super::operation::Operation;
use crate::{PASSWORD, Site};

impl Operation {
    pub(super) async fn of_a_new_user(self) -> Cost {
        let site = Site::with(&[("THROTTLE", "on")]).await;
        let ann = site.sign_up("ann").await;
        let email = ann.email();
        if self == Self::SendMail {
            let (delivery, cost) = metered(&site, site.deliver_mail()).await;
            assert_eq!(delivery.delivered, 1);
            return cost;
        }
        let (link_token, code) = (site.link_token(&email).await, site.code(&email).await);
        if self == Self::VerifyByLink {
            return of_success(&site, site.verify_account(&link_token)).await;
        }
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let body = format!("email={email}&code={code}");
        let (answer, cost) = metered(&site, site.submit("/activate", &form, body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        cost
    }

    pub(super) async fn without_password(self) -> Cost {
        let settings = &[("THROTTLE", "on"), ("ALLOW_PASSWORDLESS_REGISTRATION", "true")];
        let site = Site::with(settings).await;
        let (email, name) = ("ann@example.com", Some("ann".to_owned()));
        let ann = Registration::new(email.to_owned(), name, FirstPassword::Absent);
        let client = client();
        let signed_up = Box::pin(site.accounts.register(ann, &client));
        let (done, cost) = metered(&site, signed_up).await;
        assert!(done.is_ok(), "{done:?}");
        if self == Self::RegisterWithoutPassword {
            return cost;
        }
        site.deliver_mail().await;
        site.advance(SignedDuration::from_mins(1));
        site.clean_up().await;
        let link_token = site.link_token(email).await;
        of_success(&site, site.set_password(&link_token, PASSWORD, PASSWORD)).await
    }
}

pub(super) async fn register(settings: &'static [(&'static str, &'static str)]) -> Cost {
    let site = Site::with(settings).await;
    of_success(&site, sign_up(&site, "ann")).await
}

pub(super) async fn locked_sign_up() -> Cost {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let client = client();
    for _ in 0..20 {
        let sent = site.accounts.send_password_reset("bob@example.com", &client).await;
        assert!(sent.is_ok(), "{sent:?}");
    }
    let (answer, cost) = metered(&site, sign_up(&site, "ann")).await;
    assert_eq!(answer["success"], false, "{answer}");
    cost
}

/// `register` from an IP address, so that the limits of the address cost calls, too.
async fn sign_up(site: &Site, name: &str) -> Value {
    let document = "mutation($e: String!, $u: String!, $p: String!) {
        register(email: $e, username: $u, password1: $p, password2: $p) { success } }";
    let variables = json!({ "e": format!("{name}@example.com"), "u": name, "p": PASSWORD });
    from_address(site, document, variables).await["register"].clone()
}
