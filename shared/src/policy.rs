//! The policy of the site.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::SignedDuration;

use crate::breached::BreachedPasswords;
use crate::mail::Mailbox;
use crate::model::Purpose;
use crate::model::User;
use crate::model::former::REMEMBERED;
use crate::model::log_in::LOG_IN_LIFETIME;
use crate::model::password::PasswordRules;
use crate::model::requirement::Requirement;
use crate::model::username::ReservedNames;
use crate::webauthn::RelyingParty;

/// The rules that a deployer sets; every field is one of the [settings](crate::config::SETTINGS).
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting with a name of its own")]
pub struct Policy {
    /// The name of the site, for users: authenticator apps show it.
    pub site_name: String,
    /// The site as authenticators know it. `None` where browsers have no passkeys: at an address that is no domain, or
    /// without TLS.
    pub relying_party: Option<RelyingParty>,
    /// The lifetime of an access token.
    pub access_token_lifetime: SignedDuration,
    /// The lifetime of a refresh token, and with it the idle lifetime of a session.
    pub refresh_token_lifetime: SignedDuration,
    /// When a session ends however often it is refreshed.
    pub refresh_token_absolute_lifetime: SignedDuration,
    /// How long a used refresh token still returns the same new tokens: two tabs may send it, or an answer may be lost.
    pub refresh_grace: SignedDuration,
    /// The lifetime of an account whose address is not proven, and of a pending sign-up.
    pub unverified_account_lifetime: SignedDuration,
    /// The lifetime of an activation link.
    pub activation_token_lifetime: SignedDuration,
    /// The lifetime of a password reset link.
    pub password_reset_token_lifetime: SignedDuration,
    /// The lifetime of a link that sets the first password.
    pub password_set_token_lifetime: SignedDuration,
    /// The lifetime of a link that proves a second address.
    pub secondary_email_token_lifetime: SignedDuration,
    /// The lifetime of a link that proves a new first address.
    pub email_change_token_lifetime: SignedDuration,
    /// Whether a user can log in with the second address, too.
    pub allow_login_with_secondary_email: bool,
    /// Whether an account can be used before its address is proven.
    pub allow_login_not_verified: bool,
    /// Whether a user may sign up without a password, and set it by a mailed link.
    pub allow_passwordless_registration: bool,
    /// Whether a log-in by mail with an address without an account signs up.
    pub sign_up_by_mail: bool,
    /// Whether an account that its owner deletes is deleted for good.
    pub allow_delete_account: bool,
    /// Whether a registration returns tokens.
    pub tokens_on_register: bool,
    /// Whether the site conceals which addresses have accounts: sign-ups and requests for mail do not reveal it.
    pub conceal_accounts: bool,
    /// Whether registration mails an activation link.
    pub send_activation_email: bool,
    /// The usernames that new users cannot have.
    pub reserved_usernames: ReservedNames,
    /// Whether passwords can be guessed only as often as [`LIMITS`](crate::model::guessing::LIMITS) allow.
    pub limits_guesses: bool,
    /// Whether an attempt with a proof of work goes on during the locks that take it.
    pub takes_work: bool,
    /// The most mails to new addresses that the whole site sends in an hour; 0: without a limit.
    pub new_address_mails_per_hour: u32,
    /// Whether a log-in on an unknown device is mailed to the user.
    pub mails_new_devices: bool,
    /// How long a user may trust a device; zero: not at all.
    pub trusted_device_lifetime: SignedDuration,
    /// Whether tokens claim the legacy id of an imported user, also as the user id of Hasura.
    pub claims_legacy_ids: bool,
    /// The callers who may see the accounts of others.
    pub users_query: UsersQuery,
    /// The networks from which staff may use their role; empty: from everywhere.
    pub staff_networks: Vec<IpNet>,
    /// Who must have a second factor.
    pub second_factor: Requirement,
    /// What new passwords must be like.
    pub passwords: PasswordRules,
    /// The passwords that are known from breaches, if the site has a list.
    pub breached_passwords: Option<BreachedPasswords>,
}

