//! Texts that users copy from a mail, or type: the digits of a one-time code, and the token of a link.

use std::borrow::Cow;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::otp::DIGITS;

/// A text that can be a one-time code: its digits, as they were mailed.
#[derive(Clone, PartialEq, Eq)]
pub struct TypedCode(String);

impl TypedCode {
    /// Reads the decimal digits of any script (Unicode's Nd). Space, hyphens and invisible characters are ignored in
    /// any place: mail programs and keyboards insert them. `None` for a text with any other character, or with
    /// another number of digits: it cannot be a code.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits = String::new();
        for c in typed(text) {
            digits.push(Some(c).filter(|c| c.is_ascii_digit() && digits.len() < DIGITS)?);
        }
        (digits.len() == DIGITS).then_some(Self(digits))
    }

    /// The digits to compare.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TypedCode")
    }
}

/// The characters of a code that a user types, as it was shown: without space, hyphens and invisible characters, and with
/// the decimal digits of any script as ASCII digits.
pub(super) fn typed(text: &str) -> impl Iterator<Item = char> {
    let kept = text.chars().filter(|c| !is_filler(*c) && !is_hyphen(*c));
    kept.map(|c| decimal(c).unwrap_or(c))
}

/// The token of a mailed link, without the characters that were copied along with it: space and invisible characters,
/// also percent-encoded; and around it, characters that no token begins or ends with, such as the full stop of a
/// sentence.
pub fn link_token(text: &str) -> Cow<'_, str> {
    let is_of_a_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_end = |c: char| !is_of_a_token(c) || c == '.';
    if text.chars().all(is_of_a_token) {
        return Cow::Borrowed(text.trim_matches(is_end));
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_encoded = |rest: &str| {
            rest.get(1..3).is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        if c == '%' && is_encoded(rest) {
            rest = &rest[3..];
            continue;
        }
        if !is_filler(c) {
            kept.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
    Cow::Owned(kept.trim_matches(is_end).to_owned())
}

/// Space of any width, line ends, and invisible characters, such as direction marks.
fn is_filler(c: char) -> bool {
    c.is_whitespace() || c.general_category() == GeneralCategory::Format
}

fn is_hyphen(c: char) -> bool {
    c.general_category() == GeneralCategory::DashPunctuation
}

/// The ASCII digit of the same value. The digits of a script are in a row, from zero to nine, and where two rows
/// meet, the first one is complete (Unicode Standard, 4.6).
fn decimal(c: char) -> Option<char> {
    let is_decimal = |c: &char| c.general_category() == GeneralCategory::DecimalNumber;
    if !is_decimal(&c) {
        return None;
    }
    let before = ('\0'..c).rev().take_while(is_decimal).count();
    char::from_digit(u32::try_from(before % 10).ok()?, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Option<String> {
        TypedCode::parse(text).map(|code| code.expose().to_owned())
    }

    #[test]
    fn a_code_is_read_in_the_digits_of_any_script() {
        for text in [
            "150389",
            "۱۵۰۳۸۹",
            "١٥٠٣٨٩",
            "१५०३८९",
            "１５０３８９",
            "๑๕๐๓๘๙",
            "\u{1d7cf}\u{1d7d3}\u{1d7ce}\u{1d7d1}\u{1d7d6}\u{1d7d7}",
            "\u{1d7f7}\u{1d7fb}\u{1d7f6}\u{1d7f9}\u{1d7fe}\u{1d7ff}",
            "۱٥0३８9",
        ] {
            assert_eq!(typed(text).as_deref(), Some("150389"), "{text}");
        }
    }

    /// Python's `unicodedata.decimal` has the same value for each of these.
    #[test]
    fn every_row_of_digits_counts_from_zero_to_nine() {
        let all: Vec<char> = ('\0'..=char::MAX)
            .filter(|c| c.general_category() == GeneralCategory::DecimalNumber)
            .collect();
        assert!(all.len() >= 660 && all.len().is_multiple_of(10), "{}", all.len());
        for (number, c) in all.iter().enumerate() {
            let value = char::from_digit(u32::try_from(number % 10).unwrap(), 10);
            assert_eq!(decimal(*c), value, "{c:?}");
        }
    }

    #[test]
    fn a_code_ignores_characters_that_were_copied_with_it() {
        for text in [
            " 150389\r\n",
            "150 389",
            "150-389",
            "1 5 0 3 8 9",
            "150\u{2013}389",
            "150\u{2011}389",
            "\u{2066}150389\u{2069}",
            "\u{200f}\u{202b}150389\u{202c}",
            "150\u{200b}389",
            "\u{a0}150\u{202f}389\u{feff}",
            "15\u{ad}0389\u{61c}",
        ] {
            assert_eq!(typed(text).as_deref(), Some("150389"), "{text:?}");
        }
    }

    #[test]
    fn a_text_that_can_be_no_code_is_none() {
        for text in [
            "",
            " ",
            "15038",
            "1503890",
            "15o389",
            "150389x",
            "+150389",
            "150.389",
            "①⑤⓪③⑧⑨",
            "Ⅰ50389",
        ] {
            assert_eq!(typed(text), None, "{text:?}");
        }
        assert_eq!(typed(&"1".repeat(100_000)), None);
    }

    #[test]
    fn a_token_loses_characters_that_were_copied_with_it() {
        let token = "eyJ0.eyJz-_9.c2ln";
        for (before, after) in [
            ("", ""),
            ("", "."),
            ("", "..."),
            ("", "%20"),
            ("%20", "%20."),
            ("\u{a0}", "\u{200b}"),
            ("\u{2066}", "\u{2069}"),
            ("%E2%80%8B", "%e2%80%8f"),
            ("<", ">."),
            ("\"", "\","),
            ("\r\n", "\r\n"),
            ("", "/"),
            ("", "%"),
        ] {
            assert_eq!(
                link_token(&format!("{before}{token}{after}")),
                token,
                "{before:?} {after:?}"
            );
        }
        assert_eq!(link_token("eyJ0.eyJz\r\n -_9.c2\u{200b}ln"), token);
        for (text, kept) in
            [("", ""), ("...", ""), ("%2", "2"), ("a b!c", "ab!c"), ("é", ""), ("a%zzb", "a%zzb")]
        {
            assert_eq!(link_token(text), kept, "{text}");
        }
    }
}
