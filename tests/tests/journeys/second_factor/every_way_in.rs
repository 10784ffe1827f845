//! C1: one table of all ways to log in (ways in). Each test tries one way for a user with a second factor. No way gives
//! a token or a session before the user has proven the second factor.
//!
//! A test compares the table with the table of `docs/factors.md`. It also compares the operations of the table with the
//! operations of the schema and of the OpenAPI document that answer with tokens. So a new way in fails these tests
//! until the docs and the table have it, and a test tries it. `pages/app.rs` tests the page `/login`.

use std::collections::BTreeSet;

use accounts::error::AuthError;
use accounts::model::{Client, PlainPassword, Role};
use accounts::operations::{Caller, Credentials, MailProof};
use axum::http::Method;
use journeys::{Actor, Answer, DIALECTS, Dialect, FORM, Held, PASSWORD, Site, Visit};
use serde_json::{Value, json};

use super::{Phone, Secured, done, proof, secure};
use crate::passkeys::add;
use crate::passkeys::browser::Browser;

const EMAIL: &str = "ann@example.com";
const FORMER: &str = "former@example.com";
const NEW: &str = "another jf84jfKKd";

/// A way in: the first column of the table of the docs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Password,
    PasswordAndApp,
    PasswordAndRecoveryCode,
    PasswordAndPasskey,
    PasswordOnTrusted,
    Passkey,
    Refresh,
    Enrolment,
    SignUp,
    Mail,
    MailAndCode,
    MailAndPasskey,
    MailOnTrusted,
    Reset,
    FirstPassword,
    Verification,
    TakeBack,
    InSession,
}

use Way::{
    Enrolment, FirstPassword, InSession, Mail, MailAndCode, MailAndPasskey, MailOnTrusted, Passkey,
    Password, PasswordAndApp, PasswordAndPasskey, PasswordAndRecoveryCode, PasswordOnTrusted,
    Refresh, Reset, SignUp, TakeBack, Verification,
};

const WAYS: [(Way, &str); 18] = [
    (Password, "password"),
    (PasswordAndApp, "password, then a code of the app"),
    (PasswordAndRecoveryCode, "password, then a recovery code"),
    (PasswordAndPasskey, "password, then a passkey"),
    (PasswordOnTrusted, "password, on a [trusted device](#trusted-devices)"),
    (Passkey, "passkey alone"),
    (Refresh, "refresh token"),
    (
        Enrolment,
        "password, then a new app or a new passkey, where [one is required](#require-a-second-factor)",
    ),
    (SignUp, "tokens of a sign-up"),
    (Mail, "code or link of a mail, in the browser that requested it"),
    (MailAndCode, "code or link of a mail, then a code of the app or a recovery code"),
    (MailAndPasskey, "code or link of a mail, then a passkey"),
    (MailOnTrusted, "code or link of a mail, on a trusted device"),
    (Reset, "link to reset a password"),
    (FirstPassword, "link to set the first password"),
    (Verification, "link or code that proves an address"),
    (TakeBack, "link that takes an account back"),
    (InSession, "step-up, new password or new factor, in a session"),
];

