//! The policy of the site: the rules of accounts, log-ins and sign-ups.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{ConfigError, Settings, problem};
use crate::model::Requirement;
use crate::model::trusted_device::MOST_TRUSTED_DAYS;
use crate::model::username::ReservedNames;
use crate::policy::{Policy, UsersQuery};

impl Settings {
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

    /// Whether the site is reachable from other machines, but does not limit guesses of passwords.
    pub fn is_open_to_guesses(&self) -> bool {
        let host = self.base_url().map(|url| url.host().to_owned()).unwrap_or_default();
        let is_here = host.is_empty()
            || host == "localhost"
            || host.ends_with(".localhost")
            || host.starts_with("127.")
            || host == "[::1]";
        !is_here && self.flag("THROTTLE") == Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
