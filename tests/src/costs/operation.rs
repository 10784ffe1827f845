//! Each operation once, on a site of its own, with everything that it asks of DynamoDB counted.

use std::future::Future;
use std::io::Cursor;

use accounts::model::Client;
use accounts::operations::{FirstPassword, Registration};
use axum::http::Method;
use embedded::KeyUnits;
use image::{DynamicImage, ImageFormat};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{log_in_by_mail, passkey, second_factor};
use crate::{Calls, PASSWORD, Site};

/// The settings of a site with the revocation feed, and after the first one those of any site with limits.
const FEED: &[(&str, &str)] = &[("REVOCATIONS", "on"), ("THROTTLE", "on")];
/// The address of the client.
const IP: [u8; 4] = [203, 0, 113, 7];

/// Something that costs, or shows that it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Sign up, and get tokens with that.
    RegisterWithTokens,
    /// Sign up.
    Register,
    /// Sign up without a password, and get tokens with that.
    RegisterWithoutPassword,
    /// Sign up while the network has to wait.
    LockedSignUp,
    /// `email-event`, for one mail.
    SendMail,
    /// Prove the address by the mailed link.
    VerifyByLink,
    /// Prove the address by the mailed code.
    VerifyByCode,
    /// Log in by username.
    LogInByName,
    /// Log in by address.
    LogInByEmail,
    /// Log in with a wrong password.
    WrongPassword,
    /// Log in as a user who does not exist.
    UnknownUser,
    /// Log in while the account is locked for the network.
    LockedLogIn,
    /// Ask for a mail to log in by.
    AskForLogInMail,
    /// The same, for an address without an account.
    AskForLogInMailOfNobody,
    /// Log in by the mailed code.
    LogInByCode,
    /// Log in by the mailed link.
    LogInByLink,
    /// Log in with a wrong code.
    WrongCode,
    /// The first step of a log-in with a second factor.
    FirstStep,
    /// The second step, by a code of the app.
    SecondStep,
    /// The second step, by a recovery code.
    SecondStepByRecoveryCode,
    /// The second step, with a wrong code.
    WrongSecondStep,
    /// Log in on a trusted device.
    LogInOnTrustedDevice,
    /// Prove the second factor once more in a session.
    StepUp,
    /// Add an authenticator app, by its first code.
    AddApp,
    /// The same in a log-in whose user must have a second factor.
    AddAppToLogIn,
    /// Add a passkey: both requests.
    AddPasskey,
    /// Log in by a passkey alone: both requests.
    LogInByPasskey,
    /// The second step by a passkey: both requests.
    SecondStepByPasskey,
    /// A query with an access token.
    AuthenticatedQuery,
    /// `me` without a token.
    AnonymousQuery,
    /// Have an access token looked into.
    VerifyToken,
    /// Exchange the refresh token.
    Refresh,
    /// Log out, by the refresh token.
    LogOut,
    /// Log out, as the caller.
    LogOutAsCaller,
    /// List one's sessions.
    Sessions,
    /// End one of them.
    EndSession,
    /// End all others.
    EndOtherSessions,
    /// Choose another password.
    ChangePassword,
    /// Set the first password by the mailed link.
    SetPassword,
    /// Log out, by the refresh token, with the revocation feed.
    LogOutInFeed,
    /// End all other sessions, with the revocation feed.
    EndOtherSessionsInFeed,
    /// Choose another password, with the revocation feed.
    ChangePasswordInFeed,
    /// Change the profile.
    ChangeProfile,
    /// Put another picture in place of the one before.
    ChangePicture,
    /// Ask for another first address.
    ChangeEmail,
    /// Prove it by the mailed link.
    VerifyNewEmail,
    /// List the first ten of many users.
    ListUsers,
    /// Find a user by name.
    FindUser,
    /// Ask for the public keys.
    PublicKeys,
    /// `token-cleanup`, when nothing is due.
    IdleCleanUp,
}

