//! How mails look, where they come from, and where their links lead.

use std::path::PathBuf;

use super::{ConfigError, Settings, problem};
use crate::mail::{Mailbox, TemplateError, Templates};
use crate::policy::{LinkPaths, MailSettings};

/// The setting of the path of an activation link.
pub const ACTIVATION_PATH: &str = "ACTIVATION_PATH_ON_EMAIL";
/// The setting of the path of a link that proves a second address.
pub const SECONDARY_EMAIL_PATH: &str = "ACTIVATION_SECONDARY_EMAIL_PATH_ON_EMAIL";
/// The setting of the path of a link that proves a new first address.
pub const EMAIL_CHANGE_PATH: &str = "EMAIL_CHANGE_PATH_ON_EMAIL";
/// The setting of the path of a link that stops a change of the first address.
pub const EMAIL_CHANGE_CANCEL_PATH: &str = "EMAIL_CHANGE_CANCEL_PATH_ON_EMAIL";
/// The setting of the path of a link by which a former first address takes the account back.
pub const EMAIL_RESTORE_PATH: &str = "EMAIL_RESTORE_PATH_ON_EMAIL";
/// The setting of the path of a password reset link.
pub const PASSWORD_RESET_PATH: &str = "PASSWORD_RESET_PATH_ON_EMAIL";
/// The setting of the path of a link that sets the first password.
pub const PASSWORD_SET_PATH: &str = "PASSWORD_SET_PATH_ON_EMAIL";

impl Settings {
    /// The values that mails show.
    pub fn mails(&self) -> Result<MailSettings, ConfigError> {
        Ok(MailSettings {
            name: self.site_name()?,
            link_url: self.link_url()?.to_string(),
            link_paths: self.link_paths()?,
            has_pages: self.pages()?,
            email_from: mailbox("EMAIL_FROM", &self.text("EMAIL_FROM")?)?,
            email_reply_to: self
                .given("EMAIL_REPLY_TO")
                .map(|given| mailbox("EMAIL_REPLY_TO", &given))
                .transpose()?,
            configuration_set: self.given("CONFIGURATION_SET"),
            is_throttled: self.flag("THROTTLE")?,
        })
    }

    /// The paths of links in mails, and of the pages that they lead to.
    pub fn link_paths(&self) -> Result<LinkPaths, ConfigError> {
        Ok(LinkPaths {
            activation: self.path(ACTIVATION_PATH)?,
            secondary_email: self.path(SECONDARY_EMAIL_PATH)?,
            email_change: self.path(EMAIL_CHANGE_PATH)?,
            email_change_cancel: self.path(EMAIL_CHANGE_CANCEL_PATH)?,
            email_restore: self.path(EMAIL_RESTORE_PATH)?,
            password_reset: self.path(PASSWORD_RESET_PATH)?,
            password_set: self.path(PASSWORD_SET_PATH)?,
        })
    }

    /// The language of mails and pages if none of the user's languages is available.
    pub fn default_language(&self) -> Result<String, ConfigError> {
        Ok(self.text("DEFAULT_LANGUAGE")?.to_lowercase())
    }

    /// The folder of the deployer's own texts, if there is one.
    pub fn templates_folder(&self) -> Option<PathBuf> {
        self.given("MAIL_TEMPLATES").map(PathBuf::from)
    }

    /// The templates of mails, with those in the deployer's folder, if there is one.
    pub fn mail_templates(&self) -> Result<Templates, ConfigError> {
        let language = self.default_language()?;
        let templates = match self.templates_folder() {
            Some(folder) => Templates::with_folder(&language, &folder),
            None => Templates::new(&language),
        };
        templates.map_err(|error| match error {
            TemplateError::NoSuchLanguage(_) => {
                problem("DEFAULT_LANGUAGE", "must be a language that has templates")
            }
            TemplateError::File(..) | TemplateError::Template(_) | TemplateError::Incomplete(_) => {
                problem("MAIL_TEMPLATES", format!("cannot be used: {error}"))
            }
        })
    }

    fn path(&self, name: &'static str) -> Result<String, ConfigError> {
        let path = self.text(name)?.trim_matches('/').to_owned();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_.~-".contains(c);
        let is_odd = |part: &str| part.is_empty() || part.chars().all(|c| c == '.');
        if !path.chars().all(is_plain) || path.split('/').any(is_odd) {
            return Err(problem(name, "must be a path such as account/activate"));
        }
        Ok(path)
    }
}

fn mailbox(name: &'static str, text: &str) -> Result<Mailbox, ConfigError> {
    Mailbox::parse(text).map_err(|error| problem(name, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_or_a_sender_that_leads_nowhere_is_named() {
        let site = |name: &'static str, value: &'static str| {
            let settings = Settings::new(move |wanted| match wanted {
                wanted if wanted == name => Some(value.to_owned()),
                "BASE_URL" => Some("https://a.example".to_owned()),
                "EMAIL_FROM" => Some("a@b.example".to_owned()),
                _ => None,
            });
            settings
                .mails()
                .map(|site| site.link_paths.activation)
                .map_err(|error| error.to_string())
        };
        let path = "ACTIVATION_PATH_ON_EMAIL";
        assert_eq!(site(path, "/account/activate/").unwrap(), "account/activate");
        for odd in ["a?b", "a#b", "../x", "a//b", "{x}", "a b", "/"] {
            let error = site(path, odd).unwrap_err();
            assert_eq!(error, format!("{path} must be a path such as account/activate"), "{odd}");
        }
        for name in ["EMAIL_FROM", "EMAIL_REPLY_TO"] {
            for odd in ["none", "Eve <e@x.example>, b@x.example", "Eve <e@x.example", "<>"] {
                let error = site(name, odd).unwrap_err();
                let line = "must be an address such as accounts@example.com, \
                            or Example <accounts@example.com>";
                assert_eq!(error, format!("{name} {line}"), "{odd}");
            }
            assert!(site(name, "Eve <e@x.example>").is_ok());
        }
    }
}
