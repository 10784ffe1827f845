//! Changes of the own account: the names, the password, the first address, and the deletion. For each, a page says what
//! it does and has its form. A user with a second factor proves it before the form is shown, so that no password has to
//! be typed twice.

use accounts::error::{AuthError, Field, Violation, Violations};
use accounts::model::PlainPassword;
use accounts::operations::{Changes, NewPassword};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use minijinja::{Value, context};

use super::account::{AccountPages, Owner, Route};
use super::done::Done;
use super::message::{Next, refused};
use super::sent::Sent;
use super::{FieldErrors, LinkToken};

/// A change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Profile,
    Password,
    Email,
    Delete,
}

/// The pages, by their paths below that of the account.
pub(super) fn routes() -> [(&'static str, Route); 4] {
    [
        ("/profile", route(Change::Profile)),
        ("/password", route(Change::Password)),
        ("/email", route(Change::Email)),
        ("/delete", route(Change::Delete)),
    ]
}

fn route(change: Change) -> Route {
    get(async move |owner: Owner| ask(&owner, change))
        .post(async move |sent: Sent<AccountPages>| Box::pin(make(&sent, change)).await)
}

impl Change {
    fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Password => "password",
            Self::Email => "email",
            Self::Delete => "delete",
        }
    }

    /// Whether it wants a proof of the second factor, or of the password.
    fn is_grave(self) -> bool {
        self != Self::Profile
    }
}

/// The page that says what a change does.
fn ask(owner: &Owner, change: Change) -> Response {
    if change.is_grave() && owner.needs_code() {
        return owner.ask_for_code();
    }
    form(owner, change, None, None)
}

/// Makes the change, and leads to what is next.
async fn make(sent: &Sent<AccountPages>, change: Change) -> Response {
    let owner = &sent.visitor;
    // The form of the code alone: that of the change is next.
    if sent.has_proof && change.is_grave() {
        return ask(owner, change);
    }
    match done(sent, change).await {
        Ok(()) => match change {
            Change::Profile => owner.redirect("?done=profile-changed"),
            Change::Email => owner.redirect("?done=email-asked"),
            Change::Password => owner.visit.without_cookie(Done::PasswordSet.answer(owner.site())),
            Change::Delete => owner.visit.without_cookie(Done::AccountDeleted.answer(owner.site())),
        },
        Err(AuthError::StepUpRequired) => owner.ask_for_code(),
        Err(AuthError::Unauthenticated) => owner.redirect(""),
        Err(
            error @ (AuthError::Invalid(_)
            | AuthError::InvalidPassword
            | AuthError::ReauthenticationRequired
            | AuthError::NotVerified
            | AuthError::LastOfStaff),
        ) => form(owner, change, Some(sent), Some(&error)),
        Err(error) => refused(owner.site(), &LinkToken(String::new()), &error, Next::Anywhere),
    }
}

async fn done(sent: &Sent<AccountPages>, change: Change) -> Result<(), AuthError> {
    let (accounts, caller) = (&sent.visitor.site().accounts, &sent.visitor.caller);
    let field = |name: &str| sent.field(name).to_owned();
    let password = PlainPassword::new(field("password"));
    match change {
        Change::Profile => {
            let first_name = Some(field("first_name"));
            let last_name = Some(field("last_name"));
            let changes = Changes { first_name, last_name, ..Changes::default() };
            accounts.update_account(caller, changes).await.map(drop)
        }
        Change::Password => {
            let new = NewPassword::twice(sent.field("new_password"), field("again"));
            accounts.change_password_and_log_out(caller, password, new).await
        }
        Change::Email => {
            let password = (!sent.field("password").is_empty()).then_some(password);
            let client = &sent.visitor.visit.client;
            accounts.change_email(caller, sent.field("email"), password, client).await
        }
        Change::Delete if sent.field("name").trim() != caller.user.username => {
            Err(Violations::of(Field::Username, [Violation::Required]).into())
        }
        Change::Delete => accounts.delete_account(caller, password).await,
    }
}

/// The form, with what was typed and what is wrong with it.
fn form(
    owner: &Owner,
    change: Change,
    typed: Option<&Sent<AccountPages>>,
    error: Option<&AuthError>,
) -> Response {
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let user = &owner.caller.user;
    let of = |field: Field| {
        let Some(AuthError::Invalid(violations)) = error else { return FieldErrors::default() };
        let found = violations.iter().filter(|(of, _)| *of == field);
        FieldErrors(found.map(|(_, violation)| violation.into()).collect())
    };
    let password_errors = match error {
        Some(AuthError::InvalidPassword) => FieldErrors::one("console_password_wrong"),
        Some(AuthError::ReauthenticationRequired) => FieldErrors::one("account_password_missing"),
        _ => FieldErrors::default(),
    };
    let problem = match error {
        Some(AuthError::NotVerified) => Some("account_log_in_unverified"),
        Some(AuthError::LastOfStaff) => Some("account_last_of_staff"),
        _ => None,
    };
    let is_recent = owner.caller.session.is_recent(owner.site().accounts.now());
    let asks_password = match change {
        Change::Profile => false,
        Change::Password | Change::Delete => true,
        Change::Email => !user.has_second_factor && (!is_recent || !password_errors.is_empty()),
    };
    let value = |name: &str, present: &str| {
        typed.map_or_else(|| present.to_owned(), |typed| typed.field(name).to_owned())
    };
    let shown = context! {
        about => change.name(), problem, asks_password, password_errors,
        is_wrong => error.is_some(),
        first_name => value("first_name", &user.first_name),
        last_name => value("last_name", &user.last_name),
        email_typed => value("email", ""),
        name_typed => value("name", ""),
        first_name_errors => of(Field::FirstName),
        last_name_errors => of(Field::LastName),
        email_errors => of(Field::Email),
        new_password_errors => of(Field::Password),
        again_errors => of(Field::PasswordConfirmation),
        name_errors => of(Field::Username),
    };
    owner.page(status, "account_change.html", Value::from(shown))
}