/// The operations that answer with tokens, each with its ways in.
const OPERATIONS: &[(&str, &[Way])] = &[
    ("register", &[SignUp]),
    ("createUser", &[SignUp]),
    ("user_register", &[SignUp]),
    ("/api/accounts/signup/", &[SignUp]),
    ("/users/user/register/", &[SignUp]),
    ("tokenAuth", &[Password]),
    ("user_login", &[Password]),
    ("/api/accounts/login/", &[Password]),
    ("/users/login/", &[Password]),
    ("completeLogin", &[PasswordAndApp, PasswordAndRecoveryCode, MailAndCode]),
    ("user_complete_login", &[PasswordAndApp, PasswordAndRecoveryCode, MailAndCode]),
    ("/api/accounts/login/second-factor/", &[PasswordAndApp, PasswordAndRecoveryCode, MailAndCode]),
    ("/users/login/second-factor/", &[PasswordAndApp, PasswordAndRecoveryCode, MailAndCode]),
    ("completeLoginByPasskey", &[PasswordAndPasskey, MailAndPasskey]),
    ("/api/accounts/login/second-factor/passkey/", &[PasswordAndPasskey, MailAndPasskey]),
    ("passkeyLogin", &[Passkey]),
    ("/api/accounts/login/passkey/", &[Passkey]),
    ("loginByEmail", &[Mail]),
    ("user_login_by_email", &[Mail]),
    ("/api/accounts/login/email/confirm/", &[Mail]),
    ("/users/login/email/confirm/", &[Mail]),
    ("refreshToken", &[Refresh]),
    ("refreshAccessToken", &[Refresh]),
    ("user_refresh", &[Refresh]),
    ("/api/accounts/token/refresh/", &[Refresh]),
    ("/users/token/refresh/", &[Refresh]),
    ("passwordChange", &[InSession]),
    ("stepUp", &[InSession]),
    ("stepUpByPasskey", &[InSession]),
    ("addApp", &[InSession, Enrolment]),
    ("addPasskey", &[InSession, Enrolment]),
    ("/api/accounts/password/change/", &[InSession]),
    ("/api/accounts/step-up/", &[InSession]),
    ("/api/accounts/step-up/passkey/", &[InSession]),
    ("/api/accounts/app/add/", &[InSession, Enrolment]),
    ("/api/accounts/passkeys/add/", &[InSession, Enrolment]),
];

/// The operations of the generated documents whose answers have a token.
fn with_tokens() -> BTreeSet<String> {
    let schema = include_str!("../../../../schema.graphql");
    let types: Vec<(&str, &str)> = schema
        .split("\ntype ")
        .filter_map(|text| Some((text.split([' ', '{']).next()?, text.split("\n}").next()?)))
        .collect();
    let has_token = |name: &str| {
        let fields = types.iter().filter(|(own, _)| *own == name).flat_map(|(_, it)| it.lines());
        fields
            .map(field_name)
            .any(|field| ["token", "refreshToken", "access", "refresh", "tokens"].contains(&field))
    };
    let roots = types.iter().filter(|(name, _)| ["Mutation", "Query"].contains(name));
    let fields = roots.flat_map(|(_, text)| text.lines()).filter(|line| line.starts_with('\t'));
    let fields = fields.filter(|line| {
        line.rsplit(": ").next().is_some_and(|kind| has_token(kind.trim_matches(['!', '[', ']'])))
    });
    let fields = fields.map(|line| field_name(line).to_owned());
    let openapi: Value = serde_json::from_str(include_str!("../../../../openapi.json")).unwrap();
    let paths = openapi["paths"].as_object().unwrap().iter();
    let paths = paths.filter(|(_, methods)| {
        methods
            .as_object()
            .unwrap()
            .values()
            .any(|operation| has_access(&openapi, &operation["responses"], 0))
    });
    fields.chain(paths.map(|(path, _)| path.clone())).collect()
}

fn field_name(line: &str) -> &str {
    line.trim_start().split(['(', ':']).next().unwrap_or_default()
}

