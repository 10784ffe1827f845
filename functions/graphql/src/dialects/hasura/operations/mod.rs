//! The operations: parse, call, translate. The types of their inputs and outputs are those of the schema, of the
//! actions, and of the OpenAPI document.

mod hotdog;
mod log_in_by_mail;
mod passwords;
mod sessions;

use async_graphql::{Context, Object};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;

use super::openapi::{
    UsersBadRequest, UsersBody, UsersInvalid, UsersLogIn, UsersMailedToken, UsersProof, UsersStepUp,
};
use super::operation::{Action, Answer, action, field};
use super::rest::{UsersFresh, answer, created, fresh};
use crate::App;
use crate::dialects::RootField;
use crate::dialects::problems::{Always, WithCost, WithPassword};
use crate::methods::{post, put};
use crate::routes::MakeMethods;

use hotdog::HotdogInput;
use log_in_by_mail::{
    UserLoginByEmailInput, UserSendLoginEmailInput, UserSendLoginEmailOutput,
    UserShowLoginCodeInput, UserShowLoginCodeOutput,
};
use passwords::{
    UserChangePasswordInput, UserChangePasswordOutput, UserPasswordResetConfirmInput,
    UserPasswordResetConfirmOutput, UserPasswordResetInput, UserPasswordResetOutput,
    UserPasswordResetValidateInput, UserPasswordResetValidateOutput,
};
pub(super) use sessions::UserRefreshOutput;
use sessions::{
    UserCompleteLoginInput, UserLoginInput, UserLoginOutput, UserRefreshInput, UserRegisterInput,
    UserRegisterOutput,
};

/// Declares each operation once: its name, its input, and what it costs. Each becomes a field of the schema with its
/// [`RootField`], and an action. After `as`, an operation can have a REST path: its methods, the id in the OpenAPI
/// document, the path, the function that answers, the answer of success, the other answers, and the way to authenticate.
macro_rules! operations {
    ($($(#[doc = $roots:tt])+ $root:ident {
        $($(#[doc = $about:tt])+ $name:ident($input:ident): $cost:ident $(. $post:ident())?
        $(as $method:ident $(| $other:ident)? $id:ident $path:tt:
            $answer:ident($status:tt $done:tt $output:ident $($links:tt)*) $(or $also:ident)* $(, $token:tt)?)?;)+
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

        /// The REST paths with their methods. The slash at the end of a path may be left out.
        pub(super) const PATHS: &[(&str, MakeMethods)] =
            &[$($($(($path, || $method($id)$(.$other($id))?),)?)+)+];

        #[derive(OpenApi)]
        #[openapi(
            paths($($($($id,)?)+)+),
            components(schemas(UsersBadRequest, UsersInvalid)),
            tags((
                name = "users",
                description = "The paths of Django REST framework with SimpleJWT that Hasura actions call. The slash at \
                               the end of a path may be left out."
            ))
        )]
        pub(super) struct Document;

        $($(rest_handler! {
            $(#[doc = $about])+
            $($id(
                method($method $(, $other)?), path = $path, tag = "users", $(security(($token = [])),)?
                request_body = $input, responses(
                    (status = $status, description = $done, body = $output $($links)*), $($also,)* UsersBody, Always
                )
            ) { $answer::<$input> })?
        })+)+
    };
}

/// The handler of the REST path of an operation, if it has one.
macro_rules! rest_handler {
    ($(#[$about:meta])+) => {};
    ($(#[$about:meta])+ $id:ident $document:tt { $answer:expr }) => {
        $(#[$about])+
        #[utoipa::path $document]
        async fn $id(app: State<App>, request: Request) -> Response {
            $answer(app, request).await.into_response()
        }
    };
}

operations! {
    /// The operations that are queries where they come from.
    HasuraQuery {
        /// Open a session for a user who knows the password. A wrong name and a wrong password are answered alike.
        user_login(UserLoginInput): costly.by_post()
            as post users_log_in "/users/login/":
            answer(200 "The tokens of the new session." UserLoginOutput) or UsersLogIn or WithPassword;
        /// Exchange a refresh token for an access token. If the refresh token changes, the answer has the next one.
        user_refresh(UserRefreshInput): cheap.by_post()
            as post users_refresh "/users/token/refresh/":
            fresh(200 "The next access token." UsersFresh) or UsersProof;
        /// Check whether a mailed token could reset the password. Changes nothing.
        user_password_reset_validate(UserPasswordResetValidateInput): cheap.by_post()
            as post users_validate_reset "/users/reset_password/validate_token/":
            answer(200 "The token can reset the password." UserPasswordResetValidateOutput) or UsersMailedToken;
    }

    /// The operations that are mutations where they come from.
    HasuraMutation {
        /// Create an account, and mail an activation link and code to its address.
        user_register(UserRegisterInput): costly
            as post users_register "/users/user/register/":
            created(201 "The new account." UserRegisterOutput, links(("refresh" = (
                operation_id = "users_refresh",
                request_body = json!({ "refresh": "$response.body#/tokens/refresh" })
            )))) or WithCost;
        /// Open the session of a log-in that was answered with `second_factor_required`.
        ///
        /// `challenge` is from that error. `code` is a code of the authenticator app or a recovery code.
        user_complete_login(UserCompleteLoginInput): costly
            as post users_complete_log_in "/users/login/second-factor/":
            answer(200 "The tokens of the new session." UserLoginOutput) or UsersProof or WithPassword;
        /// Mail a link and a code to log in by. Answers alike for an address without an account.
        ///
        /// Keep `login_id` in the browser that asks: the log-in by this mail needs it.
        user_send_login_email(UserSendLoginEmailInput): costly
            as post users_send_log_in "/users/login/email/":
            answer(200 "A mail is on its way, if one is due." UserSendLoginEmailOutput) or WithCost;
        /// Open a session by the mailed code, or by the token of the mailed link, in the browser that has asked.
        user_login_by_email(UserLoginByEmailInput): cheap
            as post users_log_in_by_mail "/users/login/email/confirm/":
            answer(200 "The tokens of the new session." UserLoginOutput) or UsersLogIn or WithCost;
        /// Read the code that goes with a mailed link, to type it in the browser that has asked.
        ///
        /// Call this operation if the user opened the link in another browser. Show the code only after the user has
        /// confirmed the time and the address of the request.
        user_show_login_code(UserShowLoginCodeInput): cheap
            as post users_show_log_in_code "/users/login/email/code/":
            answer(200 "The code." UserShowLoginCodeOutput) or UsersProof;
        /// Choose another password, knowing the old one. Ends all sessions: log in again.
        user_change_password(UserChangePasswordInput): costly
            as put | patch users_change_password "/users/user/change_password/":
            answer(200 "The password is the new one." UserChangePasswordOutput)
            or UsersStepUp or UsersProof or WithPassword, "bearer";
        /// Mail a link by which a password can be chosen. Answers alike for an address without an account.
        user_password_reset(UserPasswordResetInput): costly
            as post users_reset_password "/users/reset_password/":
            answer(200 "A mail is on its way, if one is due." UserPasswordResetOutput) or WithCost;
        /// Choose another password by the token that was mailed to an address. Ends all sessions.
        user_password_reset_confirm(UserPasswordResetConfirmInput): costly
            as post users_confirm_reset "/users/reset_password/confirm/":
            answer(200 "The password is the new one." UserPasswordResetConfirmOutput) or UsersMailedToken;
        /// Check whether a food is a hot dog. The caller must be logged in.
        hotdog(HotdogInput): cheap;
    }
}
