//! The pages' only style sheet, with the site's colour in it.

use accounts::model::Color;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::{PageSettings, Site};

/// What text stands on: around the card, and the card.
const LIGHT: [Color; 2] = [Color::new(0xf4, 0xf4, 0xf5), Color::WHITE];
const DARK: [Color; 2] = [Color::new(0x11, 0x11, 0x13), Color::new(0x1c, 0x1c, 0x1f)];

#[derive(Template)]
#[template(path = "pages/style.css", escape = "none")]
struct Style {
    light: [Color; 2],
    dark: [Color; 2],
    /// What buttons are painted with, and what is written on them.
    button: Color,
    label: Color,
    /// The nearest colour that links can have.
    link: Color,
    dark_link: Color,
}

/// The same for everybody, so caches may keep it for an hour.
pub(super) async fn sheet(State(site): State<Site>) -> Response {
    let PageSettings { color, .. } = *site.settings;
    let style = Style {
        light: LIGHT,
        dark: DARK,
        button: color,
        label: color.text_on(),
        link: color.readable_on(&LIGHT),
        dark_link: color.readable_on(&DARK),
    };
    let headers =
        [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")];
    match style.render() {
        Ok(css) => (headers, css).into_response(),
        Err(error) => {
            tracing::error!(%error, "the style sheet could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
