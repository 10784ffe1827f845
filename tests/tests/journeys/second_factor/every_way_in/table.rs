//! The table of ways in, and the operations that answer with tokens. The docs, the schema and the OpenAPI document have
//! the same.

use std::collections::BTreeSet;

use serde_json::Value;

/// A way in: the first column of the table of the docs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Password,
    PasswordAndApp,
    PasswordAndRecoveryCode,
    PasswordAndPasskey,
    PasswordOnTrusted,
    Passkey,
    Refresh,
    Enrolment,
    SignUp,
    Mail,
    MailAndCode,
    MailAndPasskey,
    MailOnTrusted,
    Reset,
    FirstPassword,
    Verification,
    TakeBack,
    InSession,
}

use Way::{
    Enrolment, FirstPassword, InSession, Mail, MailAndCode, MailAndPasskey, MailOnTrusted, Passkey,
    Password, PasswordAndApp, PasswordAndPasskey, PasswordAndRecoveryCode, PasswordOnTrusted,
    Refresh, Reset, SignUp, TakeBack, Verification,
};

pub(super) const WAYS: [(Way, &str); 18] = [
    (Password, "password"),
    (PasswordAndApp, "password, then a code of the app"),
    (PasswordAndRecoveryCode, "password, then a recovery code"),
    (PasswordAndPasskey, "password, then a passkey"),
    (PasswordOnTrusted, "password, on a [trusted device](#trusted-devices)"),
    (Passkey, "passkey alone"),
    (Refresh, "refresh token"),
    (
        Enrolment,
        "password, then a new app or a new passkey, where [one is required](#require-a-second-factor)",
    ),
    (SignUp, "tokens of a sign-up"),
    (Mail, "code or link of a mail, in the browser that requested it"),
    (MailAndCode, "code or link of a mail, then a code of the app or a recovery code"),
    (MailAndPasskey, "code or link of a mail, then a passkey"),
    (MailOnTrusted, "code or link of a mail, on a trusted device"),
    (Reset, "link to reset a password"),
    (FirstPassword, "link to set the first password"),
    (Verification, "link or code that verifies an address"),
    (TakeBack, "link that takes an account back"),
    (InSession, "step-up, new password or new factor, in a session"),
];

/// The operations that answer with tokens, each with its ways in.
const OPERATIONS: &[(&str, &[Way])] = &[
    ("register", &[SignUp]),
    ("createUser", &[SignUp]),
    ("user_register", &[SignUp]),
    ("/api/accounts/signup/", &[SignUp]),
    ("/users/user/register/", &[SignUp]),
    ("tokenAuth", &[Password]),
    ("user_login", &[Password]),
    ("/api/accounts/login/", &[Password]),
    ("/users/login/", &[Password]),
    ("completeLogin", &[PasswordAndApp, PasswordAndRecoveryCode, MailAndCode]),
    ("user_complete_login", &[PasswordAndApp, PasswordAndRecoveryCode, MailAndCode]),
    ("/api/accounts/login/second-factor/", &[PasswordAndApp, PasswordAndRecoveryCode, MailAndCode]),
    ("/users/login/second-factor/", &[PasswordAndApp, PasswordAndRecoveryCode, MailAndCode]),
    ("completeLoginByPasskey", &[PasswordAndPasskey, MailAndPasskey]),
    ("/api/accounts/login/second-factor/passkey/", &[PasswordAndPasskey, MailAndPasskey]),
    ("passkeyLogin", &[Passkey]),
    ("/api/accounts/login/passkey/", &[Passkey]),
    ("loginByEmail", &[Mail]),
    ("user_login_by_email", &[Mail]),
    ("/api/accounts/login/email/confirm/", &[Mail]),
    ("/users/login/email/confirm/", &[Mail]),
    ("refreshToken", &[Refresh]),
    ("refreshAccessToken", &[Refresh]),
    ("user_refresh", &[Refresh]),
    ("/api/accounts/token/refresh/", &[Refresh]),
    ("/users/token/refresh/", &[Refresh]),
    ("passwordChange", &[InSession]),
    ("stepUp", &[InSession]),
    ("stepUpByPasskey", &[InSession]),
    ("addApp", &[InSession, Enrolment]),
    ("addPasskey", &[InSession, Enrolment]),
    ("/api/accounts/password/change/", &[InSession]),
    ("/api/accounts/step-up/", &[InSession]),
    ("/api/accounts/step-up/passkey/", &[InSession]),
    ("/api/accounts/app/add/", &[InSession, Enrolment]),
    ("/api/accounts/passkeys/add/", &[InSession, Enrolment]),
];

/// The operations of the generated documents whose answers have a token.
fn with_tokens() -> BTreeSet<String> {
    let schema = include_str!("../../../../../schema.graphql");
    let types: Vec<(&str, &str)> = schema
        .split("\ntype ")
        .filter_map(|text| Some((text.split([' ', '{']).next()?, text.split("\n}").next()?)))
        .collect();
    let has_token = |name: &str| {
        let fields = types.iter().filter(|(own, _)| *own == name).flat_map(|(_, it)| it.lines());
        fields
            .map(field_name)
            .any(|field| ["token", "refreshToken", "access", "refresh", "tokens"].contains(&field))
    };
    let roots = types.iter().filter(|(name, _)| ["Mutation", "Query"].contains(name));
    let fields = roots.flat_map(|(_, text)| text.lines()).filter(|line| line.starts_with('\t'));
    let fields = fields.filter(|line| {
        line.rsplit(": ").next().is_some_and(|kind| has_token(kind.trim_matches(['!', '[', ']'])))
    });
    let fields = fields.map(|line| field_name(line).to_owned());
    let openapi: Value = serde_json::from_str(include_str!("../../../../../openapi.json")).unwrap();
    let paths = openapi["paths"].as_object().unwrap().iter();
    let paths = paths.filter(|(_, methods)| {
        methods
            .as_object()
            .unwrap()
            .values()
            .any(|operation| has_access(&openapi, &operation["responses"], 0))
    });
    fields.chain(paths.map(|(path, _)| path.clone())).collect()
}

fn field_name(line: &str) -> &str {
    line.trim_start().split(['(', ':']).next().unwrap_or_default()
}

/// Whether a schema has the property `access` or `refresh`, at any depth.
fn has_access(openapi: &Value, schema: &Value, depth: usize) -> bool {
    if depth > 12 {
        return false;
    }
    match schema {
        Value::Object(map) => {
            let properties = map.get("properties").and_then(Value::as_object);
            let is_it = properties
                .is_some_and(|it| it.contains_key("access") || it.contains_key("refresh"));
            let target = map.get("$ref").and_then(Value::as_str);
            let target = target.and_then(|path| openapi.pointer(path.trim_start_matches('#')));
            is_it
                || target.is_some_and(|target| has_access(openapi, target, depth + 1))
                || map.values().any(|value| has_access(openapi, value, depth + 1))
        }
        Value::Array(list) => list.iter().any(|value| has_access(openapi, value, depth + 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[test]
fn the_table_has_each_way_of_the_docs_and_each_operation_that_answers_with_tokens() {
    let docs = include_str!("../../../../../docs/factors.md");
    let table = docs.split("## What proves what").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    let rows = rows.map(|row| row.split(" | ").next().unwrap().trim_start_matches("| "));
    let documented: Vec<&str> = rows.collect();
    let walked: Vec<&str> = WAYS.iter().map(|(_, name)| *name).collect();
    assert_eq!(documented, walked);
    let known: BTreeSet<String> = OPERATIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(with_tokens(), known);
}
