//! C1: one table of all ways to log in (ways in). Each test tries one way for a user with a second factor. No way gives
//! a token or a session before the user has proven the second factor.
//!
//! A test compares the table with the table of `docs/factors.md`. It also compares the operations of the table with the
//! operations of the schema and of the OpenAPI document that answer with tokens. So a new way in fails these tests
//! until the docs and the table have it, and a test tries it. `pages/app.rs` tests the page `/login`.

mod attempts;
mod table;

use accounts::model::{Client, Role};
use accounts::operations::Caller;
use journeys::{Actor, Answer, DIALECTS, Dialect, PASSWORD, Site, Visit};
use serde_json::json;

use super::{Phone, Secured, proof, secure};
use crate::passkeys::add;
use crate::passkeys::browser::Browser;
use table::WAYS;
use table::Way::{
    Enrolment, FirstPassword, InSession, Mail, MailAndCode, MailAndPasskey, MailOnTrusted, Passkey,
    Password, PasswordAndApp, PasswordAndPasskey, PasswordAndRecoveryCode, PasswordOnTrusted,
    Refresh, Reset, SignUp, TakeBack, Verification,
};

const EMAIL: &str = "ann@example.com";
const FORMER: &str = "former@example.com";
const NEW: &str = "another jf84jfKKd";

/// A user with an app and a passkey, and everything else that an attacker may have.
struct Ann {
    site: Site,
    actor: Actor,
    caller: Caller,
    phone: Phone,
    recovery_codes: Vec<String>,
    browser: Browser,
}

impl Ann {
    async fn with_factors() -> Self {
        Self::at(&[]).await
    }

    /// The user, at a site with these settings.
    async fn at(settings: &'static [(&'static str, &'static str)]) -> Self {
        let (site, mut browser) = (Site::with(settings).await, Browser::new());
        let ann = site.signed_in_as(Role::Staff, "ann").await;
        let Secured { ann, phone, recovery_codes } = secure(&site, &ann).await;
        let caller = add(&site, &site.caller(&ann).await, &mut browser, "Phone").await;
        Self { site, actor: ann, caller, phone, recovery_codes, browser }
    }

    /// The answer of the passkey to the given options.
    async fn answer(&mut self, options: &str) -> String {
        self.browser.get(options).await
    }

    async fn challenge(&self) -> String {
        crate::passkeys::first_step(&self.site, "ann").await
    }

    /// The password alone opens nothing, in no dialect and on no page.
    async fn assert_password_is_not_enough(&self, email: &str, password: &str) {
        for dialect in DIALECTS {
            dialect.first_step(&self.site, "ann", email, password).await;
        }
        let name = email.replace('@', "%40");
        for root in ["/account", "/admin"] {
            let answer = Visit::log_in(&self.site, root, &name, password).await;
            assert_eq!(answer.status.as_u16(), 200, "{root}");
            assert_opens_nothing(&answer);
            assert!(answer.text.contains("name=\"challenge\""), "{root}: {}", answer.text);
        }
    }
}

/// The answer sets no cookie of a session, and has no token.
fn assert_opens_nothing(answer: &Answer) {
    for set in answer.headers.get_all("set-cookie") {
        let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
        let is_token = name.starts_with("JWT")
            || ["__Host-latchkey-account", "__Host-latchkey-admin"].contains(&name);
        assert!(!is_token || rest.starts_with(';'), "{name}");
    }
    assert!(!answer.text.contains("\"token\":\""), "{}", answer.text);
}

fn assert_mfa(access: &str, amr: &[&str]) {
    let (claimed, acr, _) = proof(access);
    assert_eq!((claimed, acr), (json!(amr), json!("aal2")));
}

#[tokio::test]
async fn no_way_of_the_table_gives_a_token_before_the_second_factor() {
    for (way, _) in WAYS {
        let mut ann = Ann::with_factors().await;
        match way {
            Password => ann.assert_password_is_not_enough(EMAIL, PASSWORD).await,
            PasswordAndApp => ann.code_of_the_app().await,
            PasswordAndRecoveryCode => ann.recovery_code().await,
            PasswordAndPasskey => {
                let challenge = ann.challenge().await;
                ann.passkey_after(&challenge, &["pwd", "pop", "mfa"]).await;
            }
            PasswordOnTrusted => Box::pin(Ann::on_trusted_devices(false)).await,
            MailOnTrusted => Box::pin(Ann::on_trusted_devices(true)).await,
            Passkey => ann.passkey_alone().await,
            Refresh => ann.refresh().await,
            // The enrolment challenge of a user without a factor adds one. The log-in challenge of a user who has a
            // factor does not.
            Enrolment => {
                let (challenge, client) = (ann.challenge().await, Client::default());
                let begun = ann.site.accounts.begin_app_to_log_in(&challenge, &client).await;
                assert!(begun.is_err(), "{way:?}");
                let site = Site::start().await;
                site.signed_in("bob").await;
                let site = site.restarted_with(&[("MFA_REQUIRED", "all")]);
                for dialect in DIALECTS {
                    dialect.setup_step(&site, "bob", "bob@example.com", PASSWORD).await;
                }
            }
            SignUp => Box::pin(ann.sign_up()).await,
            Mail => ann.mail().await,
            MailAndCode => ann.code_after_the_mail().await,
            MailAndPasskey => {
                let id = Dialect::Rest.request_log_in_mail(&ann.site, EMAIL).await.unwrap();
                let code = ann.site.code(EMAIL).await;
                let challenge = Dialect::Rest.first_step_by_mail(&ann.site, &id, &code).await;
                ann.passkey_after(&challenge, &["email", "pop", "mfa"]).await;
            }
            Reset => ann.reset().await,
            FirstPassword => ann.first_password().await,
            Verification => ann.verification().await,
            TakeBack => ann.take_back().await,
            InSession => ann.in_a_session().await,
        }
        // After every way in, the user still has the factor.
        let user = ann.site.store.user(ann.actor.user_id()).await.unwrap().unwrap();
        assert!(user.has_second_factor, "{way:?}");
    }
}
