//! The mutations and the query of passkeys, in the library's style. Options and answers are the JSON of WebAuthn, as
//! texts: a page passes them on unread.

use accounts::model::PlainPassword;
use accounts::operations::passkeys::PasskeyList;
use async_graphql::{Context, ID, Object, SimpleObject};

use super::envelope::{Envelope, answer_or_raise};
use super::factors::AddApp;
use super::forms::mutations;
use super::mutation::{accounts, request_caller};
use super::types::{ObtainJsonWebToken, RefreshToken};
use crate::graphql_error::Nullable;
use crate::own_session::{NewFactor, NewSession, SessionTokens};
use crate::scalars::DateTime;

/// Calls an operation for the caller, who must be logged in, and answers.
macro_rules! as_caller {
    ($ctx:ident, |$caller:ident| $operation:expr) => {{
        let answered = async {
            let $caller = &request_caller($ctx).require().await?;
            $operation.await
        };
        answer_or_raise($ctx, answered.await)
    }};
}

mutations! {
    /// The mutations of passkeys.
    (DjangoPasskeys, RelayPasskeys);

    /// Ask for a new passkey. Pass the options to `PublicKeyCredential.parseCreationOptionsFromJSON`, and the answer of
    /// `navigator.credentials.create` to `addPasskey` within five minutes. Needs the password, or a log-in at most five
    /// minutes old. In a log-in that was answered with `second_factor_setup_required`, the `challenge` of that error takes
    /// the place of the access token.
    async fn begin_passkey(
        ctx,
        password: Option<String>,
        challenge: Option<String>,
    ) -> BeginPasskey {
        let password = password.map(PlainPassword::new);
        let begun = request_caller(ctx).begin_passkey(challenge.as_deref(), password);
        answer_or_raise(ctx, begun.await)
    }

    /// Add a passkey. `credential` is `JSON.stringify` of the answer. From now on, each log-in needs the passkey, or the
    /// password and a second factor. Gives the recovery codes, and the next tokens of the session. With the `challenge` of
    /// `second_factor_setup_required`, it opens the session.
    async fn add_passkey(
        ctx,
        credential: String,
        name: Option<String>,
        challenge: Option<String>,
    ) -> AddPasskey {
        let name = name.unwrap_or_default();
        let added = request_caller(ctx).add_passkey(challenge.as_deref(), &credential, &name);
        answer_or_raise(ctx, added.await)
    }

    /// Give a passkey of the caller another name.
    async fn rename_passkey(ctx, id: async_graphql::ID, name: String) -> RenamePasskey {
        as_caller!(ctx, |caller| accounts(ctx).rename_passkey(caller, &id, &name))
    }

    /// Remove a passkey of the caller. If the caller has no other second factor, the recovery codes are removed, too.
    /// Needs a proof of the second factor that is at most five minutes old.
    async fn remove_passkey(ctx, id: async_graphql::ID) -> RemovePasskey {
        as_caller!(ctx, |caller| accounts(ctx).remove_passkey(caller, &id))
    }

    /// Ask for a log-in by a passkey, without a username. Pass the options to
    /// `PublicKeyCredential.parseRequestOptionsFromJSON`, and the answer of `navigator.credentials.get` to
    /// `passkeyLogin` within five minutes.
    async fn begin_passkey_login(ctx) -> BeginPasskeyLogin {
        let asked = accounts(ctx).begin_passkey_log_in(request_caller(ctx).client());
        answer_or_raise(ctx, asked.await)
    }

    /// Log in by a passkey alone. `credential` is `JSON.stringify` of the answer. No second step follows.
    async fn passkey_login(ctx, credential: String) -> PasskeyLogin {
        answer_or_raise(ctx, request_caller(ctx).passkey_log_in(&credential).await)
    }

    /// Ask for a passkey as the second step of a log-in. `challenge` is in the error `second_factor_required` of the first
    /// one. If the user has no passkey, the code of the error is `no_second_factor`.
    async fn begin_passkey_step(ctx, challenge: String) -> BeginPasskeyStep {
        let asked = accounts(ctx).begin_second_step(&challenge, request_caller(ctx).client());
        answer_or_raise(ctx, asked.await)
    }

    /// Log in by a passkey as the second step. With `trustDevice`, later log-ins on the device need no second step, if the
    /// site has trusted devices.
    async fn complete_login_by_passkey(
        ctx,
        challenge: String,
        credential: String,
        trust_device: Option<bool>,
    ) -> CompleteLoginByPasskey {
        let is_trusted = trust_device.unwrap_or_default();
        let caller = request_caller(ctx);
        let opened = caller.complete_log_in_by_passkey(&challenge, &credential, is_trusted);
        answer_or_raise(ctx, opened.await)
    }

    /// Ask for a passkey once more in the session, for the operations that answer `step_up_required`.
    async fn begin_step_up(ctx) -> BeginStepUp {
        as_caller!(ctx, |caller| accounts(ctx).begin_step_up(caller))
    }

    /// Prove once more who the caller is, by a passkey. Gives the next tokens of the session.
    async fn step_up_by_passkey(ctx, credential: String) -> StepUpByPasskey {
        answer_or_raise(ctx, request_caller(ctx).step_up_by_passkey(credential).await)
    }
}

