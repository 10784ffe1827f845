//! The caller's own account.

use accounts::Accounts;
use accounts::error::AuthError;
use accounts::model::PlainPassword;
use accounts::operations::{Caller, Changes, PersonalData};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::api_error::{ApiError, WithBody, WithStepUp, WithToken};
use super::caller::{caller, me};
use super::form::{self, Form};
use crate::App;
use crate::dialects::problems::{Always, WithPassword};

/// Show the caller's account.
#[utoipa::path(
    get,
    path = "/api/accounts/me/",
    operation_id = "me",
    tag = "accounts",
    security(("bearer" = [])),
    responses((status = 200, description = "The account.", body = Me), WithToken, Always)
)]
pub(super) async fn show(State(app): State<App>, parts: Parts) -> Result<Json<Me>, ApiError> {
    let caller = me(&app.accounts, &parts).await?;
    Ok(Json(Me::of(&app.accounts, caller).await?))
}

/// Change the caller's names; what is left out stays as it is.
#[utoipa::path(
    patch,
    path = "/api/accounts/me/",
    operation_id = "update_me",
    tag = "accounts",
    security(("bearer" = [])),
    request_body = Names,
    responses(
        (status = 200, description = "The account as it is now.", body = Me),
        WithToken,
        WithBody,
        Always
    )
)]
pub(super) async fn change(State(app): State<App>, request: Request) -> Result<Json<Me>, ApiError> {
    let (parts, names) = form::read(request, Names::read).await?;
    let caller = caller(&app.accounts, &parts).await?;
    let user = app.accounts.update_profile(&caller, names.into()).await?;
    Ok(Json(Me::of(&app.accounts, Caller { user, ..caller }).await?))
}

/// The same as by `PATCH`: what is left out stays as it is.
#[utoipa::path(
    put,
    path = "/api/accounts/me/",
    operation_id = "put_me",
    tag = "accounts",
    security(("bearer" = [])),
    request_body = Names,
    responses(
        (status = 200, description = "The account as it is now.", body = Me),
        WithToken,
        WithBody,
        Always
    )
)]
pub(super) async fn put(app: State<App>, request: Request) -> Result<Json<Me>, ApiError> {
    change(app, request).await
}

/// Read all personal data of the caller, as one document. Asks for the password once more.
#[utoipa::path(
    post,
    path = "/api/accounts/export/",
    operation_id = "export_account",
    tag = "accounts",
    security(("bearer" = [])),
    request_body = Confirmation,
    responses(
        (status = 200, description = "Account, addresses, sessions and activity.", body = Object),
        WithStepUp,
        WithToken,
        WithPassword,
        WithBody,
        Always
    )
)]
pub(super) async fn export(
    State(app): State<App>,
    request: Request,
) -> Result<Json<PersonalData>, ApiError> {
    let (parts, Confirmation { password }) = form::read(request, Confirmation::read).await?;
    let caller = caller(&app.accounts, &parts).await?;
    Ok(Json(app.accounts.export_account(&caller, PlainPassword::new(password)).await?))
}

#[derive(ToSchema)]
struct Confirmation {
    /// The present password.
    #[schema(format = "password", min_length = 1)]
    password: String,
}

impl Confirmation {
    fn read(form: &mut Form) -> Self {
        Self { password: form.password("password") }
    }
}

#[derive(ToSchema)]
struct Names {
    /// At most 150 characters. Space before and after the name does not count.
    #[schema(nullable = false)]
    first_name: Option<String>,
    /// At most 150 characters. Space before and after the name does not count.
    #[schema(nullable = false)]
    last_name: Option<String>,
}

impl Names {
    fn read(form: &mut Form) -> Self {
        Self { first_name: form.optional("first_name"), last_name: form.optional("last_name") }
    }
}

impl From<Names> for Changes {
    fn from(Names { first_name, last_name }: Names) -> Self {
        Self { first_name, last_name, ..Self::default() }
    }
}

/// An account, as its owner sees it.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Me {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = "email")]
    email: String,
    username: String,
    first_name: String,
    last_name: String,
    /// Whether the address was proven.
    is_verified: bool,
    is_active: bool,
    /// Whether the user may see all accounts.
    is_staff: bool,
    role: &'static str,
    #[schema(format = "date-time")]
    date_joined: String,
    /// Whether a log-in needs a second factor.
    has_second_factor: bool,
    recovery_codes_left: usize,
}

impl Me {
    async fn of(accounts: &Accounts, caller: Caller) -> Result<Self, AuthError> {
        let recovery_codes_left = if caller.user.has_second_factor {
            accounts.factors(&caller).await?.recovery_codes
        } else {
            0
        };
        let user = caller.user;
        Ok(Self {
            id: user.id.to_string(),
            email: user.email,
            username: user.username,
            first_name: user.first_name,
            last_name: user.last_name,
            is_verified: user.is_verified,
            is_active: user.is_active,
            is_staff: user.role.is_staff(),
            role: user.role.name(),
            date_joined: user.created_at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
            has_second_factor: user.has_second_factor,
            recovery_codes_left,
        })
    }
}
