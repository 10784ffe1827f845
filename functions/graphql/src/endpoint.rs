//! `/graphql` over HTTP.

use accounts::Accounts;
use accounts::error::AuthError;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::parser::{Error as SyntaxError, parse_query};
use async_graphql::{Name, Pos, Positioned, Request, ServerError, Value};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{ALLOW, CONTENT_TYPE, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Json, Response};

use crate::App;
use crate::accept::prefers;
use crate::caller::RequestCaller;
use crate::codes::Code;
use crate::cookies::{self, SentBy};
use crate::documents::MeasuredDocument;
use crate::execution::Execution;
use crate::graphql_error::{GraphQlError, HttpError, bad_request};
use crate::json_body::{BodyError, MAX_BODY, is_of_type, read_bytes};
use crate::request_fields::RequestFields;
use crate::{dialects, document, multipart, root_fields};

/// How many errors an answer may have.
const MAX_ERRORS: usize = 20;

/// `POST`: any operation, written in any of the ways of [`RequestFields`].
pub(crate) async fn execute(
    State(app): State<App>,
    request: axum::http::Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let format = Format::wanted(&parts.headers);
    let answer = async {
        let request = read_request(&app, &parts, body).await?;
        run(&app, request, &parts, Verb::Post, format).await
    };
    answer.await.unwrap_or_else(|rejection| rejection.answer(format))
}

/// `GET ?query=…`: queries only.
pub(crate) async fn query(State(app): State<App>, parts: Parts) -> Response {
    let format = Format::wanted(&parts.headers);
    let answer = async {
        let request = RequestFields::form(query_string(&parts))?.request()?;
        run(&app, request, &parts, Verb::Get, format).await
    };
    answer.await.unwrap_or_else(|rejection| rejection.answer(format))
}

/// The same, with mutations as Relay wants them.
pub(crate) async fn execute_for_relay(
    State(app): State<App>,
    request: axum::http::Request<Body>,
) -> Response {
    execute(State(app.for_relay()), request).await
}

/// The same, with mutations as Relay wants them.
pub(crate) async fn query_for_relay(State(app): State<App>, parts: Parts) -> Response {
    query(State(app.for_relay()), parts).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Get,
    Post,
}

/// In which media type a request is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    /// That of GraphQL over HTTP: its clients read the body at any status.
    GraphqlResponse,
}

impl Format {
    const GRAPHQL_RESPONSE: &'static str = "application/graphql-response+json";

    fn wanted(headers: &HeaderMap) -> Self {
        if prefers(headers, Self::GRAPHQL_RESPONSE, "application/json") {
            Self::GraphqlResponse
        } else {
            Self::Json
        }
    }