impl Policy {
    /// The lifetime of a link of that purpose.
    pub fn link_lifetime(&self, purpose: Purpose) -> SignedDuration {
        match purpose {
            Purpose::Activation => self.activation_token_lifetime,
            Purpose::PasswordReset => self.password_reset_token_lifetime,
            Purpose::PasswordSet => self.password_set_token_lifetime,
            Purpose::SecondaryEmail => self.secondary_email_token_lifetime,
            // As long as the change that it stops can be made.
            Purpose::EmailChange | Purpose::EmailChangeCancel => self.email_change_token_lifetime,
            Purpose::EmailRestore => REMEMBERED,
            Purpose::LogIn => LOG_IN_LIFETIME,
        }
    }

    /// Whether staff may use their role from that address. An address that is not known is in no network.
    pub fn is_staff_network(&self, ip: Option<&str>) -> bool {
        if self.staff_networks.is_empty() {
            return true;
        }
        let ip = ip.and_then(|ip| ip.parse::<IpAddr>().ok());
        // An IPv4 client of a socket for IPv6.
        let ip = ip.map(|ip| ip.to_canonical());
        ip.is_some_and(|ip| self.staff_networks.iter().any(|network| network.contains(&ip)))
    }

    /// Whether the account may be used: its address is proven, or the site does not ask for that.
    pub fn may_log_in(&self, user: &User) -> bool {
        user.is_verified || self.allow_login_not_verified
    }
}

/// The callers who may see the accounts of others. Other callers see their own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsersQuery {
    /// Staff.
    Staff,
    /// Every logged-in user.
    Authenticated,
    /// Every caller, as in django-graphql-auth.
    Public,
}

/// The settings of mails: the site that they name, and their links and sender.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// The name of the site, for users.
    pub name: String,
    /// Where links point, without a slash at the end.
    pub link_url: String,
    /// The path of each link.
    pub link_paths: LinkPaths,
    /// Whether there are account pages there.
    pub has_pages: bool,
    /// The sender of mails.
    pub email_from: Mailbox,
    /// Where answers to mails go, if not to the sender.
    pub email_reply_to: Option<Mailbox>,
    /// The configuration set of SES that mails are sent with.
    pub configuration_set: Option<String>,
    /// Whether mails are rate limited, as [`Limits`](crate::model::Limits) say.
    pub is_throttled: bool,
}

/// The path of a link that logs in. It is no setting: the environment of a function in Lambda has little room.
pub const LOG_IN_PATH: &str = "login/mail";

/// The paths of links in mails, without slashes around them: a link ends with a slash and its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkPaths {
    /// Of a link that activates an account.
    pub activation: String,
    /// Of a link that proves a second address.
    pub secondary_email: String,
    /// Of a link that proves a new first address.
    pub email_change: String,
    /// Of a link that stops a change of the first address.
    pub email_change_cancel: String,
    /// Of a link by which a former first address takes the account back.
    pub email_restore: String,
    /// Of a link that resets the password. The page that mails one is there, too.
    pub password_reset: String,
    /// Of a link that sets the first password.
    pub password_set: String,
}

impl LinkPaths {
    /// The path of a link for that.
    pub fn of(&self, purpose: Purpose) -> &str {
        match purpose {
            Purpose::Activation => &self.activation,
            Purpose::SecondaryEmail => &self.secondary_email,
            Purpose::EmailChange => &self.email_change,
            Purpose::EmailChangeCancel => &self.email_change_cancel,
            Purpose::EmailRestore => &self.email_restore,
            Purpose::PasswordReset => &self.password_reset,
            Purpose::PasswordSet => &self.password_set,
            Purpose::LogIn => LOG_IN_PATH,
        }
    }
}
