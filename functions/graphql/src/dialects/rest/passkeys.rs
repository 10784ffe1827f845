//! The passkeys of a user. Options and answers are the JSON of WebAuthn, as texts: a page passes them on unread.

use accounts::model::PlainPassword;
use accounts::operations::passkeys::PasskeyList;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::api_error::{ApiError, WithBody, WithStepUp, WithToken};
use super::caller::caller;
use super::factors::{Added, enrolled};
use super::form::{self, Form};
use crate::App;
use crate::caller::RequestCaller;
use crate::dialects::problems::{Always, Problem, WithPassword};

/// Ask for a new passkey: the options for `PublicKeyCredential.parseCreationOptionsFromJSON`. The answer of
/// `navigator.credentials.create` goes to `passkeys/add/` within five minutes. Needs the password, or a log-in at most five
/// minutes old. In a log-in that was answered with `second_factor_setup_required`, the `challenge` of that answer takes the
/// place of the access token.
#[utoipa::path(
    post,
    path = "/api/accounts/passkeys/begin/",
    operation_id = "begin_passkey",
    tag = "accounts",
    security(("bearer" = []), ()),
    request_body = BeginPasskey,
    responses(
        (status = 200, description = "The options.", body = Options),
        (status = 403, description = "The address was not proven yet; or `reauthentication_required`: the password is needed; or `step_up_required`.", body = Problem),
        WithToken,
        WithPassword,
        WithBody,
        Always
    )
)]
pub(super) async fn begin(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Options>, ApiError> {
    let (parts, given) = form::read(request, BeginPasskey::read).await?;
    if let Some(challenge) = given.challenge {
        let waiting = RequestCaller::by_header(app.accounts.clone(), &parts);
        let asked = app.accounts.begin_passkey_to_log_in(&challenge, waiting.client());
        return Ok(Json(Options { options: asked.await? }));
    }
    let caller = caller(&app.accounts, &parts).await?;
    let password = given.password.map(PlainPassword::new);
    Ok(Json(Options { options: app.accounts.begin_passkey(&caller, password).await? }))
}

/// Add a passkey. From now on, each log-in needs the passkey, or the password and a second factor. Gives the recovery
/// codes, and the next tokens of the session. With the `challenge` of `second_factor_setup_required`, it opens the session.
#[utoipa::path(
    post,
    path = "/api/accounts/passkeys/add/",
    operation_id = "add_passkey",
    tag = "accounts",
    security(("bearer" = []), ()),
    request_body = AddPasskey,
    responses(
        (status = 200, description = "The passkey was added.", body = Added),
        (status = 403, description = "The address was not proven yet.", body = Problem),
        WithToken,
        WithBody,
        Always
    )
)]
pub(super) async fn add(State(app): State<App>, request: Request) -> Result<Json<Added>, ApiError> {
    let (parts, given) = form::read(request, AddPasskey::read).await?;
    let AddPasskey { credential, name, challenge } = given;
    let name = name.unwrap_or_default();
    if let Some(challenge) = challenge {
        let waiting = RequestCaller::by_header(app.accounts.clone(), &parts);
        let client = waiting.client();
        let added =
            app.accounts.add_passkey_to_log_in(&challenge, &credential, &name, client).await?;
        return Ok(enrolled(&waiting, added));
    }
    let caller = caller(&app.accounts, &parts).await?;
    Ok(Json(app.accounts.add_passkey(&caller, &credential, &name).await?.into()))
}

/// The passkeys of the caller, in the order in which they were added.
#[utoipa::path(
    get,
    path = "/api/accounts/passkeys/",
    operation_id = "passkeys",
    tag = "accounts",
    security(("bearer" = [])),
    responses((status = 200, description = "The passkeys.", body = Passkeys), WithToken, Always)
)]
pub(super) async fn list(State(app): State<App>, parts: Parts) -> Result<Json<Passkeys>, ApiError> {
    let caller = caller(&app.accounts, &parts).await?;
    Ok(Json(app.accounts.passkeys(&caller).await?.into()))
}

