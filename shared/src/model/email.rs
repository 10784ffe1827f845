//! E-mail addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use unicode_normalization::UnicodeNormalization;

use super::user::short_digest;
use crate::error::Violation;

/// The most code points that an address may have: what SMTP can carry (RFC 5321, erratum 1690).
pub const MAX_LENGTH: usize = 254;

/// A well-formed e-mail address, as its owner writes it, and the key that it is unique by.
///
/// Two addresses that differ in case only have the same key: look-alikes are one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    address: String,
    key: String,
}

impl Email {
    /// Reads an address: space around it is dropped, its domain is put into the form that the DNS has it
    /// in, and the rest is kept as it was typed.
    ///
    /// Accepts what Django's `EmailValidator` accepts, except quoted local parts with control characters, which have no
    /// place in a mail's header.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(input: &str) -> Result<Self, Vec<Violation>> {
        let typed = input.trim();
        if typed.is_empty() {
            return Err(vec![Violation::Required]);
        }
        let mut violations = Vec::new();
        if !is_well_formed(typed) {
            violations.push(Violation::EmailMalformed);
        }
        let length = typed.chars().count();
        if length > MAX_LENGTH {
            violations.push(Violation::TooLong { limit: MAX_LENGTH, actual: length });
        }
        if typed.contains('\0') {
            violations.push(Violation::NullCharacter);
        }
        let parts = typed.rsplit_once('@');
        let email = parts.and_then(|(local, domain)| Self::from_parts(local, domain));
        if email.is_none() && violations.is_empty() {
            violations.push(Violation::EmailMalformed);
        }
        // The ASCII form of a domain is longer than what was typed, and is the form that mail servers take.
        let actual = email.as_ref().map_or(0, |email| email.address.chars().count());
        if actual > MAX_LENGTH && violations.is_empty() {
            violations.push(Violation::TooLong { limit: MAX_LENGTH, actual });
        }
        email.filter(|_| violations.is_empty()).ok_or(violations)
    }

    /// `None` for a domain that the DNS cannot have. The ASCII form (UTS 46) is kept: mail servers take no other, and
    /// it has no invisible characters.
    fn from_parts(local: &str, domain: &str) -> Option<Self> {
        let domain = if domain.starts_with('[') {
            domain.to_lowercase()
        } else {
            idna::domain_to_ascii(domain).ok()?
        };
        let key = unquoted(local).nfkc().flat_map(char::to_lowercase).collect::<String>();
        Some(Self { address: format!("{local}@{domain}"), key: format!("{key}@{domain}") })
    }

    /// An address that was parsed before, as it was stored.
    pub(super) fn stored(address: &str, key: &str) -> Self {
        Self { address: address.to_owned(), key: key.to_owned() }
    }

    /// The address to write to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Enough of the address for its owner to know it again, and too little to write to: `a***@example.org`.
    pub fn masked(&self) -> String {
        let (local, domain) = self.address.rsplit_once('@').unwrap_or_default();
        let first: String = local.chars().take(1).collect();
        format!("{first}***@{domain}")
    }

    /// The unique key of the address.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The digest of the key, for where the address itself must not be read.
    pub fn digest(&self) -> String {
        digest(&self.key)
    }
}

/// [`Email::digest`] of the address of that key.
pub fn digest(key: &str) -> String {
    short_digest(key)
}

/// `"ann"` is `ann` (RFC 5321, 4.1.2): quotes that are not needed make no other mailbox.
fn unquoted(local: &str) -> String {
    let inside = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let Some(inside) = inside else { return local.to_owned() };
    let mut plain = String::new();
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    if plain.split('.').all(is_atom) { plain } else { local.to_owned() }
}

fn is_well_formed(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    is_local_part(local)
        && (is_domain(domain) || idna::domain_to_ascii(domain).is_ok_and(|ascii| is_domain(&ascii)))
}

fn is_local_part(local: &str) -> bool {
    let quoted = local.len() >= 2 && local.starts_with('"') && local.ends_with('"');
    if quoted { is_quoted(&local[1..local.len() - 1]) } else { local.split('.').all(is_atom) }
}

fn is_atom(atom: &str) -> bool {
    !atom.is_empty()
        && atom
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-!#$%&'*+/=?^_`{}|~".contains(&byte))
}

fn is_quoted(inside: &str) -> bool {
    let mut bytes = inside.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'\\' => bytes.next().is_some_and(|escaped| (b' '..0x7f).contains(&escaped)),
            b'"' => false,
            other => other.is_ascii_graphic(),
        };
        if !fits {
            return false;
        }
    }
    true
}

