//! The locks of a network.

use std::net::IpAddr;

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::Staff;
use crate::pages::FormBody;
use crate::pages::events::{MANY, before, events, time_of};
use crate::pages::visit::parameter;

/// The fields of the form.
#[derive(Deserialize)]
pub(super) struct Given {
    csrf: String,
    ip: String,
}

/// The locks of the network of an address, if the request names one.
pub(super) async fn show(staff: Staff, request: Parts) -> Response {
    let typed = parameter(&request, "ip").unwrap_or_default();
    let ip: Option<IpAddr> = typed.parse().ok();
    let is_wrong = ip.is_none() && !typed.is_empty();
    let locks = match ip {
        None => Vec::new(),
        Some(ip) => {
            let found = async { staff.admin()?.network(ip).await };
            match found.await {
                Ok(locks) => locks,
                Err(error) => return staff.refused(&error),
            }
        }
    };
    let trail = async { staff.admin()?.trail_of_no_user(before(&request), MANY).await };
    let trail = match trail.await {
        Ok(trail) => trail,
        Err(error) => return staff.refused(&error),
    };
    let locks = locks.iter().map(|lock| {
        context! { rule => lock.rule.name(), until => time_of(lock.until) }
    });
    let status = if is_wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let shown = context! {
        ip => typed, is_wrong, is_found => ip.is_some(),
        locks => locks.collect::<Vec<_>>(),
        about => "network",
        ..events(&trail)
    };
    staff.page(status, "console_network.html", shown)
}

/// Lifts the locks.
pub(super) async fn lift(staff: Staff, FormBody(given): FormBody<Given>) -> Response {
    let Some(given) = given.filter(|given| staff.sent(&given.csrf)) else {
        return staff.foreign();
    };
    let Ok(ip) = given.ip.trim().parse::<IpAddr>() else {
        return staff.redirect("/network");
    };
    let lifted = async { staff.admin()?.lift_network(ip).await };
    match lifted.await {
        Ok(()) => staff.redirect(&format!("/network?ip={ip}&done=lift-network")),
        Err(error) => staff.refused(&error),
    }
}
