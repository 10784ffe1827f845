//! The console of staff: pages below `/admin`. They work without JavaScript. A `GET` changes nothing; each change is a
//! `POST` with the token of its form, from a page of this site.
//!
//! Without a session of the console, each path below `/admin` answers alike, whether it exists or not.

mod act;
mod home;
mod invite;
mod log_in;
mod network;
mod user;
mod users;

use accounts::crypto::ConsoleTokens;
use accounts::error::{AuthError, Field};
use accounts::model::{AuditEvent, Client};
use accounts::operations::{Admin, Caller};
use axum::extract::{FromRequestParts, Path};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE, LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use minijinja::{Value, context};

use super::message::{Next, message, unavailable};
use super::reader::PageLanguage;
use super::{FieldErrors, Page, PageContext};
use crate::App;
use crate::cookies::{SentBy, values};

/// Where the console is, after [`super::PageSettings::base_path`].
const ROOT: &str = "/admin";
/// The cookie with the token of the session, after the prefix.
const SESSION: &str = "latchkey-console";
/// The cookie with the token of the device, after the prefix.
const DEVICE: &str = "latchkey-console-device";

/// The style sheet of the console, beside that of all pages.
const STYLE: &str = include_str!("../../../templates/pages/console.css");

/// The style sheet. The same for all, so caches may keep it for an hour.
pub(super) async fn sheet() -> impl IntoResponse {
    let headers =
        [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, STYLE)
}

/// The pages of the console.
pub(super) fn routes(page: impl Fn(&'static str, String, Route) -> Page) -> Vec<Page> {
    let routes = [
        ("", get(home::show)),
        ("/log-in", get(home::show).post(log_in::open)),
        ("/log-out", get(home::show).post(log_in::close)),
        ("/users", get(users::list)),
        ("/users/{id}", get(user::show)),
        ("/users/{id}/trail", get(user::trail)),
        ("/users/{id}/{action}", get(act::ask).post(act::act)),
        ("/invite", get(invite::ask).post(invite::invite)),
        ("/network", get(network::show).post(network::lift)),
        ("/acts", get(user::acts)),
        ("/{*rest}", get(nothing).post(nothing)),
    ];
    let route = |(path, to): (&str, Route)| page("", format!("{ROOT}{path}"), to.fallback(nothing));
    routes.map(route).into()
}

type Route = axum::routing::MethodRouter<App>;

/// A request to the console.
struct Console {
    site: PageContext,
    /// The names of the cookies, and whether they are for HTTPS only.
    cookies: Cookies,
    /// Whether another site sent it.
    is_foreign: bool,
    client: Client,
    /// The token of the session, if the request has one.
    token: Option<String>,
    /// What the page before has done.
    done: Option<&'static str>,
}

/// A request of a member of staff.
struct Staff {
    console: Console,
    caller: Caller,
    /// The token that each form must have.
    csrf: String,
}

/// What a page says was done: the changes, and what else has a form.
const DONE: [&str; 14] = [
    "ban",
    "lift-ban",
    "set-role",
    "verify",
    "end-session",
    "end-sessions",
    "expire-password",
    "send-activation",
    "send-reset",
    "clear-email-status",
    "lift-locks",
    "delete",
    "invite",
    "lift-network",
];

/// The cookies of the console. With HTTPS, no other host of the domain can set them.
#[derive(Clone, Copy)]
struct Cookies {
    is_https: bool,
}

impl Cookies {
    fn name(self, name: &str) -> String {
        if self.is_https { format!("__Host-{name}") } else { name.to_owned() }
    }

    fn read(self, headers: &HeaderMap, name: &str) -> Option<String> {
        if headers.contains_key(COOKIE) {
            values(headers, &self.name(name)).into_iter().next()
        } else {
            None
        }
    }

    /// A `Set-Cookie` header. An age of 0 deletes the cookie.
    fn write(self, name: &str, value: &str, age: i64) -> Option<HeaderValue> {
        let secure = if self.is_https { "; Secure" } else { "" };
        let name = self.name(name);
        let cookie =
            format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}");
        HeaderValue::try_from(cookie).ok()
    }
}

