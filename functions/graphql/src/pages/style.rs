//! The pages' only style sheet, with the site's colour in it.

use accounts::model::Color;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use minijinja::context;

use super::templates::STYLE;
use super::{PageContext, PageSettings};

/// The backgrounds of text: around the card, and the card.
const LIGHT: [Color; 2] = [Color::new(0xf4, 0xf4, 0xf5), Color::WHITE];
const DARK: [Color; 2] = [Color::new(0x11, 0x11, 0x13), Color::new(0x1c, 0x1c, 0x1f)];

/// The style sheet is the same for all users, so caches may keep it for an hour.
pub(super) async fn sheet(site: PageContext) -> Response {
    let PageSettings { color, templates, .. } = &*site.settings;
    let text = |color: Color| color.to_string();
    let shown = context! {
        light => LIGHT.map(text),
        dark => DARK.map(text),
        // The colour of buttons, and of the text on them.
        button => text(*color),
        label => text(color.text_on()),
        // The nearest colour that links can have.
        link => text(color.readable_on(&LIGHT)),
        dark_link => text(color.readable_on(&DARK)),
    };
    let headers =
        [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")];
    match templates.render(templates.default_language(), STYLE, shown) {
        Ok(css) => (headers, css).into_response(),
        Err(error) => {
            tracing::error!(%error, "the style sheet could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
