//! Compares the values that the template's parameters accept with the values with which the functions start.

use std::collections::BTreeMap;

use accounts::config::Settings;
use accounts::telemetry::{self, Format};
use embedded::{Aws, Options};
use journeys::emulator::Environment;
use journeys::template::Template;
use journeys::{SECRET, forge};
use tracing_subscriber::Registry;

const FUNCTIONS: [&str; 4] =
    ["GraphqlFunction", "EmailEventFunction", "TokenCleanupFunction", "AccountEventFunction"];

/// The effect of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// CloudFormation takes it, and the functions start with it.
    Taken,
    /// CloudFormation refuses it, and the functions would not start with it.
    Refused,
    /// CloudFormation refuses it, but the functions would accept it.
    Narrower,
}

use Fate::{Narrower, Refused, Taken};

async fn aws() -> Aws {
    let secret = Some(SECRET.to_owned());
    Aws::start(Options { secret, ..Options::new(local::TEMPLATE) }).await.unwrap()
}

fn template(aws: &Aws) -> Template {
    let template = Environment::template(aws.table_name());
    let bus = embedded::EventBus::arn("accounts");
    template.named("AuthSecret", &aws.secret().arn()).with("EventBus", &bus)
}

/// Starts a function as its `main` does. The error is the line that its log would have.
async fn start(function: &str, aws: &Aws, template: &Template) -> Result<(), String> {
    let environment = Environment::in_template(function, template);
    let environment = environment.with("AWS_ENDPOINT_URL", aws.endpoint_url());
    let variables: BTreeMap<_, _> = environment.into_variables();
    let settings = move || {
        let variables = variables.clone();
        Settings::new(move |name| variables.get(name).cloned())
    };
    let log = telemetry::log::<Registry, _>(&settings(), Format::Json, std::io::sink);
    log.map_err(|error| error.to_string())?;
    settings().metrics().map_err(|error| error.to_string())?;
    let error = match function {
        "GraphqlFunction" => graphql::connect(settings()).await.err(),
        "EmailEventFunction" => email_event::connect(settings()).await.err(),
        "AccountEventFunction" => account_event::connect(&settings()).err().map(Into::into),
        _ => token_cleanup::connect(&settings()).err().map(Into::into),
    };
    error.map_or(Ok(()), |error| Err(error.to_string()))
}

/// Whether each function whose environment those parameters change starts.
async fn all_start(aws: &Aws, template: &Template) -> Result<(), String> {
    let default = self::template(aws);
    for function in FUNCTIONS {
        if template.environment(function) != default.environment(function) {
            start(function, aws, template).await.map_err(|error| format!("{function}: {error}"))?;
        }
    }
    Ok(())
}

/// Whether that parameter changes the environment of a function.
fn reaches_a_function(default: &Template, parameter: &str) -> bool {
    let other = default.clone().with(parameter, "another value");
    FUNCTIONS.iter().any(|it| default.environment(it) != other.environment(it))
}

async fn assert_fate(aws: &Aws, template: Template, fate: Fate, what: &str) {
    assert_eq!(template.is_taken(), fate == Taken, "CloudFormation and {what}");
    let started = all_start(aws, &template).await;
    assert_eq!(started.is_ok(), fate != Refused, "{what}: {started:?}");
}

#[tokio::test]
async fn every_function_starts_with_the_defaults_of_all_parameters() {
    let aws = aws().await;
    let template = template(&aws);
    assert!(template.is_taken());
    for function in FUNCTIONS {
        assert_eq!(start(function, &aws, &template).await, Ok(()), "{function}");
    }
    assert_eq!(aws.permissions().denied(), []);
}

/// The values of a parameter that is a URL.
const URLS: &[(&str, Fate)] = &[
    ("", Taken),
    ("https://accounts.example.com", Taken),
    ("http://localhost:3000", Taken),
    ("https://example.com:65535/auth/", Taken),
    ("accounts.example.com", Refused),
    ("ftp://a.example", Refused),
    ("https://", Refused),
    ("https://a b.example", Refused),
    ("https://ann@example.com", Refused),
    ("https://example.com?a", Refused),
    ("https://example.com/#a", Refused),
    ("https://example.com/a\\b", Refused),
    ("https://*.example.com", Refused),
    ("https://example.com.", Refused),
    ("https://a..example", Refused),
    ("https://a.example:65536", Refused),
    ("https://müller.example", Narrower),
    ("HTTPS://Example.com", Narrower),
    ("http://127.0.0.1:3000", Narrower),
];
/// The values of a parameter that is a path.
const PATHS: &[(&str, Fate)] = &[
    ("account/activate", Taken),
    ("/account/activate/", Taken),
    ("a.b/c~d", Taken),
    ("/", Refused),
    ("a//b", Refused),
    ("../x", Refused),
    ("a b", Refused),
    ("a?b", Refused),
    ("{token}", Refused),
    ("", Narrower),
];

