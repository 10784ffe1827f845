//! The language of a page, and the application of its reader.

use accounts::config::ReturnUrl;
use accounts::model::Languages;
use accounts::operations::LinkView;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;

use super::templates::Templates;
use crate::header_text;
use crate::origins::Origins;

/// The parameter with the language that the reader chose on a page.
const PARAMETER: &str = "lang";
/// The parameter with the address in the application to which the browser returns.
const NEXT: &str = "next";

/// The languages that a request asks for, as far as the pages have them.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    /// The language that the reader has chosen on a page.
    chosen: Option<String>,
    /// The languages that the browser asks for.
    accepted: Option<String>,
    /// The address in the application to which the browser returns, if its origin is one of the site's. Each page
    /// passes it to the next page.
    pub(super) next: Option<ReturnUrl>,
}

/// The language of one page.
pub(super) struct PageLanguage<'a> {
    pub(super) language: &'a str,
    /// The query for the addresses of next pages: the language, and the address in the application. Empty if the next
    /// page needs neither.
    pub(super) query: String,
    /// The part of `query` that a link to another language keeps.
    pub(super) kept: String,
}

impl Reader {
    pub(super) fn new(request: &Parts, templates: &Templates, origins: &Origins) -> Self {
        let query = request.uri.query().unwrap_or_default();
        let next = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == NEXT);
        let next = next.and_then(|(_, url)| ReturnUrl::parse(&url, |it| origins.contains(it)));
        // Of several languages, the last one counts: the links of a page add another one to its address.
        let chosen = form_urlencoded::parse(query.as_bytes())
            .filter(|(name, _)| name == PARAMETER)
            .filter_map(|(_, tag)| templates.language(&tag.to_ascii_lowercase()))
            .last();
        let lines: Vec<_> = header_text::all(&request.headers, ACCEPT_LANGUAGE).collect();
        let accepted = Languages::accepted(&lines.join(",")).choose(|tag| templates.language(tag));
        Self { chosen: chosen.map(str::to_owned), accepted: accepted.map(str::to_owned), next }
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
        let encoded = |url: &ReturnUrl| {
            let url = url.to_string();
            form_urlencoded::byte_serialize(url.as_bytes()).collect::<String>()
        };
        let kept = self.next.as_ref().map(|url| format!("&{NEXT}={}", encoded(url)));
        let kept = kept.unwrap_or_default();
        let query = if language == anyway && self.chosen.is_none() {
            kept.replacen('&', "?", 1)
        } else {
            format!("?{PARAMETER}={language}{kept}")
        };
        PageLanguage { language, query, kept }
    }
}
