//! The second factors of the user's own account: the authenticator app, and the recovery codes.

use crate::methods::get;
use accounts::error::{AuthError, Refusal};
use accounts::model::factor::RECOVERY_CODES;
use accounts::model::{PlainPassword, PlainRecoveryCode, TrustedDevice};
use accounts::operations::Caller;
use accounts::operations::factors::NewApp;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::account::{AccountPages, Owner, show as show_account};
use super::events::{device, time, time_of};
use super::message::{Next, refused};
use super::sent::Sent;
use super::visit::Visit;
use super::{LinkToken, qr};
use crate::routes::MakeMethods;

/// The path of the first of these pages, below that of the account.
const ROOT: &str = "/second-factor";
/// With this number of recovery codes or fewer, the page advises the user to replace them.
const FEW: usize = 3;

/// A form of these pages.
type Form = Sent<AccountPages>;

/// The pages, by their paths below that of the account.
pub(super) fn routes() -> [(&'static str, MakeMethods); 8] {
    [
        (ROOT, || get(show)),
        ("/second-factor/add", || get(show).post(begin)),
        ("/second-factor/app", || get(show).post(add)),
        ("/second-factor/codes", || get(ask_replace).post(replace)),
        ("/second-factor/remove", || get(ask_remove).post(remove)),
        ("/second-factor/keep", || get(show).post(keep)),
        ("/second-factor/end-trust", || get(show).post(end_trust)),
        ("/second-factor/end-trusts", || get(show).post(end_trusts)),
    ]
}

impl Owner {
    /// The second factors. `wrong` has the key of a text about the password, or about the failed action.
    async fn second_factor(&self, wrong: Option<Wrong>) -> Response {
        let (accounts, caller) = (&self.site().accounts, &self.caller);
        let found = tokio::try_join!(
            accounts.factors(caller),
            accounts.passkeys(caller),
            accounts.sessions(caller),
            accounts.trusted_devices(caller)
        );
        let (factors, passkeys, sessions, devices) = match found {
            Ok(found) => found,
            Err(error) => return self.factor_refused(&error),
        };
        let (password_error, error) = Wrong::texts(wrong);
        let is_wrong = password_error.is_some() || error.is_some();
        let shown = context! {
            password_error, error, is_wrong,
            app => factors.app.map(|(added, used)| context! { added => time(added), used => time(used) }),
            codes_left => factors.recovery_codes,
            most_codes => RECOVERY_CODES,
            has_few_codes => factors.recovery_codes <= FEW,
            ends_at => caller.user.second_factor_ends_at.map(time_of),
            asks_password => self.asks_password() || password_error.is_some(),
            has_own_passkeys => !passkeys.passkeys.is_empty(),
            has_others => sessions.len() > 1,
            devices => devices.iter().map(|it| trusted(it, caller)).collect::<Vec<_>>(),
        };
        let status = if is_wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        self.page(status, "second_factor.html", shown)
    }

    /// The page with the secret of a new app, and with the form for its first code.
    fn new_app(&self, app: &NewApp, error: Option<&str>) -> Response {
        let shown = context! { error, is_wrong => error.is_some(), ..secret_of(app) };
        let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        self.page(status, "second_factor_app.html", shown)
    }

    /// Whether a form that adds a factor requires the password. A user who has a factor proves this factor instead.
    pub(super) fn asks_password(&self) -> bool {
        let Caller { user, session } = &self.caller;
        !user.has_second_factor && !session.is_recent(user, self.site().accounts.now())
    }

    /// The page that shows recovery codes, once. It leads back to the page at `back`, below that of the account.
    pub(super) fn recovery_codes(
        &self,
        codes: &[PlainRecoveryCode],
        back: &str,
        done: &str,
    ) -> Response {
        let codes: Vec<_> = codes.iter().map(PlainRecoveryCode::expose).collect();
        let shown = context! { codes, back, after => done };
        self.page(StatusCode::OK, "second_factor_codes.html", shown)
    }

    pub(super) fn factor_refused(&self, error: &AuthError) -> Response {
        use AuthError::{NotVerified, Refused, Unauthenticated};
        use Refusal::{FactorExists, NoSecondFactor};

        // The state has changed since the page with the form. The page shows the present state.
        if matches!(error, NotVerified | Refused(FactorExists | NoSecondFactor)) {
            return self.redirect(ROOT);
        }
        if matches!(error, Unauthenticated) {
            return self.redirect("");
        }
        refused(self.site(), &LinkToken(String::new()), error, Next::Anywhere)
    }
}

/// The secret of a new app, as a page shows it.
pub(super) fn secret_of(app: &NewApp) -> Value {
    let secret: Vec<_> = app.secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    context! {
        secret => secret.join(" "),
        uri => &app.uri,
        setup => &app.setup,
        drawing => qr::drawn(&app.uri),
    }
}

/// The fault of a form that begins to add a factor.
#[derive(Clone, Copy)]
pub(super) enum Wrong {
    Password(&'static str),
    Other(&'static str),
}

impl Wrong {
    pub(super) const WRONG_PASSWORD: Self = Self::Password("console_password_wrong");
    pub(super) const MISSING_PASSWORD: Self = Self::Password("account_password_missing");

    /// The keys of two texts: of a fault of the password, and of any other fault.
    pub(super) fn texts(wrong: Option<Self>) -> (Option<&'static str>, Option<&'static str>) {
        match wrong {
            Some(Self::Password(text)) => (Some(text), None),
            Some(Self::Other(text)) => (None, Some(text)),
            None => (None, None),
        }
    }
}

/// The password that the user has typed into the form, if any.
pub(super) fn own_password(sent: &Form) -> Option<PlainPassword> {
    let typed = sent.field("password");
    (!typed.is_empty()).then(|| PlainPassword::new(typed.to_owned()))
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
    let password = own_password(&sent);
    match owner.site().accounts.begin_app(&owner.caller, password).await {
        Ok(app) => owner.new_app(&app, None),
        Err(AuthError::InvalidPassword) => owner.second_factor(Some(Wrong::WRONG_PASSWORD)).await,
        Err(AuthError::ReauthenticationRequired) => {
            owner.second_factor(Some(Wrong::MISSING_PASSWORD)).await
        }
        Err(AuthError::StepUpRequired) => sent.ask_for_code().await,
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
        Ok(added) => owner.recovery_codes(&added.recovery_codes, ROOT, "factor-added"),
        Err(AuthError::Refused(Refusal::InvalidCode)) => {
            match accounts.begun_app(&owner.caller, setup).await {
                Ok(app) => owner.new_app(&app, Some("factor_app_wrong")),
                Err(error) => owner.factor_refused(&error),
            }
        }
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
        Ok(codes) => owner.recovery_codes(&codes, ROOT, "codes-replaced"),
        Err(AuthError::StepUpRequired) => sent.ask_for_code().await,
        Err(error) => owner.factor_refused(&error),
    }
}

async fn ask_remove(owner: Owner) -> Response {
    match owner.site().accounts.passkeys(&owner.caller).await {
        Ok(list) if list.passkeys.is_empty() => ask(&owner, "remove", "remove"),
        Ok(_) => ask(&owner, "remove_app", "remove"),
        Err(error) => owner.factor_refused(&error),
    }
}

/// Removes the app.
async fn remove(sent: Form) -> Response {
    let owner = &sent.visitor;
    match owner.site().accounts.remove_app(&owner.caller).await {
        Ok(()) => owner.redirect(&format!("{ROOT}?done=factor-removed")),
        Err(AuthError::StepUpRequired) => sent.ask_for_code().await,
        Err(AuthError::Refused(Refusal::LastFactor)) => {
            owner.second_factor(Some(Wrong::Other("factor_last"))).await
        }
        Err(error) => owner.factor_refused(&error),
    }
}

/// Ends the trust in one device. Succeeds also if the trust has already ended.
async fn end_trust(sent: Form) -> Response {
    let owner = &sent.visitor;
    let accounts = &owner.site().accounts;
    match accounts.end_trusted_device(&owner.caller, sent.field("device")).await {
        Ok(()) | Err(AuthError::NotFound) => owner.redirect(&format!("{ROOT}?done=trust-ended")),
        Err(error) => owner.factor_refused(&error),
    }
}

/// Ends the trust in all devices.
async fn end_trusts(sent: Form) -> Response {
    let owner = &sent.visitor;
    match owner.site().accounts.end_trusted_devices(&owner.caller).await {
        Ok(()) => owner.redirect(&format!("{ROOT}?done=trusts-ended")),
        Err(error) => owner.factor_refused(&error),
    }
}

/// A trusted device, as the page shows it.
fn trusted(trusted: &TrustedDevice, caller: &Caller) -> Value {
    context! {
        id => &trusted.id,
        is_own => caller.session.trusted_device.as_ref() == Some(&trusted.id),
        device => trusted.user_agent.as_deref().map(device),
        ip => &trusted.ip,
        trusted => time(trusted.trusted_at),
        used => time(trusted.last_used_at),
        ends => time(trusted.ends_at),
    }
}

/// The page that explains the effect of a change.
fn ask(owner: &Owner, about: &str, path: &str) -> Response {
    if !owner.caller.user.has_second_factor {
        return owner.redirect(ROOT);
    }
    owner.page(StatusCode::OK, "second_factor_change.html", context! { about, path })
}

/// Stops the removal of the second factors that staff requested. The form has the proof of a factor, and this proof
/// stops the removal.
async fn keep(sent: Form) -> Response {
    let owner = &sent.visitor;
    let is_asked_for = owner.caller.user.second_factor_ends_at.is_some();
    if is_asked_for && !sent.has_proof {
        return sent.ask_for_code().await;
    }
    owner.redirect(&format!("{ROOT}?done=factor-kept"))
}