impl FromRequestParts<App> for Console {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let cookies = Cookies { is_https: app.settings.is_https };
        let device = cookies.read(&parts.headers, DEVICE);
        Ok(Self {
            site: PageContext::new(app, parts),
            cookies,
            is_foreign: SentBy::of(parts, &app.settings.origins) == SentBy::OtherPage,
            client: Client { device, ..crate::caller::client(parts) },
            token: cookies.read(&parts.headers, SESSION),
            done: parameter(parts, "done")
                .and_then(|done| DONE.into_iter().find(|known| *known == done)),
        })
    }
}

impl FromRequestParts<App> for Staff {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let Ok(console) = Console::from_request_parts(parts, app).await;
        console.staff().await
    }
}

impl Console {
    /// The member of staff, or the answer to any other caller.
    async fn staff(self) -> Result<Staff, Response> {
        let Some(token) = &self.token else {
            return Err(message(&self.site, StatusCode::NOT_FOUND, "not_found", Next::Anywhere));
        };
        match self.site.accounts.console_caller(token).await {
            Ok(caller) => {
                let csrf = ConsoleTokens::form_token(token);
                Ok(Staff { console: self, caller, csrf })
            }
            Err(error @ AuthError::Unavailable(_)) => Err(unavailable(&self.site, &error)),
            // The session has ended: its browser logs in again.
            Err(_) => {
                let mut answer = self.site.redirect(ROOT);
                let cookie = self.cookies.write(SESSION, "", 0);
                answer.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
                Err(answer)
            }
        }
    }
}

impl Staff {
    fn admin(&self) -> Result<Admin<'_>, AuthError> {
        self.console.site.accounts.admin(&self.caller)
    }

    fn site(&self) -> &PageContext {
        &self.console.site
    }

    /// Whether a form is one of this session, sent by a page of this site.
    fn sent(&self, csrf: &str) -> bool {
        !self.console.is_foreign && self.csrf == csrf
    }

    /// A page of the console.
    fn page(&self, status: StatusCode, file: &str, shown: Value) -> Response {
        let of_all = context! {
            csrf => &self.csrf,
            own_name => &self.caller.user.username,
            own_id => self.caller.user.id.to_string(),
            done => self.console.done.map(|done| done.replace('-', "_")),
            own_role => self.caller.user.role.name(),
            root => format!("{}{ROOT}", self.site().settings.base_path),
        };
        self.site().page(status, file, None, context! { ..shown, ..of_all })
    }

    /// The answer to an operation that failed, if no form can show it.
    fn refused(&self, error: &AuthError) -> Response {
        match error {
            AuthError::Unavailable(_) => unavailable(self.site(), error),
            AuthError::NotFound => self.problem(StatusCode::NOT_FOUND, "console_not_found"),
            AuthError::PermissionDenied => self.problem(StatusCode::FORBIDDEN, "console_denied"),
            AuthError::LastOfStaff => self.problem(StatusCode::CONFLICT, "console_last"),
            AuthError::AlreadyVerified => self.problem(StatusCode::CONFLICT, "console_verified"),
            AuthError::Throttled { retry_after, .. } => {
                let page = self.problem(StatusCode::TOO_MANY_REQUESTS, "console_throttled");
                ([(RETRY_AFTER, retry_after.to_string())], page).into_response()
            }
            AuthError::Unauthenticated => self.site().redirect(ROOT),
            AuthError::Invalid(_)
            | AuthError::InvalidCredentials
            | AuthError::InvalidPassword
            | AuthError::ReauthenticationRequired
            | AuthError::EmailTaken
            | AuthError::SecondaryEmailRequired
            | AuthError::NotVerified
            | AuthError::PasswordAlreadySet
            | AuthError::InvalidToken
            | AuthError::ExpiredToken
            | AuthError::InvalidCode
            | AuthError::ExpiredCode
            | AuthError::TooManyAttempts
            | AuthError::BadPage(_)
            | AuthError::PicturesOff => self.problem(StatusCode::BAD_REQUEST, "console_failed"),
        }
    }

    /// The answer to a form that is not one of this session.
    fn foreign(&self) -> Response {
        self.problem(StatusCode::FORBIDDEN, "console_foreign")
    }

    fn problem(&self, status: StatusCode, about: &str) -> Response {
        self.page(status, "console_problem.html", context! { about })
    }
}