/// The calls of one operation to DynamoDB.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Calls, and how many of them one after the other.
    pub calls: Calls,
    /// How many items were written, changed or deleted.
    pub items: usize,
    /// Read units that were consumed.
    pub read_units: f64,
    /// Write units that were consumed, on the table and its indexes.
    pub write_units: f64,
    /// The same units, by partition key.
    pub keys: Vec<KeyUnits>,
}

impl Operation {
    /// All of them, in the order of a user's life.
    pub const ALL: [Self; 50] = [
        Self::RegisterWithTokens,
        Self::Register,
        Self::RegisterWithoutPassword,
        Self::LockedSignUp,
        Self::SendMail,
        Self::VerifyByLink,
        Self::VerifyByCode,
        Self::LogInByName,
        Self::LogInByEmail,
        Self::WrongPassword,
        Self::UnknownUser,
        Self::LockedLogIn,
        Self::AskForLogInMail,
        Self::AskForLogInMailOfNobody,
        Self::LogInByCode,
        Self::LogInByLink,
        Self::WrongCode,
        Self::FirstStep,
        Self::SecondStep,
        Self::SecondStepByRecoveryCode,
        Self::WrongSecondStep,
        Self::LogInOnTrustedDevice,
        Self::StepUp,
        Self::AddApp,
        Self::AddAppToLogIn,
        Self::AddPasskey,
        Self::LogInByPasskey,
        Self::SecondStepByPasskey,
        Self::AuthenticatedQuery,
        Self::AnonymousQuery,
        Self::VerifyToken,
        Self::Refresh,
        Self::LogOut,
        Self::LogOutAsCaller,
        Self::Sessions,
        Self::EndSession,
        Self::EndOtherSessions,
        Self::ChangePassword,
        Self::SetPassword,
        Self::LogOutInFeed,
        Self::EndOtherSessionsInFeed,
        Self::ChangePasswordInFeed,
        Self::ChangeProfile,
        Self::ChangePicture,
        Self::ChangeEmail,
        Self::VerifyNewEmail,
        Self::ListUsers,
        Self::FindUser,
        Self::PublicKeys,
        Self::IdleCleanUp,
    ];

