//! A GraphQL request, in each form that graphene-django accepts: a query string, JSON, a bare document, a form.

use async_graphql::{Request, Variables};
use axum::http::StatusCode;
use form_urlencoded::parse;
use serde_json::{Map, Value};

use crate::codes::Code;
use crate::graphql_error::GraphQlError;
use crate::graphql_error::{HttpError, bad_request};

/// The parts of a GraphQL request, as far as they were given.
#[derive(Debug, Default)]
pub(crate) struct RequestFields {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<Map<String, Value>>,
    extensions: Option<Map<String, Value>>,
}

impl RequestFields {
    /// From the query string of a URL, or from a form in the same encoding.
    pub(crate) fn form(encoded: &[u8]) -> Result<Self, HttpError> {
        Self::fields(parse(encoded).map(|(name, value)| (name.into_owned(), value.into_owned())))
    }

    /// From the fields of a form. The last of several fields of one name counts, as in Django.
    pub(crate) fn fields(
        fields: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, HttpError> {
        let fields = fields.map(|(name, text)| (name, Value::String(text)));
        Self::object(fields.collect())
    }

    /// From the body `application/graphql`, which is the document itself.
    pub(crate) fn document(body: &[u8]) -> Result<Self, HttpError> {
        let query = Some(utf8(body)?.to_owned()).filter(|query| !query.is_empty());
        Ok(Self { query, ..Self::default() })
    }

    /// From the body `application/json`.
    pub(crate) fn json(body: &[u8]) -> Result<Self, HttpError> {
        match serde_json::from_str(utf8(body)?) {
            Ok(Value::Array(_)) => Err(bad_request("Batches are not supported.")),
            Ok(Value::Object(fields)) => Self::object(fields),
            Ok(_) | Err(_) => Err(bad_request("The body is not a JSON object.")),
        }
    }

    fn object(mut fields: Map<String, Value>) -> Result<Self, HttpError> {
        let mut text = |name: &str| match fields.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(_) => Err(bad_request(format!("The {name} must be a text."))),
        };
        let (query, operation_name) = (text("query")?, text("operationName")?);
        let mut object = |name: &str, title: &str| {
            let given = match fields.remove(name) {
                Some(Value::String(text)) if text.is_empty() => Value::Null,
                Some(Value::String(text)) => serde_json::from_str(&text)
                    .map_err(|_| bad_request(format!("{title} are invalid JSON.")))?,
                given => given.unwrap_or_default(),
            };
            if given.is_null() {
                Ok(None)
            } else if let Value::Object(object) = given {
                Ok(Some(object))
            } else {
                Err(bad_request(format!("{title} must be an object.")))
            }
        };
        Ok(Self {
            query,
            // Older clients of graphene-django send this text when there is no name.
            operation_name: operation_name.filter(|name| name != "null"),
            variables: object("variables", "Variables")?,
            extensions: object("extensions", "Extensions")?,
        })
    }

    /// The fields of this one, and for missing fields, those of the other.
    #[must_use]
    pub(crate) fn or(self, others: Self) -> Self {
        Self {
            query: self.query.or(others.query),
            operation_name: self.operation_name.or(others.operation_name),
            variables: self.variables.or(others.variables),
            extensions: self.extensions.or(others.extensions),
        }
    }

    /// Whether neither a document nor the hash of one is given.
    pub(crate) fn is_empty(&self) -> bool {
        self.query.is_none() && !self.is_persisted()
    }

    /// Whether the client asks by the hash of a document (Apollo's persisted queries).
    fn is_persisted(&self) -> bool {
        let extensions = self.extensions.as_ref();
        extensions.is_some_and(|extensions| extensions.contains_key("persistedQuery"))
    }

    /// The request.
    ///
    /// # Errors
    /// When there is no document; a client that sent the hash of one learns that it must send the whole.
    pub(crate) fn request(self) -> Result<Request, HttpError> {
        let is_persisted = self.is_persisted();
        let Some(query) = self.query else {
            return Err(if is_persisted {
                // Apollo's client and urql recognise this answer by its code or its message.
                let code = Code::PERSISTED_QUERY_NOT_SUPPORTED;
                HttpError(StatusCode::OK, GraphQlError::new(code, "PersistedQueryNotSupported"))
            } else {
                bad_request("Must provide query string.")
            });
        };
        let mut request = Request::new(query);
        request.operation_name = self.operation_name;
        let variables = Value::Object(self.variables.unwrap_or_default());
        request.variables = serde_json::from_value::<Variables>(variables)
            .map_err(|_| bad_request("Variables must be an object."))?;
        Ok(request)
    }
}

fn utf8(body: &[u8]) -> Result<&str, HttpError> {
    std::str::from_utf8(body).map_err(|_| bad_request("The body is not UTF-8."))
}
