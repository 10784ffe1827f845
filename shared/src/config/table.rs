//! Every setting, with its default and what it is for.

use std::ops::RangeInclusive;

/// One setting: what the README's table shows.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What holds when it is not set; `None` if it must be.
    pub default: Option<&'static str>,
    /// What it is for.
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

/// The most that an access token may last: services that verify it by themselves do not hear of a log-out before.
const DAY: u32 = 86_400;
/// The most that a mailed link may last.
const MONTH: u32 = 30 * DAY;
/// The most that a session may last.
const YEAR: u32 = 365 * DAY;

/// Every setting of the functions, in the order in which the README lists them.
pub const SETTINGS: &[Setting] = &[
    setting(
        "AUTH_SECRET",
        None,
        "All keys are derived from it. 32 bytes or more; several, newest first, separated by commas.",
    ),
    setting(
        "AUTH_SECRET_ARN",
        Some(""),
        "Instead of `AUTH_SECRET`: the secret of Secrets Manager that holds it, read at each cold start.",
    ),
    setting(
        "BASE_URL",
        None,
        "Where the site is: the issuer of tokens, where their keys are, and the pages.",
    ),
    setting("LINK_URL", Some(""), "Where links in mails point, if not to `BASE_URL`."),
    setting("APP_URL", Some(""), "The application that the account pages lead back to."),
    setting(
        "CORS_ORIGINS",
        Some(""),
        "Further origins whose pages may call the API from a browser, separated by commas.",
    ),
    setting("SITE_NAME", Some("Latchkey"), "What mails and pages call the site."),
    setting(
        "PAGES",
        Some("on"),
        "`off` leaves the account pages to a front end of your own: then there are none here.",
    ),
    setting(
        "PAGE_COLOR",
        Some("#1d4ed8"),
        "The colour of buttons and links on the account pages, as `#rgb` or `#rrggbb`.",
    ),
    setting(
        "EMAIL_FROM",
        None,
        "The sender of mails: `accounts@example.com` or `Example <accounts@example.com>`.",
    ),
    setting("EMAIL_REPLY_TO", Some(""), "Where answers to mails go, if not to the sender."),
    setting(
        "CONFIGURATION_SET",
        Some(""),
        "The configuration set of SES that mails are sent with: it tells of bounces and complaints.",
    ),
    setting(
        "DEFAULT_LANGUAGE",
        Some("en"),
        "The language of mails to whoever reads none of those that there are.",
    ),
    setting(
        "MAIL_TEMPLATES",
        Some(""),
        "A folder of templates of mails, in place of those that have the same names.",
    ),
    setting("TABLE_NAME", Some("latchkey"), "The DynamoDB table."),
    setting(
        "PICTURES_BUCKET",
        Some(""),
        "The S3 bucket of profile pictures; without one, there are none. `cargo run` has one.",
    ),
    setting("JWT_AUDIENCE", Some("latchkey"), "The `aud` of tokens."),
    setting(
        "JWT_ALGORITHM",
        Some("EdDSA"),
        "How access tokens are signed: `EdDSA`, `ES256`, `RS256` or `HS256`.",
    ),
    setting(
        "JWT_PRIVATE_KEY",
        Some(""),
        "For `RS256`: private keys in PEM, newest first. The others are derived from the secret.",
    ),
    setting(
        "JWT_PRIVATE_KEY_ARN",
        Some(""),
        "Instead of `JWT_PRIVATE_KEY`: the secret of Secrets Manager that holds it, read at each cold start.",
    ),
    seconds("ACCESS_TOKEN_LIFETIME", "900", 1..=DAY, "Seconds that an access token is good for."),
    seconds(
        "REFRESH_TOKEN_LIFETIME",
        "604800",
        60..=YEAR,
        "Seconds until a session ends that is not refreshed.",
    ),
    seconds(
        "REFRESH_TOKEN_ABSOLUTE_LIFETIME",
        "2592000",
        60..=YEAR,
        "Seconds until a session ends however often it is refreshed. Not less than `REFRESH_TOKEN_LIFETIME`.",
    ),
    seconds(
        "REFRESH_GRACE",
        "10",
        0..=120,
        "Seconds in which a used refresh token gives the same successor again.",
    ),
    setting(
        "ALLOW_LOGIN_NOT_VERIFIED",
        Some("false"),
        "Whether a user may log in, and go on with a session, before the address is verified.",
    ),
    seconds(
        "UNVERIFIED_ACCOUNT_LIFETIME",
        "2592000",
        60..=YEAR,
        "Seconds until a sign-up ends that proves no address: address and username are free again. None ends while `ALLOW_LOGIN_NOT_VERIFIED` is set.",
    ),
    setting(
        "ALLOW_LOGIN_WITH_SECONDARY_EMAIL",
        Some("true"),
        "Whether a user may log in by the second address.",
    ),
    setting(
        "ALLOW_PASSWORDLESS_REGISTRATION",
        Some("false"),
        "Whether somebody may sign up without a password, and set it by a mailed link.",
    ),
    setting(
        "ALLOW_DELETE_ACCOUNT",
        Some("false"),
        "Whether an account that its owner deletes is gone for good; if not, it is made inactive.",
    ),
    setting(
        "TOKENS_ON_REGISTER",
        Some("true"),
        "Whether registration gives out tokens. Until the address is verified, they say so, and cannot be refreshed.",
    ),
    setting(
        "SEND_ACTIVATION_EMAIL",
        Some("true"),
        "Whether registration mails an activation link.",
    ),
    seconds(
        "EXPIRATION_ACTIVATION_TOKEN",
        "604800",
        60..=MONTH,
        "Seconds that an activation link is good for.",
    ),
    seconds(
        "EXPIRATION_PASSWORD_RESET_TOKEN",
        "3600",
        60..=MONTH,
        "Seconds that a password reset link is good for.",
    ),
    seconds(
        "EXPIRATION_PASSWORD_SET_TOKEN",
        "3600",
        60..=MONTH,
        "Seconds that a link which sets the first password is good for.",
    ),
    seconds(
        "EXPIRATION_SECONDARY_EMAIL_ACTIVATION_TOKEN",
        "3600",
        60..=MONTH,
        "Seconds that a link which proves a second address is good for.",
    ),
    seconds(
        "EXPIRATION_EMAIL_CHANGE_TOKEN",
        "3600",
        60..=MONTH,
        "Seconds that a link which proves a new first address is good for.",
    ),
    setting("ACTIVATION_PATH_ON_EMAIL", Some("activate"), "The path of an activation link."),
    setting(
        "PASSWORD_RESET_PATH_ON_EMAIL",
        Some("password-reset"),
        "The path of a password reset link. Without a token, it is the page that mails one: notices lead there.",
    ),
    setting(
        "PASSWORD_SET_PATH_ON_EMAIL",
        Some("password-set"),
        "The path of a link that sets the first password.",
    ),
    setting(
        "ACTIVATION_SECONDARY_EMAIL_PATH_ON_EMAIL",
        Some("activate"),
        "The path of a link that proves a second address.",
    ),
    setting(
        "EMAIL_CHANGE_PATH_ON_EMAIL",
        Some("activate"),
        "The path of a link that proves a new first address.",
    ),
    setting(
        "EMAIL_CHANGE_CANCEL_PATH_ON_EMAIL",
        Some("cancel-email-change"),
        "The path of a link that stops a change of the first address.",
    ),
    setting(
        "EMAIL_RESTORE_PATH_ON_EMAIL",
        Some("restore-email"),
        "The path of a link by which a former first address takes the account back.",
    ),
    setting(
        "CONCEAL_ACCOUNTS",
        Some("false"),
        "Whether nobody can find out which addresses have accounts. Then registration gives out no tokens.",
    ),
    setting(
        "THROTTLE",
        Some("on"),
        "`off` switches every throttle off, for tests. An address gets a mail with a link a minute and 5 an hour.",
    ),
    setting(
        "USERS_QUERY",
        Some("staff"),
        "Who may see the accounts of others: `staff`, `authenticated` or `public`.",
    ),
    setting(
        "RESERVED_USERNAMES",
        Some(
            "admin,administrator,root,system,staff,moderator,support,help,security,abuse,postmaster,\
             webmaster,hostmaster,noreply,no-reply",
        ),
        "Usernames that new users cannot have, nor names that look like them. `,` reserves none.",
    ),
    setting(
        "TOKENS_IN_COOKIES",
        Some("false"),
        "`true`: `/graphql` gives tokens in cookies, too, and takes them; `only`: not in answers. Mutations must come from the site's own origins then.",
    ),
    setting(
        "COOKIE_PREFIX",
        Some(""),
        "What the names of these cookies begin with. `__Host-` keeps other hosts of the domain from setting them.",
    ),
    setting(
        "HASURA_ROTATE_REFRESH",
        Some("false"),
        "Whether a refresh through the Hasura dialect gives another refresh token, and ends the old one. Without it, a stolen one is not noticed ([what that costs](docs/hasura.md#refresh-tokens-that-stay)).",
    ),
    setting(
        "HASURA_ACTION_SECRET",
        Some(""),
        "What `POST /hasura/actions` wants in the header `X-Action-Secret`: 16 bytes or more. If it is not set, nothing; set and empty is refused.",
    ),
    setting(
        "INTROSPECTION",
        Some("false"),
        "Whether the GraphQL schema can be asked for. `cargo run` sets it.",
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
    setting(
        "METRICS",
        Some("off"),
        "`on` writes metrics for CloudWatch among the lines of the log. The template sets it.",
    ),
];
