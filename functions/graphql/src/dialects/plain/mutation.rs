//! The mutations that no other dialect has: parse, call, translate.

use accounts::Accounts;
use accounts::error::{AuthError, Field, Violation, Violations};
use accounts::model::PlainPassword;
use accounts::operations::{Changes, FirstPassword, PictureChange, Registration, UserUpdate};
use async_graphql::{Context, MaybeUndefined, Name, Object, Upload};
use async_graphql_value::Value;

use super::types::{CreateUser, CreateUserInput, RefreshAccessToken, UpdateUser, UpdateUserInput};
use crate::caller::RequestCaller;
use crate::graphql_error::{Nullable, with_fields};
use crate::multipart::Uploads;

/// The mutations of the small schema.
#[derive(Debug, Default)]
pub struct PlainMutation;

#[Object]
impl PlainMutation {
    /// Create an account, and mail an activation link and code to its address.
    async fn create_user(&self, ctx: &Context<'_>, input: CreateUserInput) -> Nullable<CreateUser> {
        let password = FirstPassword::Given(PlainPassword::new(input.password));
        let registration = Registration::new(input.email, Some(input.username), password);
        let done = caller(ctx).register(registration).await;
        Some(done.map(CreateUser::from).map_err(with_fields))
    }

    /// Exchange a refresh token, given here or in a cookie, for the next pair of tokens.
    #[graphql(name = "refreshAccessToken")]
    async fn refresh(
        &self,
        ctx: &Context<'_>,
        refresh_token: Option<String>,
    ) -> Nullable<RefreshAccessToken> {
        let next = caller(ctx).refresh(refresh_token.as_deref()).await;
        Some(next.map(RefreshAccessToken::from).map_err(with_fields))
    }

    /// Change the caller's account. A new address takes effect when it is proven by the mail sent to it.
    async fn update_user(&self, ctx: &Context<'_>, input: UpdateUserInput) -> Nullable<UpdateUser> {
        let answered = async {
            let picture = if is_left_out(ctx, "profilePicture") {
                PictureChange::Keep
            } else {
                picture(ctx, &input.profile_picture)?
            };
            let changes = Changes {
                first_name: input.first_name,
                last_name: input.last_name,
                gender: input.gender.map(Into::into),
                position: input.position,
                department: input.department,
            };
            let client = caller(ctx).client();
            let caller = caller(ctx).require().await?;
            let password = input.password.map(PlainPassword::new);
            let update = UserUpdate { changes, email: input.email, password, picture };
            accounts(ctx).update_user(&caller, update, client).await
        };
        Some(answered.await.map(UpdateUser::from).map_err(with_fields))
    }
}

fn accounts<'a>(ctx: &Context<'a>) -> &'a Accounts {
    ctx.data_unchecked::<Accounts>()
}

fn caller<'a>(ctx: &Context<'a>) -> &'a RequestCaller {
    ctx.data_unchecked::<RequestCaller>()
}

/// Whether an entry of the input is a variable without a value: it counts as left out (GraphQL specification, 3.10),
/// but the engine takes it for null.
fn is_left_out(ctx: &Context<'_>, entry: &str) -> bool {
    let variable = ctx.item.node.arguments.iter().find_map(|(_, value)| {
        let Value::Object(input) = &value.node else { return None };
        let Value::Variable(variable) = input.get(entry)? else { return None };
        Some(variable)
    });
    let has_default = |variable: &Name| {
        let declared = &ctx.query_env.operation.node.variable_definitions;
        declared.iter().any(|declared| {
            declared.node.name.node == *variable && declared.node.default_value.is_some()
        })
    };
    variable.is_some_and(|variable| {
        !ctx.query_env.variables.contains_key(variable) && !has_default(variable)
    })
}

/// The change of the picture. A file that the request names but does not contain is no picture.
fn picture(ctx: &Context<'_>, given: &MaybeUndefined<Upload>) -> Result<PictureChange, AuthError> {
    match given {
        MaybeUndefined::Undefined => Ok(PictureChange::Keep),
        MaybeUndefined::Null => Ok(PictureChange::Remove),
        MaybeUndefined::Value(upload) => {
            let none = || Violations::of(Field::ProfilePicture, [Violation::Required]);
            Ok(PictureChange::Set(Uploads::bytes(ctx, *upload).ok_or_else(none)?))
        }
    }
}