    fn answer(self, status: StatusCode, body: impl serde::Serialize) -> Response {
        let mut response = (status, Json(body)).into_response();
        if self == Self::GraphqlResponse {
            let kind = HeaderValue::from_static("application/graphql-response+json; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, kind);
        }
        response
    }

    /// The answer to a request that is not executed. It has no `data` (GraphQL specification, 7.1).
    fn refuse(self, status: StatusCode, errors: &[ServerError]) -> Response {
        // A client of this media type relies on the status. So without data, the status is no success (GraphQL over
        // HTTP, 6.4.2).
        let status = match self {
            Self::GraphqlResponse if status.is_success() => StatusCode::BAD_REQUEST,
            Self::GraphqlResponse | Self::Json => status,
        };
        self.answer(status, serde_json::json!({ "errors": errors }))
    }
}

impl HttpError {
    fn answer(self, format: Format) -> Response {
        let Self(status, refusal) = self;
        let mut response = format.refuse(status, &[error(refusal, [])]);
        if status == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

fn error(refusal: GraphQlError, at: impl IntoIterator<Item = Pos>) -> ServerError {
    let error = async_graphql::Error::from(refusal).into_server_error(Pos::default());
    ServerError { locations: at.into_iter().collect(), ..error }
}

fn query_string(parts: &Parts) -> &[u8] {
    parts.uri.query().unwrap_or_default().as_bytes()
}

/// The request of a `POST`, in its URL or in its body. graphene-django reads both.
async fn read_request(app: &App, parts: &Parts, body: Body) -> Result<Request, HttpError> {
    let url = RequestFields::form(query_string(parts))?;
    let is = |kind| is_of_type(&parts.headers, kind);
    if is("application/json") {
        return url.or(RequestFields::json(&read(body, MAX_BODY).await?)?).request();
    }
    if is("application/graphql") {
        return url.or(RequestFields::document(&read(body, MAX_BODY).await?)?).request();
    }
    must_not_be_forged(app, parts)?;
    if let Some(boundary) = multipart::boundary(&parts.headers) {
        return multipart::parse(url, &boundary, read(body, multipart::MAX_BODY).await?).await;
    }
    if is("application/x-www-form-urlencoded") {
        return url.or(RequestFields::form(&read(body, MAX_BODY).await?)?).request();
    }
    if url.is_empty() {
        return Err(bad_request("The Content-Type must be application/json."));
    }
    url.request()
}

/// Refuses a form that a page of another site may have sent. A browser sends a form without asking the site first, and
/// adds the cookies of the site. A browser always says which page sent the form. A program without cookies does not
/// have to say that.
fn must_not_be_forged(app: &App, request: &Parts) -> Result<(), HttpError> {
    match SentBy::of(request, &app.settings.origins) {
        SentBy::Unknown if !request.headers.contains_key(COOKIE) => Ok(()),
        sent_by @ (SentBy::OwnPage | SentBy::OtherPage | SentBy::Unknown) => {
            must_be_of_the_site(request, sent_by)
        }
    }
}

/// Refuses what another site's page may have sent: a browser adds the cookies by itself.
fn must_be_of_the_site(request: &Parts, sent_by: SentBy) -> Result<(), HttpError> {
    if sent_by == SentBy::OwnPage || cookies::has_authorization(request) {
        return Ok(());
    }
    let message =
        "This request must come from the site's own pages, or have an Authorization header.";
    Err(HttpError(StatusCode::FORBIDDEN, GraphQlError::new(Code::CROSS_SITE, message)))
}

fn too_large(limit: usize) -> HttpError {
    let message = format!("The body may have at most {limit} bytes.");
    HttpError(StatusCode::PAYLOAD_TOO_LARGE, GraphQlError::new(Code::TOO_LARGE, message))
}

async fn read(body: Body, limit: usize) -> Result<Bytes, HttpError> {
    read_bytes(body, limit).await.map_err(|bad| match bad {
        BodyError::TooLarge => too_large(limit),
        BodyError::UnsupportedType | BodyError::NotAnObject | BodyError::NotAForm => {
            bad_request("The body cannot be read.")
        }
    })
}

async fn run(
    app: &App,
    mut request: Request,
    parts: &Parts,
    verb: Verb,
    format: Format,
) -> Result<Response, HttpError> {
    // The limit holds for the document in every kind of body, and for one in the URL.
    if request.query.len() > MAX_BODY {
        return Err(too_large(MAX_BODY));
    }
    let sent_by = SentBy::of(parts, &app.settings.origins);
    let uploader =
        if request.uploads.is_empty() { None } else { Some(uploader(app, parts, sent_by).await?) };
    let measure = |text: &str| measure(text, app.settings.introspection);
    let measured = match app.schema.documents().get(&request.query, measure) {
        Ok(measured) => measured,
        Err(error) => return Ok(format.refuse(StatusCode::BAD_REQUEST, &[error])),
    };
    let mut document = measured.document.clone();
    let is_mutation = is_mutation(&document, request.operation_name.as_deref());
    if is_mutation && app.settings.cookies.is_some() {
        must_be_of_the_site(parts, sent_by)?;
    }
    if verb == Verb::Get && is_mutation {
        return Err(not_by_get("Can only perform a mutation from a POST request."));
    }
    if let (Verb::Get, Some(field)) = (verb, measured.wants_post) {
        return Err(not_by_get(format!("Can only ask for {field} from a POST request.")));
    }
    must_have_variables(&document, &request)?;
    multipart::check(&request, &document)?;
    root_fields::merge(&mut document, request.operation_name.as_deref());
    dialects::rewrite(&mut document, &mut request.variables);
    request.set_parsed_query(document);
    let caller = uploader.unwrap_or_else(|| caller(app, parts, sent_by, is_mutation));
    let (jar, new_device_token) = (caller.jar.clone(), caller.new_device_token.clone());
    let uploads = multipart::Uploads(request.uploads.len());
    let execution = Execution::new(measured, request.operation_name.clone());
    let request = request.data(Accounts::clone(&app.accounts)).data(caller).data(uploads);
    let request = request.data(execution.clone()).data(app.settings.hasura.clone());
    let mut response = app.schema.execute(request).await;
    response.errors.truncate(MAX_ERRORS);
    let is_executed = execution.has_begun();
    response.errors.iter_mut().for_each(|error| name_validation_error(error, is_executed));
    if !is_executed {
        return Ok(format.refuse(StatusCode::BAD_REQUEST, &response.errors));
    }
    // The document has only fields that are skipped.
    if response.data == Value::Null && response.is_ok() {
        response.data = Value::Object(async_graphql::indexmap::IndexMap::new());
    }
    let mut response = format.answer(StatusCode::OK, response);
    if let (Some(cookies), SentBy::OwnPage | SentBy::Unknown) = (&app.settings.cookies, sent_by) {
        cookies.write(&jar, new_device_token.take(), response.headers_mut());
    }
    Ok(response)
}

/// Parses a document that is within the limits.
fn measure(text: &str, introspection: bool) -> Result<MeasuredDocument, ServerError> {
    let refused = |refusal| error(refusal, []);
    document::check_length(text).map_err(refused)?;
    let document = parse_query(text).map_err(|error| syntax_error(&error))?;
    let wants_post = document::check(&document, introspection).map_err(refused)?;
    Ok(MeasuredDocument::new(document, wants_post))
}

/// The caller of a request with a file. Refuses an anonymous caller before the document is parsed, because no operation
/// of an anonymous caller takes a file.
async fn uploader(app: &App, parts: &Parts, sent_by: SentBy) -> Result<RequestCaller, HttpError> {
    let caller = caller(app, parts, sent_by, true);
    match caller.ask().await {
        Ok(Some(_)) => Ok(caller),
        Ok(None) => Err(HttpError(StatusCode::UNAUTHORIZED, AuthError::Unauthenticated.into())),
        Err(error) => Err(HttpError(StatusCode::SERVICE_UNAVAILABLE, error.into())),
    }
}

/// The caller of a request. A cookie authenticates the caller only in a request of a page of the site. In a query,
/// which changes nothing, it does so even if the browser does not name the page.
fn caller(app: &App, parts: &Parts, sent_by: SentBy, is_mutation: bool) -> RequestCaller {
    let caller = RequestCaller::by_header(Accounts::clone(&app.accounts), parts);
    let is_hasura = app.settings.hasura.is_sent_by_hasura(&parts.headers);
    let caller = if is_hasura { caller.with_shared_ip() } else { caller };
    let Some(cookies) = &app.settings.cookies else { return caller };
    let caller = caller.hiding_tokens(cookies.are_all());
    match sent_by {
        SentBy::OwnPage => caller.with_cookies(parts, cookies.read(&parts.headers)),
        SentBy::Unknown if !is_mutation => caller.with_cookies(parts, cookies.read(&parts.headers)),
        SentBy::Unknown | SentBy::OtherPage => caller,
    }
}

/// The position of a syntax error, and the tokens that could be there. The parser's own text quotes the document,
/// which may hold a password.
fn syntax_error(syntax: &SyntaxError) -> ServerError {
    let text = syntax.to_string();
    let expected = text.lines().last().unwrap_or_default();
    let message = match (syntax, syntax.positions().next()) {
        (SyntaxError::Syntax { .. }, Some(Pos { line, column })) => {
            let expected = expected.trim_start().strip_prefix("= ");
            let expected = expected.map(|expected| format!(": {expected}")).unwrap_or_default();
            format!("Syntax error in line {line}, column {column}{expected}.")
        }
        _ => text,
    };
    error(GraphQlError::new(Code::SYNTAX, message), syntax.positions())
}

/// Gives a code to the errors of the engine's own rules, which have none. An error during the execution is about a
/// value that [`crate::positions`] accepted; its text would quote the value.
fn name_validation_error(error: &mut ServerError, is_executed: bool) {
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        extensions.set("code", Code::VALIDATION.as_str());
        if is_executed {
            "A value does not fit its type.".clone_into(&mut error.message);
        }
    }
}

fn not_by_get(message: impl Into<String>) -> HttpError {
    HttpError(StatusCode::METHOD_NOT_ALLOWED, GraphQlError::new(Code::METHOD_NOT_ALLOWED, message))
}

/// Refuses a request without a variable that its operation needs, before any of it is executed.
fn must_have_variables(document: &ExecutableDocument, request: &Request) -> Result<(), HttpError> {
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

/// The operation of that name; without a name, all operations.
fn chosen<'a>(
    document: &'a ExecutableDocument,
    name: Option<&'a str>,
) -> impl Iterator<Item = (Option<&'a Name>, &'a Positioned<OperationDefinition>)> {
    let operations = document.operations.iter();
    operations.filter(move |(operation, _)| name.is_none() || operation.map(Name::as_str) == name)
}
