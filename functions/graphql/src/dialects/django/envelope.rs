//! `{success, errors}`: the library's answer to every mutation.

use accounts::error::{AuthError, Field, Violation, Violations};
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field as Selected, Selection, SelectionSet};
use async_graphql::{
    Context, InputValueResult, Name, Positioned, Scalar, ScalarType, SimpleObject, Value,
};

use crate::graphql_error::{GraphQlError, Nullable};

/// Field name to a list of `{message, code}`; what belongs to no field is under `nonFieldErrors`.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExpectedErrorType(IndexMap<Name, Value>);

#[Scalar]
impl ScalarType for ExpectedErrorType {
    fn parse(_: Value) -> InputValueResult<Self> {
        Err("ExpectedErrorType is never an input".into())
    }

    fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

impl ExpectedErrorType {
    fn add(&mut self, field: &str, code: &str, message: &str) {
        self.add_with(field, code, message, Vec::new());
    }

    fn add_with(&mut self, field: &str, code: &str, message: &str, more: Vec<(&str, Value)>) {
        let list = self.0.entry(Name::new(field)).or_insert_with(|| Value::List(Vec::new()));
        if let Value::List(list) = list {
            let members = [("message", Value::from(message)), ("code", Value::from(code))];
            let members = members.into_iter().chain(more);
            let error = members.map(|(name, value)| (Name::new(name), value)).collect();
            list.push(Value::Object(error));
        }
    }
}

/// How it went.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Envelope {
    /// Whether it was done.
    success: Option<bool>,
    /// The errors; null after a success.
    errors: Option<ExpectedErrorType>,
}

/// The names of the password inputs of an operation.
#[derive(Clone, Copy)]
pub(crate) struct PasswordNames {
    first: &'static str,
    second: &'static str,
    present: &'static str,
}

/// Of an operation that takes a first password, or asks for the present one.
const PASSWORD: PasswordNames =
    PasswordNames { first: "password1", second: "password2", present: "password" };
/// Of an operation that takes another password than the one before.
pub(crate) const NEW_PASSWORD: PasswordNames =
    PasswordNames { first: "newPassword1", second: "newPassword2", present: "oldPassword" };

/// The core's answer in the library's form. A failure that the library has, too, is data in the envelope. Another
/// failure, such as a table that does not answer, is a GraphQL error.
pub(crate) fn answer<T, A>(result: Result<T, AuthError>) -> Nullable<A>
where
    A: From<(Envelope, Option<T>)>,
{
    answer_with(PASSWORD, result)
}

/// [`answer`], for an operation whose password inputs have other names.
#[expect(clippy::unnecessary_wraps, reason = "the type of a nullable field")]
pub(crate) fn answer_with<T, A>(names: PasswordNames, result: Result<T, AuthError>) -> Nullable<A>
where
    A: From<(Envelope, Option<T>)>,
{
    let envelope = |success, errors| Envelope { success: Some(success), errors };
    Some(match result {
        Ok(done) => Ok((envelope(true, None), Some(done)).into()),
        Err(error) => {
            expected(error, names).map(|errors| (envelope(false, Some(errors)), None).into())
        }
    })
}

/// [`answer`], for an operation that the small schema (the dialect `plain`) has, too. A document for that schema
/// selects neither `success` nor `errors`: without a GraphQL error, its client would take a failure for a success.
pub(crate) fn answer_or_raise<T, A>(ctx: &Context<'_>, result: Result<T, AuthError>) -> Nullable<A>
where
    A: From<(Envelope, Option<T>)>,
{
    match result {
        Err(error) if !reads_failures(ctx) => Some(Err(error.into())),
        result => answer(result),
    }
}

/// Whether the document selects `success` or `errors` of the present field of the root: in this field, or in one that
/// GraphQL merges with it because it has the same key in the answer (GraphQL specification, 6.3.2).
fn reads_failures(ctx: &Context<'_>) -> bool {
    let key = &ctx.item.node.response_key().node;
    let root = &ctx.query_env.operation.node.selection_set.node;
    let merged = fields(ctx, root).into_iter().filter(|field| field.response_key().node == *key);
    let mut asked = merged.flat_map(|field| fields(ctx, &field.selection_set.node));
    asked.any(|field| ["success", "errors"].contains(&field.name.node.as_str()))
}

/// The fields of a selection set, those of its fragments among them.
fn fields<'a>(ctx: &Context<'a>, set: &'a SelectionSet) -> Vec<&'a Selected> {
    let of = |selection: &'a Positioned<Selection>| match &selection.node {
        Selection::Field(field) => vec![&field.node],
        Selection::InlineFragment(inline) => fields(ctx, &inline.node.selection_set.node),
        Selection::FragmentSpread(spread) => {
            let fragment = ctx.query_env.fragments.get(&spread.node.fragment_name.node);
            fragment.map_or_else(Vec::new, |it| fields(ctx, &it.node.selection_set.node))
        }
    };
    set.items.iter().flat_map(of).collect()
}

fn expected(error: AuthError, names: PasswordNames) -> Result<ExpectedErrorType, GraphQlError> {
    let mut errors = ExpectedErrorType::default();
    match error {
        AuthError::Invalid(violations) => add_violations(&mut errors, &violations, names),
        AuthError::InvalidCredentials
        | AuthError::NotVerified
        | AuthError::Refused(_)
        | AuthError::InvalidToken
        | AuthError::ExpiredToken
        | AuthError::Unauthenticated
        | AuthError::ReauthenticationRequired
        | AuthError::StepUpRequired
        | AuthError::NotFound
        | AuthError::PermissionDenied => {
            errors.add("nonFieldErrors", error.code(), &error.to_string());
        }
        AuthError::Throttled { retry_after, ref challenge, .. } => {
            let mut more = vec![("retryAfter", Value::from(retry_after.get()))];
            more.extend(challenge.iter().map(|it| ("challenge", Value::from(it.as_str()))));
            errors.add_with("nonFieldErrors", error.code(), &error.to_string(), more);
        }
        AuthError::SecondFactorRequired { ref challenge }
        | AuthError::SecondFactorSetupRequired { ref challenge } => {
            let more = vec![("challenge", Value::from(challenge.as_str()))];
            errors.add_with("nonFieldErrors", error.code(), &error.to_string(), more);
        }
        AuthError::InvalidPassword => {
            errors.add(names.present, error.code(), &error.to_string());
        }
        AuthError::BadPage(_) | AuthError::Unavailable(_) => return Err(error.into()),
    }
    Ok(errors)
}

fn add_violations(errors: &mut ExpectedErrorType, violations: &Violations, names: PasswordNames) {
    for (field, violation) in violations.iter() {
        // The library validates the second entry of a password.
        let name = if (field, violation) == (Field::Password, Violation::Required) {
            names.first
        } else if field.is_password() {
            names.second
        } else {
            field.camel()
        };
        errors.add(name, violation.code(), &violation.to_string());
    }
}
