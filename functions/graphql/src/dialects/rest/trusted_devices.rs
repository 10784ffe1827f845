//! Trusted devices: list them, and end the trust in them.

use accounts::model::TrustedDevice;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::api_error::{ApiError, WithBody, WithToken};
use super::caller::caller;
use super::form::{self, Form};
use crate::App;
use crate::dialects::problems::{Always, Problem};

/// The devices that the caller trusts, newest trust first: log-ins on them need no second factor.
#[utoipa::path(
    get,
    path = "/api/accounts/trusted-devices/",
    operation_id = "trusted_devices",
    tag = "accounts",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The devices.", body = TrustedDevices),
        WithToken,
        Always
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    parts: Parts,
) -> Result<Json<TrustedDevices>, ApiError> {
    let caller = caller(&app.accounts, &parts).await?;
    let current = caller.session.trusted_device.clone();
    let devices = app.accounts.trusted_devices(&caller).await?.into_iter();
    let devices = devices.map(|device| Device::new(device, current.as_deref()));
    Ok(Json(TrustedDevices { trusted_devices: devices.collect() }))
}

/// End the trust in a device of the caller. Its sessions go on.
#[utoipa::path(
    post,
    path = "/api/accounts/trusted-devices/end/",
    operation_id = "end_trusted_device",
    tag = "accounts",
    security(("bearer" = [])),
    request_body = EndTrustedDevice,
    responses(
        (status = 204, description = "The trust has ended."),
        (status = 404, description = "The caller does not trust such a device.", body = Problem),
        WithToken,
        WithBody,
        Always
    )
)]
pub(super) async fn end(State(app): State<App>, request: Request) -> Result<StatusCode, ApiError> {
    let (parts, EndTrustedDevice { id }) = form::read(request, EndTrustedDevice::read).await?;
    let caller = caller(&app.accounts, &parts).await?;
    app.accounts.end_trusted_device(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End the trust in all devices of the caller. Their sessions go on.
#[utoipa::path(
    post,
    path = "/api/accounts/trusted-devices/end-all/",
    operation_id = "end_trusted_devices",
    tag = "accounts",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The caller trusts no device any more."),
        WithToken,
        Always
    )
)]
pub(super) async fn end_all(State(app): State<App>, parts: Parts) -> Result<StatusCode, ApiError> {
    let caller = caller(&app.accounts, &parts).await?;
    app.accounts.end_trusted_devices(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(ToSchema)]
struct EndTrustedDevice {
    #[schema(min_length = 1)]
    id: String,
}

impl EndTrustedDevice {
    fn read(form: &mut Form) -> Self {
        Self { id: form.required("id") }
    }
}

/// Trusted devices.
#[derive(Serialize, ToSchema)]
pub(super) struct TrustedDevices {
    trusted_devices: Vec<Device>,
}

/// A trusted device.
#[derive(Serialize, ToSchema)]
#[schema(as = TrustedDevice)]
struct Device {
    id: String,
    #[schema(value_type = String, format = "date-time")]
    created_at: String,
    /// When the caller last logged in on it.
    #[schema(value_type = String, format = "date-time")]
    last_used_at: String,
    #[schema(value_type = String, format = "date-time")]
    ends_at: String,
    #[schema(required)]
    ip_address: Option<String>,
    #[schema(required)]
    user_agent: Option<String>,
    /// Whether the session of the request was opened on it.
    current: bool,
}

impl Device {
    fn new(device: TrustedDevice, current: Option<&str>) -> Self {
        Self {
            current: current == Some(device.id.as_str()),
            id: device.id,
            created_at: device.trusted_at.to_string(),
            last_used_at: device.last_used_at.to_string(),
            ends_at: device.ends_at.to_string(),
            ip_address: device.ip,
            user_agent: device.user_agent,
        }
    }
}
