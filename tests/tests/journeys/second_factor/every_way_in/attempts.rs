//! The attempt of each way in.

use accounts::error::{AuthError, Refusal};
use accounts::model::{Client, PlainPassword};
use accounts::operations::{Credentials, MailProof};
use axum::http::Method;
use journeys::{Actor, DIALECTS, Dialect, FORM, PASSWORD, Site, TokenPair, Visit};
use serde_json::{Value, json};

use super::{Ann, EMAIL, FORMER, NEW, assert_mfa, assert_opens_nothing};
use crate::second_factor::{self, Secured, done, proof, secure};

impl Ann {
    pub(super) async fn code_of_the_app(&self) {
        let site = &self.site;
        for dialect in DIALECTS {
            let challenge = dialect.first_step(site, "ann", EMAIL, PASSWORD).await;
            for wrong in ["000000", "", &challenge] {
                assert!(dialect.complete(site, &challenge, wrong).await.is_err(), "{dialect:?}");
            }
            let code = self.phone.next(site);
            let opened = dialect.complete(site, &challenge, &code).await.unwrap();
            assert_mfa(&opened.access, &["pwd", "otp", "mfa"]);
            assert!(dialect.complete(site, &challenge, &code).await.is_err(), "{dialect:?}: once");
        }
        for root in ["/account", "/admin"] {
            let form = format!("challenge={}&code=000000", self.page_challenge(root).await);
            let answer = site.send(Method::POST, &format!("{root}/log-in/code"), &FORM, form).await;
            assert_opens_nothing(&answer);
            let form = format!(
                "challenge={}&code={}",
                self.page_challenge(root).await,
                self.phone.next(site)
            );
            let answer = site.send(Method::POST, &format!("{root}/log-in/code"), &FORM, form).await;
            assert!(Visit::cookie(&answer).is_some(), "{root}: {}", answer.text);
        }
    }

    /// The token of the first step on pages.
    async fn page_challenge(&self, root: &str) -> String {
        let answer = Visit::log_in(&self.site, root, "ann", PASSWORD).await;
        let value = answer.text.split("name=\"challenge\" value=\"").nth(1).unwrap();
        value.split('"').next().unwrap().to_owned()
    }

    pub(super) async fn recovery_code(&self) {
        for (dialect, code) in DIALECTS.into_iter().zip(&self.recovery_codes) {
            let challenge = dialect.first_step(&self.site, "ann", EMAIL, PASSWORD).await;
            let wrong = format!("{}0000-0000-0000", &code[..5]);
            assert!(dialect.complete(&self.site, &challenge, &wrong).await.is_err());
            let opened = dialect.complete(&self.site, &challenge, code).await.unwrap();
            assert_mfa(&opened.access, &["pwd", "otp", "mfa"]);
            let again = dialect.first_step(&self.site, "ann", EMAIL, PASSWORD).await;
            assert!(dialect.complete(&self.site, &again, code).await.is_err(), "once");
        }
    }

    pub(super) async fn passkey_after(&mut self, challenge: &str, amr: &[&str]) {
        let client = Client::default();
        let options = self.site.accounts.begin_second_step(challenge, &client).await.unwrap();
        let other = self.site.accounts.begin_passkey_log_in(&client).await.unwrap();
        let (answer, other) = (self.answer(&options).await, self.answer(&other).await);
        let accounts = &self.site.accounts;
        for wrong in ["{}", &other] {
            assert!(accounts.complete_log_in_by_passkey(challenge, wrong, &client).await.is_err());
        }
        let opened =
            accounts.complete_log_in_by_passkey(challenge, &answer, &client).await.unwrap();
        assert_mfa(&opened.tokens.access, amr);
        assert!(
            accounts.complete_log_in_by_passkey(challenge, &answer, &client).await.is_err(),
            "once"
        );
    }

