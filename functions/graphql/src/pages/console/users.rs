//! The list of users: an exact search, a search by the start of a name, filters, and pages.

use accounts::error::AuthError;
use accounts::model::User;
use accounts::operations::{Page, UserFilter, Window};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use minijinja::{Value, context};

use super::Staff;
use crate::pages::events::{time, time_of};
use crate::pages::visit::parameter;

/// How many users a page has.
const ROWS: i64 = 25;

/// A page of the list, newest sign-up first. A search that finds one user exactly goes to the page of that user.
pub(super) async fn list(staff: Staff, request: Parts) -> Response {
    let sought = parameter(&request, "q");
    let state = parameter(&request, "state");
    let (after, before) = (parameter(&request, "after"), parameter(&request, "before"));
    let admin = match staff.admin() {
        Ok(admin) => admin,
        Err(error) => return staff.refused(&error),
    };
    if let Some(text) = &sought {
        match admin.find(text).await {
            Ok(user) => return staff.redirect(&format!("/users/{}", user.id)),
            Err(AuthError::NotFound) => {}
            Err(error) => return staff.refused(&error),
        }
    }
    let has = |name: &str| state.as_deref() == Some(name);
    let filter = UserFilter {
        username_starts_with: sought.clone(),
        is_active: has("inactive").then_some(false),
        is_verified: has("unverified").then_some(false),
        is_archived: has("archived").then_some(true),
        ..UserFilter::default()
    };
    // The list reports only in one direction whether there are more users. In the other direction, there is always the
    // previous page.
    let (has_older, has_newer) = (after.is_some(), before.is_some());
    // The page reads the list from its end, newest first. So the next page on the screen is the previous page of the
    // list.
    let window = if before.is_some() || after.is_none() {
        Window { last: Some(ROWS), before, ..Window::default() }
    } else {
        Window { first: Some(ROWS), after, ..Window::default() }
    };
    let page = match admin.users(filter, window).await {
        Ok(page) => page,
        Err(AuthError::BadPage(_)) => return staff.redirect("/users"),
        Err(error) => return staff.refused(&error),
    };
    let Page { rows, has_next, has_previous, start, end } = page;
    let shown = context! {
        q => sought.unwrap_or_default(),
        state => state.unwrap_or_default(),
        rows => rows.iter().rev().map(|row| user(&row.user)).collect::<Vec<_>>(),
        older => start.filter(|_| has_previous || has_older),
        newer => end.filter(|_| has_next || has_newer),
    };
    staff.page(StatusCode::OK, "console_users.html", shown)
}

/// A user, as lists and pages show it.
pub(super) fn user(user: &User) -> Value {
    let ban = user.ban.as_ref();
    context! {
        id => user.id.to_string(),
        legacy_id => &user.legacy_id,
        username => &user.username,
        email => &user.email,
        secondary_email => &user.secondary_email,
        first_name => &user.first_name,
        last_name => &user.last_name,
        role => user.role.name(),
        is_verified => user.is_verified,
        is_active => user.is_active,
        is_archived => user.is_archived,
        is_banned => ban.is_some(),
        ban_reason => ban.map(|ban| ban.reason.clone()).filter(|reason| !reason.is_empty()),
        ban_at => ban.map(|ban| time(ban.at)),
        ban_until => ban.and_then(|ban| ban.ends_at).map(time_of),
        ends_at => user.ends_at.map(time_of),
        created => time(user.created_at),
        has_password => user.password.is_some(),
        has_second_factor => user.has_second_factor,
        second_factor_ends_at => user.second_factor_ends_at.map(time_of),
        email_status => user.email_status.name(),
        secondary_email_status => user.secondary_email_status.name(),
        mail_not_sent => &user.mail_not_sent,
    }
}
