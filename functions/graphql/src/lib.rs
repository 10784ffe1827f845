//! The API and its pages: one service, which Lambda runs, `cargo run` serves and tests call.

mod accept;
pub mod caller;
pub mod codes;
mod cookies;
mod device;
pub mod dialects;
mod document;
mod documents;
mod endpoint;
mod event;
mod execution;
mod graphql_error;
mod header_text;
mod json_body;
mod merged;
mod methods;
mod multipart;
mod nodes;
pub mod openapi;
mod origins;
mod own_session;
mod pages;
mod panics;
mod positions;
mod prefix;
#[cfg(test)]
#[path = "../../../tests/properties/mod.rs"]
mod properties;
mod request_fields;
mod requests;
mod root_fields;
mod routes;
mod scalars;
pub mod schema;
mod start;
#[cfg(test)]
mod strangers;

use std::convert::{Infallible, identity};
use std::sync::Arc;

use accept::prefers;
use accounts::Accounts;
use accounts::config::{ConfigError, LogIp, Settings};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Json, Response};
use codes::Code;
use dialects::hasura::HasuraSettings;
use methods::get;
use routes::{MakeMethods, Route, RouteTable};
use schema::{MutationStyle, RegisterArguments, Schema, Shape};
use tower::Service;
use tower::util::{MapRequestLayer, MapResponseLayer};
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::set_header::SetResponseHeaderLayer;

pub use cookies::Cookies;
pub use event::{Event, NotTaken, run};
pub use origins::Origins;
pub use pages::PageSettings;
pub use start::connect;

/// The settings of the API and of its pages.
#[derive(Clone, Debug)]
pub struct FrontSettings {
    /// The settings of the pages, if there are any.
    pub pages: Arc<PageSettings>,
    /// The arguments of `register`.
    pub registration: RegisterArguments,
    /// The cookies that tokens are given in and taken from, if there are any.
    pub cookies: Option<Cookies>,
    /// Whether the site is only reached by HTTPS.
    pub is_https: bool,
    /// The origins whose pages may call the API from a browser, and with cookies.
    pub origins: Origins,
    /// The settings of the dialect of Hasura.
    pub hasura: HasuraSettings,
    /// How much of the caller's IP address the log has.
    pub log_ip: LogIp,
    /// Whether introspection of the schema is on.
    pub introspection: bool,
    /// Number of proxies in front of the API that add the address of the client to `X-Forwarded-For`.
    pub trusted_proxies: usize,
}

impl FrontSettings {
    /// From the settings.
    ///
    /// # Errors
    /// For a malformed setting.
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let registration = if settings.allow_passwordless_registration()? {
            RegisterArguments::Passwordless
        } else {
            RegisterArguments::WithPassword
        };
        Ok(Self {
            pages: PageSettings::new(settings)?.into(),
            registration,
            cookies: Cookies::new(settings)?,
            is_https: settings.base_url()?.is_https(),
            origins: Origins::new(settings)?,
            hasura: HasuraSettings::new(settings)?,
            log_ip: settings.log_ip()?,
            trusted_proxies: settings.trusted_proxies()?,
            introspection: settings.introspection()?,
        })
    }
}

/// The state that every handler has.
#[derive(Clone)]
struct App {
    accounts: Accounts,
    schema: Schema,
    relay: Schema,
    settings: Arc<FrontSettings>,
}

impl App {
    /// With the schema for Relay as the schema.
    fn for_relay(self) -> Self {
        Self { schema: self.relay.clone(), ..self }
    }
}

/// The API and its pages, without the accounts. A cold start makes this part while it reads the secret of the accounts.
#[derive(Clone, Debug)]
pub struct Front {
    routes: RouteTable,
    schema: Schema,
    relay: Schema,
    settings: Arc<FrontSettings>,
}

impl Front {
    /// The first request for a schema builds it, unless [`Self::warm_up`] did.
    ///
    /// # Errors
    /// For a page whose path is set to that of another route.
    pub fn new(settings: FrontSettings) -> Result<Self, ConfigError> {
        let (registration, introspection) = (settings.registration, settings.introspection);
        let schema = |style| Schema::new(Shape { style, registration }, introspection);
        Ok(Self {
            routes: RouteTable::new(&settings.pages)?,
            schema: schema(MutationStyle::Arguments),
            relay: schema(MutationStyle::Input),
            settings: settings.into(),
        })
    }

