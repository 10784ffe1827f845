//! The limit on costly fields of a document counts exactly the fields that cost. A test calls each field of the root
//! once, with success.

use std::collections::BTreeSet;

use accounts::error::AuthError;
use accounts::model::{Client, PlainPassword, RefreshTokens, Role};
use accounts::operations::Credentials;
use journeys::{Actor, PASSWORD, Site};
use serde_json::{Value, json};

use crate::passkeys;
use crate::passkeys::browser::Browser;
use crate::second_factor::{Phone, first_step, secure};

const NEW: &str = "another jf84jfKKd";
const SECOND: &str = "ann@second.example";

/// A site for one field: its preconditions are met, and its costs are not counted yet.
struct World {
    site: Site,
    ann: Actor,
}

impl World {
    async fn of(field: &str) -> Self {
        let settings = &[("ALLOW_DELETE_ACCOUNT", "true"), ("TRUSTED_DEVICE_DAYS", "30")];
        let site = Site::with(settings).await;
        let ann = site.signed_in("ann").await;
        if field.starts_with("staff") {
            assert!(site.store.set_role(ann.user_id(), Role::Superuser).await.unwrap());
            let ann = site.log_in(&ann).await;
            return Self { site, ann };
        }
        if field == "passwordSet" {
            let site = site.restarted_with(&[("ALLOW_PASSWORDLESS_REGISTRATION", "true")]);
            return Self { site, ann };
        }
        Self { site, ann }
    }

    /// The call of a field that succeeds, with its selection.
    async fn call(&self, field: &str) -> String {
        let (site, ann) = (&self.site, &self.ann);
        let password = format!("password: \"{PASSWORD}\"");
        let both = format!("newPassword1: \"{NEW}\", newPassword2: \"{NEW}\"");
        match field {
            "me" | "whoami" => format!("{field} {{ username }}"),
            "user" => format!("user(id: \"{}\") {{ username }}", self.own_id().await),
            "users" => "users(first: 1) { edges { node { username } } }".to_owned(),
            "sessions" => "sessions { id }".to_owned(),
            "recentActivity" => "recentActivity { next }".to_owned(),
            "register" => {
                let twice = format!("password1: \"{PASSWORD}\", password2: \"{PASSWORD}\"");
                let who = "email: \"bob@example.com\", username: \"bob\"";
                format!("register({who}, {twice}) {{ success }}")
            }
            "verifyAccount" => {
                let bob = site.sign_up("bob").await;
                let token = site.link_token(&bob.email()).await;
                format!("verifyAccount(token: \"{token}\") {{ success }}")
            }
            "resendActivationEmail" => {
                let bob = site.sign_up("bob").await;
                format!("{field}(email: \"{}\") {{ success }}", bob.email())
            }
            "updateAccount" => "updateAccount(firstName: \"Ann\") { success }".to_owned(),
            "exportAccount" | "archiveAccount" | "deleteAccount" => {
                format!("{field}({password}) {{ success }}")
            }
            "sendSecondaryEmailActivation" => {
                format!("{field}(email: \"{SECOND}\", {password}) {{ success }}")
            }
            "verifySecondaryEmail" => {
                self.ask_for_second().await;
                format!("{field}(token: \"{}\") {{ success }}", site.link_token(SECOND).await)
            }
            "swapEmails" | "removeSecondaryEmail" => {
                self.ask_for_second().await;
                let token = site.link_token(SECOND).await;
                site.accounts.verify_secondary_email(&token).await.unwrap();
                format!("{field}({password}) {{ success }}")
            }
            "cancelEmailChange" => {
                site.change_email(ann, "ann@new.example").await.unwrap();
                format!("{field}(token: \"{}\") {{ success }}", site.link_token(&ann.email()).await)
            }
            "restoreEmail" => {
                let token = site.email_change_link(ann, "ann@new.example").await;
                site.accounts.verify_new_email(&token).await.unwrap();
                format!("{field}(token: \"{}\") {{ success }}", site.link_token(&ann.email()).await)
            }
            "sendPasswordResetEmail" => {
                format!("{field}(email: \"{}\") {{ success }}", ann.email())
            }
            "passwordReset" => {
                format!("{field}(token: \"{}\", {both}) {{ success }}", site.reset_link(ann).await)
            }
            "passwordSet" => {
                let bob = site.sign_up_without_password("bob").await;
                let token = site.link_token(&bob.email()).await;
                format!("{field}(token: \"{token}\", {both}) {{ success }}")
            }
            "passwordChange" => {
                format!("{field}(oldPassword: \"{PASSWORD}\", {both}) {{ success }}")
            }
            "tokenAuth" => format!("{field}(username: \"ann\", {password}) {{ success }}"),
            "verifyToken" => format!("{field}(token: \"{}\") {{ success }}", ann.access),
            "refreshToken" | "revokeToken" => {
                format!("{field}(refreshToken: \"{}\") {{ success }}", ann.refresh)
            }
            "endSession" => format!("{field}(id: \"{}\") {{ success }}", ann.session_id()),
            "endOtherSessions" | "logout" => format!("{field} {{ success }}"),
            "createUser" => {
                let input = format!("email: \"bob@example.com\", username: \"bob\", {password}");
                format!("{field}(input: {{ {input} }}) {{ ok }}")
            }
            "refreshAccessToken" => {
                format!("{field}(refreshToken: \"{}\") {{ token }}", ann.refresh)
            }
            "updateUser" => format!("{field}(input: {{ email: \"ann@new.example\" }}) {{ ok }}"),
            "sendLoginEmail"
            | "user_send_login_email"
            | "loginByEmail"
            | "user_login_by_email"
            | "showLoginCode"
            | "user_show_login_code" => self.call_of_mail(field).await,
            "beginApp"
            | "addApp"
            | "removeApp"
            | "replaceRecoveryCodes"
            | "completeLogin"
            | "stepUp"
            | "user_complete_login" => self.call_of_second_factor(field).await,
            _ if field.contains("rustedDevice") => self.call_of_second_factor(field).await,
            _ if field.to_lowercase().contains("passkey") || field == "beginStepUp" => {
                self.call_of_passkeys(field).await
            }
            _ if field.starts_with("staff") => self.call_of_staff(field).await,
            _ => self.call_of_hasura(field).await,
        }
    }

