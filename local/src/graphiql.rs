//! GraphiQL, for a browser that opens the address of the API.

use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_SECURITY_POLICY};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

/// GraphiQL's editor sets styles by itself and has its fonts in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      font-src data:; img-src 'self' data:; connect-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Answers a browser that asks the API for a page. All other requests go to the API.
pub(crate) async fn or_the_api(request: Request, next: Next) -> Response {
    let path = request.uri().path().trim_end_matches('/');
    let is_api = matches!(path, "/graphql" | "/graphql/relay");
    let is_query = request.uri().query().is_some_and(|query| query.contains("query="));
    if request.method() == Method::GET && is_api && !is_query && takes_html(request.headers()) {
        let page = Html(include_str!("../assets/graphiql.html"));
        ([(CONTENT_SECURITY_POLICY, POLICY)], page).into_response()
    } else {
        next.run(request).await
    }
}

fn takes_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}
