//! Runs each operation once, on a site of its own, and counts its calls to DynamoDB.

use std::io::Cursor;

use axum::http::Method;
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

use super::log_in::{locked_log_in, log_in, refused_log_in};
use super::metered::{Cost, metered};
use super::sign_up::{locked_sign_up, register};
use super::{log_in_by_mail, passkey, second_factor};
use crate::{PASSWORD, Site};

/// An operation whose costs are counted, even if they are zero.
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
    /// Request a log-in mail.
    RequestLogInMail,
    /// The same, for an address without an account.
    RequestLogInMailUnknownAddress,
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
    /// Check an access token.
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
    /// Request another first address.
    ChangeEmail,
    /// Prove the other first address by the mailed link.
    VerifyNewEmail,
    /// List the first ten of many users.
    ListUsers,
    /// Find a user by name.
    FindUser,
    /// Get the public keys.
    PublicKeys,
    /// `token-cleanup`, when nothing is due.
    IdleCleanUp,
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
        Self::RequestLogInMail,
        Self::RequestLogInMailUnknownAddress,
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
            Self::RequestLogInMail => "request a log-in by mail (`sendLoginEmail`)",
            Self::RequestLogInMailUnknownAddress => "the same, for an address without an account",
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

    /// Runs the operation once for an ordinary user, and counts.
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
            Self::RequestLogInMail
            | Self::RequestLogInMailUnknownAddress
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
                Box::pin(self.without_user()).await
            }
        }
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

    async fn without_user(self) -> Cost {
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