    async fn call_of_mail(&self, field: &str) -> String {
        let (site, email) = (&self.site, self.ann.email());
        let is_of_hasura = field.starts_with("user_");
        let kind = if is_of_hasura { RefreshTokens::Stay } else { RefreshTokens::Rotate };
        let client = Client { refresh_tokens: kind, ..Client::default() };
        let id = site.accounts.send_log_in(&email, None, &client).await.unwrap();
        let (code, token) = (site.code(&email).await, site.link_token(&email).await);
        match field {
            "sendLoginEmail" => format!("{field}(email: \"{email}\") {{ success }}"),
            "loginByEmail" => {
                format!("{field}(loginId: \"{id}\", code: \"{code}\") {{ success }}")
            }
            "showLoginCode" => format!("{field}(token: \"{token}\") {{ success }}"),
            "user_send_login_email" => {
                format!("{field}(arg: {{ email: \"{email}\" }}) {{ login_id }}")
            }
            "user_login_by_email" => {
                let arg = format!("login_id: \"{id}\", code: \"{code}\"");
                format!("{field}(arg: {{ {arg} }}) {{ access }}")
            }
            _ => format!("{field}(arg: {{ token: \"{token}\" }}) {{ code }}"),
        }
    }

    async fn call_of_second_factor(&self, field: &str) -> String {
        let (site, ann) = (&self.site, &self.ann);
        match field {
            "beginApp" => return format!("beginApp(password: \"{PASSWORD}\") {{ success }}"),
            "stepUp" => return format!("stepUp(password: \"{PASSWORD}\") {{ success }}"),
            "addApp" => {
                let app = site.accounts.begin_app(&site.caller(ann).await, None).await.unwrap();
                let code = Phone::reading(&app.uri).code(site);
                return format!("addApp(setup: \"{}\", code: \"{code}\") {{ success }}", app.setup);
            }
            _ => {}
        }
        let codes = secure(site, ann).await.recovery_codes;
        match field {
            "removeApp" | "replaceRecoveryCodes" => format!("{field} {{ success }}"),
            "trustedDevices" | "endTrustedDevice" | "endTrustedDevices" => {
                let challenge = first_step(site, "ann", &[]).await;
                let client = Client { trusts_device: true, ..Client::default() };
                site.accounts.complete_log_in(&challenge, &codes[0], &client).await.unwrap();
                let caller = site.caller(ann).await;
                let devices = site.accounts.trusted_devices(&caller).await.unwrap();
                match field {
                    "trustedDevices" => "trustedDevices { id }".to_owned(),
                    "endTrustedDevices" => format!("{field} {{ success }}"),
                    _ => format!("{field}(id: \"{}\") {{ success }}", devices[0].id),
                }
            }
            "completeLogin" => {
                let challenge = first_step(site, "ann", &[]).await;
                let code = &codes[0];
                format!("{field}(challenge: \"{challenge}\", code: \"{code}\") {{ success }}")
            }
            _ => {
                let credentials = Credentials::Username("ann".to_owned());
                let client = Client { refresh_tokens: RefreshTokens::Stay, ..Client::default() };
                let password = PlainPassword::new(PASSWORD.to_owned());
                let refused = site.accounts.log_in(credentials, password, &client).await.err();
                let Some(AuthError::SecondFactorRequired { challenge }) = refused else {
                    panic!("no second step: {refused:?}")
                };
                let arg = format!("challenge: \"{challenge}\", code: \"{}\"", codes[0]);
                format!("{field}(arg: {{ {arg} }}) {{ access }}")
            }
        }
    }