#[tokio::test]
async fn cloudformation_takes_of_a_text_what_the_functions_take() {
    let samples: &[(&str, &[(&str, Fate)])] = &[
        ("BaseUrl", URLS),
        ("AppUrl", URLS),
        (
            "RpId",
            &[
                ("", Taken),
                ("com", Refused),
                ("Example.com", Refused),
                ("https://example.com", Refused),
            ],
        ),
        ("SiteName", &[("Müller & Söhne", Taken), ("a\nb", Refused), ("", Narrower)]),
        (
            "PageColor",
            &[("#fff", Taken), ("#1D4ED8", Taken), ("blue", Refused), ("#12345", Refused)],
        ),
        (
            "EmailFrom",
            &[
                ("a.b+c@sub.example.co", Taken),
                ("accounts", Refused),
                ("a@b", Refused),
                ("a@localhost", Refused),
                ("a@[127.0.0.1]", Refused),
                ("a b@example.com", Refused),
                ("a..b@example.com", Refused),
                ("a@-example.com", Refused),
                ("\"a\"@example.com", Refused),
                ("a@example.com, b@example.com", Refused),
                // IAM compares the sender letter by letter.
                ("accounts@Example.com", Narrower),
                ("post@bücher.example", Narrower),
                ("Example <accounts@example.com>", Narrower),
            ],
        ),
        (
            "EmailReplyTo",
            &[
                ("", Taken),
                ("Help@Example.com", Taken),
                ("help", Refused),
                ("help@localhost", Refused),
                ("Help <help@example.com>", Narrower),
            ],
        ),
        (
            "DefaultLanguage",
            &[
                ("de", Taken),
                ("fa", Taken),
                ("fr", Refused),
                ("english_", Refused),
                ("EN", Narrower),
            ],
        ),
        ("ActivationPathOnEmail", PATHS),
        ("PasswordResetPathOnEmail", PATHS),
        ("PasswordSetPathOnEmail", PATHS),
        ("ActivationSecondaryEmailPathOnEmail", PATHS),
        ("EmailChangePathOnEmail", PATHS),
        ("JwtAudience", &[("example", Taken), ("", Narrower)]),
        (
            "HasuraActionSecret",
            &[
                ("", Taken),
                ("sixteen bytes !!", Taken),
                ("short", Refused),
                ("geheimnisvöll ist es", Refused),
            ],
        ),
        ("Pages", &[("maybe", Refused), ("true", Narrower)]),
        ("LogLevel", &[("warning", Refused), ("accounts=debug", Narrower)]),
        ("LogIp", &[("some", Refused)]),
        ("UsersQuery", &[("everybody", Refused)]),
        ("JwtAlgorithm", &[("RS512", Refused), ("none", Refused)]),
    ];
    let aws = aws().await;
    for (parameter, values) in samples {
        for (value, fate) in *values {
            let template = template(&aws).with(parameter, value);
            assert_fate(&aws, template, *fate, &format!("{parameter}={value:?}")).await;
        }
    }
}

#[tokio::test]
async fn the_functions_start_with_each_value_that_a_parameter_lists() {
    let aws = aws().await;
    let default = template(&aws);
    let key = aws.secret().add("rsa", &forge::pem("PRIVATE KEY", &forge::rsa_pkcs8()));
    for parameter in default.parameters().filter(|it| reaches_a_function(&default, it)) {
        for value in default.allowed(parameter) {
            let template = default.clone().with("JwtPrivateKeyArn", &key).with(parameter, &value);
            assert_fate(&aws, template, Taken, &format!("{parameter}={value}")).await;
        }
        if let Some([least, most]) = default.range(parameter) {
            // Some must fit each other.
            let apart = default.clone().with("RefreshTokenLifetime", "60");
            let apart = apart.with("RefreshTokenAbsoluteLifetime", "31536000");
            let apart = apart.with("ExpirationActivationToken", "60");
            let apart = apart.with("ExpirationPasswordSetToken", "60");
            for (value, fate) in
                [(least, Taken), (most, Taken), (least - 1, Refused), (most + 1, Refused)]
            {
                let template = apart.clone().with(parameter, &value.to_string());
                assert_fate(&aws, template, fate, &format!("{parameter}={value}")).await;
            }
        }
    }
}

#[tokio::test]
async fn parameters_that_do_not_go_together_are_refused_by_cloudformation_as_by_the_functions() {
    let aws = aws().await;
    for together in [
        [("JwtAlgorithm", "RS256"), ("JwtPrivateKeyArn", "")],
        [("ConcealAccounts", "true"), ("AllowLoginNotVerified", "true")],
    ] {
        let template =
            together.iter().fold(template(&aws), |it, (name, value)| it.with(name, value));
        assert_fate(&aws, template, Refused, &format!("{together:?}")).await;
    }
}

/// Lambda refuses an environment of more than 4 KB, which it measures as JSON.
#[tokio::test]
async fn the_environment_of_each_function_fits_into_what_lambda_allows() {
    let aws = aws().await;
    let default = template(&aws);
    let longest = default.parameters().fold(default.clone(), |template, parameter| {
        if !reaches_a_function(&default, parameter) {
            return template;
        }
        let value = default.longest(parameter);
        template.with(parameter, &value.unwrap_or_else(|| panic!("{parameter} has no MaxLength")))
    });
    let arn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:";
    let longest = longest
        .named("Table", &"t".repeat(100))
        .named("Pictures", &"p".repeat(63))
        .named("ConfigurationSet", &"c".repeat(64))
        .named("AuthSecret", &format!("{arn}{}", "s".repeat(100)));
    for function in FUNCTIONS {
        let environment = longest.environment(function);
        let json = serde_json::to_string(&environment).unwrap();
        assert!(
            json.len() <= 4096,
            "{function}: {} of {} variables",
            json.len(),
            environment.len()
        );
    }
}
