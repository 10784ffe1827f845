//! Every setting, with its default and its purpose.

use std::ops::RangeInclusive;

/// One setting: a row of the README's table.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// The default; `None` if the setting is required.
    pub default: Option<&'static str>,
    /// The purpose of the setting.
    pub about: &'static str,
    /// For a number of seconds: from where to where it may be.
    pub seconds: Option<RangeInclusive<u32>>,
}

const fn setting(
    name: &'static str,
    default: Option<&'static str>,
    about: &'static str,
) -> Setting {
    Setting { name, default, about, seconds: None }
}

const fn seconds(
    name: &'static str,
    default: &'static str,
    range: RangeInclusive<u32>,
    about: &'static str,
) -> Setting {
    Setting { name, default: Some(default), about, seconds: Some(range) }
}

/// The most that an access token may last: services that verify it by themselves do not learn of a log-out before it
/// expires.
pub(super) const DAY: u32 = 86_400;
/// The most that a mailed link may last.
const MONTH: u32 = 30 * DAY;
/// The most that a session may last.
const YEAR: u32 = 365 * DAY;

/// Every setting of the functions, in the order in which the README lists them.
pub const SETTINGS: &[Setting] = &[
    setting(
        "AUTH_SECRET",
        None,
        "Latchkey derives all keys from this secret: 32 bytes or more. Several secrets are separated by commas. The first one signs.",
    ),
    setting(
        "AUTH_SECRET_ARN",
        Some(""),
        "Instead of `AUTH_SECRET`: the ARN of the secret in Secrets Manager. Each cold start reads it.",
    ),
    setting(
        "BASE_URL",
        None,
        "URL of this site. It is the issuer of tokens and the base of the key set and the account pages.",
    ),
    setting("LINK_URL", Some(""), "Base URL of links in mails, if it is not `BASE_URL`."),
    setting("APP_URL", Some(""), "URL of your application. The account pages link back to it."),
    setting(
        "CORS_ORIGINS",
        Some(""),
        "Further origins whose pages may call the API from a browser, separated by commas.",
    ),
    setting(
        "RP_ID",
        Some(""),
        "Domain that passkeys belong to, if it is not the host of `BASE_URL`: a domain above it, such as `example.com`. If you change the domain later, no existing passkey works.",
    ),
    setting("SITE_NAME", Some("Latchkey"), "Name of the site in mails and on pages."),
    setting(
        "PAGES",
        Some("on"),
        "`off` removes the account pages, for a front end that has its own.",
    ),
    setting(
        "PAGE_COLOR",
        Some("#1d4ed8"),
        "Colour of buttons and links on the account pages, as `#rgb` or `#rrggbb`.",
    ),
    setting(
        "EMAIL_FROM",
        None,
        "Sender of mails: `accounts@example.com` or `Example <accounts@example.com>`. The template's `EmailFrom` must be a bare address.",
    ),
    setting("EMAIL_REPLY_TO", Some(""), "Address for replies to mails, if it is not the sender."),
    setting(
        "CONFIGURATION_SET",
        Some(""),
        "SES configuration set for mails. It publishes bounces and complaints.",
    ),
    setting(
        "DEFAULT_LANGUAGE",
        Some("en"),
        "Language of mails and account pages if none of the user's languages is available.",
    ),
    setting(
        "MAIL_TEMPLATES",
        Some(""),
        "Folder with templates of mails and account pages. A file replaces the built-in file of the same name.",
    ),
    setting("TABLE_NAME", Some("latchkey"), "The DynamoDB table."),
    setting(
        "INDEX_SHARDS",
        Some("8"),
        "Number of parts of the indexes of the table: 8, 16, 32 or 64. Raise it [before a part is full](docs/scale.md#settings-for-each-size); no migration is necessary. Never lower it: lists would miss users.",
    ),
    setting(
        "PICTURES_BUCKET",
        Some(""),
        "S3 bucket of profile pictures. Without it, users cannot have pictures. `cargo run` has one.",
    ),
    setting("JWT_AUDIENCE", Some("latchkey"), "The claim `aud` of tokens."),
    setting(
        "JWT_ALGORITHM",
        Some("EdDSA"),
        "Signature algorithm of access tokens: `EdDSA`, `ES256`, `RS256` or `HS256`.",
    ),
    setting(
        "JWT_PRIVATE_KEY",
        Some(""),
        "For `RS256`: private keys in PEM. The first one signs. The other algorithms derive their keys from the secret.",
    ),
    setting(
        "JWT_PRIVATE_KEY_ARN",
        Some(""),
        "Instead of `JWT_PRIVATE_KEY`: the ARN of a secret in Secrets Manager that holds the keys. Each cold start reads it.",
    ),
    seconds("ACCESS_TOKEN_LIFETIME", "900", 1..=DAY, "Lifetime of an access token, in seconds."),
    setting(
        "REVOCATIONS",
        Some("off"),
        "`on`: `/.well-known/revocations` lists the sessions that have ended, for services that verify tokens by themselves ([tokens.md](docs/tokens.md#revocation-feed)). The write that ends sessions also adds one item to the table.",
    ),
    seconds(
        "REFRESH_TOKEN_LIFETIME",
        "604800",
        60..=YEAR,
        "Idle lifetime of a session, in seconds: a session without a refresh ends after this time.",
    ),
    seconds(
        "REFRESH_TOKEN_ABSOLUTE_LIFETIME",
        "2592000",
        60..=YEAR,
        "Maximum lifetime of a session, in seconds, even with refreshes. Not less than `REFRESH_TOKEN_LIFETIME`.",
    ),
    seconds(
        "REFRESH_GRACE",
        "10",
        0..=120,
        "Seconds in which a used refresh token returns the same new tokens again.",
    ),
    setting(
        "ALLOW_LOGIN_NOT_VERIFIED",
        Some("false"),
        "Users may log in and refresh before they verify their address.",
    ),
    seconds(
        "UNVERIFIED_ACCOUNT_LIFETIME",
        "2592000",
        60..=YEAR,
        "Lifetime of an unverified sign-up, in seconds. After it, the address and the username are free again. It has no effect while `ALLOW_LOGIN_NOT_VERIFIED` is set.",
    ),
    setting(
        "ALLOW_LOGIN_WITH_SECONDARY_EMAIL",
        Some("true"),
        "Users may log in with their second address.",
    ),
    setting(
        "ALLOW_PASSWORDLESS_REGISTRATION",
        Some("false"),
        "Users may sign up without a password and set it with a mailed link.",
    ),
    setting(
        "SIGN_UP_BY_MAIL",
        Some("false"),
        "A [log-in by mail](docs/factors.md#sign-up-by-mail) creates an account, without a password, if the address has none.",
    ),
    setting(
        "ALLOW_DELETE_ACCOUNT",
        Some("false"),
        "`true`: `deleteAccount` deletes the account for good. `false`: it only deactivates the account.",
    ),
    setting(
        "TOKENS_ON_REGISTER",
        Some("true"),
        "A sign-up returns tokens. Until the user verifies the address, they contain `email_verified: false`, and a refresh fails unless `ALLOW_LOGIN_NOT_VERIFIED` is set.",
    ),
    setting(
        "PASSWORD_MIN_LENGTH",
        Some("8"),
        "Minimum number of characters of a new password, from 8 to 64. We [recommend](docs/security.md#new-passwords) 15. Older passwords stay valid.",
    ),
    setting(
        "BREACHED_PASSWORDS",
        Some(""),
        "File with [breached passwords](docs/security.md#breached-passwords), which users cannot choose. `cargo run` has a sample.",
    ),
    setting("SEND_ACTIVATION_EMAIL", Some("true"), "A sign-up mails an activation link."),
    seconds(
        "EXPIRATION_ACTIVATION_TOKEN",
        "604800",
        60..=MONTH,
        "Lifetime of an activation link, in seconds.",
    ),
    seconds(
        "EXPIRATION_PASSWORD_RESET_TOKEN",
        "3600",
        60..=MONTH,
        "Lifetime of a password reset link, in seconds.",
    ),
    seconds(
        "EXPIRATION_PASSWORD_SET_TOKEN",
        "3600",
        60..=MONTH,
        "Lifetime of a link that sets the first password, in seconds.",
    ),
    seconds(
        "EXPIRATION_SECONDARY_EMAIL_ACTIVATION_TOKEN",
        "3600",
        60..=MONTH,
        "Lifetime of a link that verifies a second address, in seconds.",
    ),
    seconds(
        "EXPIRATION_EMAIL_CHANGE_TOKEN",
        "3600",
        60..=MONTH,
        "Lifetime of a link that verifies a new first address, in seconds.",
    ),
    setting("ACTIVATION_PATH_ON_EMAIL", Some("activate"), "Path of an activation link."),
    setting(
        "PASSWORD_RESET_PATH_ON_EMAIL",
        Some("password-reset"),
        "Path of a password reset link. If a user opens this page without a token, the page offers to mail a reset link. Notices about changes link to this page.",
    ),
    setting(
        "PASSWORD_SET_PATH_ON_EMAIL",
        Some("password-set"),
        "Path of a link that sets the first password.",
    ),
    setting(
        "ACTIVATION_SECONDARY_EMAIL_PATH_ON_EMAIL",
        Some("activate"),
        "Path of a link that verifies a second address.",
    ),
    setting(
        "EMAIL_CHANGE_PATH_ON_EMAIL",
        Some("activate"),
        "Path of a link that verifies a new first address.",
    ),
    setting(
        "EMAIL_CHANGE_CANCEL_PATH_ON_EMAIL",
        Some("cancel-email-change"),
        "Path of a link that stops a change of the first address.",
    ),
    setting(
        "EMAIL_RESTORE_PATH_ON_EMAIL",
        Some("restore-email"),
        "Path of a link that gives the account back to its former first address.",
    ),
    setting(
        "CONCEAL_ACCOUNTS",
        Some("false"),
        "Answers do not reveal which addresses have accounts. A sign-up then returns no tokens, and its link or code creates the account.",
    ),
    setting(
        "THROTTLE",
        Some("on"),
        "`off` removes the [rate limits of mails](docs/mail.md#rate-limits) and the [limits](docs/security.md#limits-of-guessing) of log-ins, sign-ups and requests, for tests.",
    ),
    setting(
        "NEW_DEVICE_MAILS",
        Some("on"),
        "Latchkey [mails the user](docs/security.md#known-devices) about a log-in on an unknown device.",
    ),
    setting(
        "TRUSTED_DEVICE_DAYS",
        Some("0"),
        "Days for which users may [trust a device](docs/factors.md#trusted-devices): log-ins on it need no second factor. At most 90. With `0`, users cannot trust devices.",
    ),
    setting(
        "PROOF_OF_WORK",
        Some("on"),
        "Clients that share a network with an attacker can send a [proof of work](docs/security.md#proof-of-work) and need not wait. With `off`, they wait until the lock of the network ends.",
    ),
    setting(
        "NEW_ADDRESS_MAILS_PER_HOUR",
        Some("1000"),
        "Maximum number of mails that the whole site sends in an hour to [addresses without a verified account](docs/security.md#requests-that-cost). Beyond it, Latchkey refuses sign-ups until the hour ends. `0`: no maximum.",
    ),
    setting(
        "TRUSTED_PROXIES",
        Some("0"),
        "Number of your proxies in front of API Gateway, at most 8. The outermost proxy must add the address of the client to `X-Forwarded-For`. With `0`, Latchkey ignores that header.",
    ),
    setting(
        "USERS_QUERY",
        Some("staff"),
        "Callers who may see the accounts of other users: `staff`, `authenticated` or `public`.",
    ),
    setting(
        "STAFF_NETWORKS",
        Some(""),
        "Networks from which staff may use their role, such as `192.0.2.0/24,2001:db8::/32`. From elsewhere, they have the rights of users, and [the console](docs/admin.md#console) refuses them. Empty: from everywhere.",
    ),
    setting(
        "MFA_REQUIRED",
        Some(""),
        "Users who must have a [second factor](docs/factors.md#require-a-second-factor): `off`, `staff` or `all`; with a first day: `all from 2027-01-01`. If not set: staff, as soon as a superuser has one.",
    ),
    setting(
        "RESERVED_USERNAMES",
        Some(
            "admin,administrator,root,system,staff,moderator,support,help,security,abuse,postmaster,\
             webmaster,hostmaster,noreply,no-reply",
        ),
        "Usernames that new users cannot choose, separated by commas. Look-alikes are reserved too. `,` reserves none.",
    ),
    setting(
        "TOKENS_IN_COOKIES",
        Some("false"),
        "`true`: `/graphql` also sets and reads tokens in cookies. `only`: answers contain no tokens. With cookies, a mutation must come from an allowed origin or have an `Authorization` header.",
    ),
    setting(
        "COOKIE_PREFIX",
        Some(""),
        "Prefix of the cookie names. With `__Host-`, no other host of the domain can set these cookies.",
    ),
    setting(
        "LEGACY_ID_CLAIM",
        Some("off"),
        "Access tokens of imported users contain the [primary key of the old system](docs/import.md#old-ids) as `legacy_id`, and as `x-hasura-user-id` instead of the id.",
    ),
    setting(
        "HASURA_ROTATE_REFRESH",
        Some("false"),
        "A refresh through the Hasura dialect replaces the refresh token. Without it, Latchkey cannot detect a stolen refresh token ([risk](docs/hasura.md#refresh-tokens-that-stay)).",
    ),
    setting(
        "HASURA_ACTION_SECRET",
        Some(""),
        "Required value of the header `X-Action-Secret` for `POST /hasura/actions`: 16 bytes or more. If it is not set, the header is not checked. If the variable is set but empty, the function does not start.",
    ),
    setting(
        "INTROSPECTION",
        Some("false"),
        "Clients may query the GraphQL schema. `cargo run` sets it.",
    ),
    setting(
        "LOG_LEVEL",
        Some("info"),
        "`error`, `warn`, `info`, `debug` or `off`, or filters such as `info,accounts=debug`.",
    ),
    setting(
        "LOG_IP",
        Some("prefix"),
        "How much of the caller's IP address a log line has: `off`, `prefix` (the /24 or /64 network) or `full`.",
    ),
    seconds(
        "AUDIT_LIFETIME",
        "7776000",
        DAY..=10 * YEAR,
        "Seconds for which the audit trail keeps an event: 90 days.",
    ),
    setting(
        "EVENT_BUS",
        Some(""),
        "For the function `account-event`: the name or the ARN of the event bus that gets the [events](docs/events.md) of accounts.",
    ),
    setting("EVENTS_LOG_INS", Some("off"), "`on`: a log-in is an [event](docs/events.md), too."),
    setting(
        "EVENTS_PERSONAL_DATA",
        Some("off"),
        "`on`: an [event](docs/events.md) has the addresses, the names and the role of the user.",
    ),
    setting(
        "METRICS",
        Some("off"),
        "`on` writes CloudWatch metrics as lines of the log. The template sets it.",
    ),
];
