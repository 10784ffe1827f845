//! The dialect of a root field, for the log.

use std::sync::Arc;

use accounts::telemetry::with_dialect;
use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo,
};
use async_graphql::{ServerResult, Value};

use crate::dialects;

/// Adds the dialect of each root field to the log lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DialectLog;

impl ExtensionFactory for DialectLog {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(*self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for DialectLog {
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
