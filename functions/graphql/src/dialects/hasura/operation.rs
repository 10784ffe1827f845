//! What makes of a line in the table of operations all that the doors need.

use std::pin::Pin;

use serde_json::Value;

use super::call::Call;
use super::failure::Failure;
use crate::json_body::Fields;

/// An operation, for the doors that speak JSON.
pub(super) type Operation = for<'a> fn(&'a Call<'a>, Fields) -> Running<'a>;

/// An operation that is under way.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Result<Value, Failure>> + Send + 'a>>;

/// Defines operations, each once: `name(inputs) -> { outputs } = |call| what is done;`.
///
/// The inputs are texts that must be given and not be blank; what is done sees them under their names, may use
/// `?` on an error of the core, and gives the outputs in their order. Of each operation there will be a field
/// of the schema in the object that it is listed under, with `arg: NameInput!`, `NameOutput`, and
/// `name::operation` for other doors.
macro_rules! operations {
    ($(
        $(#[$about:meta])*
        $object:ident {
            $(
                $(#[$meta:meta])*
                $name:ident($($input:ident),+) -> { $($output:ident: $type:ty),+ } =
                    |$call:ident| $done:expr;
            )+
        }
    )+) => {
        $(
            $(#[$about])*
            #[derive(Debug, Default)]
            pub struct $object;

            #[async_graphql::Object(rename_fields = "snake_case")]
            impl $object {
                $(
                    $(#[$meta])*
                    async fn $name(
                        &self,
                        ctx: &async_graphql::Context<'_>,
                        arg: $name::Input,
                    ) -> Option<Result<$name::Output, Failure>> {
                        Some($name(&Call::of(ctx), arg.into()).await)
                    }
                )+
            }

            $(
                async fn $name($call: &Call<'_>, fields: Fields) -> Result<$name::Output, Failure> {
                    let takes = [$(stringify!($input)),+];
                    let [$($input),+] = texts(takes, fields)?;
                    let answer = async {
                        #[allow(unused_parens, reason = "one output is no tuple")]
                        let ($($output),+) = $done;
                        Ok($name::Output { $($output),+ })
                    };
                    answer.await.map_err(|error: AuthError| Failure::of(error, &takes))
                }

                pub(super) mod $name {
                    use std::borrow::Cow;
                    use std::sync::LazyLock;

                    use async_graphql::{InputObject, SimpleObject, TypeName};
                    use serde::Serialize;

                    use crate::dialects::hasura::call::Call;
                    use crate::dialects::hasura::operation::{Running, type_name};
                    use crate::json_body::Fields;

                    /// What the operation takes.
                    #[derive(InputObject)]
                    #[graphql(name_type, rename_fields = "snake_case")]
                    pub(super) struct Input {
                        $($input: Option<String>),+
                    }

                    impl TypeName for Input {
                        fn type_name() -> Cow<'static, str> {
                            static NAME: LazyLock<String> =
                                LazyLock::new(|| type_name(stringify!($name), "Input"));
                            Cow::Borrowed(&NAME)
                        }
                    }

                    impl From<Input> for Fields {
                        fn from(input: Input) -> Self {
                            let given = [$((stringify!($input), input.$input)),+].into_iter();
                            let given = given.filter_map(|(name, text)| Some((name, text?)));
                            given.map(|(name, text)| (name.to_owned(), text.into())).collect()
                        }
                    }

                    /// What the operation answers.
                    #[derive(SimpleObject, Serialize)]
                    #[graphql(name_type, rename_fields = "snake_case")]
                    pub(super) struct Output {
                        $(pub(super) $output: $type),+
                    }

                    impl TypeName for Output {
                        fn type_name() -> Cow<'static, str> {
                            static NAME: LazyLock<String> =
                                LazyLock::new(|| type_name(stringify!($name), "Output"));
                            Cow::Borrowed(&NAME)
                        }
                    }

                    pub(in crate::dialects::hasura) fn operation<'a>(
                        call: &'a Call<'a>,
                        fields: Fields,
                    ) -> Running<'a> {
                        Box::pin(async move {
                            let answer = super::$name(call, fields).await?;
                            // Texts, numbers and flags always become JSON.
                            Ok(serde_json::to_value(answer).unwrap_or_default())
                        })
                    }
                }
            )+
        )+

        /// All operations, by their names.
        pub(super) const OPERATIONS: &[(&str, Operation)] =
            &[$($((stringify!($name), $name::operation)),+),+];
    };
}

pub(super) use operations;

/// `user_login` and `Input` make `UserLoginInput`.
pub(super) fn type_name(operation: &str, kind: &str) -> String {
    let words = operation.split('_').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_uppercase() + rest
    });
    words.chain([kind.to_owned()]).collect()
}
