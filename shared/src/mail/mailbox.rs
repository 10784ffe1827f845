//! The sender of mails: an address, and perhaps a name, in the form of a mail's header.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::model::Email;

/// The sender of mails, or where answers go: `accounts@example.com` or `Example <accounts@example.com>`.
///
/// The domain is in the form that the DNS has, since SES refuses any other, and a name that is more than ASCII is
/// an encoded word (RFC 2047).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    name: Option<String>,
    address: String,
}

/// The text names no mailbox that SES could send from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an address such as accounts@example.com, or Example <accounts@example.com>")]
pub struct MailboxError;

impl Mailbox {
    /// Reads `address`, `Name <address>` or `"Name" <address>`. A name that is an encoded word already is kept.
    ///
    /// # Errors
    /// When it has another form, or an address whose domain cannot be verified at SES.
    pub fn parse(text: &str) -> Result<Self, MailboxError> {
        let (name, address) = match text.trim().rsplit_once('<') {
            Some((name, address)) => (name.trim(), address.strip_suffix('>').ok_or(MailboxError)?),
            None => ("", text),
        };
        let email = Email::parse(address).map_err(|_| MailboxError)?;
        let (local, domain) = email.address().rsplit_once('@').ok_or(MailboxError)?;
        if local.starts_with('"') || domain.starts_with('[') || !domain.contains('.') {
            return Err(MailboxError);
        }
        let name = if name.is_empty() { None } else { Some(header_name(name)?) };
        Ok(Self { name, address: email.address().to_owned() })
    }

    /// With that name, unless it has one.
    #[must_use]
    pub fn or_named(mut self, name: &str) -> Self {
        self.name = self.name.or_else(|| Some(quoted_or_encoded(name)));
        self
    }
}

/// As a header has it.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => f.write_str(&self.address),
        }
    }
}

/// The name as the deployer wrote it, in the form that a header has.
fn header_name(typed: &str) -> Result<String, MailboxError> {
    let is_encoded = typed.starts_with("=?") && typed.ends_with("?=");
    if is_encoded && typed.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Ok(typed.to_owned());
    }
    let quoted = typed.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let name = match quoted {
        Some(inside) => unescaped(inside).ok_or(MailboxError)?,
        None if typed.contains(['"', '\\', '<', '>', '@']) => return Err(MailboxError),
        None => typed.to_owned(),
    };
    if name.chars().any(char::is_control) {
        Err(MailboxError)
    } else {
        Ok(quoted_or_encoded(&name))
    }
}

/// The text between quotation marks; `None` if a quotation mark ends the name earlier.
fn unescaped(inside: &str) -> Option<String> {
    let mut plain = String::new();
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '"' => return None,
            '\\' => chars.next()?,
            other => other,
        });
    }
    Some(plain)
}

/// A name in quotation marks, or if it is more than ASCII, as encoded words (RFC 2047): parts of whole characters
/// that are short enough for one.
fn quoted_or_encoded(name: &str) -> String {
    let is_plain = |c: char| (c.is_ascii_graphic() || c == ' ') && !"\"\\".contains(c);
    if name.chars().all(is_plain) {
        return format!("\"{name}\"");
    }
    let mut words = vec![String::new()];
    for c in name.chars() {
        match words.last_mut() {
            Some(word) if word.len() + c.len_utf8() <= MOST_ENCODED => word.push(c),
            _ => words.push(c.to_string()),
        }
    }
    let words = words.iter().map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word)));
    words.collect::<Vec<_>>().join(" ")
}

/// How many bytes an encoded word holds: it may have 75 characters in all.
const MOST_ENCODED: usize = 45;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, MailboxError> {
        Mailbox::parse(text).map(|mailbox| mailbox.to_string())
    }

    #[test]
    fn a_sender_is_put_into_the_form_that_a_header_and_the_dns_have() {
        for (typed, form) in [
            ("post@bücher.example", "post@xn--bcher-kva.example"),
            ("Post@Example.COM", "Post@example.com"),
            ("<post@example.com>", "post@example.com"),
            ("Bücher <post@example.com>", "=?UTF-8?B?QsO8Y2hlcg==?= <post@example.com>"),
            ("Example <post@BÜCHER.example>", "\"Example\" <post@xn--bcher-kva.example>"),
            ("Example, Inc. <post@example.com>", "\"Example, Inc.\" <post@example.com>"),
            ("\"Example, Inc.\" <post@example.com>", "\"Example, Inc.\" <post@example.com>"),
            (r#""Say \"hi\"" <post@example.com>"#, "=?UTF-8?B?U2F5ICJoaSI=?= <post@example.com>"),
            ("=?UTF-8?Q?B=C3=BCcher?= <a@example.com>", "=?UTF-8?Q?B=C3=BCcher?= <a@example.com>"),
        ] {
            assert_eq!(read(typed).as_deref(), Ok(form), "{typed}");
            assert_eq!(read(form).as_deref(), Ok(form), "{form}");
            assert!(form.is_ascii());
        }
    }

    #[test]
    fn a_sender_that_ses_cannot_use_is_refused() {
        for text in [
            "",
            "none",
            "a@b",
            "a@localhost",
            "a@[127.0.0.1]",
            "\"a b\"@example.com",
            "jürgen@example.com",
            "Eve <e@x.example>, b@x.example",
            "Eve <e@x.example",
            "Eve <e@x.example> <f@x.example>",
            "a@x.example, Eve <e@x.example>",
            "\"Eve\" x\" <e@x.example>",
            "Eve\r\nBcc: b@x.example <e@x.example>",
            "\"Eve\r\nBcc\" <e@x.example>",
            "<>",
        ] {
            assert_eq!(read(text), Err(MailboxError), "{text:?}");
        }
    }

    #[test]
    fn a_sender_without_a_name_gets_the_name_of_the_site() {
        let of = |name| Mailbox::parse("a@b.example").unwrap().or_named(name).to_string();
        assert_eq!(of("Example, Inc."), "\"Example, Inc.\" <a@b.example>");
        assert_eq!(of("Say \"hi\""), "=?UTF-8?B?U2F5ICJoaSI=?= <a@b.example>");
        assert_eq!(of("Müller"), "=?UTF-8?B?TcO8bGxlcg==?= <a@b.example>");
        assert_eq!(of("a\r\nBcc: x@y"), "=?UTF-8?B?YQ0KQmNjOiB4QHk=?= <a@b.example>");
        let named = Mailbox::parse("Ann <a@b.example>").unwrap().or_named("Example");
        assert_eq!(named.to_string(), "\"Ann\" <a@b.example>");
        let long = of(&"é".repeat(40));
        assert!(long.split(' ').all(|word| word.len() <= 75), "{long}");
    }
}
