//! The passkeys of the user's own account: list, add, rename, remove. Only the page that adds a passkey needs
//! JavaScript.

use crate::methods::get;
use accounts::error::{AuthError, Refusal};
use accounts::model::Passkey;
use accounts::model::factor::MOST_PASSKEYS;
use accounts::operations::passkeys::PasskeyList;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::account::{AccountPages, Owner, show as show_account};
use super::by_passkey::with_script;
use super::events::time;
use super::second_factor::{Wrong, own_password};
use super::sent::Sent;
use super::visit::Visit;
use crate::routes::MakeMethods;

/// The path of the first of these pages, below the path of the account.
pub(super) const ROOT: &str = "/passkeys";

/// A form of these pages.
type Form = Sent<AccountPages>;

/// The pages, by their paths below that of the account.
pub(super) fn routes() -> [(&'static str, MakeMethods); 5] {
    [
        (ROOT, || get(show)),
        ("/passkeys/begin", || get(show).post(begin)),
        ("/passkeys/add", || get(show).post(add)),
        ("/passkeys/rename", || get(show).post(rename)),
        ("/passkeys/remove", || get(show).post(remove)),
    ]
}

impl Owner {
    /// The list, and the form that begins a new passkey.
    async fn passkeys(&self, wrong: Option<Wrong>) -> Response {
        let (accounts, caller) = (&self.site().accounts, &self.caller);
        if !accounts.has_passkeys() {
            return self.visit.not_found();
        }
        let found = tokio::try_join!(accounts.passkeys(caller), accounts.sessions(caller));
        match found {
            Ok((list, sessions)) => {
                self.passkey_list(&list, wrong, context! { has_others => sessions.len() > 1 })
            }
            Err(error) => self.factor_refused(&error),
        }
    }

    fn passkey_list(&self, list: &PasskeyList, wrong: Option<Wrong>, more: Value) -> Response {
        let (password_error, error) = Wrong::texts(wrong);
        let is_wrong = password_error.is_some() || error.is_some();
        let shown = context! {
            password_error, error, is_wrong,
            passkeys => list.passkeys.iter().map(passkey).collect::<Vec<_>>(),
            accepted => &list.accepted,
            may_add => list.passkeys.len() < MOST_PASSKEYS,
            asks_password => self.asks_password() || password_error.is_some(),
        };
        let status = if is_wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        with_script(true, self.page(status, "passkeys.html", context! { ..more, ..shown }))
    }

    /// The page that requests a new passkey from the authenticator.
    fn new_passkey(&self, options: &str, name: &str, error: Option<&str>) -> Response {
        let shown = context! {
            error, passkey_options => options, name_typed => name, is_wrong => error.is_some(),
        };
        let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        with_script(true, self.page(status, "passkey_new.html", shown))
    }

    /// The answer if the list has changed since the page with the form.
    fn passkey_refused(&self, error: &AuthError) -> Response {
        use AuthError::{NotFound, Refused};
        use Refusal::{PasskeysOff, TooManyPasskeys};

        if matches!(error, NotFound | Refused(PasskeysOff | TooManyPasskeys)) {
            return self.redirect(ROOT);
        }
        self.factor_refused(error)
    }
}

fn passkey(passkey: &Passkey) -> Value {
    context! {
        id => passkey.credential.id.to_string(),
        name => &passkey.name,
        provider => passkey.credential.aaguid.name(),
        added => time(passkey.added_at),
        used => passkey.last_used_at.map(time),
        synced => passkey.credential.backed_up,
    }
}

/// The list, or the form that opens a session.
async fn show(visit: Visit<AccountPages>) -> Response {
    if visit.token.is_none() {
        return show_account(visit).await;
    }
    match visit.visitor().await {
        Ok(owner) => owner.passkeys(None).await,
        Err(answer) => answer,
    }
}

/// Shows the page that requests a new passkey from the authenticator.
async fn begin(sent: Form) -> Response {
    let owner = &sent.visitor;
    let password = own_password(&sent);
    match owner.site().accounts.begin_passkey(&owner.caller, password).await {
        Ok(options) => owner.new_passkey(&options, "", None),
        Err(AuthError::InvalidPassword) => owner.passkeys(Some(Wrong::WRONG_PASSWORD)).await,
        Err(AuthError::ReauthenticationRequired) => {
            owner.passkeys(Some(Wrong::MISSING_PASSWORD)).await
        }
        Err(AuthError::StepUpRequired) => sent.ask_for_code().await,
        Err(error) => owner.passkey_refused(&error),
    }
}

/// Adds the passkey of the answer.
async fn add(sent: Form) -> Response {
    let (owner, name) = (&sent.visitor, sent.field("name"));
    let accounts = &owner.site().accounts;
    match accounts.add_passkey(&owner.caller, sent.field("credential"), name).await {
        Ok(added) if added.recovery_codes.is_empty() => {
            owner.redirect(&format!("{ROOT}?done=passkey-added"))
        }
        Ok(added) => owner.recovery_codes(&added.recovery_codes, ROOT, "passkey-added"),
        Err(AuthError::Invalid(_)) => match accounts.begin_passkey(&owner.caller, None).await {
            Ok(options) => owner.new_passkey(&options, name, Some("passkey_name_wrong")),
            Err(AuthError::ReauthenticationRequired | AuthError::StepUpRequired) => {
                owner.passkeys(Some(Wrong::Other("passkey_name_wrong"))).await
            }
            Err(error) => owner.passkey_refused(&error),
        },
        Err(AuthError::Refused(Refusal::InvalidPasskey)) => {
            owner.passkeys(Some(Wrong::Other("passkey_not_added"))).await
        }
        Err(AuthError::InvalidToken) => owner.passkeys(Some(Wrong::Other("factor_too_old"))).await,
        Err(error) => owner.passkey_refused(&error),
    }
}

/// Gives a passkey another name.
async fn rename(sent: Form) -> Response {
    let owner = &sent.visitor;
    let (id, name) = (sent.field("id"), sent.field("name"));
    match owner.site().accounts.rename_passkey(&owner.caller, id, name).await {
        Ok(_) => owner.redirect(&format!("{ROOT}?done=passkey-renamed")),
        Err(AuthError::Invalid(_)) => {
            owner.passkeys(Some(Wrong::Other("passkey_name_wrong"))).await
        }
        Err(error) => owner.passkey_refused(&error),
    }
}

/// Removes a passkey.
async fn remove(sent: Form) -> Response {
    let owner = &sent.visitor;
    match owner.site().accounts.remove_passkey(&owner.caller, sent.field("id")).await {
        // The user handle is deleted with the last factor. So only this answer can report to the provider that no
        // passkey is left.
        Ok(list) if list.passkeys.is_empty() => match sent.visitor.visit.visitor().await {
            Ok(owner) => {
                let done = context! { done => "passkey_removed", has_others => false };
                owner.passkey_list(&list, None, done)
            }
            Err(answer) => answer,
        },
        Ok(_) => owner.redirect(&format!("{ROOT}?done=passkey-removed")),
        Err(AuthError::StepUpRequired) => sent.ask_for_code().await,
        Err(AuthError::Refused(Refusal::LastFactor)) => {
            owner.passkeys(Some(Wrong::Other("factor_last"))).await
        }
        Err(AuthError::Refused(Refusal::LastWayIn)) => {
            owner.passkeys(Some(Wrong::Other("passkey_last"))).await
        }
        Err(error) => owner.passkey_refused(&error),
    }
}
