//! The mutations of second factors, in the library's style. A document that does not ask for `success` or `errors` gets
//! a failure as a GraphQL error, as in the small schema (the dialect `plain`).

use accounts::model::PlainPassword;
use accounts::operations::second_factor::StepUp as Proof;

use super::envelope::answer_or_raise;
use super::forms::mutations;
use super::mutation::{accounts, request_caller};
use super::types::{
    AddApp, BeginApp, CompleteLogin, EndTrustedDevice, EndTrustedDevices, RemoveApp,
    ReplaceRecoveryCodes, StepUp,
};
use crate::codes::Code;
use crate::graphql_error::GraphQlError;

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