/// Whether a schema has the property `access` or `refresh`, at any depth.
fn has_access(openapi: &Value, schema: &Value, depth: usize) -> bool {
    if depth > 12 {
        return false;
    }
    match schema {
        Value::Object(map) => {
            let properties = map.get("properties").and_then(Value::as_object);
            let is_it = properties
                .is_some_and(|it| it.contains_key("access") || it.contains_key("refresh"));
            let target = map.get("$ref").and_then(Value::as_str);
            let target = target.and_then(|path| openapi.pointer(path.trim_start_matches('#')));
            is_it
                || target.is_some_and(|target| has_access(openapi, target, depth + 1))
                || map.values().any(|value| has_access(openapi, value, depth + 1))
        }
        Value::Array(list) => list.iter().any(|value| has_access(openapi, value, depth + 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[test]
fn the_table_has_each_way_of_the_docs_and_each_operation_that_answers_with_tokens() {
    let docs = include_str!("../../../../docs/factors.md");
    let table = docs.split("## What proves what").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    let rows = rows.map(|row| row.split(" | ").next().unwrap().trim_start_matches("| "));
    let documented: Vec<&str> = rows.collect();
    let walked: Vec<&str> = WAYS.iter().map(|(_, name)| *name).collect();
    assert_eq!(documented, walked);
    let known: BTreeSet<String> = OPERATIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(with_tokens(), known);
}

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
                let id = Dialect::Rest.ask_for_log_in(&ann.site, EMAIL).await.unwrap();
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

impl Ann {
    async fn code_of_the_app(&self) {
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

    async fn recovery_code(&self) {
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

    async fn passkey_after(&mut self, challenge: &str, amr: &[&str]) {
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
    async fn on_trusted_devices(by_mail: bool) {
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
    async fn passkey_alone(&mut self) {
        let client = Client::default();
        let options = self.site.accounts.begin_passkey_log_in(&client).await.unwrap();
        let asked: Value = serde_json::from_str(&options).unwrap();
        assert_eq!(asked["userVerification"], "required");
        let lax = options.replace("\"required\"", "\"discouraged\"");
        let answer = self.answer(&lax).await;
        let data: Value = serde_json::from_str(&answer).unwrap();
        assert!(!is_user_verified(&data), "the authenticator has not verified its user");
        let refused = self.site.accounts.passkey_log_in(&answer, &client).await.unwrap_err();
        assert!(matches!(refused, AuthError::InvalidPasskey), "{refused:?}");
        let options = self.site.accounts.begin_passkey_log_in(&client).await.unwrap();
        let answer = self.answer(&options).await;
        let opened = self.site.accounts.passkey_log_in(&answer, &client).await.unwrap();
        assert_mfa(&opened.tokens.access, &["pop", "mfa"]);
    }

    /// An earlier session continues, and never claims more than the user has proven in it.
    async fn refresh(&self) {
        let site = Site::start().await;
        let before = site.signed_in("ann").await;
        secure(&site, &site.log_in(&before).await).await;
        let mut held = Held { access: before.access, refresh: before.refresh };
        for dialect in DIALECTS {
            held = dialect.refresh(&site, &held).await.unwrap();
            let (amr, acr, _) = proof(&held.access);
            assert_eq!((amr, acr), (json!(["pwd"]), json!("aal1")), "{dialect:?}");
        }
        let challenge = self.challenge().await;
        for dialect in DIALECTS {
            let held = Held { access: String::new(), refresh: challenge.clone() };
            assert!(dialect.refresh(&self.site, &held).await.is_err(), "{dialect:?}");
        }
    }

    /// A sign-up with the address of the user gives no token, and changes nothing of the account.
    async fn sign_up(&self) {
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

    async fn mail(&self) {
        for dialect in DIALECTS {
            for is_code in [true, false] {
                let id = dialect.ask_for_log_in(&self.site, EMAIL).await.unwrap();
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

    async fn code_after_the_mail(&self) {
        for (dialect, code) in DIALECTS.into_iter().zip(&self.recovery_codes) {
            for code in [code.clone(), self.phone.next(&self.site)] {
                let id = dialect.ask_for_log_in(&self.site, EMAIL).await.unwrap();
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
    async fn reset(&self) {
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
    async fn first_password(&self) {
        let site = Site::with(&[("ALLOW_PASSWORDLESS_REGISTRATION", "true")]).await;
        let bob = site.sign_up_without_password("bob").await;
        let link = site.link_token(&bob.email()).await;
        let dialect = Dialect::Django;
        let id = dialect.ask_for_log_in(&site, &bob.email()).await.unwrap();
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
    async fn verification(&self) {
        let site = &self.site;
        super::add_second_address(site, &self.actor, "ann@second.example").await;
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
    async fn take_back(&self) {
        let site = &self.site;
        let change = site.email_change_link(&self.actor, FORMER).await;
        site.accounts.verify_new_email(&change).await.unwrap();
        // The factor is more than seven days older than the change of the address.
        site.advance(jiff::SignedDuration::from_hours(24 * 8));
        let ann = super::log_in(site, "ann", &self.phone.next(site)).await;
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
    async fn in_a_session(&self) {
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
            let answer = super::mutate(&site, &before, &call, "token refreshToken").await;
            assert_eq!(answer["success"], false, "{call} {answer}");
            assert_eq!((&answer["token"], &answer["refreshToken"]), (&Value::Null, &Value::Null));
        }
        let raised = super::step_up(&site, &before, &phone.next(&site)).await;
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
