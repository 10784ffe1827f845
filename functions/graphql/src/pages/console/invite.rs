//! Invite a user.

use accounts::error::AuthError;
use accounts::operations::staff::Invitation;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::{Staff, faults};
use crate::pages::FormBody;

/// The fields of the form.
#[derive(Default, Deserialize)]
pub(super) struct Given {
    csrf: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    username: String,
}

/// The form.
pub(super) async fn ask(staff: Staff) -> Response {
    form(&staff, &Given::default(), None, StatusCode::OK)
}

/// Creates the account, and mails the invitation.
pub(super) async fn invite(staff: Staff, FormBody(given): FormBody<Given>) -> Response {
    let Some(given) = given.filter(|given| staff.sent(&given.csrf)) else {
        return staff.foreign();
    };
    let username = given.username.trim();
    let username = (!username.is_empty()).then(|| username.to_owned());
    let invitation = Invitation { email: given.email.clone(), username };
    let invited = async { staff.admin()?.invite(invitation).await };
    match invited.await {
        Ok(user) => staff.redirect(&format!("/users/{}?done=invite", user.id)),
        Err(error @ AuthError::Invalid(_)) => {
            form(&staff, &given, Some(&error), StatusCode::BAD_REQUEST)
        }
        Err(error) => staff.refused(&error),
    }
}

fn form(staff: &Staff, given: &Given, error: Option<&AuthError>, status: StatusCode) -> Response {
    let faults = faults(error);
    let shown = context! {
        email_typed => &given.email,
        username_typed => &given.username,
        is_wrong => error.is_some(),
        ..faults
    };
    staff.page(status, "console_invite.html", shown)
}
