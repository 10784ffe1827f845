//! The requests whose instructions are counted.

use serde_json::{Value, json};

const ME: &str = include_str!("../../../events/me.json");
const REGISTER: &str = include_str!("../../../events/register.json");
const TOKEN_AUTH: &str = include_str!("../../../events/token-auth.json");
const VERIFY_TOKEN: &str = include_str!("../../../events/verify-token.json");
const REFRESH_TOKEN: &str = include_str!("../../../events/refresh-token.json");

/// A request that is sent again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Any request to a function that does nothing: the cost of Lambda's runtime.
    Hello,
    /// The smallest GraphQL query, of an anonymous caller.
    Typename,
    /// The same, over TLS: its cold start has two handshakes.
    TypenameOverTls,
    /// A query with an access token.
    Me,
    /// The same, over TLS.
    MeOverTls,
    /// A check of an access token.
    VerifyToken,
    /// The exchange of the refresh token of the previous answer.
    RefreshToken,
    /// A log-in: nearly all of its instructions are the hash of the password.
    LogIn,
    /// The account of the caller, by the REST API.
    RestMe,
    /// The exchange of a refresh token by an action of Hasura.
    Action,
    /// The public keys.
    PublicKeys,
    /// The account page of an anonymous caller, which has the form for a log-in.
    Page,
}

/// The tokens of the user.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    pub(super) access: String,
    refresh: String,
}

impl Tokens {
    /// Takes the tokens of an answer, if it has new ones.
    pub(super) fn renew(&mut self, body: &str) {
        let answer: Value = serde_json::from_str(body).unwrap_or_default();
        let data = &answer["data"];
        let payloads = [&data["register"], &data["tokenAuth"], &data["refreshToken"], &answer];
        let new = |names: [&str; 2]| {
            let mut found = payloads.iter().flat_map(|payload| names.map(|name| &payload[name]));
            found.find_map(Value::as_str).map(str::to_owned)
        };
        if let Some(access) = new(["token", "access"]) {
            self.access = access;
        }
        if let Some(refresh) = new(["refreshToken", "refresh"]) {
            self.refresh = refresh;
        }
    }
}

impl Request {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Hello,
        Self::Typename,
        Self::TypenameOverTls,
        Self::Me,
        Self::MeOverTls,
        Self::VerifyToken,
        Self::RefreshToken,
        Self::LogIn,
        Self::RestMe,
        Self::Action,
        Self::PublicKeys,
        Self::Page,
    ];

    /// The name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello-world",
            Self::Typename => "{ __typename }",
            Self::TypenameOverTls => "{ __typename }, over TLS",
            Self::Me => "me",
            Self::MeOverTls => "me, over TLS",
            Self::VerifyToken => "verifyToken",
            Self::RefreshToken => "refreshToken",
            Self::LogIn => "tokenAuth",
            Self::RestMe => "GET /api/accounts/me/",
            Self::Action => "action user_refresh",
            Self::PublicKeys => "GET /.well-known/jwks.json",
            Self::Page => "GET /account",
        }
    }

    pub(super) fn function(self) -> &'static str {
        if self == Self::Hello { "hello" } else { "graphql" }
    }

    pub(super) fn is_over_tls(self) -> bool {
        matches!(self, Self::TypenameOverTls | Self::MeOverTls)
    }

    pub(super) fn needs_tokens(self) -> bool {
        match self {
            Self::Me
            | Self::MeOverTls
            | Self::VerifyToken
            | Self::RefreshToken
            | Self::RestMe
            | Self::Action => true,
            Self::Hello
            | Self::Typename
            | Self::TypenameOverTls
            | Self::LogIn
            | Self::PublicKeys
            | Self::Page => false,
        }
    }

    /// How many requests a process answers before the counted ones: the first ones fill caches and open connections.
    /// For a log-in, that effect is negligible beside the hash.
    pub(super) fn before(self) -> u64 {
        if self == Self::LogIn { 1 } else { 8 }
    }

    /// How many warm requests are counted. The start of a process differs by some 50,000 instructions from run to run,
    /// because the seeds of hash tables are random. The more requests share this difference, the smaller it is.
    pub(super) fn counted(self) -> u64 {
        match self {
            Self::Hello | Self::Typename | Self::TypenameOverTls | Self::PublicKeys => 200,
            Self::Page => 100,
            Self::Me
            | Self::MeOverTls
            | Self::VerifyToken
            | Self::RefreshToken
            | Self::RestMe
            | Self::Action => 50,
            Self::LogIn => 2,
        }
    }

    /// How many cold starts are counted; the lowest count is valid. Over TLS, a start on a busy machine can send its
    /// first call before the connection to the table is ready. Then it opens another connection, with another
    /// handshake.
    pub(super) fn starts(self) -> u64 {
        if self.is_over_tls() { 3 } else { 1 }
    }

    /// A part of the body of each answer.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Typename | Self::TypenameOverTls => r#"{"data":{"__typename":"Query"}}"#,
            Self::Me | Self::MeOverTls => r#""username":"ann""#,
            Self::VerifyToken | Self::RefreshToken | Self::LogIn => r#""success":true"#,
            Self::RestMe => "ann@example.com",
            Self::Action => r#""refresh":"#,
            Self::PublicKeys => r#""kid":"#,
            Self::Page => "<form",
        }
    }

    /// The event of Lambda.
    pub(super) fn event(self, tokens: &Tokens) -> String {
        let event = match self {
            Self::Me | Self::MeOverTls => ME.to_owned(),
            Self::Hello => health(),
            Self::Typename | Self::TypenameOverTls => {
                post("/graphql", &json!({ "query": "{ __typename }" }))
            }
            Self::VerifyToken => VERIFY_TOKEN.to_owned(),
            Self::RefreshToken => REFRESH_TOKEN.to_owned(),
            Self::LogIn => TOKEN_AUTH.to_owned(),
            Self::RestMe => {
                let event = get("/api/accounts/me/", "application/json");
                let mut event: Value = serde_json::from_str(&event).unwrap_or_default();
                event["headers"]["authorization"] = "Bearer {{access_token}}".into();
                event.to_string()
            }
            Self::Action => {
                let input = json!({ "arg": { "refresh": "{{refresh_token}}" } });
                let action = json!({ "name": "user_refresh" });
                post("/hasura/actions", &json!({ "action": action, "input": input }))
            }
            Self::PublicKeys => get("/.well-known/jwks.json", "application/json"),
            Self::Page => get("/account", "text/html"),
        };
        let event = event.replace("{{access_token}}", &tokens.access);
        event.replace("{{refresh_token}}", &tokens.refresh)
    }
}

/// The sign-up of the user.
pub(super) fn register() -> String {
    REGISTER.to_owned()
}

fn health() -> String {
    get("/health", "application/json")
}

fn get(path: &str, accept: &str) -> String {
    let mut event = with("GET", path);
    event["headers"]["accept"] = accept.into();
    event.as_object_mut().map(|event| event.remove("body"));
    event.to_string()
}

fn post(path: &str, body: &Value) -> String {
    let mut event = with("POST", path);
    event["body"] = body.to_string().into();
    event.to_string()
}

/// The event of a request without a token.
fn with(method: &str, path: &str) -> Value {
    let mut event: Value = serde_json::from_str(ME).unwrap_or_default();
    event["rawPath"] = path.into();
    event["requestContext"]["http"]["path"] = path.into();
    event["requestContext"]["http"]["method"] = method.into();
    event["headers"].as_object_mut().map(|headers| headers.remove("authorization"));
    event
}
