//! The settings: the only reader of the environment.

use std::fmt;

use crate::model::{Color, EventOptions};
use crate::store::Shards;

mod aws;
mod hasura;
mod keys;
mod log;
mod mail;
mod origins;
mod passkeys;
mod passwords;
mod policy;
mod table;
mod time;
mod url;

pub use keys::SecretArn;
pub use log::LogIp;
pub use mail::{
    ACTIVATION_PATH, EMAIL_CHANGE_CANCEL_PATH, EMAIL_CHANGE_PATH, EMAIL_RESTORE_PATH,
    PASSWORD_RESET_PATH, PASSWORD_SET_PATH, SECONDARY_EMAIL_PATH,
};
pub use table::{SETTINGS, Setting};
pub use url::{ReturnUrl, UrlError, WebUrl};

/// A setting that is missing or malformed. One line, with the setting's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct ConfigError {
    name: &'static str,
    problem: String,
}

impl ConfigError {
    /// The problem of the setting of that name, as the rest of a sentence.
    pub fn new(name: &'static str, problem: impl Into<String>) -> Self {
        Self { name, problem: problem.into() }
    }

    /// The setting.
    pub fn setting(&self) -> &'static str {
        self.name
    }
}

/// How browsers get their tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokensInCookies {
    /// In answers only. No cookie is read or set.
    Off,
    /// In answers and in cookies.
    Also,
    /// In cookies only, so that no script can read them.
    Only,
}

/// The settings, looked up by name. Each function reads only the settings that it needs.
pub struct Settings {
    lookup: Box<dyn Fn(&'static str) -> Option<String> + Send + Sync>,
}

impl Settings {
    /// The settings of the environment. An empty variable counts as not set.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn from_environment() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    /// The settings that `lookup` returns.
    pub fn new(lookup: impl Fn(&'static str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { lookup: Box::new(lookup) }
    }

    /// These settings, with `defaults` for those that are not set.
    #[must_use]
    pub fn or(
        self,
        defaults: impl Fn(&'static str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self::new(move |name| {
            let given = self.given(name).or_else(|| defaults(name));
            given.or_else(|| (self.lookup)(name))
        })
    }

    /// The value of a setting, if it is set: trimmed, never empty.
    pub fn given(&self, name: &'static str) -> Option<String> {
        let given = (self.lookup)(name)?;
        let given = given.trim();
        (!given.is_empty()).then(|| given.to_owned())
    }

    /// Whether a setting is set to an empty text: a variable whose value did not arrive.
    fn is_empty(&self, name: &'static str) -> bool {
        (self.lookup)(name).is_some() && self.given(name).is_none()
    }

    /// Whether metrics are written into the log.
    pub fn metrics(&self) -> Result<bool, ConfigError> {
        self.flag("METRICS")
    }

    /// The namespace of the metrics in `CloudWatch`: each table has its own, so that stacks do not share metrics.
    pub fn metrics_namespace(&self) -> Result<String, ConfigError> {
        Ok(format!("Latchkey/{}", self.text("TABLE_NAME")?))
    }

    /// How long the audit trail keeps an event.
    pub fn audit_lifetime(&self) -> Result<jiff::SignedDuration, ConfigError> {
        self.seconds("AUDIT_LIFETIME")
    }

    /// Which events of accounts there are, and what they contain.
    pub fn events(&self) -> Result<EventOptions, ConfigError> {
        Ok(EventOptions {
            personal_data: self.flag("EVENTS_PERSONAL_DATA")?,
            log_ins: self.flag("EVENTS_LOG_INS")?,
        })
    }

    /// How long the ends of sessions are listed: for the lifetime of an access token, or not at all.
    pub fn revocations(&self) -> Result<Option<jiff::SignedDuration>, ConfigError> {
        let lifetime = self.seconds("ACCESS_TOKEN_LIFETIME")?;
        Ok(self.flag("REVOCATIONS")?.then_some(lifetime))
    }

    /// How long a command lists the ends of sessions that it causes. A command does not know the settings of the
    /// functions. So it lists each end for as long as any access token can live, unless the operator switches that off:
    /// an extra entry does no harm, and a missing one leaves a token valid.
    pub fn revocations_of_command(&self) -> Result<Option<jiff::SignedDuration>, ConfigError> {
        let is_on = self.given("REVOCATIONS").is_none() || self.flag("REVOCATIONS")?;
        Ok(is_on.then_some(jiff::SignedDuration::from_secs(table::DAY.into())))
    }

    /// How browsers get their tokens.
    pub fn tokens_in_cookies(&self) -> Result<TokensInCookies, ConfigError> {
        const NAME: &str = "TOKENS_IN_COOKIES";
        if self.text(NAME)?.eq_ignore_ascii_case("only") {
            return Ok(TokensInCookies::Only);
        }
        match self.flag(NAME) {
            Ok(true) => Ok(TokensInCookies::Also),
            Ok(false) => Ok(TokensInCookies::Off),
            Err(_) => Err(problem(NAME, "must be true, false or only")),
        }
    }

    /// How many parts the indexes of the table have.
    pub fn index_shards(&self) -> Result<Shards, ConfigError> {
        const NAME: &str = "INDEX_SHARDS";
        let shards = self.text(NAME)?.parse().ok().and_then(Shards::new);
        shards.ok_or_else(|| problem(NAME, "must be 8, 16, 32 or 64"))
    }

