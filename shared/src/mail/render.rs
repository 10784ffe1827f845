//! What the mails say.

use askama::Template;

use crate::crypto::code::Digits;
use crate::model::code::Purpose;
use crate::model::{Notice, User};
use crate::policy::Site;

/// A mail, ready to send.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// For whoever reads plain text.
    pub text: String,
    /// The same, with a button.
    pub html: String,
}

impl std::fmt::Debug for Rendered {
    /// The text holds link and code: it is not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rendered").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// What is told from secrets, and lies in no table.
#[derive(Clone, Debug)]
pub(super) struct Secrets {
    pub(super) link_token: String,
    /// For a mail that carries one.
    pub(super) code: Option<Digits>,
}

/// What the templates of links show.
#[derive(Clone, Copy)]
struct Shown<'a> {
    site: &'a str,
    username: &'a str,
    link: &'a str,
    code: &'a str,
}

/// What the templates of notices show.
#[derive(Clone, Copy)]
struct Told<'a> {
    site: &'a str,
    username: &'a str,
    /// The present address, as far as whoever reads the mail may know it.
    email: &'a str,
}

macro_rules! templates {
    ($shown:ident: $($name:ident $path:literal),* $(,)?) => {
        $(#[derive(Template)]
        #[template(path = $path)]
        struct $name<'a> {
            shown: $shown<'a>,
        })*
    };
}
templates! { Shown:
    ActivationText "mail/en/activation.txt",
    ActivationHtml "mail/en/activation.html",
    PasswordResetText "mail/en/password_reset.txt",
    PasswordResetHtml "mail/en/password_reset.html",
    PasswordSetText "mail/en/password_set.txt",
    PasswordSetHtml "mail/en/password_set.html",
    SecondaryEmailText "mail/en/secondary_email.txt",
    SecondaryEmailHtml "mail/en/secondary_email.html",
    EmailChangeText "mail/en/email_change.txt",
    EmailChangeHtml "mail/en/email_change.html",
}
templates! { Told:
    EmailChangedText "mail/en/email_changed.txt",
    EmailChangedHtml "mail/en/email_changed.html",
}

/// Renders a mail with a link, which starts with the configured base URL, never with what a request says.
pub(super) fn render_link(
    purpose: Purpose,
    user: &User,
    secrets: &Secrets,
    settings: &Site,
) -> Result<Rendered, askama::Error> {
    let path = match purpose {
        Purpose::Activation => &settings.activation_path,
        Purpose::PasswordReset => &settings.password_reset_path,
        Purpose::PasswordSet => &settings.password_set_path,
        Purpose::SecondaryEmail => &settings.secondary_email_path,
        Purpose::EmailChange => &settings.email_change_path,
    };
    let link = &format!("{}/{path}/{}", settings.base_url, secrets.link_token);
    let code = secrets.code.as_ref().map(Digits::expose).unwrap_or_default();
    let site = settings.name.as_str();
    let shown = Shown { site, username: &user.username, link, code };
    Ok(match purpose {
        Purpose::Activation => Rendered {
            subject: format!("Activate your account on {site}"),
            text: ActivationText { shown }.render()?,
            html: ActivationHtml { shown }.render()?,
        },
        Purpose::PasswordReset => Rendered {
            subject: format!("Reset your password on {site}"),
            text: PasswordResetText { shown }.render()?,
            html: PasswordResetHtml { shown }.render()?,
        },
        Purpose::PasswordSet => Rendered {
            subject: format!("Set your password on {site}"),
            text: PasswordSetText { shown }.render()?,
            html: PasswordSetHtml { shown }.render()?,
        },
        Purpose::SecondaryEmail => Rendered {
            subject: format!("Activate your account on {site}"),
            text: SecondaryEmailText { shown }.render()?,
            html: SecondaryEmailHtml { shown }.render()?,
        },
        Purpose::EmailChange => Rendered {
            subject: format!("Confirm your new address on {site}"),
            text: EmailChangeText { shown }.render()?,
            html: EmailChangeHtml { shown }.render()?,
        },
    })
}

/// Renders a notice. It says nothing that would be of use to a stranger who reads the mailbox.
pub(super) fn render_notice(
    notice: Notice,
    user: &User,
    settings: &Site,
) -> Result<Rendered, askama::Error> {
    let site = settings.name.as_str();
    let email = &user.first_email().masked();
    let shown = Told { site, username: &user.username, email };
    Ok(match notice {
        Notice::EmailChanged => Rendered {
            subject: format!("Your address on {site} was changed"),
            text: EmailChangedText { shown }.render()?,
            html: EmailChangedHtml { shown }.render()?,
        },
    })
}