    /// On a trusted device, the first factor alone opens a session, which claims no second factor. It opens no session
    /// on another device, on a device that the user does not trust, or without a device token.
    pub(super) async fn on_trusted_devices(by_mail: bool) {
        let ann = Self::at(&[("TRUSTED_DEVICE_DAYS", "30")]).await;
        let site = &ann.site;
        let on = |device: Option<&str>| Client {
            device: device.map(str::to_owned),
            user_agent: Some("Mozilla/5.0 (X11; Linux) Firefox/140.0".to_owned()),
            ..Client::default()
        };
        let mut devices = Vec::new();
        for trusts_device in [false, true] {
            let client = Client { trusts_device, ..on(None) };
            let (challenge, code) = (ann.challenge().await, ann.phone.next(site));
            let opened = site.accounts.complete_log_in(&challenge, &code, &client).await.unwrap();
            devices.push(opened.device);
        }
        let rubbish = &devices[1][1..];
        for (device, is_trusted) in [
            (None, false),
            (Some(rubbish), false),
            (Some(devices[0].as_str()), false),
            (Some(devices[1].as_str()), true),
        ] {
            let client = on(device);
            let first = if by_mail {
                let id = site.accounts.send_log_in(EMAIL, None, &client).await.unwrap();
                let code = site.code(EMAIL).await;
                site.accounts.log_in_by_mail(&id, MailProof::Code(&code), &client).await
            } else {
                let who = Credentials::Username("ann".to_owned());
                site.accounts.log_in(who, PlainPassword::new(PASSWORD), &client).await
            };
            match first {
                Ok(opened) => {
                    assert!(is_trusted, "{device:?}");
                    let amr = if by_mail { "email" } else { "pwd" };
                    let (claimed, acr, _) = proof(&opened.tokens.access);
                    assert_eq!((claimed, acr), (json!([amr]), json!("aal1")));
                }
                Err(AuthError::SecondFactorRequired { .. }) => assert!(!is_trusted, "{device:?}"),
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    /// With user verification, the passkey counts as two factors. Without it, Latchkey refuses the passkey.
    pub(super) async fn passkey_alone(&mut self) {
        let client = Client::default();
        let options = self.site.accounts.begin_passkey_log_in(&client).await.unwrap();
        let asked: Value = serde_json::from_str(&options).unwrap();
        assert_eq!(asked["userVerification"], "required");
        let lax = options.replace("\"required\"", "\"discouraged\"");
        let answer = self.answer(&lax).await;
        let data: Value = serde_json::from_str(&answer).unwrap();
        assert!(!is_user_verified(&data), "the authenticator has not verified its user");
        let refused = self.site.accounts.passkey_log_in(&answer, &client).await.unwrap_err();
        assert!(matches!(refused, AuthError::Refused(Refusal::InvalidPasskey)), "{refused:?}");
        let options = self.site.accounts.begin_passkey_log_in(&client).await.unwrap();
        let answer = self.answer(&options).await;
        let opened = self.site.accounts.passkey_log_in(&answer, &client).await.unwrap();
        assert_mfa(&opened.tokens.access, &["pop", "mfa"]);
    }

    /// An earlier session continues, and never claims more than the user has proven in it.
    pub(super) async fn refresh(&self) {
        let site = Site::start().await;
        let before = site.signed_in("ann").await;
        secure(&site, &site.log_in(&before).await).await;
        let mut held = TokenPair { access: before.access, refresh: before.refresh };
        for dialect in DIALECTS {
            held = dialect.refresh(&site, &held).await.unwrap();
            let (amr, acr, _) = proof(&held.access);
            assert_eq!((amr, acr), (json!(["pwd"]), json!("aal1")), "{dialect:?}");
        }
        let challenge = self.challenge().await;
        for dialect in DIALECTS {
            let held = TokenPair { access: String::new(), refresh: challenge.clone() };
            assert!(dialect.refresh(&self.site, &held).await.is_err(), "{dialect:?}");
        }
    }

    /// A sign-up with the address of the user gives no token, and changes nothing of the account.
    pub(super) async fn sign_up(&self) {
        for dialect in DIALECTS {
            let name = format!("other{}", format!("{dialect:?}").to_lowercase());
            let signed_up = dialect.sign_up(&self.site, &name, EMAIL, NEW).await;
            assert!(signed_up.is_err(), "{dialect:?}");
        }
        self.assert_password_is_not_enough(EMAIL, PASSWORD).await;
        let concealing = Self::at(&[("CONCEAL_ACCOUNTS", "true")]).await;
        for dialect in DIALECTS {
            let name = format!("other{}", format!("{dialect:?}").to_lowercase());
            let signed_up = dialect.sign_up(&concealing.site, &name, EMAIL, NEW).await.unwrap();
            assert_eq!((&*signed_up.access, &*signed_up.refresh), ("", ""), "{dialect:?}");
        }
        concealing.assert_password_is_not_enough(EMAIL, PASSWORD).await;
    }

    pub(super) async fn mail(&self) {
        for dialect in DIALECTS {
            for is_code in [true, false] {
                let id = dialect.request_log_in_mail(&self.site, EMAIL).await.unwrap();
                let code = self.site.code(EMAIL).await;
                let link = self.site.link_token(EMAIL).await;
                let typed = if is_code { code } else { link };
                dialect.first_step_by_mail(&self.site, &id, &typed).await;
            }
        }
        for is_code in [true, false] {
            let form = format!("email={}", EMAIL.replace('@', "%40"));
            let asked = self.site.send(Method::POST, "/login/mail", &FORM, form).await;
            let set = asked.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap());
            let cookie = set.into_iter().find(|set| set.contains("login-mail=")).unwrap();
            let cookie = cookie.split(';').next().unwrap();
            let headers = [FORM[0], FORM[1], ("cookie", cookie)];
            let (path, form) = if is_code {
                ("/login/mail/code".to_owned(), format!("code={}", self.site.code(EMAIL).await))
            } else {
                (format!("/login/mail/{}", self.site.link_token(EMAIL).await), String::new())
            };
            let answer = self.site.send(Method::POST, &path, &headers, form).await;
            assert_opens_nothing(&answer);
            assert!(answer.text.contains("name=\"challenge\""), "{}", answer.text);
        }
    }

    pub(super) async fn code_after_the_mail(&self) {
        for (dialect, code) in DIALECTS.into_iter().zip(&self.recovery_codes) {
            for code in [code.clone(), self.phone.next(&self.site)] {
                let id = dialect.request_log_in_mail(&self.site, EMAIL).await.unwrap();
                let typed = self.site.code(EMAIL).await;
                let challenge = dialect.first_step_by_mail(&self.site, &id, &typed).await;
                // A mail is not a second factor: its code does not complete the log-in that the mail has begun.
                assert!(dialect.complete(&self.site, &challenge, &typed).await.is_err());
                let opened = dialect.complete(&self.site, &challenge, &code).await.unwrap();
                assert_mfa(&opened.access, &["email", "otp", "mfa"]);
            }
        }
    }

    /// C7: a reset neither removes nor replaces the second factor.
    pub(super) async fn reset(&self) {
        for (number, dialect) in DIALECTS.into_iter().enumerate() {
            let password = format!("{NEW}{number}");
            dialect.reset(&self.site, EMAIL, &password).await.unwrap();
            dialect.first_step(&self.site, "ann", EMAIL, &password).await;
            if number == 0 {
                self.assert_password_is_not_enough(EMAIL, &password).await;
            }
        }
    }

    /// A link that sets the first password opens no session, and the password is only a first factor.
    pub(super) async fn first_password(&self) {
        let site = Site::with(&[("ALLOW_PASSWORDLESS_REGISTRATION", "true")]).await;
        let bob = site.sign_up_without_password("bob").await;
        let link = site.link_token(&bob.email()).await;
        let dialect = Dialect::Django;
        let id = dialect.request_log_in_mail(&site, &bob.email()).await.unwrap();
        let opened = dialect.log_in_by_mail(&site, &id, &site.code(&bob.email()).await).await;
        let opened = opened.unwrap();
        let bob = Actor { access: opened.access, refresh: opened.refresh, ..bob };
        secure(&site, &bob).await;
        let set = site.set_password(&link, NEW, NEW).await;
        assert_eq!((&set["success"], &set["token"]), (&json!(true), &Value::Null), "{set}");
        for dialect in DIALECTS {
            dialect.first_step(&site, "bob", &bob.email(), NEW).await;
        }
    }

    /// A link that verifies an address opens no session of its account.
    pub(super) async fn verification(&self) {
        let site = &self.site;
        second_factor::add_second_address(site, &self.actor, "ann@second.example").await;
        let link = site.email_change_link(&self.actor, "ann@new.example").await;
        let verified = site.verify_account(&link).await;
        assert_eq!((&verified["success"], &verified["token"]), (&json!(true), &Value::Null));
        for email in ["ann@new.example", "ann@second.example"] {
            let client = Client::default();
            let (who, password) =
                (Credentials::Email(email.to_owned()), PlainPassword::new(PASSWORD));
            let alone = site.accounts.log_in(who, password, &client).await;
            assert!(matches!(alone, Err(AuthError::SecondFactorRequired { .. })), "{alone:?}");
        }
    }

    /// The owner of a former address gets a link to reset the password, and no session. The factor is much older than
    /// the change of the address, so it stays.
    pub(super) async fn take_back(&self) {
        let site = &self.site;
        let change = site.email_change_link(&self.actor, FORMER).await;
        site.accounts.verify_new_email(&change).await.unwrap();
        // The factor is more than seven days older than the change of the address.
        site.advance(jiff::SignedDuration::from_hours(24 * 8));
        let ann = second_factor::log_in(site, "ann", &self.phone.next(site)).await;
        let change = site.email_change_link(&ann, "thief@evil.example").await;
        site.accounts.verify_new_email(&change).await.unwrap();
        let mails = site.mails_to(FORMER).await;
        let mail = mails.iter().rev().find_map(|mail| {
            let text = mail.text.as_deref()?;
            text.split("/restore-email/").nth(1)?.split_whitespace().next().map(str::to_owned)
        });
        let document = format!(
            "mutation {{ it: restoreEmail(token: \"{}\") {{ success errors resetToken }} }}",
            mail.expect("a link")
        );
        let answer = site.graphql(&document, Value::Null).await;
        assert_opens_nothing(&answer);
        let it = &answer.json()["data"]["it"];
        assert_eq!(it["success"], true, "{it}");
        let set = site.reset_password(it["resetToken"].as_str().unwrap(), NEW, NEW).await;
        assert_eq!((&set["success"], &set["token"]), (&json!(true), &Value::Null), "{set}");
        self.assert_password_is_not_enough(FORMER, NEW).await;
    }

    /// In a session by the password alone, the password proves nothing more: it changes no password and adds no factor.
    pub(super) async fn in_a_session(&self) {
        let site = Site::start().await;
        let before = site.signed_in("ann").await;
        let Secured { phone, .. } = secure(&site, &site.log_in(&before).await).await;
        let change = format!(
            "passwordChange(oldPassword: \"{PASSWORD}\", newPassword1: \"{NEW}\", newPassword2: \"{NEW}\")"
        );
        for call in [
            format!("stepUp(password: \"{PASSWORD}\")"),
            "stepUp(code: \"000000\")".to_owned(),
            "stepUpByPasskey(credential: \"{}\")".to_owned(),
            "addPasskey(credential: \"{}\", name: \"\")".to_owned(),
            format!("addApp(setup: \"{}\", code: \"000000\")", before.access),
            change.clone(),
        ] {
            let answer = second_factor::mutate(&site, &before, &call, "token refreshToken").await;
            assert_eq!(answer["success"], false, "{call} {answer}");
            assert_eq!((&answer["token"], &answer["refreshToken"]), (&Value::Null, &Value::Null));
        }
        let raised = second_factor::step_up(&site, &before, &phone.next(&site)).await;
        assert_mfa(&raised.access, &["pwd", "otp", "mfa"]);
        let changed = done(&site, &raised, &change, "token").await;
        assert_eq!(proof(changed["token"].as_str().unwrap()).1, "aal2");
        assert!(self.caller.session.has_recent_second_factor(self.site.now()));
    }
}

/// The flag of user verification in the authenticator data.
fn is_user_verified(answer: &Value) -> bool {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let data = answer["response"]["authenticatorData"].as_str().unwrap();
    URL_SAFE_NO_PAD.decode(data).unwrap()[32] & 4 != 0
}