    /// Builds the schema that most requests need.
    pub fn warm_up(&self) {
        self.schema.warm_up();
    }
}

/// The API and its pages, for those accounts.
pub fn app(accounts: Accounts, front: Front) -> Router {
    let Front { routes, schema, relay, settings } = front;
    let app = App { accounts, schema, relay, settings: settings.clone() };
    in_layers(routes.with_state(app), settings)
}

/// The routes that belong to no dialect.
fn own_routes() -> [Route; 7] {
    let own: [(&'static str, MakeMethods); 7] = [
        ("/graphql", || get(endpoint::query).post(endpoint::execute)),
        ("/graphql/relay", || get(endpoint::query_for_relay).post(endpoint::execute_for_relay)),
        ("/.well-known/jwks.json", || get(public_keys)),
        ("/.well-known/revocations", || get(revocations)),
        ("/.well-known/webauthn", || get(related_origins)),
        ("/health", || get(health)),
        (openapi::PATH, || get(openapi::show)),
    ];
    own.map(|route| Route::new(route, identity))
}

/// The layers of all routes: headers, CORS, the request id, and the answer when a handler panics. They wrap all routes
/// together. If they wrapped each route, a cold start would create every layer once for every route.
pub fn in_layers<S>(routes: S, settings: Arc<FrontSettings>) -> Router
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    // Two years, as browsers' own lists want it. The header does not cover other hosts of the domain.
    let https_only = settings.is_https.then_some(HeaderValue::from_static("max-age=63072000"));
    let identity =
        requests::Identity { log_ip: settings.log_ip, trusted_proxies: settings.trusted_proxies };
    // From the outermost to the innermost; one layer of all is cheaper than a layer each.
    Router::new().fallback_service(routes).layer((
        MapRequestLayer::new(prefix::without_stage),
        header(CACHE_CONTROL, "no-store"),
        header(REFERRER_POLICY, "no-referrer"),
        header(X_CONTENT_TYPE_OPTIONS, "nosniff"),
        SetResponseHeaderLayer::if_not_present(STRICT_TRANSPORT_SECURITY, https_only),
        MapResponseLayer::new(origins::without_content),
        origins::cors(settings),
        from_fn_with_state(identity, requests::identify),
        from_fn(device::add_device_token),
        from_fn(panics::answer),
        NormalizePathLayer::trim_trailing_slash(),
    ))
}

fn header(
    name: axum::http::HeaderName,
    value: &'static str,
) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// 200 as soon as the function answers at all. It does not check the table: a health check that fails with the table
/// would take down the parts that still work.
async fn health() -> Response {
    Json(serde_json::json!({ "status": "ok" })).into_response()
}

/// Cacheable for five minutes. A service that meets an unknown key asks again.
async fn public_keys(State(app): State<App>) -> Response {
    let cache = [(CACHE_CONTROL, "public, max-age=300")];
    (cache, Json(app.accounts.public_keys())).into_response()
}

/// Cacheable for some seconds. It has no `ETag`: the signed list has the time, so that no attacker can serve an old one.
async fn revocations(State(app): State<App>) -> Response {
    match app.accounts.revocations().await {
        Ok(Some(list)) => {
            let headers = [(CACHE_CONTROL, "public, max-age=5"), (CONTENT_TYPE, "application/jwt")];
            (headers, list).into_response()
        }
        Ok(None) => unknown_path(),
        Err(error) => {
            let body =
                serde_json::json!({ "detail": error.to_string(), "code": Code::from(&error) });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

/// The origins of other domains whose pages may use the passkeys of this site (WebAuthn Level 3, 5.11).
async fn related_origins(State(app): State<App>) -> Response {
    match app.accounts.related_origins() {
        [] => unknown_path(),
        origins => {
            let cache = [(CACHE_CONTROL, "public, max-age=300")];
            (cache, Json(serde_json::json!({ "origins": origins }))).into_response()
        }
    }
}

/// JSON for clients of the API; a page for a person whose browser follows a link that leads nowhere.
async fn not_found(State(app): State<App>, request: Parts) -> Response {
    if app.settings.pages.are_on && prefers(&request.headers, "text/html", "application/json") {
        return pages::not_found(&app, &request);
    }
    unknown_path()
}

fn unknown_path() -> Response {
    let body = serde_json::json!({ "detail": "Not found.", "code": Code::NOT_FOUND });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}
