//! `/graphql` over HTTP.

use accounts::Accounts;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{Name, Positioned, Request, Value, Variables};
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::ALLOW;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use serde::Deserialize;

use crate::App;
use crate::caller::RequestCaller;
use crate::cookies::{self, SentBy};
use crate::document::Watched;
use crate::json_body::{BadBody, is_json, read_bytes};
use crate::refusal::Refusal;
use crate::{dialects, document, multipart};

/// The most bytes that a request's body may have.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// How many errors are told of one request.
const MAX_ERRORS: usize = 20;
/// How much of a syntax error is told, in code points.
const MAX_TOLD: usize = 500;

/// `POST`: any operation, as JSON.
pub(crate) async fn execute(
    State(app): State<App>,
    request: axum::http::Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let answer = async {
        let request = if let Some(boundary) = multipart::boundary(&parts.headers) {
            must_be_of_the_site(&parts, SentBy::of(&parts, &app.settings.origins))?;
            multipart::parse(&boundary, read(body, multipart::MAX_BODY).await?).await?
        } else {
            must_be_json(&parts.headers)?;
            parse(&read(body, MAX_BODY).await?)?
        };
        run(&app, request, &parts, Verb::Post).await
    };
    answer.await.unwrap_or_else(Rejection::into_response)
}

/// `GET ?query=…`: queries only.
pub(crate) async fn query(
    State(app): State<App>,
    asked: Result<Query<Asked>, QueryRejection>,
    parts: Parts,
) -> Response {
    let Ok(Query(asked)) = asked else {
        return bad_request("The query string cannot be read.").into_response();
    };
    let answer = async {
        match asked.query.as_deref() {
            None => Err(bad_request("Must provide query string.")),
            Some(_) => run(&app, asked.request()?, &parts, Verb::Get).await,
        }
    };
    answer.await.unwrap_or_else(Rejection::into_response)
}

/// The same, with mutations as Relay wants them.
pub(crate) async fn execute_for_relay(
    State(app): State<App>,
    request: axum::http::Request<Body>,
) -> Response {
    execute(State(app.for_relay()), request).await
}

/// The same, with mutations as Relay wants them.
pub(crate) async fn query_for_relay(
    State(app): State<App>,
    asked: Result<Query<Asked>, QueryRejection>,
    parts: Parts,
) -> Response {
    query(State(app.for_relay()), asked, parts).await
}

/// A request in a query string.
#[derive(Deserialize)]
pub(crate) struct Asked {
    query: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<String>,
}

impl Asked {
    fn request(self) -> Result<Request, Rejection> {
        let mut request = Request::new(self.query.unwrap_or_default());
        request.operation_name = self.operation_name.filter(|name| !name.is_empty());
        if let Some(variables) = self.variables.filter(|variables| !variables.is_empty()) {
            let variables = serde_json::from_str(&variables);
            let variables: serde_json::Value =
                variables.map_err(|_| bad_request("Variables are invalid JSON."))?;
            if !variables.is_object() && !variables.is_null() {
                return Err(bad_request("Variables must be an object."));
            }
            request.variables = Variables::from_json(variables);
        }
        Ok(request)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Get,
    Post,
}

/// A request that is not executed: its status, and why.
pub(crate) struct Rejection(pub(crate) StatusCode, pub(crate) Refusal);

impl Rejection {
    fn into_response(self) -> Response {
        let Self(status, Refusal { message, code, .. }) = self;
        let error = serde_json::json!({ "message": message, "extensions": { "code": code } });
        let mut response = (status, Json(serde_json::json!({ "errors": [error] }))).into_response();
        if status == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(ALLOW, axum::http::HeaderValue::from_static("POST"));
        }
        response
    }
}

pub(crate) fn bad_request(message: impl Into<String>) -> Rejection {
    Rejection(StatusCode::BAD_REQUEST, Refusal::new("bad_request", message))
}

fn must_be_json(headers: &HeaderMap) -> Result<(), Rejection> {
    if is_json(headers) {
        Ok(())
    } else {
        Err(bad_request("The Content-Type must be application/json."))
    }
}

/// Refuses what another site's page may have sent: a browser adds the cookies by itself.
fn must_be_of_the_site(request: &Parts, sent_by: SentBy) -> Result<(), Rejection> {
    if sent_by == SentBy::OwnPage || cookies::has_authorization(request) {
        return Ok(());
    }
    let message =
        "This request must come from the site's own pages, or have an Authorization header.";
    Err(Rejection(StatusCode::FORBIDDEN, Refusal::new("cross_site", message)))
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Rejection> {
    read_bytes(body, limit).await.map_err(|bad| match bad {
        BadBody::TooLarge => Rejection(
            StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::new("too_large", format!("The body may have {limit} bytes.")),
        ),
        BadBody::UnsupportedType | BadBody::NotAnObject => bad_request("The body cannot be read."),
    })
}

fn parse(body: &Bytes) -> Result<Request, Rejection> {
    let text = std::str::from_utf8(body).map_err(|_| bad_request("The body is not UTF-8."))?;
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Array(_)) => Err(bad_request("Batches are not supported.")),
        Ok(value @ serde_json::Value::Object(_)) => serde_json::from_value(value)
            .map_err(|_| bad_request("The body is not a GraphQL request.")),
        Ok(_) | Err(_) => Err(bad_request("The body is not a JSON object.")),
    }
}

