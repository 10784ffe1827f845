//! Sign up.

use accounts::model::PlainPassword;
use accounts::operations::{FirstPassword, Registered, Registration};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::api_error::{ApiError, WithBody};
use super::form::{self, Form};
use crate::App;
use crate::caller::RequestCaller;
use crate::dialects::problems::{Always, WithCost};

/// Create an account that has proven nothing yet, and mail a link and a one-time code to its address.
#[utoipa::path(
    post,
    path = "/api/accounts/signup/",
    tag = "accounts",
    request_body = SignUp,
    responses(
        (
            status = 201,
            description = "The new account.",
            body = SignedUp,
            links(
                ("refresh" = (
                    operation_id = "refresh_token",
                    request_body = json!({ "refresh": "$response.body#/refresh" })
                )),
                ("verify" = (
                    operation_id = "verify_token",
                    request_body = json!({ "token": "$response.body#/access" })
                )),
            )
        ),
        WithCost,
        WithBody,
        Always
    )
)]
pub(super) async fn sign_up(
    State(app): State<App>,
    request: Request,
) -> Result<(StatusCode, Json<SignedUp>), ApiError> {
    let (parts, asked) = form::read(request, SignUp::read).await?;
    let caller = RequestCaller::by_header(app.accounts.clone(), &parts);
    let done = app.accounts.register(asked.into(), caller.client()).await?;
    Ok((StatusCode::CREATED, Json(done.into())))
}

#[derive(ToSchema)]
struct SignUp {
    #[schema(format = "email", min_length = 1)]
    email: String,
    #[schema(format = "password", min_length = 8, max_length = 256)]
    password: String,
    /// At most 150 characters. Space before and after the name does not count. Made from the address if it is left out.
    #[schema(nullable = false, min_length = 1)]
    username: Option<String>,
    /// At most 150 characters. Space before and after the name does not count.
    #[schema(nullable = false)]
    first_name: Option<String>,
    /// At most 150 characters. Space before and after the name does not count.
    #[schema(nullable = false)]
    last_name: Option<String>,
}

impl SignUp {
    fn read(form: &mut Form) -> Self {
        Self {
            email: form.text("email"),
            password: form.text("password"),
            username: form.optional_filled("username"),
            first_name: form.optional("first_name"),
            last_name: form.optional("last_name"),
        }
    }
}

impl From<SignUp> for Registration {
    fn from(asked: SignUp) -> Self {
        let SignUp { email, password, username, first_name, last_name } = asked;
        let password = FirstPassword::Given(PlainPassword::new(password));
        Self { first_name, last_name, ..Self::new(email, username, password) }
    }
}

/// A new account.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedUp {
    email: String,
    is_verified: bool,
    /// Null where the site gives no tokens out at registration.
    #[schema(required)]
    access: Option<String>,
    /// Null where the site gives no tokens out at registration.
    #[schema(required)]
    refresh: Option<String>,
}

impl From<Registered> for SignedUp {
    fn from(Registered { user, tokens }: Registered) -> Self {
        let (access, refresh) = tokens.map(|tokens| (tokens.access, tokens.refresh)).unzip();
        Self { email: user.email, is_verified: user.is_verified, access, refresh }
    }
}