fn is_domain(domain: &str) -> bool {
    if domain.eq_ignore_ascii_case("localhost") {
        return true;
    }
    if let Some(literal) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return literal.parse::<Ipv4Addr>().is_ok() || literal.parse::<Ipv6Addr>().is_ok();
    }
    let Some((names, top)) = domain.rsplit_once('.') else { return false };
    names.split('.').all(is_label) && is_top_level(top)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len()) && is_host_name(label) && !label.starts_with('-')
}

fn is_top_level(label: &str) -> bool {
    (2..=63).contains(&label.len()) && is_host_name(label)
}

fn is_host_name(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(input: &str) -> Vec<Violation> {
        Email::parse(input).err().unwrap_or_default()
    }

    #[test]
    fn addresses_that_differ_in_case_or_spelling_of_the_domain_have_one_key() {
        let key = |input: &str| Email::parse(input).unwrap().key().to_owned();
        assert_eq!(key("  Ann@EXAMPLE.com "), "ann@example.com");
        assert_eq!(key("ann@bücher.example"), key("ann@xn--bcher-kva.example"));
    }

    #[test]
    fn quotes_that_are_not_needed_make_no_other_address() {
        let key = |input: &str| Email::parse(input).unwrap().key().to_owned();
        assert_eq!(key(r#""ann"@example.com"#), "ann@example.com");
        assert_eq!(key(r#""an\n"@example.com"#), "ann@example.com");
        assert_ne!(key(r#""a@b"@example.com"#), "a@b@example.com");
    }

    #[test]
    fn mail_goes_to_the_domain_in_the_form_that_the_dns_has() {
        let address = |input: &str| Email::parse(input).unwrap().address().to_owned();
        assert_eq!(address("ann@Bücher.example"), "ann@xn--bcher-kva.example");
        assert_eq!(address("ann@example.com\u{200b}"), "ann@example.com");
        assert_eq!(address("ann@ｅｘａｍｐｌｅ。com"), "ann@example.com");
    }

    #[test]
    fn a_domain_that_the_dns_cannot_have_is_refused() {
        assert_eq!(violations("ann@xn--a.com"), [Violation::EmailMalformed]);
    }

    #[test]
    fn the_local_part_is_kept_as_typed_and_the_domain_is_lower_cased() {
        assert_eq!(Email::parse("Ann@EXAMPLE.com").unwrap().address(), "Ann@example.com");
    }

    #[test]
    fn a_masked_address_shows_one_character_of_the_local_part_and_hides_its_length() {
        let masked = |input: &str| Email::parse(input).unwrap().masked();
        assert_eq!(masked("ann.lee@example.org"), "a***@example.org");
        assert_eq!(masked("a@example.org"), "a***@example.org");
        assert_eq!(masked(r#""a@b"@example.org"#), "\"***@example.org");
    }

    /// Answers of `django.core.validators.validate_email`, Django 3.2.
    #[test]
    fn what_django_accepts_is_accepted() {
        for good in [
            "email@here.com",
            "weirder-email@here.and.there.com",
            "email@[127.0.0.1]",
            "email@[2001:dB8::1]",
            "example@valid-----hyphens.com",
            "test@domain.with.idn.tld.उदाहरण.परीक्षा",
            "email@localhost",
            r#""test@test"@example.com"#,
            r#""\ "@example.com"#,
            "a+b/c=d@example.co",
        ] {
            assert_eq!(violations(good), [], "{good}");
        }
    }

    #[test]
    fn what_django_refuses_is_refused() {
        for bad in [
            "not-an-email",
            "a@foo",
            "@example.com",
            "ann@",
            "a b@example.com",
            "a..b@example.com",
            ".a@example.com",
            "email@[127.0.0.256]",
            "email@[::gg]",
            "example@invalid-.com",
            "example@-invalid.com",
            "ann@example.c",
            "ann@example.com>",
            "a@example.com\nBcc: b@example.com",
            r#""a\"@example.com"#,
        ] {
            assert_eq!(violations(bad), [Violation::EmailMalformed], "{bad:?}");
        }
    }

    #[test]
    fn the_error_of_a_long_address_has_its_length_in_code_points() {
        let long = format!("{}@example.com", "a".repeat(250));
        assert_eq!(violations(&long), [Violation::TooLong { limit: 254, actual: 262 }]);
    }

    #[test]
    fn nothing_or_space_is_missing() {
        assert_eq!(violations(" \t"), [Violation::Required]);
    }

    #[test]
    fn control_characters_are_refused_even_in_quotes() {
        assert_eq!(violations("\"a\x01b\"@example.com"), [Violation::EmailMalformed]);
    }
}
