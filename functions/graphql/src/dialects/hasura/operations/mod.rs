//! The operations: parse, call, translate. The types of their inputs and outputs are those of the schema, of the
//! actions, and of the OpenAPI document.

mod hotdog;
mod log_in_by_mail;
mod passwords;
mod sessions;

use async_graphql::{Context, Object};

use super::operation::{Action, Answer, action, field};
use crate::dialects::RootField;

use hotdog::HotdogInput;
pub(super) use log_in_by_mail::{
    UserLoginByEmailInput, UserSendLoginEmailInput, UserSendLoginEmailOutput,
    UserShowLoginCodeInput, UserShowLoginCodeOutput,
};
pub(super) use passwords::{
    UserChangePasswordInput, UserChangePasswordOutput, UserPasswordResetConfirmInput,
    UserPasswordResetConfirmOutput, UserPasswordResetInput, UserPasswordResetOutput,
    UserPasswordResetValidateInput, UserPasswordResetValidateOutput,
};
pub(super) use sessions::{
    UserCompleteLoginInput, UserLoginInput, UserLoginOutput, UserRefreshInput, UserRefreshOutput,
    UserRegisterInput, UserRegisterOutput,
};

/// Declares each operation by its name and its input: a field of the schema, its [`RootField`], and an action.
macro_rules! operations {
    ($($(#[doc = $roots:literal])+ $root:ident {
        $($(#[doc = $about:literal])+ $name:ident($input:ident): $cost:ident $(. $post:ident())?;)+
    })+) => {
        $($(#[doc = $roots])+
        #[derive(Debug, Default)]
        pub struct $root;

        #[Object(rename_fields = "snake_case")]
        impl $root {
            $($(#[doc = $about])+
            async fn $name(&self, ctx: &Context<'_>, arg: $input) -> Answer<$input> {
                field(ctx, arg).await
            })+
        })+

        /// The fields of the schema.
        pub(super) const FIELDS: &[RootField] =
            &[$($(RootField::$cost(stringify!($name)) $(. $post())?),+),+];

        /// The actions by their names.
        pub(super) const ACTIONS: &[(&str, Action)] =
            &[$($((stringify!($name), action::<$input>)),+),+];
    };
}

operations! {
    /// The operations that are queries where they come from.
    HasuraQuery {
        /// Open a session for a user who knows the password.
        user_login(UserLoginInput): costly.by_post();
        /// Exchange a refresh token for an access token, and for the refresh token to go on with.
        user_refresh(UserRefreshInput): cheap.by_post();
        /// Check whether a mailed token could reset the password. Changes nothing.
        user_password_reset_validate(UserPasswordResetValidateInput): cheap.by_post();
    }

    /// The operations that are mutations where they come from.
    HasuraMutation {
        /// Create an account, and mail an activation link and code to its address.
        user_register(UserRegisterInput): costly;
        /// Open the session of a log-in that was answered with `second_factor_required`, by the `challenge` of that
        /// error, and by a code of the authenticator app or a recovery code.
        user_complete_login(UserCompleteLoginInput): costly;
        /// Mail a link and a code to log in by. Keep `login_id` for `user_login_by_email`, in the browser that asks. Answers
        /// alike for an address without an account.
        user_send_login_email(UserSendLoginEmailInput): costly;
        /// Open a session by the mailed code, or by the token of the mailed link, in the browser that has asked.
        user_login_by_email(UserLoginByEmailInput): cheap;
        /// Read the code that goes with a mailed link, to type it in the browser that has asked: for a link that was opened
        /// in another browser. Show it only after the user has confirmed the time and the address of the request.
        user_show_login_code(UserShowLoginCodeInput): cheap;
        /// Choose another password, knowing the old one. Ends all sessions: log in again.
        user_change_password(UserChangePasswordInput): costly;
        /// Mail a link by which a password can be chosen. Answers alike for an address without an account.
        user_password_reset(UserPasswordResetInput): costly;
        /// Choose another password by the token that was mailed to an address. Ends all sessions.
        user_password_reset_confirm(UserPasswordResetConfirmInput): costly;
        /// Check whether a food is a hot dog. The caller must be logged in.
        hotdog(HotdogInput): cheap;
    }
}
