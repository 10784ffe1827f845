//! Whether the operation of a request was executed, or the request was refused before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::Response;
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};

/// How far a request came. All clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<AtomicBool>);

impl Progress {
    pub(crate) fn is_executed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Sets the [`Progress`] of a request when its execution begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProgressObserver;

impl ExtensionFactory for ProgressObserver {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(*self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for ProgressObserver {
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        if let Some(Progress(is_executed)) = ctx.data_opt() {
            is_executed.store(true, Ordering::Relaxed);
        }
        next.run(ctx, operation_name).await
    }
}
