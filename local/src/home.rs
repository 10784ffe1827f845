//! The start page of `cargo run`: the things that a developer can do here.

use std::sync::Arc;

use accounts::config::{ConfigError, Settings};
use askama::Template;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;

use crate::page::show;

#[derive(Template)]
#[template(path = "home.html")]
struct Page {
    url: String,
    aws_url: String,
    has_pages: bool,
    reset_path: String,
    activation_path: String,
}

/// `/`, for a site that a browser finds at `url`, and its icon.
pub(crate) fn router(settings: &Settings, url: &str, aws_url: &str) -> Result<Router, ConfigError> {
    let site = settings.mails()?;
    let home = Page {
        url: url.to_owned(),
        aws_url: aws_url.to_owned(),
        has_pages: settings.pages()?,
        reset_path: format!("/{}", site.link_paths.password_reset),
        activation_path: format!("/{}", site.link_paths.activation),
    };
    let home = Arc::new(home);
    Ok(Router::new()
        .route("/", get(move || async move { show(&*home) }))
        .route("/favicon.ico", get(|| async { Redirect::permanent("/_local/icon.svg") })))
}
