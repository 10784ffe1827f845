//! The second factor of the user's own account: an authenticator app, and the recovery codes.

use accounts::error::AuthError;
use accounts::model::factor::RECOVERY_CODES;
use accounts::model::{PlainPassword, PlainRecoveryCode};
use accounts::operations::factors::NewApp;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use minijinja::context;

use super::account::{AccountPages, Owner, Route, show as show_account};
use super::events::{time, time_of};
use super::message::{Next, refused};
use super::sent::Sent;
use super::visit::Visit;
use super::{LinkToken, qr};

/// The path of the first of these pages, below that of the account.
const ROOT: &str = "/second-factor";
/// With so few recovery codes, the page asks the user to make new ones.
const FEW: usize = 3;

/// A form of these pages.
type Form = Sent<AccountPages>;

/// The pages, by their paths below that of the account.
pub(super) fn routes() -> [(&'static str, Route); 6] {
    [
        (ROOT, get(show)),
        ("/second-factor/add", get(show).post(begin)),
        ("/second-factor/app", get(show).post(add)),
        ("/second-factor/codes", get(ask_replace).post(replace)),
        ("/second-factor/remove", get(ask_remove).post(remove)),
        ("/second-factor/keep", get(show).post(keep)),
    ]
}

impl Owner {
    /// The second factor. `wrong` is the key of a text: about the password, or else about what was tried.
    async fn second_factor(&self, wrong: Option<Wrong>) -> Response {
        let (accounts, caller) = (&self.site().accounts, &self.caller);
        let found = tokio::try_join!(accounts.factors(caller), accounts.sessions(caller));
        let (factors, sessions) = match found {
            Ok(found) => found,
            Err(error) => return self.factor_refused(&error),
        };
        let (password_error, error) = match wrong {
            Some(Wrong::Password(text)) => (Some(text), None),
            Some(Wrong::Other(text)) => (None, Some(text)),
            None => (None, None),
        };
        let is_wrong = password_error.is_some() || error.is_some();
        let shown = context! {
            password_error, error, is_wrong,
            app => factors.app.map(|(added, used)| context! { added => time(added), used => time(used) }),
            codes_left => factors.recovery_codes,
            most_codes => RECOVERY_CODES,
            has_few_codes => factors.recovery_codes <= FEW,
            ends_at => caller.user.second_factor_ends_at.map(time_of),
            asks_password => !caller.session.is_recent(accounts.now()) || password_error.is_some(),
            has_others => sessions.len() > 1,
        };
        let status = if is_wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        self.page(status, "second_factor.html", shown)
    }

    /// The page that shows the secret of a new app, and asks for its first code.
    fn new_app(&self, app: &NewApp, error: Option<&str>) -> Response {
        let secret: Vec<_> = app.secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
        let shown = context! {
            error, is_wrong => error.is_some(),
            secret => secret.join(" "),
            uri => &app.uri,
            setup => &app.setup,
            drawing => qr::drawn(&app.uri),
        };
        let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        self.page(status, "second_factor_app.html", shown)
    }

    /// The page that shows recovery codes, once.
    fn recovery_codes(&self, codes: &[PlainRecoveryCode], done: &str) -> Response {
        let codes: Vec<_> = codes.iter().map(PlainRecoveryCode::expose).collect();
        let shown = context! { codes, after => done };
        self.page(StatusCode::OK, "second_factor_codes.html", shown)
    }

    fn factor_refused(&self, error: &AuthError) -> Response {
        use AuthError::{FactorExists, NoSecondFactor, NotVerified, Unauthenticated};

        // The state that the form was for has passed: the page shows the present one.
        if matches!(error, FactorExists | NoSecondFactor | NotVerified) {
            return self.redirect(ROOT);
        }
        if matches!(error, Unauthenticated) {
            return self.redirect("");
        }
        refused(self.site(), &LinkToken(String::new()), error, Next::Anywhere)
    }
}

/// What is wrong with the form that begins.
enum Wrong {
    Password(&'static str),
    Other(&'static str),
}

/// The second factor, or the form that opens a session.
async fn show(visit: Visit<AccountPages>) -> Response {
    if visit.token.is_none() {
        return show_account(visit).await;
    }
    match visit.visitor().await {
        Ok(owner) => owner.second_factor(None).await,
        Err(answer) => answer,
    }
}

/// Shows the secret of a new app.
async fn begin(sent: Form) -> Response {
    let owner = &sent.visitor;
    let typed = sent.field("password");
    let password = (!typed.is_empty()).then(|| PlainPassword::new(typed.to_owned()));
    match owner.site().accounts.begin_app(&owner.caller, password).await {
        Ok(app) => owner.new_app(&app, None),
        Err(AuthError::InvalidPassword) => {
            owner.second_factor(Some(Wrong::Password("console_password_wrong"))).await
        }
        Err(AuthError::ReauthenticationRequired) => {
            owner.second_factor(Some(Wrong::Password("account_password_missing"))).await
        }
        Err(AuthError::StepUpRequired) => sent.ask_for_code(),
        Err(error) => owner.factor_refused(&error),
    }
}

/// Adds the app, by its first code.
async fn add(sent: Form) -> Response {
    let (owner, setup) = (&sent.visitor, sent.field("setup"));
    let accounts = &owner.site().accounts;
    match accounts.add_app(&owner.caller, setup, sent.field("code")).await {
        Ok(added) if added.recovery_codes.is_empty() => {
            owner.redirect(&format!("{ROOT}?done=factor-added"))
        }
        Ok(added) => owner.recovery_codes(&added.recovery_codes, "factor-added"),
        Err(AuthError::InvalidCode) => match accounts.begun_app(&owner.caller, setup).await {
            Ok(app) => owner.new_app(&app, Some("factor_app_wrong")),
            Err(error) => owner.factor_refused(&error),
        },
        Err(AuthError::ExpiredToken | AuthError::InvalidToken) => {
            owner.second_factor(Some(Wrong::Other("factor_too_old"))).await
        }
        Err(error) => owner.factor_refused(&error),
    }
}

async fn ask_replace(owner: Owner) -> Response {
    ask(&owner, "replace", "codes")
}

/// Replaces the recovery codes.
async fn replace(sent: Form) -> Response {
    let owner = &sent.visitor;
    match owner.site().accounts.replace_recovery_codes(&owner.caller).await {
        Ok(codes) => owner.recovery_codes(&codes, "codes-replaced"),
        Err(AuthError::StepUpRequired) => sent.ask_for_code(),
        Err(error) => owner.factor_refused(&error),
    }
}

async fn ask_remove(owner: Owner) -> Response {
    ask(&owner, "remove", "remove")
}

/// Removes the app.
async fn remove(sent: Form) -> Response {
    let owner = &sent.visitor;
    match owner.site().accounts.remove_app(&owner.caller).await {
        Ok(()) => owner.redirect(&format!("{ROOT}?done=factor-removed")),
        Err(AuthError::StepUpRequired) => sent.ask_for_code(),
        Err(error) => owner.factor_refused(&error),
    }
}

/// The page that says what a change does.
fn ask(owner: &Owner, about: &str, path: &str) -> Response {
    if !owner.caller.user.has_second_factor {
        return owner.redirect(ROOT);
    }
    owner.page(StatusCode::OK, "second_factor_change.html", context! { about, path })
}

/// Keeps the factors whose removal staff were asked for: a proof of one of them does that.
async fn keep(sent: Form) -> Response {
    let owner = &sent.visitor;
    let is_asked_for = owner.caller.user.second_factor_ends_at.is_some();
    if is_asked_for && !sent.has_proof {
        return sent.ask_for_code();
    }
    owner.redirect(&format!("{ROOT}?done=factor-kept"))
}
