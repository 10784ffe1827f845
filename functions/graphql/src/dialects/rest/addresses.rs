//! Prove an address by a one-time code.

use axum::extract::{Request, State};
use axum::response::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::api_error::{ApiError, WithBody};
use super::form::{self, Form};
use crate::App;
use crate::caller::{RequestCaller, client};
use crate::dialects::problems::{Always, WithCost};

/// Mail a one-time code of six digits. If an earlier code is still valid, the mail has that code. Answers alike for an
/// address without an account, and for an address that is proven.
#[utoipa::path(
    post,
    path = "/api/accounts/send-otp/",
    tag = "accounts",
    request_body = SendOtp,
    responses((status = 200, description = "A mail is on its way, if one is due.", body = SendOtpResponse), WithCost, WithBody, Always)
)]
pub(super) async fn send_otp(
    State(app): State<App>,
    request: Request,
) -> Result<Json<SendOtpResponse>, ApiError> {
    let (parts, SendOtp { email }) = form::read(request, SendOtp::read).await?;
    let caller = RequestCaller::by_header(app.accounts.clone(), &parts);
    app.accounts.send_code(&email, caller.client()).await?;
    Ok(Json(SendOtpResponse { detail: SENT }))
}

const SENT: &str = "If the address is waiting to be proven, a code is on its way to it.";

/// Prove an address by the code that was mailed to it. A code has five tries, and lives for ten minutes.
#[utoipa::path(
    post,
    path = "/api/accounts/verify-email/",
    tag = "accounts",
    request_body = VerifyEmail,
    responses((status = 200, description = "The address is proven.", body = Proven), WithCost, WithBody, Always)
)]
pub(super) async fn verify_email(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Proven>, ApiError> {
    let (parts, VerifyEmail { email, otp }) = form::read(request, VerifyEmail::read).await?;
    app.accounts.verify_account_by_code(&email, &otp, &client(&parts)).await?;
    Ok(Json(Proven { is_verified: true }))
}

#[derive(ToSchema)]
struct SendOtp {
    #[schema(format = "email", min_length = 1)]
    email: String,
}

impl SendOtp {
    fn read(form: &mut Form) -> Self {
        Self { email: form.required("email") }
    }
}

/// The answer of `send-otp/`.
#[derive(Serialize, ToSchema)]
pub(super) struct SendOtpResponse {
    detail: &'static str,
}

#[derive(ToSchema)]
struct VerifyEmail {
    #[schema(format = "email", min_length = 1)]
    email: String,
    /// Six digits.
    #[schema(min_length = 1)]
    otp: String,
}

impl VerifyEmail {
    fn read(form: &mut Form) -> Self {
        Self { email: form.required("email"), otp: form.required("otp") }
    }
}

/// The answer of `verify-email/`.
#[derive(Serialize, ToSchema)]
pub(super) struct Proven {
    is_verified: bool,
}
