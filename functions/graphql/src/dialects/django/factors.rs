//! The mutations of second factors, in the library's style, and most of their answers. A document that does not ask for
//! `success` or `errors` gets a failure as a GraphQL error, as in the small schema (the dialect `plain`).

use accounts::model::{PlainPassword, PlainRecoveryCode};
use accounts::operations::factors::NewApp;
use accounts::operations::second_factor::StepUp as Proof;
use async_graphql::SimpleObject;

use super::envelope::{Envelope, answer_or_raise};
use super::forms::mutations;
use super::mutation::{accounts, request_caller};
use super::types::{
    EndTrustedDevice, EndTrustedDevices, ObtainJsonWebToken, RefreshToken, RemoveApp, both,
};
use crate::codes::Code;
use crate::graphql_error::GraphQlError;
use crate::own_session::{NewFactor, NewSession, SessionTokens};

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
    /// The mutations of second factors.
    (DjangoFactors, RelayFactors);

    /// Log in by the second step: `challenge` is in the error `second_factor_required` of the first one, `code` is one of
    /// the authenticator app, or a recovery code. With `trustDevice`, later log-ins on the device need no second step, if
    /// the site has trusted devices.
    #[graphql(name = "completeLogin")]
    async fn complete_log_in(
        ctx,
        challenge: String,
        code: String,
        trust_device: Option<bool>,
    ) -> CompleteLogin {
        let is_trusted = trust_device.unwrap_or_default();
        let opened = request_caller(ctx).complete_log_in(&challenge, &code, is_trusted);
        answer_or_raise(ctx, opened.await)
    }

    /// Prove once more who the caller is, for the operations that answer `step_up_required`: by a code, or for a user
    /// without a second factor, by the password. Gives the next tokens of the session.
    async fn step_up(ctx, password: Option<String>, code: Option<String>) -> StepUp {
        let proof = match proof(password, code) {
            Ok(proof) => proof,
            Err(error) => return Some(Err(error)),
        };
        answer_or_raise(ctx, request_caller(ctx).step_up(proof).await)
    }

    /// Make the secret of a new authenticator app. The app is in use only after `addApp`. Needs the password, or a
    /// log-in at most five minutes old. In a log-in that was answered with `second_factor_setup_required`, the
    /// `challenge` of that error takes the place of the access token.
    async fn begin_app(
        ctx,
        password: Option<String>,
        challenge: Option<String>,
    ) -> BeginApp {
        let password = password.map(PlainPassword::new);
        let begun = request_caller(ctx).begin_app(challenge.as_deref(), password);
        answer_or_raise(ctx, begun.await)
    }

    /// Add an authenticator app, by its first code. From now on, each log-in needs a code. Gives the recovery codes, and
    /// the next tokens of the session. With the `challenge` of `second_factor_setup_required`, it opens the session.
    async fn add_app(
        ctx,
        setup: String,
        code: String,
        challenge: Option<String>,
    ) -> AddApp {
        let added = request_caller(ctx).add_app(challenge.as_deref(), &setup, &code);
        answer_or_raise(ctx, added.await)
    }

    /// Remove the authenticator app and the recovery codes. Needs a proof of the second factor that is at most five
    /// minutes old.
    async fn remove_app(ctx) -> RemoveApp {
        as_caller!(ctx, |caller| accounts(ctx).remove_app(caller))
    }

    /// Give the caller new recovery codes. The old ones no longer work. Needs a proof of the second factor that
    /// is at most five minutes old.
    async fn replace_recovery_codes(ctx) -> ReplaceRecoveryCodes {
        as_caller!(ctx, |caller| accounts(ctx).replace_recovery_codes(caller))
    }

    /// End the trust in a device of the caller: the next log-in on it needs a second factor. Its sessions go on.
    async fn end_trusted_device(ctx, id: async_graphql::ID) -> EndTrustedDevice {
        as_caller!(ctx, |caller| accounts(ctx).end_trusted_device(caller, &id))
    }

    /// End the trust in all devices of the caller. Their sessions go on.
    async fn end_trusted_devices(ctx) -> EndTrustedDevices {
        as_caller!(ctx, |caller| accounts(ctx).end_trusted_devices(caller))
    }
}

