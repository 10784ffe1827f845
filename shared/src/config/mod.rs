//! The settings: the only reader of the environment.

use std::fmt;
use std::net::IpAddr;

use aws_credential_types::Credentials;
use ipnet::IpNet;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};

use crate::crypto::{Issuer, Proofs, Secret, SecretError, Signing, Tokens};
use crate::model::trusted_device::MOST_TRUSTED_DAYS;
use crate::model::username::ReservedNames;
use crate::model::{Color, EventOptions, Requirement};
use crate::policy::{Policy, UsersQuery};
use crate::store::Shards;

mod hasura;
mod log;
mod mail;
mod origins;
mod passkeys;
mod passwords;
mod table;
mod time;
mod url;

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

/// A secret of Secrets Manager that is read in place of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretArn {
    setting: &'static str,
    /// The setting that names it.
    pub named_by: &'static str,
    /// Its ARN.
    pub arn: String,
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

    /// The secret that all keys are derived from.
    pub fn secret(&self) -> Result<Secret, ConfigError> {
        Secret::parse(&self.text("AUTH_SECRET")?)
            .map_err(|error: SecretError| problem("AUTH_SECRET", error.to_string()))
    }

    /// The secret of Secrets Manager that is to be read, because no `AUTH_SECRET` was given.
    pub fn auth_secret_arn(&self) -> Option<SecretArn> {
        self.arn_of("AUTH_SECRET", "AUTH_SECRET_ARN")
    }

    /// The secret of Secrets Manager that is to be read, because tokens are signed by `RS256`, and no
    /// `JWT_PRIVATE_KEY` was given.
    pub fn private_key_arn(&self) -> Option<SecretArn> {
        let is_used = self.given("JWT_ALGORITHM").is_some_and(|algorithm| algorithm == "RS256");
        self.arn_of("JWT_PRIVATE_KEY", "JWT_PRIVATE_KEY_ARN").filter(|_| is_used)
    }

    fn arn_of(&self, setting: &'static str, named_by: &'static str) -> Option<SecretArn> {
        let is_given = self.given(setting).is_some();
        let arn = self.given(named_by).filter(|_| !is_given)?;
        Some(SecretArn { setting, named_by, arn })
    }

    /// These settings, with a secret that was read for one of them.
    #[must_use]
    pub fn with_secret(self, read: Option<(SecretArn, SecretString)>) -> Self {
        let Some((SecretArn { setting, .. }, secret)) = read else { return self };
        self.or(move |name| (name == setting).then(|| secret.expose_secret().to_owned()))
    }

    /// The DynamoDB table.
    pub fn table(&self) -> Result<String, ConfigError> {
        self.text("TABLE_NAME")
    }

    /// The bucket of profile pictures; without one, there are no pictures.
    pub fn pictures_bucket(&self) -> Result<Option<String>, ConfigError> {
        let fits = |name: &String| {
            let of_a_name =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
            (3..=63).contains(&name.len()) && name.chars().all(of_a_name)
        };
        match self.given("PICTURES_BUCKET") {
            Some(name) if !fits(&name) => {
                Err(problem("PICTURES_BUCKET", "must be the name of an S3 bucket"))
            }
            given => Ok(given),
        }
    }

    /// The issuer and the audience of tokens.
    pub fn issuer(&self) -> Result<Issuer, ConfigError> {
        Ok(Issuer { name: self.base_url()?.to_string(), audience: self.text("JWT_AUDIENCE")? })
    }

    /// The maker of the tokens of sessions.
    pub fn tokens(&self) -> Result<Tokens, ConfigError> {
        let tokens = Tokens::new(&self.secret()?, &self.signing()?, self.issuer()?);
        tokens.map_err(|error| problem("JWT_PRIVATE_KEY", error.to_string()))
    }

    /// The maker of link tokens and one-time codes.
    pub fn proofs(&self) -> Result<Proofs, ConfigError> {
        Ok(Proofs::new(&self.secret()?, self.issuer()?))
    }

    fn signing(&self) -> Result<Signing, ConfigError> {
        match self.text("JWT_ALGORITHM")?.as_str() {
            "EdDSA" => Ok(Signing::EdDsa),
            "ES256" => Ok(Signing::Es256),
            "HS256" => Ok(Signing::Hs256),
            "RS256" => {
                let pem = self.given("JWT_PRIVATE_KEY").unwrap_or_default();
                Ok(Signing::Rs256(pem.into()))
            }
            _ => Err(problem("JWT_ALGORITHM", "must be EdDSA, ES256, RS256 or HS256")),
        }
    }

    /// Whether metrics are written into the log.
    pub fn metrics(&self) -> Result<bool, ConfigError> {
        self.flag("METRICS")
    }

    /// The namespace of the metrics in `CloudWatch`: each table has its own, so that stacks do not share metrics.
    pub fn metrics_namespace(&self) -> Result<String, ConfigError> {
        Ok(format!("Latchkey/{}", self.text("TABLE_NAME")?))
    }

    /// Where AWS is, when it is not AWS.
    pub fn aws_endpoint(&self) -> Option<String> {
        self.given("AWS_ENDPOINT_URL")
    }

    /// The root certificates for AWS, in PEM, if the deployer chose other ones.
    pub fn aws_ca_bundle(&self) -> Result<Option<Vec<u8>>, ConfigError> {
        let Some(file) = self.given("AWS_CA_BUNDLE") else { return Ok(None) };
        let bad = |why: String| problem("AWS_CA_BUNDLE", why);
        let pem = std::fs::read(file).map_err(|error| bad(format!("cannot be read: {error}")))?;
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(&pem) {
            let root = root.map_err(|error| bad(format!("is not PEM: {error}")))?;
            roots.add(root).map_err(|error| bad(format!("has what is no root: {error}")))?;
        }
        if roots.is_empty() { Err(bad("has no certificate".to_owned())) } else { Ok(Some(pem)) }
    }

    /// The region that Lambda runs in.
    pub fn aws_region(&self) -> Result<String, ConfigError> {
        self.text("AWS_REGION")
    }

    /// The credentials that Lambda gives to a function. They stay the same as long as its process lives.
    pub fn aws_credentials(&self) -> Result<Credentials, ConfigError> {
        let (id, secret) = (self.text("AWS_ACCESS_KEY_ID")?, self.text("AWS_SECRET_ACCESS_KEY")?);
        Ok(Credentials::new(id, secret, self.given("AWS_SESSION_TOKEN"), None, "Environment"))
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
    /// an entry too many does no harm, and a missing one leaves a token valid.
    pub fn revocations_of_command(&self) -> Result<Option<jiff::SignedDuration>, ConfigError> {
        let is_on = self.given("REVOCATIONS").is_none() || self.flag("REVOCATIONS")?;
        Ok(is_on.then_some(jiff::SignedDuration::from_secs(table::DAY.into())))
    }

    /// The event bus that gets the events of accounts: its name or its ARN.
    pub fn event_bus(&self) -> Result<String, ConfigError> {
        self.given("EVENT_BUS").ok_or_else(|| problem("EVENT_BUS", "must be set"))
    }

    /// The policy of the site.
    pub fn policy(&self) -> Result<Policy, ConfigError> {
        let (idle, absolute) = self.refresh_token_lifetimes()?;
        Ok(Policy {
            site_name: self.site_name()?,
            relying_party: self.relying_party()?,
            access_token_lifetime: self.seconds("ACCESS_TOKEN_LIFETIME")?,
            refresh_token_lifetime: idle,
            refresh_token_absolute_lifetime: absolute,
            refresh_grace: self.seconds("REFRESH_GRACE")?,
            unverified_account_lifetime: self.unverified_account_lifetime()?,
            activation_token_lifetime: self.seconds("EXPIRATION_ACTIVATION_TOKEN")?,
            password_reset_token_lifetime: self.seconds("EXPIRATION_PASSWORD_RESET_TOKEN")?,
            password_set_token_lifetime: self.seconds("EXPIRATION_PASSWORD_SET_TOKEN")?,
            secondary_email_token_lifetime: self
                .seconds("EXPIRATION_SECONDARY_EMAIL_ACTIVATION_TOKEN")?,
            email_change_token_lifetime: self.seconds("EXPIRATION_EMAIL_CHANGE_TOKEN")?,
            allow_login_with_secondary_email: self.flag("ALLOW_LOGIN_WITH_SECONDARY_EMAIL")?,
            allow_login_not_verified: self.flag("ALLOW_LOGIN_NOT_VERIFIED")?,
            allow_passwordless_registration: self.allow_passwordless_registration()?,
            sign_up_by_mail: self.flag("SIGN_UP_BY_MAIL")?,
            allow_delete_account: self.flag("ALLOW_DELETE_ACCOUNT")?,
            tokens_on_register: self.flag("TOKENS_ON_REGISTER")?,
            conceal_accounts: self.conceal_accounts()?,
            send_activation_email: self.send_activation_email()?,
            limits_guesses: self.flag("THROTTLE")?,
            mails_new_devices: self.flag("NEW_DEVICE_MAILS")?,
            takes_work: self.flag("PROOF_OF_WORK")?,
            new_address_mails_per_hour: self.new_address_mails_per_hour()?,
            reserved_usernames: ReservedNames::parse(&self.text("RESERVED_USERNAMES")?),
            trusted_device_lifetime: self.trusted_device_lifetime()?,
            claims_legacy_ids: self.flag("LEGACY_ID_CLAIM")?,
            users_query: self.users_query()?,
            staff_networks: self.staff_networks()?,
            second_factor: self.second_factor()?,
            passwords: self.password_rules()?,
            breached_passwords: self.breached_passwords()?,
        })
    }

    /// A log-in without a proven address, or a list of all accounts, would reveal at once which addresses
    /// have accounts.
    fn conceal_accounts(&self) -> Result<bool, ConfigError> {
        let conceal = self.flag("CONCEAL_ACCOUNTS")?;
        if conceal && self.flag("ALLOW_LOGIN_NOT_VERIFIED")? {
            return Err(problem("CONCEAL_ACCOUNTS", "needs ALLOW_LOGIN_NOT_VERIFIED=false"));
        }
        if conceal && self.users_query()? != UsersQuery::Staff {
            return Err(problem("CONCEAL_ACCOUNTS", "needs USERS_QUERY=staff"));
        }
        Ok(conceal)
    }

    /// Whether new accounts start without a password.
    pub fn allow_passwordless_registration(&self) -> Result<bool, ConfigError> {
        self.flag("ALLOW_PASSWORDLESS_REGISTRATION")
    }

    fn users_query(&self) -> Result<UsersQuery, ConfigError> {
        match self.text("USERS_QUERY")?.to_lowercase().as_str() {
            "staff" => Ok(UsersQuery::Staff),
            "authenticated" => Ok(UsersQuery::Authenticated),
            "public" => Ok(UsersQuery::Public),
            _ => Err(problem("USERS_QUERY", "must be staff, authenticated or public")),
        }
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

    /// How many proxies in front of the API say where a request comes from.
    pub fn trusted_proxies(&self) -> Result<usize, ConfigError> {
        const NAME: &str = "TRUSTED_PROXIES";
        let proxies = self.text(NAME)?.parse().ok().filter(|proxies| *proxies <= 8);
        proxies.ok_or_else(|| problem(NAME, "must be a number from 0 to 8"))
    }

    /// A typing error must not open the role of staff to all networks, or close it to all.
    fn staff_networks(&self) -> Result<Vec<IpNet>, ConfigError> {
        const NAME: &str = "STAFF_NETWORKS";
        let given = self.text(NAME)?;
        let given = given.split(',').map(str::trim).filter(|network| !network.is_empty());
        let networks = given.map(|network| {
            let one = || network.parse::<IpAddr>().map(IpNet::from);
            network.parse::<IpNet>().or_else(|_| one()).map_err(|_| {
                let form = "networks such as 192.0.2.0/24 or 2001:db8::/32, separated by commas";
                problem(NAME, format!("must be {form}: not {network}"))
            })
        });
        networks.collect()
    }

    /// A typing error must not let users in without a second factor.
    fn second_factor(&self) -> Result<Requirement, ConfigError> {
        const NAME: &str = "MFA_REQUIRED";
        let Some(given) = self.given(NAME) else { return Ok(Requirement::DEFAULT) };
        let form = "must be off, staff or all, or with a day such as all from 2027-01-01";
        Requirement::parse(&given).ok_or_else(|| problem(NAME, form))
    }

    fn trusted_device_lifetime(&self) -> Result<jiff::SignedDuration, ConfigError> {
        const NAME: &str = "TRUSTED_DEVICE_DAYS";
        let days: Option<i64> = self.text(NAME)?.parse().ok();
        let days = days.filter(|days| (0..=MOST_TRUSTED_DAYS).contains(days));
        let days = days.ok_or_else(|| problem(NAME, "must be a number from 0 to 90"))?;
        Ok(jiff::SignedDuration::from_hours(24 * days))
    }

    fn new_address_mails_per_hour(&self) -> Result<u32, ConfigError> {
        const NAME: &str = "NEW_ADDRESS_MAILS_PER_HOUR";
        let most = self.text(NAME)?.parse().ok().filter(|most| *most <= 1_000_000);
        most.ok_or_else(|| problem(NAME, "must be a number from 0 to 1000000"))
    }

    /// Whether passwords can be guessed without limits on a site that others than this machine can reach.
    pub fn is_open_to_guesses(&self) -> bool {
        let host = self.base_url().map(|url| url.host().to_owned()).unwrap_or_default();
        let is_here = host.is_empty()
            || host == "localhost"
            || host.ends_with(".localhost")
            || host.starts_with("127.")
            || host == "[::1]";
        !is_here && self.flag("THROTTLE") == Ok(false)
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

    /// Where the application is that the accounts are for.
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

    fn with(name: &'static str, value: &'static str) -> Settings {
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
        assert_eq!(error, "AUTH_SECRET must have 32 bytes or more, each of several too");
    }

    #[test]
    fn roots_that_are_none_are_told_with_their_reason() {
        let told = |content: &[u8]| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), content).unwrap();
            let path = file.path().display().to_string();
            let settings = Settings::new(move |_| Some(path.clone()));
            settings.aws_ca_bundle().map(|roots| roots.map(|pem| pem.len()))
        };
        let error = |content: &[u8]| told(content).unwrap_err().to_string();
        let pem = |body: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        };
        assert_eq!(error(b""), "AWS_CA_BUNDLE has no certificate");
        assert_eq!(error(b"\xff\xfe"), "AWS_CA_BUNDLE has no certificate");
        assert!(error(pem("!").as_bytes()).starts_with("AWS_CA_BUNDLE is not PEM: "));
        assert!(error(pem("aGk=").as_bytes()).starts_with("AWS_CA_BUNDLE has what is no root: "));
        let missing = with("AWS_CA_BUNDLE", "/nowhere").aws_ca_bundle().unwrap_err().to_string();
        assert!(missing.starts_with("AWS_CA_BUNDLE cannot be read: "), "{missing}");
        let amazon = include_bytes!("../roots.pem");
        assert_eq!(told(amazon), Ok(Some(amazon.len())));
        assert_eq!(with("AWS_REGION", "x").aws_ca_bundle(), Ok(None));
    }

    #[test]
    fn only_a_site_of_this_machine_may_leave_out_the_limits_in_silence() {
        let is_open = |url: &'static str, throttle: &'static str| {
            let settings = Settings::new(move |name| match name {
                "BASE_URL" => Some(url.to_owned()),
                "THROTTLE" => Some(throttle.to_owned()),
                _ => None,
            });
            settings.is_open_to_guesses()
        };
        assert!(is_open("https://accounts.example", "off"));
        assert!(!is_open("https://accounts.example", "on"));
        for here in ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:3000"] {
            assert!(!is_open(here, "off"), "{here}");
        }
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
