//! The only extension of the engine. The engine calls each extension for each field of an answer, so more than one would
//! make each request more expensive.
//!
//! It adds rules about variables, gives the log the dialect of a root field, and observes whether the execution begins. If
//! an earlier request proved that a document is valid, it skips the rules for documents, which take as long as the
//! execution.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use accounts::telemetry::with_dialect;
use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextResolve,
    NextValidation, ResolveInfo,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    CacheControl, Response, ServerError, ServerResult, ValidationResult, Value, Variables,
};

use crate::documents::MeasuredDocument;
use crate::{dialects, positions};

/// A request on its way through the engine. All clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Execution(Arc<State>);

#[derive(Debug)]
struct State {
    document: Arc<MeasuredDocument>,
    /// The name of the operation to execute, if the request has one.
    operation: Option<String>,
    /// Whether this request proves that the document is valid, if its execution begins.
    is_proof: AtomicBool,
    has_begun: AtomicBool,
}

impl Execution {
    pub(crate) fn new(document: Arc<MeasuredDocument>, operation: Option<String>) -> Self {
        let (is_proof, has_begun) = (AtomicBool::new(false), AtomicBool::new(false));
        Self(Arc::new(State { document, operation, is_proof, has_begun }))
    }

    /// Whether the execution began. If not, the request was refused before.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.has_begun.load(Ordering::Relaxed)
    }

    fn begin(&self) {
        self.0.has_begun.store(true, Ordering::Relaxed);
        if self.0.is_proof.load(Ordering::Relaxed) {
            self.0.document.set_valid();
        }
    }
}

/// Observes the execution of requests.
#[derive(Debug)]
pub(crate) struct ExecutionObserver;

impl ExtensionFactory for ExecutionObserver {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(OneRequest::default())
    }
}

#[derive(Debug, Default)]
struct OneRequest {
    /// Whether the document is known to be valid.
    is_valid: AtomicBool,
}

#[async_graphql::async_trait::async_trait]
impl Extension for OneRequest {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        let registry = &ctx.schema_env.registry;
        let state = ctx.data_opt::<Execution>().map(|Execution(state)| &**state);
        let operation = state.and_then(|state| state.operation.as_deref());
        let is_plain = positions::are_all_given(&document, variables, operation);
        if is_plain && state.is_some_and(|state| state.document.is_valid()) {
            self.is_valid.store(true, Ordering::Relaxed);
            positions::check_variables(registry, &document, variables)?;
            return Ok(document);
        }
        positions::check(registry, &document, variables, operation)?;
        if let Some(state) = state {
            let is_proof = is_plain && positions::has_plain_variables(registry, &document);
            state.is_proof.store(is_proof, Ordering::Relaxed);
        }
        Ok(document)
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        if !self.is_valid.load(Ordering::Relaxed) {
            return next.run(ctx).await;
        }
        // Latchkey uses none of these results: it has limits of its own, and sets the headers of an answer itself.
        Ok(ValidationResult { cache_control: CacheControl::default(), complexity: 0, depth: 0 })
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        if let Some(execution) = ctx.data_opt::<Execution>() {
            execution.begin();
        }
        next.run(ctx, operation_name).await
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        if info.path_node.parent.is_some() {
            return next.run(ctx, info).await;
        }
        with_dialect(dialects::of(info.name), next.run(ctx, info)).await
    }
}
