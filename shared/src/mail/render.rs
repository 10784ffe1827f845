//! Render a due mail.

use crate::crypto::otp::Digits;
use crate::mail::Rendered;
use crate::model::Purpose;
use crate::model::{Languages, Mail, MailKind, User};
use crate::policy::MailSettings;

use super::templates::{MailVariables, Templates};

/// Values that are derived from secrets when the mail is sent. They are never stored.
#[derive(Clone, Debug)]
pub(super) struct Secrets {
    pub(super) link_token: String,
    /// For a mail that carries one.
    pub(super) code: Option<Digits>,
}

/// Renders a mail in the language of its reader. A link starts with the configured URL, never with a host of a
/// request. A notice has no token, so an attacker who reads the mailbox cannot use it: where it asks to reset the
/// password, its link leads to the page that mails another link.
pub(super) fn render(
    templates: &Templates,
    mail: &Mail,
    user: &User,
    secrets: Option<&Secrets>,
    site: &MailSettings,
) -> Result<Rendered, minijinja::Error> {
    let languages: Languages = user.locale.clone().or(mail.languages.clone());
    let link = match (mail.kind, secrets) {
        (MailKind::Link(purpose), Some(secrets)) => {
            format!("{}/{}", page(purpose, site), secrets.link_token)
        }
        (MailKind::Notice(notice), _) if notice.leads_to_reset() => {
            page(Purpose::PasswordReset, site)
        }
        (MailKind::Link(_) | MailKind::Notice(_), _) => String::new(),
    };
    let code = secrets.and_then(|secrets| secrets.code.as_ref());
    // A code that logs in belongs to the browser that has asked for it.
    let code_page = match (code, mail.kind) {
        (Some(_), MailKind::Link(purpose @ Purpose::Activation)) if site.has_pages => {
            page(purpose, site)
        }
        _ => String::new(),
    };
    let present = user.first_email().masked();
    let shown = MailVariables {
        site: &site.name,
        username: &user.username,
        email: mail.about.as_deref().unwrap_or(&present),
        link: &link,
        code: code.map(Digits::expose).unwrap_or_default(),
        code_page: &code_page,
        ip: mail.ip.as_deref().unwrap_or_default(),
    };
    templates.render(mail.kind, &languages, shown)
}

/// The page that links for that purpose lead to.
fn page(purpose: Purpose, site: &MailSettings) -> String {
    format!("{}/{}", site.link_url, site.link_paths.of(purpose))
}
