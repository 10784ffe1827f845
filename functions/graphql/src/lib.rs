//! The API and its pages: one router, which Lambda runs, `cargo run` serves and tests call.

pub mod caller;
mod cookies;
pub mod dialects;
mod document;
mod endpoint;
mod json_body;
mod multipart;
mod nodes;
pub mod openapi;
mod pages;
mod panics;
mod positions;
mod refusal;
mod requests;
mod scalars;
pub mod schema;
mod spoken;

use accounts::Accounts;
use accounts::config::{ConfigError, Settings};
use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use dialects::hasura::HasuraSettings;
use schema::{Form, Registration, Schema, Shape};
use tower_http::set_header::SetResponseHeaderLayer;

pub use pages::PageSettings;

/// What the front itself is set to do.
#[derive(Clone, Debug)]
pub struct FrontSettings {
    /// What the pages show; `None` leaves them to a front end of the site's own.
    pub pages: Option<PageSettings>,
    /// What `register` asks for.
    pub registration: Registration,
    /// Whether tokens are given in cookies, too, and taken from them.
    pub tokens_in_cookies: bool,
    /// Whose pages may send what a cookie speaks for.
    pub origins: Vec<String>,
    /// What the dialect of Hasura does.
    pub hasura: HasuraSettings,
    /// Whether the schema can be asked for, and misspelt names get suggestions.
    pub introspection: bool,
    /// Whether a browser at `GET /graphql` gets GraphiQL.
    pub graphiql: bool,
}

impl FrontSettings {
    /// From the settings; GraphiQL is for `local`.
    ///
    /// # Errors
    /// For a setting that makes no sense.
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        // Read also when it is off: what makes no sense is told at once.
        let pages = PageSettings::new(settings)?;
        let registration = if settings.policy()?.allow_passwordless_registration {
            Registration::Passwordless
        } else {
            Registration::WithPassword
        };
        let origins = [Some(settings.base_url()?), settings.app_url()?];
        Ok(Self {
            pages: settings.pages()?.then_some(pages),
            registration,
            tokens_in_cookies: settings.tokens_in_cookies()?,
            origins: origins.into_iter().flatten().map(|url| cookies::origin(&url)).collect(),
            hasura: HasuraSettings::new(settings)?,
            introspection: settings.introspection()?,
            graphiql: false,
        })
    }
}

/// What every handler can get at.
#[derive(Clone)]
struct App {
    accounts: Accounts,
    schema: Schema,
    settings: FrontSettings,
}

/// The route table.
pub fn app(accounts: Accounts, settings: FrontSettings) -> Router {
    let (registration, introspection) = (settings.registration, settings.introspection);
    let schema = |form| Schema::new(accounts.clone(), Shape { form, registration }, introspection);
    let (schema, relay) = (schema(Form::Arguments).ready(), schema(Form::Input));
    let pages = settings.pages.clone();
    let pages = pages.map(|settings| pages::routes(accounts.clone(), settings));
    let app = App { accounts, schema, settings };
    let relay = App { schema: relay, ..app.clone() };
    let graphql = || get(endpoint::query).post(endpoint::execute);
    let routes = Router::new()
        .route("/graphql", graphql())
        .route("/graphql/relay", graphql().with_state(relay))
        .merge(dialects::hasura::routes())
        .route("/.well-known/jwks.json", get(public_keys))
        .route("/health", get(health))
        .route(openapi::PATH, get(openapi::show))
        .merge(dialects::rest::routes())
        .merge(pages.unwrap_or_default())
        .fallback(not_found);
    in_layers(routes).with_state(app)
}

/// What all routes have around them: a name for the request, an answer when a handler panics, and headers.
pub fn in_layers<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    routes
        .layer(from_fn(panics::answer))
        .layer(from_fn(requests::identify))
        .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(REFERRER_POLICY, "no-referrer"))
        .layer(header(CACHE_CONTROL, "no-store"))
}

fn header(
    name: axum::http::HeaderName,
    value: &'static str,
) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// 200 as soon as the function answers at all. Says nothing of the table: a health check that fails
/// with it would take down what still works.
async fn health() -> Response {
    Json(serde_json::json!({ "status": "ok" })).into_response()
}

/// Cacheable for five minutes. Whoever verifies and meets an unknown key asks again.
async fn public_keys(State(app): State<App>) -> Response {
    let cache = [(CACHE_CONTROL, "public, max-age=300")];
    (cache, Json(app.accounts.public_keys())).into_response()
}

async fn not_found() -> Response {
    let body = serde_json::json!({ "detail": "Not found.", "code": "not_found" });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}
