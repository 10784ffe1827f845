//! Prefixes of the path of a route: the path of the site's own address, and the name of API Gateway's stage. A
//! gateway or proxy in front may keep or remove the prefix; both paths lead to the same route.

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use lambda_http::request::RequestContext;

/// The routes at their own paths, and below the prefix.
pub(crate) fn with_and_without<S: Clone + Send + Sync + 'static>(
    prefix: &str,
    routes: Router<S>,
) -> Router<S> {
    if prefix.is_empty() { routes } else { routes.clone().nest(prefix, routes) }
}

/// The same address without the prefix. `None` if it is not below the prefix.
pub(crate) fn without(prefix: &str, uri: &Uri) -> Option<Uri> {
    below(uri, prefix.strip_prefix('/')?)
}

/// Removes the name of the stage. Each request through a named stage has it before the path: if API Gateway did not put
/// it there, `lambda_http` did.
pub(crate) fn without_stage(mut request: Request) -> Request {
    let Some(RequestContext::ApiGatewayV2(gateway)) = request.extensions().get() else {
        return request;
    };
    let stage = gateway.stage.as_deref().filter(|stage| *stage != "$default");
    if let Some(uri) = stage.and_then(|stage| below(request.uri(), stage)) {
        *request.uri_mut() = uri;
    }
    request
}

fn below(uri: &Uri, stage: &str) -> Option<Uri> {
    let all = uri.path_and_query()?.as_str();
    let rest = all.strip_prefix('/')?.strip_prefix(stage)?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(rest.starts_with('/').then(|| rest.parse::<PathAndQuery>().ok())??);
    Uri::from_parts(parts).ok()
}