    async fn call_of_passkeys(&self, field: &str) -> String {
        let (accounts, client) = (&self.site.accounts, Client::default());
        let (caller, mut browser) = (self.site.caller(&self.ann).await, Browser::new());
        let text = |text: &str| json!(text).to_string();
        if field == "beginPasskey" {
            return format!("{field}(password: \"{PASSWORD}\") {{ success }}");
        }
        if field == "addPasskey" {
            let options = accounts.begin_passkey(&caller, None).await.unwrap();
            let credential = text(&browser.create(&options).await);
            return format!("{field}(credential: {credential}) {{ success }}");
        }
        let caller = passkeys::add(&self.site, &caller, &mut browser, "").await;
        let list = accounts.passkeys(&caller).await.unwrap().passkeys;
        let id = text(&list[0].credential.id.to_string());
        match field {
            "passkeys" => "passkeys { acceptedPasskeys }".to_owned(),
            "renamePasskey" => format!("{field}(id: {id}, name: \"Phone\") {{ success }}"),
            "removePasskey" => format!("{field}(id: {id}) {{ success }}"),
            "beginPasskeyLogin" | "beginStepUp" => format!("{field} {{ success }}"),
            "passkeyLogin" => {
                let options = accounts.begin_passkey_log_in(&client).await.unwrap();
                let credential = text(&browser.get(&options).await);
                format!("{field}(credential: {credential}) {{ success }}")
            }
            "stepUpByPasskey" => {
                let options = accounts.begin_step_up(&caller).await.unwrap();
                let credential = text(&browser.get(&options).await);
                format!("{field}(credential: {credential}) {{ success }}")
            }
            _ => {
                let challenge = passkeys::first_step(&self.site, "ann").await;
                let options = accounts.begin_second_step(&challenge, &client).await.unwrap();
                let credential = text(&browser.get(&options).await);
                let challenge = format!("challenge: {}", text(&challenge));
                if field == "beginPasskeyStep" {
                    return format!("{field}({challenge}) {{ success }}");
                }
                format!("{field}({challenge}, credential: {credential}) {{ success }}")
            }
        }
    }

    async fn call_of_staff(&self, field: &str) -> String {
        let site = &self.site;
        let bob = site.signed_in("bob").await;
        let user = format!("user: \"{}\"", bob.user_id());
        let password = format!("password: \"{PASSWORD}\"");
        match field {
            "staffUser" => "staffUser(find: \"bob\") { id }".to_owned(),
            "staffUsers" => "staffUsers(first: 1) { edges { cursor } }".to_owned(),
            "staffTrail" => format!("staffTrail({user}) {{ next }}"),
            "staffOverview" => "staffOverview { waitingMails }".to_owned(),
            "staffNetwork" | "staffLiftNetwork" => {
                format!("{field}(ip: \"192.0.2.1\") {{ __typename }}")
            }
            "staffInvite" => "staffInvite(email: \"cat@example.com\") { id }".to_owned(),
            "staffVerify" | "staffSendActivation" => {
                let cat = site.sign_up("cat").await;
                format!("{field}(user: \"{}\") {{ id }}", cat.user_id())
            }
            "staffSetRole" => format!("{field}({user}, role: STAFF, {password}) {{ id }}"),
            "staffBan" => {
                format!("staffBan(users: [\"{}\"], reason: \"\") {{ changed }}", bob.user_id())
            }
            "staffEndSession" => {
                format!("{field}({user}, session: \"{}\") {{ id }}", bob.session_id())
            }
            "staffDelete" => format!("{field}({user}, reason: \"\", {password})"),
            "staffRemoveSecondFactor" | "staffKeepSecondFactor" => {
                secure(site, &bob).await;
                if field == "staffKeepSecondFactor" {
                    let accounts = &site.accounts;
                    let operator = accounts.operator("olga").unwrap();
                    operator.remove_second_factor(bob.user_id(), "", false, None).await.unwrap();
                    return format!("{field}({user}) {{ id }}");
                }
                format!("{field}({user}, reason: \"\", {password}) {{ id }}")
            }
            "staffExportUser" => format!("{field}({user})"),
            _ => format!("{field}({user}) {{ id }}"),
        }
    }

