//! Changes of the own account: the names, the password, the addresses, and the deletion. Each has a page that explains
//! the effect and has the form. A user with a second factor proves it before the page shows the form. So no user types
//! a password twice.

use crate::methods::{Methods, get};
use accounts::error::{AuthError, Field, Refusal, Violation, Violations};
use accounts::model::PlainPassword;
use accounts::operations::{Changes, NewPassword};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::account::{AccountPages, Owner};
use super::done::Done;
use super::message::{Next, refused};
use super::sent::Sent;
use super::{FieldErrors, LinkToken};
use crate::routes::MakeMethods;

/// A change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Profile,
    Password,
    Email,
    SecondEmail,
    SwapEmails,
    RemoveSecondEmail,
    Delete,
}

/// The pages, by their paths below that of the account.
pub(super) fn routes() -> [(&'static str, MakeMethods); 7] {
    [
        ("/profile", || route(Change::Profile)),
        ("/password", || route(Change::Password)),
        ("/email", || route(Change::Email)),
        ("/second-email", || route(Change::SecondEmail)),
        ("/swap-emails", || route(Change::SwapEmails)),
        ("/remove-second-email", || route(Change::RemoveSecondEmail)),
        ("/delete", || route(Change::Delete)),
    ]
}

fn route(change: Change) -> Methods {
    get(async move |owner: Owner| ask(&owner, change).await)
        .post(async move |sent: Sent<AccountPages>| Box::pin(make(&sent, change)).await)
}

impl Change {
    /// Its path, below that of the account.
    fn path(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Password => "password",
            Self::Email => "email",
            Self::SecondEmail => "second-email",
            Self::SwapEmails => "swap-emails",
            Self::RemoveSecondEmail => "remove-second-email",
            Self::Delete => "delete",
        }
    }

    /// Whether the operation requires a proof: of the second factor, or of the password.
    fn is_grave(self) -> bool {
        self != Self::Profile
    }

    /// Whether it is for a user with a second address.
    fn is_of_two_addresses(self) -> bool {
        matches!(self, Self::SwapEmails | Self::RemoveSecondEmail)
    }

    /// Whether it is for a user with a verified address.
    fn is_of_verified(self) -> bool {
        !matches!(self, Self::Profile | Self::Email)
    }
}

/// The page that explains the effect of a change.
async fn ask(owner: &Owner, change: Change) -> Response {
    let has_two = owner.caller.user.secondary_email.is_some();
    if change.is_of_two_addresses() && !has_two {
        owner.redirect("")
    } else if change.is_grave() && owner.needs_code() {
        owner.ask_for_code().await
    } else {
        form(owner, change, None, None)
    }
}

/// Makes the change, and leads to the next page.
async fn make(sent: &Sent<AccountPages>, change: Change) -> Response {
    let owner = &sent.visitor;
    if sent.is_proof_alone() {
        return owner.redirect(&format!("/{}", change.path()));
    }
    match done(sent, change).await {
        Ok(()) => match change {
            Change::Profile => owner.redirect("?done=profile-changed"),
            Change::Email | Change::SecondEmail => owner.redirect("?done=email-asked"),
            Change::SwapEmails => owner.redirect("?done=emails-swapped"),
            Change::RemoveSecondEmail => owner.redirect("?done=second-email-removed"),
            Change::Password => owner.visit.without_cookie(Done::PasswordSet.answer(owner.site())),
            Change::Delete => owner.visit.without_cookie(Done::AccountDeleted.answer(owner.site())),
        },
        // The proof is too old by now. After a new proof, the page shows an empty form, because the sent form may have
        // a password.
        Err(AuthError::StepUpRequired) => owner.ask_for_code().await,
        Err(AuthError::Unauthenticated | AuthError::Refused(Refusal::SecondaryEmailRequired)) => {
            owner.redirect("")
        }
        Err(
            error @ (AuthError::Invalid(_)
            | AuthError::InvalidPassword
            | AuthError::ReauthenticationRequired
            | AuthError::NotVerified
            | AuthError::Refused(Refusal::LastOfStaff)),
        ) => form(owner, change, Some(sent), Some(&error)),
        Err(error) => refused(owner.site(), &LinkToken(String::new()), &error, Next::Anywhere),
    }
}