    /// Number of proxies in front of the API that add the address of the client to `X-Forwarded-For`.
    pub fn trusted_proxies(&self) -> Result<usize, ConfigError> {
        const NAME: &str = "TRUSTED_PROXIES";
        let proxies = self.text(NAME)?.parse().ok().filter(|proxies| *proxies <= 8);
        proxies.ok_or_else(|| problem(NAME, "must be a number from 0 to 8"))
    }

    /// The prefix of the names of the cookies; may be empty.
    pub fn cookie_prefix(&self) -> Result<String, ConfigError> {
        const NAME: &str = "COOKIE_PREFIX";
        let prefix = self.given(NAME).unwrap_or_default();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if prefix.len() <= 64 && prefix.chars().all(is_plain) {
            Ok(prefix)
        } else {
            let kind = "must be at most 64 letters, digits, hyphens, dots and underscores";
            Err(problem(NAME, kind))
        }
    }

    /// Whether introspection of the GraphQL schema is on.
    pub fn introspection(&self) -> Result<bool, ConfigError> {
        self.flag("INTROSPECTION")
    }

    /// The site's address. Also the issuer of tokens.
    pub fn base_url(&self) -> Result<WebUrl, ConfigError> {
        read_url("BASE_URL", &self.text("BASE_URL")?)
    }

    /// The address of the application that the accounts are for.
    pub fn app_url(&self) -> Result<Option<WebUrl>, ConfigError> {
        self.given("APP_URL").map(|url| read_url("APP_URL", &url)).transpose()
    }

    /// Whether a sign-up mails an activation link.
    pub fn send_activation_email(&self) -> Result<bool, ConfigError> {
        self.flag("SEND_ACTIVATION_EMAIL")
    }

    /// The name of the site, for users.
    pub fn site_name(&self) -> Result<String, ConfigError> {
        let name = self.text("SITE_NAME")?;
        if name.chars().any(char::is_control) {
            return Err(problem("SITE_NAME", "must be one line"));
        }
        Ok(name)
    }

    /// Whether there are account pages.
    pub fn pages(&self) -> Result<bool, ConfigError> {
        self.flag("PAGES")
    }

    /// The colour of buttons and links on the account pages.
    pub fn page_color(&self) -> Result<Color, ConfigError> {
        let color = Color::parse(&self.text("PAGE_COLOR")?);
        color.ok_or_else(|| problem("PAGE_COLOR", "must be a colour such as #1d4ed8"))
    }

    fn text(&self, name: &'static str) -> Result<String, ConfigError> {
        self.given(name)
            .or_else(|| default(name).map(str::to_owned))
            .ok_or_else(|| problem(name, "must be set"))
    }

    fn flag(&self, name: &'static str) -> Result<bool, ConfigError> {
        match self.text(name)?.to_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(problem(name, "must be on or off (or true or false)")),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Settings")
    }
}

fn default(name: &str) -> Option<&'static str> {
    SETTINGS.iter().find(|setting| setting.name == name)?.default
}

fn read_url(name: &'static str, url: &str) -> Result<WebUrl, ConfigError> {
    WebUrl::parse(url).map_err(|error| problem(name, error.to_string()))
}

fn problem(name: &'static str, problem: impl Into<String>) -> ConfigError {
    ConfigError::new(name, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn with(name: &'static str, value: &'static str) -> Settings {
        Settings::new(move |wanted| (wanted == name).then(|| value.to_owned()))
    }

    #[test]
    fn a_setting_that_must_be_given_is_named() {
        let error = with("TABLE_NAME", "t").secret().unwrap_err();
        assert_eq!(error.to_string(), "AUTH_SECRET must be set");
    }

    #[test]
    fn a_setting_that_makes_no_sense_is_named_and_not_shown() {
        let problem = |name, value| with(name, value).policy().unwrap_err().to_string();
        assert_eq!(
            problem("TOKENS_ON_REGISTER", "maybe"),
            "TOKENS_ON_REGISTER must be on or off (or true or false)"
        );
        let error = with("AUTH_SECRET", "hunter2").secret().unwrap_err().to_string();
        assert_eq!(error, "AUTH_SECRET must have 32 bytes or more in each of its secrets");
    }

    #[test]
    fn the_readme_lists_every_setting() {
        let rows: Vec<_> = SETTINGS
            .iter()
            .map(|Setting { name, default, about, seconds }| {
                let default = match default {
                    None => "must be set".to_owned(),
                    Some("") => "none".to_owned(),
                    Some(default) => format!("`{default}`"),
                };
                let range =
                    seconds.as_ref().map(|it| format!(" From {} to {}.", it.start(), it.end()));
                format!("| `{name}` | {default} | {about}{} |\n", range.unwrap_or_default())
            })
            .collect();
        let table = format!("| variable | default | |\n|---|---|---|\n{}", rows.concat());
        let readme = include_str!("../../../README.md");
        assert!(readme.contains(&table), "the README's table of settings must be:\n{table}");
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        assert_eq!(with("SITE_NAME", " ").site_name().unwrap(), "Latchkey");
    }
}
