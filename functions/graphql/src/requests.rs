//! The id of a request: in every line of the log, in the mails that the request causes, and in the answer.

use accounts::clock::Clock;
use accounts::config::LogIp;
use accounts::model::Client;
use accounts::random::Random;
use accounts::telemetry::{Context, in_context, with_dialect};
use axum::extract::{Request, State};
use axum::http::header::USER_AGENT;
use axum::http::{Extensions, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::MethodRouter;
use lambda_http::Context as Invocation;
use lambda_http::request::RequestContext;

use crate::App;
use crate::caller::{ClientIp, behind_proxies, ip};
use crate::header_text;

/// The header of the answer that names the request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The settings that identify a request and its client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    /// How much of the caller's IP address the log has.
    pub(crate) log_ip: LogIp,
    /// Number of proxies in front of the API that add the address of the client to `X-Forwarded-For`.
    pub(crate) trusted_proxies: usize,
}

/// Gives the request its id and the address of its client, for the log and for the handlers.
pub(crate) async fn identify(
    State(identity): State<Identity>,
    mut request: Request,
    next: Next,
) -> Response {
    let Identity { log_ip, trusted_proxies } = identity;
    let client = behind_proxies(ip(request.extensions()), request.headers(), trusted_proxies);
    request.extensions_mut().insert(ClientIp(client));
    let user_agent = header_text::of(request.headers(), USER_AGENT);
    let client = Client { ip: ip(request.extensions()), user_agent, ..Client::default() };
    let context = context(request.extensions(), log_ip, client);
    let id = HeaderValue::from_str(&context.request_id);
    // A route or a root field of a dialect sets its name. All other paths have the name `page`.
    let mut response = in_context(context, with_dialect("page", next.run(request))).await;
    response.headers_mut().extend(id.ok().map(|id| (REQUEST_ID, id)));
    response
}

/// Adds the dialect to the log lines of that route.
pub(crate) fn in_dialect(dialect: &'static str, to: MethodRouter<App>) -> MethodRouter<App> {
    to.layer(from_fn(move |request, next: Next| with_dialect(dialect, next.run(request))))
}

/// The request id of Lambda's own log lines, or else that of API Gateway. An id of the client is ignored. The id in
/// the access log of API Gateway is a field of its own.
fn context(extensions: &Extensions, log_ip: LogIp, client: Client) -> Context {
    let invocation = extensions.get::<Invocation>();
    let gateway = match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(gateway)) => gateway.request_id.clone(),
        _ => None,
    };
    let gateway = gateway.filter(|id| !id.is_empty());
    let known = invocation.map(|invocation| invocation.request_id.clone());
    let known = known.filter(|id| !id.is_empty()).or_else(|| gateway.clone());
    Context {
        request_id: known.unwrap_or_else(|| Random::System.id(Clock::System.now()).to_string()),
        api_request_id: gateway,
        ip: ip(extensions).and_then(|ip| log_ip.of(&ip)),
        client,
        trace_id: invocation.and_then(|invocation| invocation.xray_trace_id.clone()),
    }
}
