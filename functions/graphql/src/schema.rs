//! The schema, merged from the dialects, in the two forms that a mutation can have.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use async_graphql::{EmptySubscription, ObjectType, Request, Response, SchemaBuilder};

use crate::dialects::django::{
    DjangoFactors, DjangoMailLogIn, DjangoMutation, DjangoPasskeys, DjangoQuery,
    DjangoRegistration, PasskeyQuery, RelayFactors, RelayMailLogIn, RelayMutation, RelayPasskeys,
    RelayRegistration, passwordless,
};
use crate::dialects::hasura::{HasuraMutation, HasuraQuery};
use crate::dialects::plain::{PlainMutation, PlainQuery};
use crate::dialects::staff::{StaffMutation, StaffQuery};
use crate::documents::Documents;
use crate::execution::ExecutionObserver;
use crate::merged::merged;
use crate::nodes::Node;

merged! {
    /// All queries.
    pub struct Query as "Query" of
        DjangoQuery, PasskeyQuery, HasuraQuery, PlainQuery, StaffQuery
}

merged! {
    /// All mutations.
    struct WithArguments as "Mutation" of
        DjangoRegistration, DjangoMutation, DjangoMailLogIn, DjangoFactors, DjangoPasskeys, HasuraMutation,
        PlainMutation, StaffMutation
}

merged! {
    /// All mutations.
    struct PasswordlessWithArguments as "Mutation" of
        passwordless::DjangoRegistration, DjangoMutation, DjangoMailLogIn, DjangoFactors, DjangoPasskeys, HasuraMutation,
        PlainMutation, StaffMutation
}

merged! {
    /// All mutations.
    struct WithInput as "Mutation" of
        RelayRegistration, RelayMutation, RelayMailLogIn, RelayFactors, RelayPasskeys, StaffMutation
}

merged! {
    /// All mutations.
    struct PasswordlessWithInput as "Mutation" of
        passwordless::RelayRegistration, RelayMutation, RelayMailLogIn, RelayFactors, RelayPasskeys, StaffMutation
}

/// How mutations take what they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MutationStyle {
    /// As arguments.
    Arguments,
    /// As `input: {…, clientMutationId}`, for Relay.
    Input,
}

/// Whether a new account starts with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterArguments {
    /// A password.
    WithPassword,
    /// None: it is set later, by a mailed link.
    Passwordless,
}

/// Which of the possible schemas it is.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// How mutations take what they need.
    pub style: MutationStyle,
    /// The arguments of `register`.
    pub registration: RegisterArguments,
}

/// Evaluates an expression with `M` as the mutations of that shape.
macro_rules! with_mutations {
    ($shape:expr, |M| $expression:expr) => {
        match ($shape.style, $shape.registration) {
            (MutationStyle::Arguments, RegisterArguments::WithPassword) => {
                type M = WithArguments;
                $expression
            }
            (MutationStyle::Arguments, RegisterArguments::Passwordless) => {
                type M = PasswordlessWithArguments;
                $expression
            }
            (MutationStyle::Input, RegisterArguments::WithPassword) => {
                type M = WithInput;
                $expression
            }
            (MutationStyle::Input, RegisterArguments::Passwordless) => {
                type M = PasswordlessWithInput;
                $expression
            }
        }
    };
}

/// A schema that executes requests. The first request builds it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Schema {
    built: Arc<LazyLock<Box<dyn Execute>, Build>>,
    documents: Documents,
}

type Build = Box<dyn FnOnce() -> Box<dyn Execute> + Send>;

impl Schema {
    /// Without `introspection`, it refuses queries for the schema.
    pub(crate) fn new(shape: Shape, introspection: bool) -> Self {
        let build: Build =
            Box::new(move || with_mutations!(shape, |M| Box::new(finished::<M>(introspection))));
        Self { built: Arc::new(LazyLock::new(build)), documents: Documents::default() }
    }

    /// Builds it now, because a request is sure to come.
    pub(crate) fn warm_up(&self) {
        LazyLock::force(&self.built);
    }

    /// The kept documents of requests for this schema. A document that is valid here may not be valid in another schema.
    pub(crate) fn documents(&self) -> &Documents {
        &self.documents
    }

    pub(crate) async fn execute(&self, request: Request) -> Response {
        self.built.execute(request).await
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema")
    }
}

fn finished<M: ObjectType + Default + 'static>(
    introspection: bool,
) -> async_graphql::Schema<Query, M, EmptySubscription> {
    let schema = builder::<M>().extension(ExecutionObserver).disable_suggestions();
    if introspection { schema.finish() } else { schema.disable_introspection().finish() }
}

/// A schema with any kind of mutations.
trait Execute: Send + Sync {
    fn execute<'a>(
        &'a self,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Response> + Send + 'a>>;
}

impl<M: ObjectType + 'static> Execute for async_graphql::Schema<Query, M, EmptySubscription> {
    fn execute<'a>(
        &'a self,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Response> + Send + 'a>> {
        Box::pin(self.execute(request))
    }
}

/// The schema in the schema definition language, as clients generate code from it.
pub fn sdl(shape: Shape) -> String {
    with_mutations!(shape, |M| builder::<M>().finish().sdl())
}

fn builder<M: ObjectType + Default + 'static>() -> SchemaBuilder<Query, M, EmptySubscription> {
    let schema = async_graphql::Schema::build(Query, M::default(), EmptySubscription);
    schema.register_output_type::<Node>()
}
