//! The console of staff: pages below `/admin`. They work without JavaScript. A `GET` changes nothing; each change is a
//! `POST` with the token of its form, from a page of this site.
//!
//! Without a session of the console, each path below `/admin` has the same answer, whether it exists or not.

mod act;
mod home;
mod invite;
mod network;
mod user;
mod users;

use crate::methods::get;
use accounts::error::{AuthError, Field, Refusal};
use accounts::operations::{Admin, Area};
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use minijinja::{Value, context};

use super::message::unavailable;
use super::visit::{Pages, Visit, Visitor, close, open};
use super::{FieldErrors, Page, by_passkey, enrolment, second_step, with_work};
use crate::routes::{Finish, MakeMethods};

/// The pages of the console.
struct ConsolePages;

/// A request to the console.
type Console = Visit<ConsolePages>;

/// A request of a member of staff.
type Staff = Visitor<ConsolePages>;

impl Pages for ConsolePages {
    const AREA: Area = Area::Console;
    const ROOT: &'static str = ROOT;
    const SESSION: &'static str = "latchkey-console";
    const DEVICE: &'static str = "latchkey-console-device";
    const LAYOUT: &'static str = "console_layout.html";
    const ABOUT: &'static str = "console";
    const DONE: &'static [&'static str] = &DONE;

    fn without_session(console: &Console) -> Response {
        console.not_found()
    }

    fn foreign(staff: &Staff) -> Response {
        staff.problem(StatusCode::FORBIDDEN, "console_foreign")
    }

    fn page(staff: &Staff, status: StatusCode, file: &str, shown: Value) -> Response {
        let of_all = context! {
            csrf => &staff.csrf,
            own_name => &staff.caller.user.username,
            own_id => staff.caller.user.id.to_string(),
            done => staff.visit.done.map(|done| done.replace('-', "_")),
            own_role => staff.caller.user.role.name(),
            root => format!("{}{ROOT}", staff.site().settings.base_path),
        };
        staff.site().page(status, file, None, context! { ..shown, ..of_all })
    }
}

/// Where the console is, after [`super::PageSettings::base_path`].
const ROOT: &str = "/admin";

/// The style sheet of the console, beside that of all pages.
const STYLE: &str = include_str!("../../../templates/pages/console.css");

/// The style sheet. It is the same for all users, so caches may keep it for an hour.
pub(super) async fn sheet() -> impl IntoResponse {
    let headers =
        [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, STYLE)
}

/// The pages of the console.
pub(super) fn routes() -> Vec<Page> {
    let routes: [(&str, MakeMethods); 17] = [
        ("", || get(home::show)),
        ("/log-in", || get(home::show).post(open::<ConsolePages>)),
        (second_step::PATH, || get(home::show).post(second_step::complete::<ConsolePages>)),
        (by_passkey::PATH, || get(home::show).post(by_passkey::open::<ConsolePages>)),
        (by_passkey::OPTIONS_PATH, || get(home::show).post(by_passkey::options::<ConsolePages>)),
        (by_passkey::STEP_PATH, || get(home::show).post(by_passkey::complete::<ConsolePages>)),
        (enrolment::APP_PATH, || get(home::show).post(enrolment::add_app::<ConsolePages>)),
        (enrolment::PASSKEY_PATH, || get(home::show).post(enrolment::add_passkey::<ConsolePages>)),
        ("/log-out", || get(home::show).post(close::<ConsolePages>)),
        ("/users", || get(users::list)),
        ("/users/{id}", || get(user::show)),
        ("/users/{id}/trail", || get(user::trail)),
        ("/users/{id}/{action}", || get(act::ask).post(act::act)),
        ("/invite", || get(invite::ask).post(invite::invite)),
        ("/network", || get(network::show).post(network::lift)),
        ("/acts", || get(user::acts)),
        ("/{*rest}", || get(nothing).post(nothing)),
    ];
    let finish: Finish = |methods| with_work(methods.fallback(nothing));
    let route = |(path, to): (&str, MakeMethods)| Page {
        finish,
        ..Page::new("", format!("{ROOT}{path}"), to)
    };
    routes.map(route).into()
}

/// The actions for which a page shows a message of success: the changes, and all other forms.
const DONE: [&str; 16] = [
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
    "remove-second-factor",
    "keep-second-factor",
    "delete",
    "invite",
    "lift-network",
];

impl Staff {
    fn admin(&self) -> Result<Admin<'_>, AuthError> {
        self.site().accounts.admin(&self.caller)
    }

    /// A page of the console.
    fn page(&self, status: StatusCode, file: &str, shown: Value) -> Response {
        ConsolePages::page(self, status, file, shown)
    }

    /// The answer to an operation that failed, if no form can show it.
    fn refused(&self, error: &AuthError) -> Response {
        match error {
            AuthError::Unavailable(_) => unavailable(self.site(), error),
            AuthError::NotFound => self.problem(StatusCode::NOT_FOUND, "console_not_found"),
            AuthError::PermissionDenied => self.problem(StatusCode::FORBIDDEN, "console_denied"),
            AuthError::Refused(Refusal::LastOfStaff) => {
                self.problem(StatusCode::CONFLICT, "console_last")
            }
            AuthError::Refused(Refusal::NoSecondFactor) => {
                self.problem(StatusCode::CONFLICT, "console_no_factor")
            }
            AuthError::Refused(Refusal::AlreadyVerified) => {
                self.problem(StatusCode::CONFLICT, "console_verified")
            }
            AuthError::Throttled { retry_after, .. } => {
                let page = self.problem(StatusCode::TOO_MANY_REQUESTS, "console_throttled");
                ([(RETRY_AFTER, retry_after.to_string())], page).into_response()
            }
            AuthError::Unauthenticated => self.site().redirect(ROOT),
            AuthError::Invalid(_)
            | AuthError::InvalidCredentials
            | AuthError::InvalidPassword
            | AuthError::ReauthenticationRequired
            | AuthError::SecondFactorRequired { .. }
            | AuthError::SecondFactorSetupRequired { .. }
            | AuthError::StepUpRequired
            | AuthError::Refused(_)
            | AuthError::NotVerified
            | AuthError::InvalidToken
            | AuthError::ExpiredToken
            | AuthError::BadPage(_) => self.problem(StatusCode::BAD_REQUEST, "console_failed"),
        }
    }

    fn foreign(&self) -> Response {
        ConsolePages::foreign(self)
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