async fn run(
    app: &App,
    mut request: Request,
    parts: &Parts,
    verb: Verb,
) -> Result<Response, Rejection> {
    if request.query.is_empty() {
        return Err(bad_request("Must provide query string."));
    }
    let mut document = parse_query(&request.query).map_err(|error| {
        // It quotes the document, which may be long.
        let told = error.to_string().chars().take(MAX_TOLD).collect::<String>();
        Rejection(StatusCode::BAD_REQUEST, Refusal::new("syntax", told))
    })?;
    let watched = Watched { costly: dialects::costly(), by_post: dialects::by_post() };
    let wants_post = document::check(&document, &watched, app.settings.introspection)
        .map_err(|refusal| Rejection(StatusCode::BAD_REQUEST, refusal))?;
    let is_mutation = is_mutation(&document, request.operation_name.as_deref());
    let sent_by = SentBy::of(parts, &app.settings.origins);
    if is_mutation && app.settings.cookies.is_some() {
        must_be_of_the_site(parts, sent_by)?;
    }
    if verb == Verb::Get && is_mutation {
        return Err(not_by_get("Can only perform a mutation from a POST request."));
    }
    if let (Verb::Get, Some(field)) = (verb, wants_post) {
        return Err(not_by_get(format!("Can only ask for {field} from a POST request.")));
    }
    must_have_variables(&document, &request)?;
    multipart::check(&request, &document)?;
    dialects::plain::read_in_any_case(&mut document, &mut request.variables);
    request.set_parsed_query(document);
    let caller = caller(app, parts, sent_by, is_mutation);
    let jar = caller.jar.clone();
    let uploads = multipart::Uploads(request.uploads.len());
    let request = request.data(Accounts::clone(&app.accounts)).data(caller);
    let request = request.data(uploads).data(app.settings.hasura.clone());
    let mut response = app.schema.execute(request).await;
    // What failed before anything was executed has no data at all; a field that failed has null.
    let is_executed = response.is_ok() || response.data != Value::Null;
    if response.data == Value::Null && is_executed {
        response.data = Value::Object(async_graphql::indexmap::IndexMap::new());
    }
    response.errors.truncate(MAX_ERRORS);
    let status = if is_executed { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let mut response = (status, Json(response)).into_response();
    if let (Some(cookies), SentBy::OwnPage | SentBy::Unknown) = (&app.settings.cookies, sent_by) {
        cookies.write(&jar, response.headers_mut());
    }
    Ok(response)
}

/// The caller of a request. A cookie speaks for the caller only in what a page of the site has sent; in a query,
/// which changes nothing, also if the browser does not say whose page has sent it.
fn caller(app: &App, parts: &Parts, sent_by: SentBy, is_mutation: bool) -> RequestCaller {
    let caller = RequestCaller::by_header(Accounts::clone(&app.accounts), parts);
    let Some(cookies) = &app.settings.cookies else { return caller };
    let caller = caller.hiding_tokens(cookies.are_all());
    match sent_by {
        SentBy::OwnPage => caller.with_cookies(parts, cookies.read(&parts.headers)),
        SentBy::Unknown if !is_mutation => caller.with_cookies(parts, cookies.read(&parts.headers)),
        SentBy::Unknown | SentBy::OtherPage => caller,
    }
}

fn not_by_get(message: impl Into<String>) -> Rejection {
    Rejection(StatusCode::METHOD_NOT_ALLOWED, Refusal::new("method_not_allowed", message))
}

/// Refuses a request without a variable that its operation needs, before any of it is executed.
fn must_have_variables(document: &ExecutableDocument, request: &Request) -> Result<(), Rejection> {
    for (_, operation) in chosen(document, request.operation_name.as_deref()) {
        for variable in &operation.node.variable_definitions {
            let variable = &variable.node;
            let name = &variable.name.node;
            let is_given = request.variables.get(name).is_some_and(|value| *value != Value::Null);
            let is_needed = !variable.var_type.node.nullable && variable.default_value.is_none();
            if is_needed && !is_given {
                return Err(bad_request(format!(
                    "Variable \"${name}\" of required type \"{}\" was not provided.",
                    variable.var_type.node
                )));
            }
        }
    }
    Ok(())
}

fn is_mutation(document: &ExecutableDocument, name: Option<&str>) -> bool {
    chosen(document, name).any(|(_, operation)| operation.node.ty == OperationType::Mutation)
}

/// The operation of that name; without a name, all that there are.
fn chosen<'a>(
    document: &'a ExecutableDocument,
    name: Option<&'a str>,
) -> impl Iterator<Item = (Option<&'a Name>, &'a Positioned<OperationDefinition>)> {
    let operations = document.operations.iter();
    operations.filter(move |(operation, _)| name.is_none() || operation.map(Name::as_str) == name)
}
