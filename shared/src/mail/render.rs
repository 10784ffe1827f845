//! What the mails say.

use askama::Template;

use crate::crypto::code::Digits;
use crate::model::{Mail, MailKind, User};
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
    pub(super) code: Digits,
}

#[derive(Template)]
#[template(path = "mail/en/activation.txt")]
struct ActivationText<'a> {
    site: &'a str,
    username: &'a str,
    link: &'a str,
    code: &'a str,
}

#[derive(Template)]
#[template(path = "mail/en/activation.html")]
struct ActivationHtml<'a> {
    site: &'a str,
    username: &'a str,
    link: &'a str,
    code: &'a str,
}

/// Renders the mail. Links start with the configured base URL, never with what a request says.
pub(super) fn render(
    mail: &Mail,
    user: &User,
    secrets: &Secrets,
    site: &Site,
) -> Result<Rendered, askama::Error> {
    match mail.kind {
        MailKind::Activation => {
            let Site { name: site, base_url, activation_path, .. } = site;
            let link = &format!("{base_url}/{activation_path}/{}", secrets.link_token);
            let (username, code) = (user.username.as_str(), secrets.code.expose());
            Ok(Rendered {
                subject: format!("Activate your account on {site}"),
                text: ActivationText { site, username, link, code }.render()?,
                html: ActivationHtml { site, username, link, code }.render()?,
            })
        }
    }
}