/// The answer to a path that does not exist, for staff.
async fn nothing(staff: Staff) -> Response {
    staff.refused(&AuthError::NotFound)
}

/// The id in the path, and what follows it.
struct Target<T>(Option<T>);

impl<S: Send + Sync, T: serde::de::DeserializeOwned + Send> FromRequestParts<S> for Target<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let path: Result<Path<T>, _> = Path::from_request_parts(parts, state).await;
        Ok(Self(path.ok().map(|Path(path)| path)))
    }
}

/// The parameters of the query that are not empty.
fn parameter(request: &Parts, wanted: &str) -> Option<String> {
    let query = request.uri.query().unwrap_or_default();
    let found = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted);
    found.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// A moment, to the minute, in UTC.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// A moment in epoch seconds.
fn time_of(second: i64) -> String {
    Timestamp::from_second(second).map(time).unwrap_or_default()
}

/// An event, as the pages show it.
fn event(event: &AuditEvent) -> Value {
    let by = event.by.to_string();
    context! {
        at => time(event.at),
        kind => event.event.name(),
        user => event.user_id.map(|user| user.to_string()),
        by_id => by.strip_prefix("staff:"),
        operator => by.strip_prefix("operator:"),
        by => by.split(':').next(),
        is_refused => event.is_refused,
        reason => &event.reason,
        detail => &event.detail,
        count => event.count,
        ip => &event.ip,
        agent => event.user_agent.as_deref().map(device),
        request_id => &event.request_id,
    }
}

/// A name for the program and the system in a user agent. The order matters: most browsers name others, too.
pub(super) fn device(agent: &str) -> String {
    const PROGRAMS: [(&str, &str); 8] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("okhttp", "Android app"),
        ("CFNetwork", "iOS app"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let name = |names: &[(&'static str, &'static str)]| {
        names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name)
    };
    match (name(&PROGRAMS), name(&SYSTEMS)) {
        (Some(program), Some(system)) => format!("{program}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.chars().take(40).collect(),
    }
}

/// The faults of a form, each list under the name of its field.
fn faults(error: Option<&AuthError>) -> Value {
    let of = |field: Field| {
        let violations = match error {
            Some(AuthError::Invalid(violations)) => Some(violations),
            _ => None,
        };
        let found = violations.into_iter().flat_map(accounts::error::Violations::iter);
        let found = found.filter(|(of, _)| *of == field);
        let found = found.map(|(_, violation)| violation.into()).collect();
        Value::from(FieldErrors(found))
    };
    context! {
        email_errors => of(Field::Email),
        username_errors => of(Field::Username),
        reason_errors => of(Field::Reason),
        until_errors => of(Field::Until),
    }
}

/// Redirects to a page of the console, in the same language.
fn redirect(staff: &Staff, path: &str) -> Response {
    let site = staff.site();
    let PageLanguage { query, .. } = site.reader.language(&site.settings.templates, None);
    let query = if path.contains('?') { query.replacen('?', "&", 1) } else { query };
    let page = format!("{}{ROOT}{path}{query}", site.settings.base_path);
    (StatusCode::SEE_OTHER, [(LOCATION, page)]).into_response()
}
