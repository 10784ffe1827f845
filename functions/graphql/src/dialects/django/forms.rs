//! The two forms in which the library offers a mutation: with arguments, and with Relay's `input`.

use std::borrow::Cow;

use accounts::error::Violation;
use async_graphql::{ObjectType, OutputType, SimpleObject, TypeName};

use crate::graphql_error::{GraphQlError, Nullable};

/// Defines mutations, each once, and makes two objects of them: one whose fields take arguments and
/// answer `Answer`, and one for Relay (the GraphQL Input Object Mutations Specification), whose fields
/// take `input: AnswerInput!` and answer `AnswerPayload`, both with `clientMutationId`.
macro_rules! mutations {
    (
        $(#[$about:meta])*
        ($plain:ident, $relay:ident);
        $(
            $(#[$meta:meta])*
            async fn $name:ident($ctx:ident $(, $input:ident: $type:ty)* $(,)?) -> $answer:ident $body:block
        )*
    ) => {
        $(#[$about])*
        #[derive(Debug, Default)]
        pub struct $plain;

        #[async_graphql::Object]
        impl $plain {
            $(
                $(#[$meta])*
                async fn $name(
                    &self,
                    $ctx: &async_graphql::Context<'_>
                    $(, $input: $type)*
                ) -> $crate::graphql_error::Nullable<$answer> $body
            )*
        }

        $(#[$about])*
        #[derive(Debug, Default)]
        pub struct $relay;

        #[async_graphql::Object]
        impl $relay {
            $(
                $(#[$meta])*
                async fn $name(
                    &self,
                    $ctx: &async_graphql::Context<'_>,
                    input: $name::Input,
                ) -> async_graphql::Result<
                    $crate::graphql_error::Nullable<$crate::dialects::django::forms::Payload<$answer>>,
                > {
                    let $name::Input { $($input,)* client_mutation_id } = input;
                    if let Err(error) =
                        $crate::dialects::django::forms::validate(client_mutation_id.as_deref())
                    {
                        return Ok(Some(Err(error)));
                    }
                    let answer = $plain.$name($ctx $(, $input)*).await?;
                    Ok($crate::dialects::django::forms::payload(answer, client_mutation_id))
                }
            )*
        }

        $(
            mod $name {
                use std::borrow::Cow;

                use async_graphql::{InputObject, OutputType, TypeName};

                /// The input of the mutation.
                #[derive(InputObject)]
                #[graphql(name_type)]
                pub(super) struct Input {
                    $(pub(super) $input: $type,)*
                    /// Comes back in the payload.
                    pub(super) client_mutation_id: Option<String>,
                }

                impl TypeName for Input {
                    fn type_name() -> Cow<'static, str> {
                        let answer = <super::$answer as OutputType>::type_name();
                        format!("{answer}Input").into()
                    }
                }
            }
        )*
    };
}

pub(super) use mutations;

/// The answer of the mutation, and the client's id of the request.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub(super) struct Payload<T: ObjectType> {
    #[graphql(flatten)]
    answer: T,
    /// As it was in the input.
    client_mutation_id: Option<String>,
}

impl<T: ObjectType> TypeName for Payload<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Payload", <T as OutputType>::type_name()).into()
    }
}

/// The most code points of a `clientMutationId`: one answer may contain it many times.
const MAX_ID: usize = 256;

pub(super) fn validate(client_mutation_id: Option<&str>) -> Result<(), GraphQlError> {
    let actual = client_mutation_id.map_or(0, |id| id.chars().count());
    if actual > MAX_ID {
        let message = format!("A clientMutationId may have {MAX_ID} characters.");
        let too_long = Violation::TooLong { limit: MAX_ID, actual };
        return Err(GraphQlError::new(too_long.into(), message));
    }
    Ok(())
}

pub(super) fn payload<T: ObjectType>(
    answer: Nullable<T>,
    client_mutation_id: Option<String>,
) -> Nullable<Payload<T>> {
    answer.map(|answer| answer.map(|answer| Payload { answer, client_mutation_id }))
}