    /// Its name in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::RegisterWithTokens => "register, with tokens",
            Self::Register => "register, without tokens",
            Self::RegisterWithoutPassword => "register without a password, with tokens",
            Self::LockedSignUp => "register, while the network is locked",
            Self::SendMail => "send the activation mail (`email-event`)",
            Self::VerifyByLink => "verify by link",
            Self::VerifyByCode => "verify by code",
            Self::LogInByName => "log in, by name",
            Self::LogInByEmail => "log in, by address",
            Self::WrongPassword => "log in, wrong password",
            Self::UnknownUser => "log in, unknown user",
            Self::LockedLogIn => "log in, while locked",
            Self::AskForLogInMail => "request a log-in by mail (`sendLoginEmail`)",
            Self::AskForLogInMailOfNobody => "the same, for an address without an account",
            Self::LogInByCode => "log in by the mailed code (`loginByEmail`)",
            Self::LogInByLink => "log in by the mailed link",
            Self::WrongCode => "log in by mail, wrong code",
            Self::FirstStep => "log in with a second factor, first step",
            Self::SecondStep => "second step (`completeLogin`), by the app",
            Self::SecondStepByRecoveryCode => "second step, by a recovery code",
            Self::WrongSecondStep => "second step, wrong code",
            Self::LogInOnTrustedDevice => "log in with a second factor, on a trusted device",
            Self::StepUp => "`stepUp`, by the app",
            Self::AddApp => "`addApp`",
            Self::AddAppToLogIn => "`addApp`, in a log-in that requires it",
            Self::AddPasskey => "add a passkey (`beginPasskey` and `addPasskey`)",
            Self::LogInByPasskey => "log in by a passkey (`beginPasskeyLogin` and `passkeyLogin`)",
            Self::SecondStepByPasskey => {
                "second step, by a passkey (`beginPasskeyStep` and `completeLoginByPasskey`)"
            }
            Self::AuthenticatedQuery => "an authenticated query (`me`)",
            Self::AnonymousQuery => "an anonymous query (`me`)",
            Self::VerifyToken => "`verifyToken`",
            Self::Refresh => "refresh",
            Self::LogOut => "log out (`revokeToken`)",
            Self::LogOutAsCaller => "`logout`",
            Self::Sessions => "`sessions`",
            Self::EndSession => "`endSession`",
            Self::EndOtherSessions => "`endOtherSessions`",
            Self::ChangePassword => "`passwordChange`",
            Self::SetPassword => "`passwordSet`",
            Self::LogOutInFeed => "log out (`revokeToken`), with the revocation feed",
            Self::EndOtherSessionsInFeed => "`endOtherSessions`, with the revocation feed",
            Self::ChangePasswordInFeed => "`passwordChange`, with the revocation feed",
            Self::ChangeProfile => "change the profile (`updateAccount`)",
            Self::ChangePicture => "change the picture",
            Self::ChangeEmail => "request another address",
            Self::VerifyNewEmail => "verify another address, by link",
            Self::ListUsers => "a page of 10 users (`users`)",
            Self::FindUser => "a user by name (`users`)",
            Self::PublicKeys => "public key set",
            Self::IdleCleanUp => "clean-up with nothing due (`token-cleanup`)",
        }
    }

    /// Does it once, for a user like any other, and counts.
    pub async fn cost(self) -> Cost {
        match self {
            Self::RegisterWithTokens => register(&[("THROTTLE", "on")]).await,
            Self::Register => {
                register(&[("THROTTLE", "on"), ("TOKENS_ON_REGISTER", "false")]).await
            }
            Self::LockedSignUp => locked_sign_up().await,
            Self::RegisterWithoutPassword | Self::SetPassword => self.without_password().await,
            Self::SendMail | Self::VerifyByLink | Self::VerifyByCode => self.of_a_new_user().await,
            Self::LogInByName => log_in(json!({ "username": "ann", "password": PASSWORD })).await,
            Self::LogInByEmail => {
                log_in(json!({ "email": "ann@example.com", "password": PASSWORD })).await
            }
            Self::LockedLogIn => locked_log_in().await,
            Self::AskForLogInMail
            | Self::AskForLogInMailOfNobody
            | Self::LogInByCode
            | Self::LogInByLink
            | Self::WrongCode => Box::pin(log_in_by_mail::cost(self)).await,
            Self::FirstStep
            | Self::SecondStep
            | Self::SecondStepByRecoveryCode
            | Self::WrongSecondStep
            | Self::LogInOnTrustedDevice
            | Self::StepUp
            | Self::AddApp => Box::pin(second_factor::cost(self)).await,
            Self::AddAppToLogIn => Box::pin(second_factor::enrolment()).await,
            Self::AddPasskey | Self::LogInByPasskey | Self::SecondStepByPasskey => {
                Box::pin(passkey::cost(self)).await
            }
            Self::WrongPassword => {
                refused_log_in(json!({ "username": "ann", "password": "not it" })).await
            }
            Self::UnknownUser => {
                refused_log_in(json!({ "username": "bob", "password": PASSWORD })).await
            }
            Self::AuthenticatedQuery
            | Self::VerifyToken
            | Self::Refresh
            | Self::LogOut
            | Self::LogOutInFeed => self.of_a_user().await,
            Self::LogOutAsCaller
            | Self::Sessions
            | Self::EndSession
            | Self::EndOtherSessions
            | Self::ChangePassword
            | Self::EndOtherSessionsInFeed
            | Self::ChangePasswordInFeed
            | Self::ChangeProfile => Box::pin(self.of_a_caller()).await,
            Self::ChangePicture => Box::pin(change_picture()).await,
            Self::ChangeEmail | Self::VerifyNewEmail => Box::pin(self.of_an_address()).await,
            Self::ListUsers => of_users("first: 10").await,
            Self::FindUser => of_users("username: \"user0007\"").await,
            Self::AnonymousQuery | Self::PublicKeys | Self::IdleCleanUp => {
                Box::pin(self.of_nobody()).await
            }
        }
    }

    async fn of_a_new_user(self) -> Cost {
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

    async fn without_password(self) -> Cost {
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

    async fn of_a_user(self) -> Cost {
        let site = Site::with(if self == Self::LogOutInFeed { FEED } else { &[] }).await;
        let ann = site.signed_in("ann").await;
        if self == Self::VerifyToken {
            return of_success(&site, site.verify_token(&ann.access)).await;
        }
        if self == Self::Refresh {
            return of_success(&site, site.refresh_token(&ann.refresh)).await;
        }
        if matches!(self, Self::LogOut | Self::LogOutInFeed) {
            return of_success(&site, site.revoke_token(&ann.refresh)).await;
        }
        let (name, cost) = metered(&site, site.me(&ann)).await;
        assert_eq!(name.as_deref(), Some("ann"));
        cost
    }

    async fn of_a_caller(self) -> Cost {
        let is_in_feed = matches!(self, Self::EndOtherSessionsInFeed | Self::ChangePasswordInFeed);
        let site = Site::with(if is_in_feed { FEED } else { &FEED[1..] }).await;
        let ann = site.signed_in("ann").await;
        #[expect(clippy::wildcard_enum_match_arm, reason = "the caller of this has chosen")]
        let document = match self {
            Self::LogOutAsCaller => "mutation { logout { success } }".to_owned(),
            Self::EndSession => {
                let other = site.accounts.authenticate(&site.log_in(&ann).await.access).await;
                let id = other.map(|caller| caller.session.id.to_string()).unwrap_or_default();
                format!("mutation {{ endSession(id: \"{id}\") {{ success }} }}")
            }
            Self::EndOtherSessions | Self::EndOtherSessionsInFeed => {
                "mutation { endOtherSessions { success } }".to_owned()
            }
            Self::ChangeProfile => {
                "mutation { updateAccount(firstName: \"Ann\") { success } }".to_owned()
            }
            Self::ChangePassword | Self::ChangePasswordInFeed => format!(
                "mutation {{ passwordChange(oldPassword: \"{PASSWORD}\", \
                 newPassword1: \"zmxn73hhQQp\", newPassword2: \"zmxn73hhQQp\") {{ success }} }}"
            ),
            // Of the other operations, only this one comes here.
            _ => "{ sessions { id } }".to_owned(),
        };
        let header = ann.authorization();
        let asked = site.graphql_as(Some(&header), &document, Value::Null);
        let (answer, cost) = metered(&site, asked).await;
        let is_done = answer.text.contains("\"success\":true") || self == Self::Sessions;
        assert!(is_done && answer.code().is_none(), "{}", answer.text);
        cost
    }

    async fn of_an_address(self) -> Cost {
        let site = Site::start().await;
        let ann = site.signed_in("ann").await;
        let email = "ann@new.example";
        let (asked, cost) = metered(&site, site.change_email(&ann, email)).await;
        assert!(asked.is_ok(), "{asked:?}");
        if self == Self::ChangeEmail {
            return cost;
        }
        let path = format!("/activate/{}", site.link_token(email).await);
        let (answer, cost) = metered(&site, site.submit(&path, &[], "")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        cost
    }

    async fn of_nobody(self) -> Cost {
        let site = Site::start().await;
        if self == Self::IdleCleanUp {
            return metered(&site, site.clean_up()).await.1;
        }
        if self == Self::PublicKeys {
            let path = "/.well-known/jwks.json";
            let (answer, cost) = metered(&site, site.send(Method::GET, path, &[], "")).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            return cost;
        }
        metered(&site, site.graphql("{ me { username } }", Value::Null)).await.1
    }
}

async fn change_picture() -> Cost {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let mut picture = Cursor::new(Vec::new());
    let written = DynamicImage::new_rgb8(40, 20).write_to(&mut picture, ImageFormat::Png);
    assert!(written.is_ok(), "{written:?}");
    let first = site.set_picture(&ann, picture.get_ref().clone()).await;
    assert!(first.is_ok(), "{first:?}");
    let (changed, cost) = metered(&site, site.set_picture(&ann, picture.into_inner())).await;
    assert!(changed.is_ok(), "{changed:?}");
    cost
}

async fn of_users(arguments: &str) -> Cost {
    let site = Site::with(&[("USERS_QUERY", "authenticated")]).await;
    site.add_users("user", 1_000, |_, _| {}).await;
    let ann = site.signed_in("ann").await;
    let document = format!("{{ users({arguments}) {{ edges {{ node {{ username }} }} }} }}");
    let header = ann.authorization();
    let asked = site.graphql_as(Some(&header), &document, Value::Null);
    let (answer, cost) = metered(&site, asked).await;
    assert!(answer.text.contains("user0007"), "{}", answer.text);
    cost
}

async fn register(settings: &'static [(&'static str, &'static str)]) -> Cost {
    let site = Site::with(settings).await;
    of_success(&site, sign_up(&site, "ann")).await
}

async fn locked_sign_up() -> Cost {
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

pub(super) fn client() -> Client {
    Client { ip: Some(IP.map(|part| part.to_string()).join(".")), ..Client::default() }
}

/// `register` from an address, which counts.
async fn sign_up(site: &Site, name: &str) -> Value {
    let document = "mutation($e: String!, $u: String!, $p: String!) {
        register(email: $e, username: $u, password1: $p, password2: $p) { success } }";
    let variables = json!({ "e": format!("{name}@example.com"), "u": name, "p": PASSWORD });
    from_address(site, document, variables).await["register"].clone()
}

/// A document from an address.
pub(super) async fn from_address(site: &Site, document: &str, variables: Value) -> Value {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let json_type = [("content-type", "application/json")];
    site.send_from(IP, "/graphql", &json_type, body).await.json()["data"].clone()
}

async fn log_in(variables: Value) -> Cost {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    site.signed_in("ann").await;
    // The first one from an address is mailed.
    token_auth(&site, variables.clone()).await;
    of_success(&site, token_auth(&site, variables)).await
}

/// `tokenAuth` from an address, which counts, too.
async fn token_auth(site: &Site, variables: Value) -> Value {
    let document = "mutation($email: String, $username: String, $password: String!) {
        tokenAuth(email: $email, username: $username, password: $password) { success } }";
    from_address(site, document, variables).await["tokenAuth"].clone()
}

async fn locked_log_in() -> Cost {
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

async fn refused_log_in(variables: Value) -> Cost {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    site.signed_in("ann").await;
    let (answer, cost) = metered(&site, token_auth(&site, variables)).await;
    assert_eq!(answer["success"], false, "{answer}");
    cost
}

pub(super) async fn of_success(site: &Site, act: impl Future<Output = Value>) -> Cost {
    let (answer, cost) = metered(site, act).await;
    assert_eq!(answer["success"], true, "{answer}");
    cost
}

/// Carries out `act`, and counts.
pub(crate) async fn metered<T>(site: &Site, act: impl Future<Output = T>) -> (T, Cost) {
    let written = site.stream_dump().await.len();
    site.calls.take();
    site.aws.tally().start();
    let done = act.await;
    let calls = site.calls.take();
    let consumed = site.aws.tally().take();
    site.aws.tally().stop();
    let cost = Cost {
        calls,
        items: site.stream_dump().await.len() - written,
        read_units: consumed.iter().fold(0.0, |sum, call| sum + call.read_units),
        write_units: consumed.iter().fold(0.0, |sum, call| sum + call.write_units),
        keys: consumed.into_iter().flat_map(|call| call.keys).collect(),
    };
    (done, cost)
}
