//! The library's types.

use accounts::crypto::AccessClaims;
use accounts::model::Session;
use accounts::operations::{Caller, Page, PersonalData, Row};
use async_graphql::{ID, SimpleObject};

use super::envelope::Envelope;
use crate::nodes::{UserNode, document, payload};
use crate::own_session::{NewAccount, NewSession, SessionTokens};
use crate::scalars::{DateTime, GenericScalar};

/// Users, page by page.
#[derive(Debug, SimpleObject)]
pub(crate) struct UserNodeConnection {
    page_info: PageInfo,
    edges: Vec<Option<UserNodeEdge>>,
}

/// A user in a page.
#[derive(Debug, SimpleObject)]
pub(crate) struct UserNodeEdge {
    node: Option<UserNode>,
    /// Opaque.
    cursor: String,
}

/// Where a page lies.
#[derive(Debug, SimpleObject)]
pub(crate) struct PageInfo {
    /// Whether more come after it, when it was asked for from the start.
    has_next_page: bool,
    /// Whether more come before it, when it was asked for from the end.
    has_previous_page: bool,
    start_cursor: Option<String>,
    end_cursor: Option<String>,
}

impl From<Page> for UserNodeConnection {
    fn from(page: Page) -> Self {
        let page_info = PageInfo {
            has_next_page: page.has_next,
            has_previous_page: page.has_previous,
            start_cursor: page.start,
            end_cursor: page.end,
        };
        let edge = |row: Row| UserNodeEdge { node: Some(row.user.into()), cursor: row.cursor };
        Self { page_info, edges: page.rows.into_iter().map(edge).map(Some).collect() }
    }
}

/// A log-in of the caller.
#[derive(Debug, SimpleObject)]
#[graphql(name = "Session")]
pub(crate) struct SessionNode {
    id: ID,
    created_at: DateTime,
    /// When its tokens were last refreshed.
    last_used_at: DateTime,
    ip_address: Option<String>,
    user_agent: Option<String>,
    /// Whether the request belongs to it.
    current: bool,
    /// Whether it was opened without a second factor, because the device is trusted.
    by_trusted_device: bool,
}

impl SessionNode {
    pub(crate) fn new(session: &Session, caller: &Caller) -> Self {
        Self {
            id: ID(session.id.to_string()),
            created_at: DateTime(session.created_at),
            last_used_at: DateTime(session.rotated_at),
            ip_address: session.ip.clone(),
            user_agent: session.user_agent.clone(),
            current: session.id == caller.session.id,
            by_trusted_device: session.is_by_trusted_device(),
        }
    }
}

/// The answer of `register`.
#[derive(Debug, SimpleObject)]
pub(crate) struct Register {
    #[graphql(flatten)]
    envelope: Envelope,
    refresh_token: Option<String>,
    token: Option<String>,
}

impl From<(Envelope, Option<NewAccount>)> for Register {
    fn from((envelope, done): (Envelope, Option<NewAccount>)) -> Self {
        let (token, refresh_token) = both(done.and_then(|done| done.tokens));
        Self { envelope, refresh_token, token }
    }
}

