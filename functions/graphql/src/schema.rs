//! The schema, merged from the dialects, in the two forms that a mutation can have.

use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use accounts::Accounts;
use async_graphql::{
    EmptySubscription, MergedObject, ObjectType, Request, Response, SchemaBuilder,
};

use crate::dialects::django::{
    DjangoMutation, DjangoQuery, DjangoRegistration, Node, RelayMutation, RelayRegistration,
};

/// All queries.
#[derive(Debug, Default, MergedObject)]
pub struct Query(DjangoQuery);

/// All mutations.
#[derive(Debug, Default, MergedObject)]
#[graphql(name = "Mutation")]
struct WithArguments(DjangoRegistration, DjangoMutation);

/// All mutations.
#[derive(Debug, Default, MergedObject)]
#[graphql(name = "Mutation")]
struct WithInput(RelayRegistration, RelayMutation);

/// How mutations take what they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As arguments.
    Arguments,
    /// As `input: {…, clientMutationId}`, for Relay.
    Input,
}

/// Which of the possible schemas it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// How mutations take what they need.
    pub(crate) form: Form,
    /// Whether it can be asked for itself.
    pub(crate) introspection: bool,
}

/// A schema that requests are executed on: built when the first one comes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Schema(Arc<LazyLock<Box<dyn Execute>, Build>>);

type Build = Box<dyn FnOnce() -> Box<dyn Execute> + Send>;

impl Schema {
    pub(crate) fn new(accounts: Accounts, options: Options) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(move || match options.form {
            Form::Arguments => Box::new(finished::<WithArguments>(accounts, options)),
            Form::Input => Box::new(finished::<WithInput>(accounts, options)),
        }))))
    }

    /// Builds it now, because a request is sure to come.
    pub(crate) fn ready(self) -> Self {
        LazyLock::force(&self.0);
        self
    }

    pub(crate) async fn execute(&self, request: Request) -> Response {
        self.0.execute(request).await
    }
}

fn finished<M: ObjectType + Default + 'static>(
    accounts: Accounts,
    options: Options,
) -> async_graphql::Schema<Query, M, EmptySubscription> {
    let schema = builder::<M>().data(accounts).disable_suggestions();
    if options.introspection { schema.finish() } else { schema.disable_introspection().finish() }
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
pub fn sdl(form: Form) -> String {
    match form {
        Form::Arguments => builder::<WithArguments>().finish().sdl(),
        Form::Input => builder::<WithInput>().finish().sdl(),
    }
}

fn builder<M: ObjectType + Default + 'static>() -> SchemaBuilder<Query, M, EmptySubscription> {
    let schema = async_graphql::Schema::build(Query::default(), M::default(), EmptySubscription);
    schema.register_output_type::<Node>()
}