async fn done(sent: &Sent<AccountPages>, change: Change) -> Result<(), AuthError> {
    let (accounts, caller) = (&sent.visitor.site().accounts, &sent.visitor.caller);
    let client = &sent.visitor.visit.client;
    let field = |name: &str| sent.field(name).to_owned();
    let password = PlainPassword::new(field("password"));
    match change {
        Change::Profile => {
            let first_name = Some(field("first_name"));
            let last_name = Some(field("last_name"));
            let changes = Changes { first_name, last_name, ..Changes::default() };
            accounts.update_profile(caller, changes).await.map(drop)
        }
        Change::Password => {
            let new = NewPassword::twice(sent.field("new_password"), field("again"));
            accounts.change_password_and_log_out(caller, password, new).await
        }
        Change::Email => {
            let password = (!sent.field("password").is_empty()).then_some(password);
            accounts.change_email(caller, sent.field("email"), password, client).await
        }
        Change::SecondEmail => {
            let email = sent.field("email");
            accounts.send_secondary_email_activation(caller, email, password, client).await
        }
        Change::SwapEmails => accounts.swap_emails(caller, password).await,
        Change::RemoveSecondEmail => accounts.remove_secondary_email(caller, password).await,
        Change::Delete if sent.field("name").trim() != caller.user.username => {
            Err(Violations::of(Field::Username, [Violation::Required]).into())
        }
        Change::Delete => accounts.delete_account(caller, password).await,
    }
}

/// The form, with the typed values and their faults.
fn form(
    owner: &Owner,
    change: Change,
    typed: Option<&Sent<AccountPages>>,
    error: Option<&AuthError>,
) -> Response {
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let user = &owner.caller.user;
    let password_errors = match error {
        Some(AuthError::InvalidPassword) => FieldErrors::one("console_password_wrong"),
        Some(AuthError::ReauthenticationRequired) => FieldErrors::one("account_password_missing"),
        _ => FieldErrors::default(),
    };
    let asks_password = match change {
        Change::Profile => false,
        Change::Email if user.has_second_factor => false,
        Change::Email => {
            let is_recent = owner.caller.session.is_recent(user, owner.site().accounts.now());
            !is_recent || !password_errors.is_empty()
        }
        Change::Password
        | Change::SecondEmail
        | Change::SwapEmails
        | Change::RemoveSecondEmail
        | Change::Delete => true,
    };
    let problem = match error {
        Some(AuthError::NotVerified) => Some("account_log_in_unverified"),
        Some(AuthError::Refused(Refusal::LastOfStaff)) => Some("account_last_of_staff"),
        _ if change.is_of_verified() && !user.is_verified => Some("account_log_in_unverified"),
        _ if asks_password && user.password.is_none() => Some("account_no_password"),
        _ => None,
    };
    let value = |name: &str, present: &str| {
        typed.map_or_else(|| present.to_owned(), |typed| typed.field(name).to_owned())
    };
    let shown = context! {
        about => change.path().replace('-', "_"),
        path => change.path(),
        problem, asks_password, password_errors,
        is_wrong => error.is_some(),
        first_name => value("first_name", &user.first_name),
        last_name => value("last_name", &user.last_name),
        email_typed => value("email", ""),
        name_typed => value("name", ""),
        ..faults(error)
    };
    owner.page(status, "account_change.html", shown)
}

/// The faults of each field.
fn faults(error: Option<&AuthError>) -> Value {
    let of = |field| FieldErrors::of(error, field);
    context! {
        first_name_errors => of(Field::FirstName),
        last_name_errors => of(Field::LastName),
        email_errors => of(Field::Email),
        new_password_errors => of(Field::Password),
        again_errors => of(Field::PasswordConfirmation),
        name_errors => of(Field::Username),
    }
}
