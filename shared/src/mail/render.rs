//! From a mail that is due to what is sent.

use crate::crypto::code::Digits;
use crate::mail::Rendered;
use crate::model::{Languages, Mail, MailKind, User};
use crate::policy::Site;

use super::templates::{Shown, Templates};

/// What is told from secrets, and lies in no table.
#[derive(Clone, Debug)]
pub(super) struct Secrets {
    pub(super) link_token: String,
    /// For a mail that carries one.
    pub(super) code: Option<Digits>,
}

/// Renders a mail in the language of its reader. A link starts with the configured URL, never with
/// what a request says; a notice says nothing that would be of use to a stranger who reads the mailbox.
pub(super) fn render(
    templates: &Templates,
    mail: &Mail,
    user: &User,
    secrets: Option<&Secrets>,
    site: &Site,
) -> Result<Rendered, minijinja::Error> {
    let languages: Languages = user.locale.clone().or(mail.languages.clone());
    let link = match (mail.kind, secrets) {
        (MailKind::Link(purpose), Some(secrets)) => {
            format!("{}/{}/{}", site.link_url, site.link_paths.of(purpose), secrets.link_token)
        }
        (MailKind::Link(_) | MailKind::Notice(_), _) => String::new(),
    };
    let code = secrets.and_then(|secrets| secrets.code.as_ref());
    let shown = Shown {
        site: &site.name,
        username: &user.username,
        email: &user.first_email().masked(),
        link: &link,
        code: code.map(Digits::expose).unwrap_or_default(),
    };
    templates.render(mail.kind, &languages, shown)
}