/// The query of passkeys.
#[derive(Debug, Default)]
pub struct PasskeyQuery;

#[Object]
impl PasskeyQuery {
    /// The passkeys of the caller, in the order in which they were added.
    async fn passkeys(&self, ctx: &Context<'_>) -> Nullable<Passkeys> {
        let answer = async {
            let caller = request_caller(ctx).require().await?;
            Ok(accounts(ctx).passkeys(&caller).await?.into())
        };
        Some(answer.await)
    }
}

/// A passkey, as its user sees it.
#[derive(Debug, SimpleObject)]
pub(crate) struct PasskeyNode {
    id: ID,
    name: String,
    /// The name of the provider, if it is known.
    provider: Option<&'static str>,
    created_at: DateTime,
    /// Null for a passkey that was never used.
    last_used_at: Option<DateTime>,
    /// Whether its provider keeps a copy of it, or shares it among devices.
    synced: bool,
}

/// Passkeys.
#[derive(Debug, SimpleObject)]
pub(crate) struct Passkeys {
    passkeys: Vec<PasskeyNode>,
    /// JSON, the argument of `PublicKeyCredential.signalAllAcceptedCredentials`: with it, the provider hides passkeys that
    /// do not work any more. Null for a user without a passkey.
    accepted_passkeys: Option<String>,
}

impl From<PasskeyList> for Passkeys {
    fn from(PasskeyList { passkeys, accepted }: PasskeyList) -> Self {
        let passkeys = passkeys.into_iter().map(|passkey| PasskeyNode {
            id: ID(passkey.credential.id.to_string()),
            name: passkey.name,
            provider: passkey.credential.aaguid.name(),
            created_at: DateTime(passkey.added_at),
            last_used_at: passkey.last_used_at.map(DateTime),
            synced: passkey.credential.backed_up,
        });
        Self { passkeys: passkeys.collect(), accepted_passkeys: accepted }
    }
}

/// Declares the answers of mutations that give options.
macro_rules! options {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, SimpleObject)]
            pub(crate) struct $name {
                #[graphql(flatten)]
                envelope: Envelope,
                /// The options for the browser: JSON.
                options: Option<String>,
            }

            impl From<(Envelope, Option<String>)> for $name {
                fn from((envelope, options): (Envelope, Option<String>)) -> Self {
                    Self { envelope, options }
                }
            }
        )+
    };
}

options! {
    /// The answer of `beginPasskey`.
    BeginPasskey,
    /// The answer of `beginPasskeyLogin`.
    BeginPasskeyLogin,
    /// The answer of `beginPasskeyStep`.
    BeginPasskeyStep,
    /// The answer of `beginStepUp`.
    BeginStepUp,
}

/// Declares the answers that are those of another mutation.
macro_rules! as_of {
    ($($(#[doc = $doc:literal])+ $name:ident as $other:ident of $done:ty,)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, SimpleObject)]
            pub(crate) struct $name {
                #[graphql(flatten)]
                answer: $other,
            }

            impl From<(Envelope, Option<$done>)> for $name {
                fn from(answered: (Envelope, Option<$done>)) -> Self {
                    Self { answer: answered.into() }
                }
            }
        )+
    };
}

as_of! {
    /// The answer of `addPasskey`.
    AddPasskey as AddApp of NewFactor,
    /// The answer of `passkeyLogin`.
    PasskeyLogin as ObtainJsonWebToken of NewSession,
    /// The answer of `completeLoginByPasskey`.
    CompleteLoginByPasskey as ObtainJsonWebToken of NewSession,
    /// The answer of `stepUpByPasskey`.
    StepUpByPasskey as RefreshToken of SessionTokens,
    /// The answer of `renamePasskey`.
    RenamePasskey as ChangedPasskeys of PasskeyList,
    /// The answer of `removePasskey`.
    RemovePasskey as ChangedPasskeys of PasskeyList,
}

/// The passkeys after a change.
#[derive(Debug, SimpleObject)]
pub(crate) struct ChangedPasskeys {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The passkeys that the user has now.
    passkeys: Option<Vec<PasskeyNode>>,
    /// JSON, the argument of `PublicKeyCredential.signalAllAcceptedCredentials`: with it, the provider hides passkeys that
    /// do not work any more.
    accepted_passkeys: Option<String>,
}

impl From<(Envelope, Option<PasskeyList>)> for ChangedPasskeys {
    fn from((envelope, done): (Envelope, Option<PasskeyList>)) -> Self {
        let done = done.map(Passkeys::from);
        let (passkeys, accepted) = done.map(|done| (done.passkeys, done.accepted_passkeys)).unzip();
        Self { envelope, passkeys, accepted_passkeys: accepted.flatten() }
    }
}