    async fn call_of_hasura(&self, field: &str) -> String {
        let (site, ann) = (&self.site, &self.ann);
        let password = format!("password: \"{PASSWORD}\"");
        match field {
            "user_login" => {
                format!("{field}(arg: {{ username: \"ann\", {password} }}) {{ access }}")
            }
            "user_refresh" => {
                format!("{field}(arg: {{ refresh: \"{}\" }}) {{ access }}", ann.refresh)
            }
            "user_password_reset_validate" => {
                let token = site.reset_link(ann).await;
                format!(
                    "{field}(arg: {{ email: \"{}\", token: \"{token}\" }}) {{ status }}",
                    ann.email()
                )
            }
            "user_password_reset_confirm" => {
                let token = site.reset_link(ann).await;
                let email = ann.email();
                let arg = format!("email: \"{email}\", token: \"{token}\", password: \"{NEW}\"");
                format!("{field}(arg: {{ {arg} }}) {{ status }}")
            }
            "user_register" => {
                let arg = format!("email: \"bob@example.com\", username: \"bob\", {password}");
                format!("{field}(arg: {{ {arg} }}) {{ id }}")
            }
            "user_change_password" => {
                let arg = format!("old_password: \"{PASSWORD}\", new_password: \"{NEW}\"");
                format!("{field}(arg: {{ {arg} }}) {{ status }}")
            }
            "user_password_reset" => {
                format!("{field}(arg: {{ email: \"{}\" }}) {{ status }}", ann.email())
            }
            "hotdog" => "hotdog(arg: { food: \"hot dog\" }) { is_hotdog }".to_owned(),
            _ => panic!("how does {field} succeed?"),
        }
    }

    async fn own_id(&self) -> String {
        let answer = self.site.ask(&self.ann, "{ me { id } }", Value::Null).await.json();
        answer["data"]["me"]["id"].as_str().unwrap().to_owned()
    }

    async fn ask_for_second(&self) {
        let caller = self.site.caller(&self.ann).await;
        let password = PlainPassword::new(PASSWORD.to_owned());
        self.site
            .accounts
            .send_secondary_email_activation(&caller, SECOND, password, &Client::default())
            .await
            .unwrap();
    }

    /// Password hashes so far, and mails that are to be sent or were.
    async fn paid(&self) -> (u64, usize) {
        let is_mail = |item: &journeys::Item| item["sk"].as_s().is_ok_and(|sk| sk == "MAIL");
        let mails = self.site.all_items().await.iter().filter(|item| is_mail(item)).count();
        (self.site.accounts.password_hashes(), mails)
    }

    /// Whether a field of that kind of operation costs a hash or a mail.
    async fn is_costly(&self, kind: &str, field: &str) -> bool {
        let call = self.call(field).await;
        let before = self.paid().await;
        let document = format!("{kind} {{ it: {call} }}");
        let answer = self.site.ask(&self.ann, &document, Value::Null).await.json();
        let it = &answer["data"]["it"];
        assert!(!it.is_null() && it["success"] != json!(false), "{document}: {answer}");
        self.paid().await != before
    }
}

#[tokio::test]
async fn the_fields_that_cost_a_hash_or_a_mail_are_those_that_are_limited() {
    let site = Site::start().await;
    let names = "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }";
    let schema = site.graphql(names, Value::Null).await.json()["data"]["__schema"].take();
    // These walk through the users, count the events of a week, and change many users.
    let mut costly: BTreeSet<_> =
        ["users", "staffUsers", "staffOverview", "staffBan"].map(str::to_owned).into();
    for (kind, root) in [("query", "queryType"), ("mutation", "mutationType")] {
        for field in schema[root]["fields"].as_array().unwrap() {
            let field = field["name"].as_str().unwrap();
            if World::of(field).await.is_costly(kind, field).await {
                costly.insert(field.to_owned());
            }
        }
    }
    let limited: BTreeSet<_> = graphql::dialects::costly().map(str::to_owned).collect();
    assert_eq!(costly, limited);
}
