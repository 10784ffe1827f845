//! The language of a page.

use accounts::model::Languages;
use accounts::operations::LinkView;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;

use super::templates::Templates;
use crate::header_text;

/// The parameter that a choice on a page is in.
const PARAMETER: &str = "lang";

/// The languages that a request asks for, as far as the pages have them.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    /// The language that the reader has chosen on a page.
    chosen: Option<String>,
    /// The languages that the browser asks for.
    accepted: Option<String>,
}

/// The language of one page.
pub(super) struct PageLanguage<'a> {
    pub(super) language: &'a str,
    /// The query for the addresses of the next page, so that it comes in this language too. Empty if it does so
    /// without.
    pub(super) query: String,
}

impl Reader {
    pub(super) fn new(request: &Parts, templates: &Templates) -> Self {
        let query = request.uri.query().unwrap_or_default();
        // Of several, the last one: the links of a page replace what its address has.
        let chosen = form_urlencoded::parse(query.as_bytes())
            .filter(|(name, _)| name == PARAMETER)
            .filter_map(|(_, tag)| templates.language(&tag.to_ascii_lowercase()))
            .last();
        let lines: Vec<_> = header_text::all(&request.headers, ACCEPT_LANGUAGE).collect();
        let accepted = Languages::accepted(&lines.join(",")).choose(|tag| templates.language(tag));
        Self { chosen: chosen.map(str::to_owned), accepted: accepted.map(str::to_owned) }
    }

    /// The order is: the chosen language, those of the browser, those of the user of the link, and the default of the
    /// site.
    pub(super) fn language<'a>(
        &'a self,
        templates: &'a Templates,
        link: Option<&LinkView>,
    ) -> PageLanguage<'a> {
        let anyway = self.accepted.as_deref().unwrap_or_else(|| templates.default_language());
        let known = || link?.languages.choose(|tag| templates.language(tag));
        let language = self.chosen.as_deref().or(self.accepted.as_deref()).or_else(known);
        let language = language.unwrap_or_else(|| templates.default_language());
        let query = if language == anyway && self.chosen.is_none() {
            String::new()
        } else {
            format!("?{PARAMETER}={language}")
        };
        PageLanguage { language, query }
    }
}
