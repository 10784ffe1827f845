//! The languages that a user reads.

use serde::{Deserialize, Serialize};

/// How many are kept.
const MOST: usize = 5;
/// How much of a header is read, in bytes.
const MOST_READ: usize = 500;

/// Languages in the order of the user's preference; may be empty. Tags of RFC 5646, in lower case, such as `de` or
/// `pt-br`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Languages(Vec<String>);

impl Languages {
    /// The languages that a header `Accept-Language` asks for (RFC 9110, 12.5.4). Malformed parts are ignored: no
    /// request fails because of them.
    pub fn accepted(header: &str) -> Self {
        let header = &header[..header.floor_char_boundary(MOST_READ)];
        let mut wanted: Vec<_> = header.split(',').filter_map(weighed).collect();
        // Stable: of equal weight, the first one counts.
        wanted.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        Self::of(wanted.into_iter().map(|(tag, _)| tag))
    }

    fn of(tags: impl Iterator<Item = String>) -> Self {
        let mut kept = Vec::new();
        for tag in tags {
            if kept.len() < MOST && !kept.contains(&tag) {
                kept.push(tag);
            }
        }
        Self(kept)
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These languages, or if the list is empty, the others.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        if self.is_empty() { others } else { self }
    }

    /// The first one that is available. `de` also serves a user who prefers `de-at`.
    pub fn choose<'a>(&self, mut is_there: impl FnMut(&str) -> Option<&'a str>) -> Option<&'a str> {
        self.0.iter().find_map(|tag| {
            let general = tag.split_once('-').map(|(language, _)| language);
            is_there(tag).or_else(|| is_there(general?))
        })
    }
}

/// A tag with its weight in thousandths; `None` for a weight of 0, and for `*`.
fn weighed(range: &str) -> Option<(String, u16)> {
    let mut parts = range.split(';').map(str::trim);
    // As programs write locales: `pt_BR`, `de_DE.UTF-8`, `de_DE@euro`.
    let tag = parts.next()?.split(['.', '@']).next()?.replace('_', "-").to_ascii_lowercase();
    let weight = match parts.find_map(|part| part.strip_prefix("q=")) {
        None => 1000,
        Some(weight) => thousandths(weight)?,
    };
    (is_tag(&tag) && weight > 0).then_some((tag, weight))
}

fn thousandths(weight: &str) -> Option<u16> {
    let (whole, part) = weight.split_once('.').unwrap_or((weight, ""));
    let is_number = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let part: u16 = if is_number { format!("{part:0<3}").parse().ok()? } else { return None };
    match whole {
        "0" => Some(part),
        "1" if part == 0 => Some(1000),
        _ => None,
    }
}

fn is_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    let is_language =
        (2..=8).contains(&language.len()) && language.bytes().all(|c| c.is_ascii_lowercase());
    let mut rest = parts.clone();
    is_language
        && parts.count() <= 3
        && rest.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_alphanumeric())
        })
}

impl From<String> for Languages {
    /// Reads the stored form: tags with commas between them. Drops each part that is not a tag.
    fn from(text: String) -> Self {
        Self::of(text.split(',').filter(|tag| is_tag(tag)).map(str::to_owned))
    }
}

impl From<Languages> for String {
    fn from(languages: Languages) -> Self {
        languages.0.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(header: &str) -> String {
        Languages::accepted(header).into()
    }

    #[test]
    fn a_preferred_language_comes_first() {
        assert_eq!(accepted("en;q=0.7, fa-IR, de;q=0.8, fa;q=0.9"), "fa-ir,fa,de,en");
        assert_eq!(accepted("da, en-gb;q=0.8, en;q=0.7"), "da,en-gb,en");
        assert_eq!(accepted("de;q=0.001,fr;q=0.01"), "fr,de");
    }

    #[test]
    fn the_list_omits_unwanted_and_invalid_languages() {
        for header in ["", "*", "de;q=0", "de;q=0.000", "x", "1", "de;q=2", "de;q=-1", "\u{e9}t"] {
            assert_eq!(accepted(header), "", "{header}");
        }
        assert_eq!(accepted("../../etc, de, <b>, en\r\nx: y"), "de");
        let long = format!("de,{}", "x".repeat(10_000));
        assert_eq!(accepted(&long), "de");
        assert_eq!(accepted(&"é".repeat(251)), "");
        assert_eq!(accepted("aa,bb,cc,dd,ee,ff,gg"), "aa,bb,cc,dd,ee");
    }

    #[test]
    fn a_tag_is_understood_as_programs_write_locales() {
        assert_eq!(accepted("fa_IR"), "fa-ir");
        assert_eq!(accepted("pt_BR, zh_Hant_TW;q=0.5"), "pt-br,zh-hant-tw");
        assert_eq!(accepted("de_DE.UTF-8, ca_ES@valencia;q=0.3"), "de-de,ca-es");
        for header in ["_", "de_", "_DE", "C.UTF-8", ".UTF-8", "@euro", "de__DE"] {
            assert_eq!(accepted(header), "", "{header}");
        }
    }

    #[test]
    fn the_general_language_will_do() {
        let there = |tag: &str| ["de", "en"].into_iter().find(|known| *known == tag);
        let chosen = |header| Languages::accepted(header).choose(there);
        assert_eq!(chosen("fr, de-AT"), Some("de"));
        assert_eq!(chosen("fr"), None);
        assert_eq!(chosen(""), None);
    }

    #[test]
    fn stored_languages_are_read_unchanged() {
        let languages = Languages::accepted("fa-IR,en");
        let stored = String::from(languages.clone());
        assert_eq!(Languages::from(stored), languages);
        assert_eq!(Languages::from("de,../x".to_owned()), Languages::accepted("de"));
    }
}