/// Answers that are an envelope and nothing else.
macro_rules! envelopes {
    ($($(#[$doc:meta])* $answer:ident),* $(,)?) => {
        $($(#[$doc])*
        #[derive(Debug, SimpleObject)]
        pub(crate) struct $answer {
            #[graphql(flatten)]
            envelope: Envelope,
        }

        impl<T> From<(Envelope, Option<T>)> for $answer {
            fn from((envelope, _): (Envelope, Option<T>)) -> Self {
                Self { envelope }
            }
        })*
    };
}

envelopes! {
    /// The answer of `verifyAccount`.
    VerifyAccount,
    /// The answer of `resendActivationEmail`.
    ResendActivationEmail,
    /// The answer of `updateAccount`.
    UpdateAccount,
    /// The answer of `archiveAccount`.
    ArchiveAccount,
    /// The answer of `deleteAccount`.
    DeleteAccount,
    /// The answer of `sendSecondaryEmailActivation`.
    SendSecondaryEmailActivation,
    /// The answer of `verifySecondaryEmail`.
    VerifySecondaryEmail,
    /// The answer of `swapEmails`.
    SwapEmails,
    /// The answer of `removeSecondaryEmail`.
    RemoveSecondaryEmail,
    /// The answer of `cancelEmailChange`.
    CancelEmailChange,
    /// The answer of `sendPasswordResetEmail`.
    SendPasswordResetEmail,
    /// The answer of `passwordReset`.
    PasswordReset,
    /// The answer of `passwordSet`.
    PasswordSet,
    /// The answer of `endSession`.
    EndSession,
    /// The answer of `endOtherSessions`.
    EndOtherSessions,
    /// The answer of `logout`.
    Logout,
    /// The answer of `removeApp`.
    RemoveApp,
    /// The answer of `endTrustedDevice`.
    EndTrustedDevice,
    /// The answer of `endTrustedDevices`.
    EndTrustedDevices,
}

/// The answer of `tokenAuth`.
#[derive(Debug, SimpleObject)]
#[graphql(name = "ObtainJSONWebToken")]
pub(crate) struct ObtainJsonWebToken {
    token: Option<String>,
    #[graphql(flatten)]
    envelope: Envelope,
    user: Option<UserNode>,
    /// Whether the log-in took the account out of the archive.
    unarchiving: Option<bool>,
    refresh_token: Option<String>,
    /// The claims of the access token.
    payload: Option<GenericScalar>,
}

impl From<(Envelope, Option<NewSession>)> for ObtainJsonWebToken {
    fn from((envelope, done): (Envelope, Option<NewSession>)) -> Self {
        let unarchiving = Some(done.as_ref().is_some_and(|done| done.unarchived));
        let (user, tokens) = done.map(|done| (done.user.into(), done.tokens)).unzip();
        let payload = tokens.as_ref().map(|tokens| payload(&tokens.claims));
        let (token, refresh_token) = both(tokens);
        Self { token, envelope, user, unarchiving, refresh_token, payload }
    }
}

/// The answer of `verifyToken`.
#[derive(Debug, SimpleObject)]
pub(crate) struct VerifyToken {
    payload: Option<GenericScalar>,
    #[graphql(flatten)]
    envelope: Envelope,
}

impl From<(Envelope, Option<AccessClaims>)> for VerifyToken {
    fn from((envelope, done): (Envelope, Option<AccessClaims>)) -> Self {
        Self { payload: done.as_ref().map(payload), envelope }
    }
}

/// The answer of `refreshToken`.
#[derive(Debug, SimpleObject)]
#[expect(clippy::struct_field_names, reason = "the names are the library's")]
pub(crate) struct RefreshToken {
    token: Option<String>,
    payload: Option<GenericScalar>,
    #[graphql(flatten)]
    envelope: Envelope,
    refresh_token: Option<String>,
}

impl From<(Envelope, Option<SessionTokens>)> for RefreshToken {
    fn from((envelope, done): (Envelope, Option<SessionTokens>)) -> Self {
        let payload = done.as_ref().map(|tokens| payload(&tokens.claims));
        let (token, refresh_token) = both(done);
        Self { token, payload, envelope, refresh_token }
    }
}

/// The answer of `passwordChange`.
#[derive(Debug, SimpleObject)]
pub(crate) struct PasswordChange {
    #[graphql(flatten)]
    envelope: Envelope,
    refresh_token: Option<String>,
    token: Option<String>,
}

impl From<(Envelope, Option<SessionTokens>)> for PasswordChange {
    fn from((envelope, done): (Envelope, Option<SessionTokens>)) -> Self {
        let (token, refresh_token) = both(done);
        Self { envelope, refresh_token, token }
    }
}

/// The answer of `restoreEmail`.
#[derive(Debug, SimpleObject)]
pub(crate) struct RestoreEmail {
    #[graphql(flatten)]
    envelope: Envelope,
    /// For `passwordReset`: the account has no password any more.
    reset_token: Option<String>,
}

impl From<(Envelope, Option<String>)> for RestoreEmail {
    fn from((envelope, reset_token): (Envelope, Option<String>)) -> Self {
        Self { envelope, reset_token }
    }
}

/// The answer of `exportAccount`.
#[derive(Debug, SimpleObject)]
pub(crate) struct ExportAccount {
    #[graphql(flatten)]
    envelope: Envelope,
    /// Account, addresses, sessions and activity.
    data: Option<GenericScalar>,
}

impl From<(Envelope, Option<PersonalData>)> for ExportAccount {
    fn from((envelope, done): (Envelope, Option<PersonalData>)) -> Self {
        Self { envelope, data: done.as_ref().map(document) }
    }
}

/// The answer of `revokeToken`.
#[derive(Debug, SimpleObject)]
pub(crate) struct RevokeToken {
    /// When, in epoch seconds.
    revoked: Option<i64>,
    #[graphql(flatten)]
    envelope: Envelope,
}

impl From<(Envelope, Option<i64>)> for RevokeToken {
    fn from((envelope, revoked): (Envelope, Option<i64>)) -> Self {
        Self { revoked, envelope }
    }
}

pub(super) fn both(tokens: Option<SessionTokens>) -> (Option<String>, Option<String>) {
    tokens.map_or((None, None), |tokens| (tokens.access, tokens.refresh))
}