/// Give a passkey another name.
#[utoipa::path(
    post,
    path = "/api/accounts/passkeys/rename/",
    operation_id = "rename_passkey",
    tag = "accounts",
    security(("bearer" = [])),
    request_body = RenamePasskey,
    responses(
        (status = 200, description = "The passkeys of the caller.", body = Passkeys),
        (status = 404, description = "The caller has no such passkey.", body = Problem),
        WithToken,
        WithBody,
        Always
    )
)]
pub(super) async fn rename(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Passkeys>, ApiError> {
    let (parts, RenamePasskey { id, name }) = form::read(request, RenamePasskey::read).await?;
    let caller = caller(&app.accounts, &parts).await?;
    Ok(Json(app.accounts.rename_passkey(&caller, &id, &name).await?.into()))
}

/// Remove a passkey. If the user has no other second factor, the recovery codes are removed, too.
#[utoipa::path(
    post,
    path = "/api/accounts/passkeys/remove/",
    operation_id = "remove_passkey",
    tag = "accounts",
    security(("bearer" = [])),
    request_body = RemovePasskey,
    responses(
        (status = 200, description = "The passkeys that are left.", body = Passkeys),
        (status = 404, description = "The caller has no such passkey.", body = Problem),
        WithStepUp,
        WithToken,
        WithBody,
        Always
    )
)]
pub(super) async fn remove(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Passkeys>, ApiError> {
    let (parts, RemovePasskey { id }) = form::read(request, RemovePasskey::read).await?;
    let caller = caller(&app.accounts, &parts).await?;
    Ok(Json(app.accounts.remove_passkey(&caller, &id).await?.into()))
}

/// Options for the browser.
#[derive(Serialize, ToSchema)]
pub(super) struct Options {
    /// The JSON of WebAuthn, as text.
    pub(super) options: String,
}

/// Passkeys.
#[derive(Serialize, ToSchema)]
pub(super) struct Passkeys {
    passkeys: Vec<PasskeyItem>,
    /// JSON as text, the argument of `PublicKeyCredential.signalAllAcceptedCredentials`: with it, the provider hides
    /// passkeys that do not work any more. Null for a user without a passkey.
    accepted_passkeys: Option<String>,
}

/// A passkey, as its user sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct PasskeyItem {
    id: String,
    name: String,
    /// The name of the provider, if it is known.
    provider: Option<&'static str>,
    #[schema(format = "date-time")]
    created_at: String,
    /// Null for a passkey that was never used.
    #[schema(format = "date-time")]
    last_used_at: Option<String>,
    /// Whether its provider keeps a copy of it, or shares it among devices.
    synced: bool,
}

impl From<PasskeyList> for Passkeys {
    fn from(PasskeyList { passkeys, accepted }: PasskeyList) -> Self {
        let passkeys = passkeys.into_iter().map(|passkey| PasskeyItem {
            id: passkey.credential.id.to_string(),
            name: passkey.name,
            provider: passkey.credential.aaguid.name(),
            created_at: passkey.added_at.to_string(),
            last_used_at: passkey.last_used_at.map(|time| time.to_string()),
            synced: passkey.credential.backed_up,
        });
        Self { passkeys: passkeys.collect(), accepted_passkeys: accepted }
    }
}

#[derive(ToSchema)]
struct BeginPasskey {
    /// The present password, unless the log-in is at most five minutes old.
    #[schema(nullable = false, format = "password")]
    password: Option<String>,
    /// From the answer `second_factor_setup_required`, in place of an access token.
    #[schema(nullable = false)]
    challenge: Option<String>,
}

impl BeginPasskey {
    fn read(form: &mut Form) -> Self {
        let [password, challenge] =
            ["password", "challenge"].map(|name| form.optional_filled(name));
        Self { password, challenge }
    }
}

#[derive(ToSchema)]
struct AddPasskey {
    /// `JSON.stringify` of the answer.
    #[schema(min_length = 1)]
    credential: String,
    /// Without it, the passkey has the name of its provider. At most 100 characters.
    #[schema(nullable = false)]
    name: Option<String>,
    /// From the answer `second_factor_setup_required`, in place of an access token.
    #[schema(nullable = false)]
    challenge: Option<String>,
}

impl AddPasskey {
    fn read(form: &mut Form) -> Self {
        let credential = form.required("credential");
        let [name, challenge] = ["name", "challenge"].map(|name| form.optional_filled(name));
        Self { credential, name, challenge }
    }
}

#[derive(ToSchema)]
struct RenamePasskey {
    #[schema(min_length = 1)]
    id: String,
    /// At most 100 characters.
    #[schema(min_length = 1)]
    name: String,
}

impl RenamePasskey {
    fn read(form: &mut Form) -> Self {
        Self { id: form.required("id"), name: form.required("name") }
    }
}

#[derive(ToSchema)]
struct RemovePasskey {
    #[schema(min_length = 1)]
    id: String,
}

impl RemovePasskey {
    fn read(form: &mut Form) -> Self {
        Self { id: form.required("id") }
    }
}