fn proof(password: Option<String>, code: Option<String>) -> Result<Proof, GraphQlError> {
    match (password, code) {
        (Some(password), None) => Ok(Proof::Password(PlainPassword::new(password))),
        (None, Some(code)) => Ok(Proof::Code(code)),
        _ => Err(GraphQlError::new(
            Code::INVALID,
            "Must prove who the caller is by one of the following fields ['password', 'code'].",
        )),
    }
}

/// The answer of `completeLogin`.
#[derive(Debug, SimpleObject)]
pub(crate) struct CompleteLogin {
    #[graphql(flatten)]
    answer: ObtainJsonWebToken,
}

impl From<(Envelope, Option<NewSession>)> for CompleteLogin {
    fn from(answered: (Envelope, Option<NewSession>)) -> Self {
        Self { answer: answered.into() }
    }
}

/// The answer of `stepUp`.
#[derive(Debug, SimpleObject)]
pub(crate) struct StepUp {
    #[graphql(flatten)]
    answer: RefreshToken,
}

impl From<(Envelope, Option<SessionTokens>)> for StepUp {
    fn from(answered: (Envelope, Option<SessionTokens>)) -> Self {
        Self { answer: answered.into() }
    }
}

/// The answer of `beginApp`.
#[derive(Debug, SimpleObject)]
pub(crate) struct BeginApp {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The secret of the app, as the user types it into the app.
    secret: Option<String>,
    /// The same, for a QR code: `otpauth://totp/…`.
    uri: Option<String>,
    /// For `addApp`, within 15 minutes.
    setup: Option<String>,
}

impl From<(Envelope, Option<NewApp>)> for BeginApp {
    fn from((envelope, done): (Envelope, Option<NewApp>)) -> Self {
        let (secret, rest) = done.map(|app| (app.secret, (app.uri, app.setup))).unzip();
        let (uri, setup) = rest.unzip();
        Self { envelope, secret, uri, setup }
    }
}

/// The answer of `addApp`.
#[derive(Debug, SimpleObject)]
pub(crate) struct AddApp {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The recovery codes. No other answer shows them. Empty for a user who has some already.
    recovery_codes: Option<Vec<String>>,
    /// The next access token of the session. Its claims contain the second factor.
    token: Option<String>,
    /// The next refresh token of the session.
    refresh_token: Option<String>,
}

impl From<(Envelope, Option<NewFactor>)> for AddApp {
    fn from((envelope, done): (Envelope, Option<NewFactor>)) -> Self {
        let (codes, tokens) = done.map(|done| (done.recovery_codes, done.tokens)).unzip();
        let recovery_codes = codes.as_deref().map(exposed);
        let (token, refresh_token) = both(tokens);
        Self { envelope, recovery_codes, token, refresh_token }
    }
}

/// The answer of `replaceRecoveryCodes`.
#[derive(Debug, SimpleObject)]
pub(crate) struct ReplaceRecoveryCodes {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The new recovery codes. No other answer shows them.
    recovery_codes: Option<Vec<String>>,
}

impl From<(Envelope, Option<Vec<PlainRecoveryCode>>)> for ReplaceRecoveryCodes {
    fn from((envelope, done): (Envelope, Option<Vec<PlainRecoveryCode>>)) -> Self {
        Self { envelope, recovery_codes: done.as_deref().map(exposed) }
    }
}

/// Recovery codes, to be shown once.
fn exposed(codes: &[PlainRecoveryCode]) -> Vec<String> {
    codes.iter().map(PlainRecoveryCode::expose).collect()
}
