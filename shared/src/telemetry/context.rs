//! The present request. Every log line and every mail has its id, without a parameter for it.

use serde_json::{Map, Value};

use super::operation;
use crate::model::Client;

tokio::task_local! {
    static CONTEXT: Context;
    static DIALECT: &'static str;
}

/// The request that is being worked on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The request id, the same from the call of the API to the mail.
    pub request_id: String,
    /// The id that X-Ray uses.
    pub trace_id: Option<String>,
    /// The id in the log of the API in front.
    pub api_request_id: Option<String>,
    /// Where it comes from, as far as the log may have it.
    pub ip: Option<String>,
    /// The client, for the audit trail. The log does not have it.
    pub client: Client,
}

/// Works on that request.
pub async fn in_context<F: Future>(context: Context, run: F) -> F::Output {
    CONTEXT.scope(context, run).await
}

/// Runs a request of that dialect.
pub async fn with_dialect<F: Future>(dialect: &'static str, run: F) -> F::Output {
    DIALECT.scope(dialect, run).await
}

/// The id of the present request; `None` outside of a request.
pub fn request_id() -> Option<String> {
    let id = CONTEXT.try_with(|context| context.request_id.clone()).ok();
    id.filter(|id| !id.is_empty())
}

/// The origin of the present request, as the audit trail keeps it. Outside of a request, nothing is known.
pub(crate) fn origin() -> Origin {
    let client = CONTEXT.try_with(|context| context.client.for_keeping()).unwrap_or_default();
    Origin { ip: client.ip, user_agent: client.user_agent, request_id: request_id() }
}

/// The origin of a request.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) ip: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) request_id: Option<String>,
}

/// Adds the fields of the request, and of the present operation, to a line.
pub(super) fn describe(line: &mut Map<String, Value>) {
    let _ = CONTEXT.try_with(|context| {
        line.insert("request_id".to_owned(), context.request_id.clone().into());
        let Context { trace_id, api_request_id, ip, .. } = context;
        let known = [("trace_id", trace_id), ("api_request_id", api_request_id), ("ip", ip)];
        for (name, value) in known {
            if let Some(value) = value {
                line.insert(name.to_owned(), value.clone().into());
            }
        }
    });
    let _ = DIALECT.try_with(|dialect| line.insert("dialect".to_owned(), (*dialect).into()));
    operation::describe(line);
}
