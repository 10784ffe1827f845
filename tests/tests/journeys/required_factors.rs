//! `MFA_REQUIRED`: users who must have a second factor, and add it in the middle of a log-in.

mod enrolment;
mod grace;
mod pages;
mod staff;
mod ways_in;

use accounts::error::AuthError;
use accounts::model::{Client, PlainPassword, Role};
use accounts::operations::{Credentials, Enrolment, LoggedIn};
use journeys::{Actor, PASSWORD, Site};

use crate::second_factor::Phone;

const ALL: &[(&str, &str)] = &[("MFA_REQUIRED", "all")];
const STAFF: &[(&str, &str)] = &[("MFA_REQUIRED", "staff")];

/// The answer to a log-in by that password.
async fn try_password(site: &Site, name: &str, password: &str) -> Result<LoggedIn, AuthError> {
    let who = Credentials::Username(name.to_owned());
    site.accounts.log_in(who, PlainPassword::new(password), &Client::default()).await
}

/// The challenge of the first step of a user who must add a factor.
async fn first_step(site: &Site, name: &str) -> String {
    match try_password(site, name, PASSWORD).await {
        Err(AuthError::SecondFactorSetupRequired { challenge }) => challenge,
        other => panic!("{other:?}"),
    }
}

/// What comes of a log-in by password: the code of its error, or a session.
async fn outcome(site: &Site, name: &str) -> &'static str {
    match try_password(site, name, PASSWORD).await {
        Ok(_) => "session",
        Err(error) => error.code(),
    }
}

/// Adds an app by that challenge.
async fn add_app(site: &Site, challenge: &str) -> Result<(Phone, Enrolment<LoggedIn>), AuthError> {
    let client = Client::default();
    let app = site.accounts.begin_app_to_log_in(challenge, &client).await?;
    let phone = Phone::reading(&app.uri);
    let code = phone.code(site);
    let added = site.accounts.add_app_to_log_in(challenge, &app.setup, &code, &client);
    Ok((phone, Box::pin(added).await?))
}

fn code<T: std::fmt::Debug>(answer: Result<T, AuthError>) -> &'static str {
    answer.unwrap_err().code()
}

/// Whether the access token opens anything.
async fn is_honoured(site: &Site, actor: &Actor) -> bool {
    site.accounts.authenticate(&actor.access).await.is_ok()
}

async fn set_role(site: &Site, actor: &Actor, role: Role) {
    let admin = site.accounts.operator("eve").unwrap();
    admin.set_role(actor.user_id(), role, None).await.unwrap();
}
