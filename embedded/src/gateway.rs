//! The single endpoint: it receives every request, finds its service, and applies faults.

use crate::batch;
use crate::dynamodb::DynamoDb;
use crate::events::{self, EventBus};
use crate::faults::{Fault, Faults};
use crate::feedback::Feedback;
use crate::mailbox::Mailbox;
use crate::permissions::{Action, Permissions};
use crate::s3::{self, S3};
use crate::secret::Secret;
use crate::ses;
use crate::tally::{Call, Tally};
use dynoxide::storage_backend::Clock;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body, Bytes};
use serde_json::{Value as Json, json};
use std::error::Error;
use std::sync::Arc;

/// The maximum size of a request. SES accepts mails of 40 MB, the largest requests of all services here.
const MAX_BODY: usize = 40 * 1024 * 1024;

/// The answer to a request.
pub(crate) type Answer = Response<Full<Bytes>>;

/// The connection is closed instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
pub(crate) struct NoAnswer;

pub(crate) struct Gateway {
    pub(crate) dynamodb: DynamoDb,
    pub(crate) mailbox: Mailbox,
    pub(crate) s3: S3,
    pub(crate) faults: Faults,
    pub(crate) feedback: Feedback,
    pub(crate) event_bus: EventBus,
    pub(crate) tally: Tally,
    pub(crate) secret: Secret,
    pub(crate) permissions: Permissions,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The service and operation of a request.
enum Route {
    DynamoDb { operation: String },
    Secret { operation: String },
    PutEvents,
    PublishedEvents,
    SendEmail,
    SentMail,
    S3 { operation: &'static str },
    Unknown { what: String },
}

impl Route {
    /// Finds the service as `LocalStack` does: JSON protocols by `X-Amz-Target`, REST ones by their path. S3 has
    /// neither, and its objects can have any path. So this looks for a signature for S3 before it looks at the path.
    fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
        match (target, method, uri.path()) {
            (Some(target), _, _) if target.starts_with("DynamoDB") => {
                let operation = target.split_once('.').map_or("", |(_, operation)| operation);
                Self::DynamoDb { operation: operation.to_owned() }
            }
            (Some(target), _, _) if target.starts_with("secretsmanager.") => {
                Self::Secret { operation: target["secretsmanager.".len()..].to_owned() }
            }
            (Some("AWSEvents.PutEvents"), _, _) => Self::PutEvents,
            (Some(target), _, _) => Self::Unknown { what: target.to_owned() },
            (None, method, _) if s3::is_signed(uri, headers) => {
                Self::S3 { operation: s3::operation(method, uri) }
            }
            (None, &Method::POST, ses::SEND_EMAIL) => Self::SendEmail,
            (None, &Method::GET | &Method::DELETE, ses::SENT) => Self::SentMail,
            (None, &Method::GET | &Method::DELETE, events::PUBLISHED) => Self::PublishedEvents,
            (None, _, "/") => Self::DynamoDb { operation: String::new() },
            (None, method, path) => Self::Unknown { what: format!("{method} {path}") },
        }
    }
}

impl Gateway {
    /// Answers a request, or closes its connection if a fault requires that.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Result<Answer, NoAnswer>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let route = Route::of(&parts.method, &parts.uri, &parts.headers);
        let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
            let reason = "the request is too long, or was broken off";
            return Ok(error(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLarge", reason));
        };
        let body = body.to_bytes();
        match route {
            Route::DynamoDb { operation } => {
                Box::pin(self.call(Service::DynamoDb, &operation, parts, body)).await
            }
            Route::Secret { operation } => {
                Box::pin(self.call(Service::SecretsManager, &operation, parts, body)).await
            }
            Route::SendEmail => Box::pin(self.call(Service::Ses, "SendEmail", parts, body)).await,
            Route::PutEvents => {
                Box::pin(self.call(Service::EventBridge, "PutEvents", parts, body)).await
            }
            Route::PublishedEvents => {
                Ok(events::published(&self.event_bus, &parts.method, &parts.uri))
            }
            Route::SentMail => Ok(ses::sent(&self.mailbox, &parts.method, &parts.uri)),
            Route::S3 { operation } => {
                Box::pin(self.call(Service::S3, operation, parts, body)).await
            }
            Route::Unknown { what } => {
                let reason = format!(
                    "{what}: the embedded AWS has DynamoDB, S3, SES SendEmail, PutEvents and GetSecretValue"
                );
                Ok(error(StatusCode::NOT_FOUND, "UnknownOperationException", &reason))
            }
        }
    }

    /// Checks that the caller may make the call. The error is the denied action.
    fn authorize(
        &self,
        service: Service,
        operation: &str,
        parts: &request::Parts,
        body: &[u8],
    ) -> Result<(), Action> {
        let Some(caller) = caller(&parts.uri, &parts.headers) else { return Ok(()) };
        let requested = match service {
            Service::DynamoDb => self.permissions.of_dynamodb(operation, body),
            Service::S3 => self.permissions.of_s3(operation, s3::key(&parts.uri)),
            Service::SecretsManager => {
                self.permissions.of_secret(operation, self.secret.id_in(body).as_deref())
            }
            Service::Ses => Permissions::of_ses(operation),
            Service::EventBridge => Permissions::of_events(operation, events::buses(body)),
        };
        self.permissions.authorize(&caller, requested)
    }

    /// Executes a call, unless its caller may not make it or a fault applies.
    async fn call(
        &self,
        service: Service,
        operation: &str,
        parts: request::Parts,
        body: Bytes,
    ) -> Result<Answer, NoAnswer> {
        if let Err(denied) = self.authorize(service, operation, &parts, &body) {
            self.tally.record(Call::free(operation));
            return Ok(service.denied(&denied));
        }
        let refused = match self.faults.next_fault(service.name(), operation) {
            None | Some(Fault::Pass) => {
                return Ok(self.carry_out(service, operation, parts, body).await);
            }
            Some(Fault::Held(gate)) => {
                gate.pass().await;
                return Ok(self.carry_out(service, operation, parts, body).await);
            }
            Some(Fault::AnswerLost) => {
                self.carry_out(service, operation, parts, body).await;
                return Err(NoAnswer);
            }
            Some(Fault::Dropped) => Err(NoAnswer),
            Some(Fault::Unprocessed) if operation == "BatchGetItem" => {
                return Ok(self.carry_out_in_part(parts, &body).await);
            }
            Some(Fault::Unprocessed) if operation == "PutEvents" => {
                self.tally.record(Call::free(operation));
                return Ok(self.event_bus.put_events(&body, self.clock.as_ref(), true));
            }
            Some(Fault::Throttled | Fault::Unprocessed) => Ok(service.throttled()),
            Some(Fault::InternalError) => Ok(service.internal_error()),
            Some(Fault::NotVerified) if matches!(service, Service::Ses) => Ok(ses::not_verified()),
            Some(Fault::Rejected | Fault::NotVerified) => Ok(service.rejected()),
            Some(Fault::Conflict) => Ok(service.conflict(operation, &body)),
        };
        self.tally.record(Call::free(operation));
        refused
    }

    /// Executes a `BatchGetItem` for the first of its keys. A single key is unprocessed, too.
    async fn carry_out_in_part(&self, mut parts: request::Parts, body: &[u8]) -> Answer {
        let Some((first, rest)) = batch::split(body) else {
            self.tally.record(Call::free("BatchGetItem"));
            return json_answer(StatusCode::OK, &batch::all_unprocessed(body));
        };
        parts.headers.remove(CONTENT_LENGTH);
        let answer = self.carry_out(Service::DynamoDb, "BatchGetItem", parts, first).await;
        let (status, whole) = (answer.status(), answer.into_body().collect().await);
        let whole = whole.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        json_answer(status, &batch::with_unprocessed(&whole, rest))
    }

    async fn carry_out(
        &self,
        service: Service,
        operation: &str,
        parts: request::Parts,
        body: Bytes,
    ) -> Answer {
        match service {
            Service::DynamoDb => {
                match self.dynamodb.call(operation, parts, body, &self.tally).await {
                    Ok(answer) => answer,
                    Err(reason) => {
                        tracing::error!(error = %reason, "the embedded DynamoDB does not answer");
                        service.internal_error()
                    }
                }
            }
            Service::SecretsManager => {
                self.tally.record(Call::free(operation));
                self.secret.answer(operation, &body)
            }
            Service::Ses => {
                self.tally.record(Call::free(operation));
                ses::send_email(&self.mailbox, &self.feedback, self.clock.as_ref(), &body)
            }
            Service::EventBridge => {
                self.tally.record(Call::free(operation));
                self.event_bus.put_events(&body, self.clock.as_ref(), false)
            }
            Service::S3 => {
                self.tally.record(Call::free(operation));
                self.s3.call(parts, body, self.clock.as_ref()).await.unwrap_or_else(|reason| {
                    tracing::error!(error = %reason, "the embedded S3 does not answer");
                    service.internal_error()
                })
            }
        }
    }
}

/// A service behind the gateway, and its errors.
#[derive(Clone, Copy)]
enum Service {
    DynamoDb,
    Ses,
    S3,
    SecretsManager,
    EventBridge,
}

impl Service {
    /// As in the patterns of [`Faults::fail`].
    fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Ses => "ses",
            Self::S3 => "s3",
            Self::SecretsManager => "secretsmanager",
            Self::EventBridge => "events",
        }
    }

    /// The error for a call that the template does not allow.
    fn denied(self, action: &Action) -> Answer {
        let Action { name, resource, .. } = action;
        let reason = format!("The template's policies do not allow {name} on {resource}.");
        tracing::error!("{reason}");
        match self {
            Self::S3 => s3::error(StatusCode::FORBIDDEN, "AccessDenied", &reason),
            Self::DynamoDb | Self::Ses | Self::SecretsManager | Self::EventBridge => {
                error(StatusCode::BAD_REQUEST, "AccessDeniedException", &reason)
            }
        }
    }

    fn throttled(self) -> Answer {
        match self {
            Self::DynamoDb => error(
                StatusCode::BAD_REQUEST,
                "ProvisionedThroughputExceededException",
                "The level of configured provisioned throughput for the table was exceeded.",
            ),
            Self::Ses => error(
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequestsException",
                "Maximum sending rate exceeded.",
            ),
            Self::SecretsManager | Self::EventBridge => {
                error(StatusCode::BAD_REQUEST, "ThrottlingException", "Rate exceeded.")
            }
            Self::S3 => s3::error(
                StatusCode::SERVICE_UNAVAILABLE,
                "SlowDown",
                "Please reduce your request rate.",
            ),
        }
    }

    fn internal_error(self) -> Answer {
        let (status, reason) =
            (StatusCode::INTERNAL_SERVER_ERROR, "An error occurred on the server side.");
        match self {
            Self::DynamoDb => error(status, "InternalServerError", reason),
            Self::SecretsManager => error(status, "InternalServiceError", reason),
            Self::EventBridge => error(status, "InternalException", reason),
            Self::Ses => error(status, "InternalServiceErrorException", reason),
            Self::S3 => s3::error(status, "InternalError", reason),
        }
    }

    fn rejected(self) -> Answer {
        let status = StatusCode::BAD_REQUEST;
        match self {
            Self::DynamoDb | Self::SecretsManager | Self::EventBridge => {
                error(status, "AccessDeniedException", "You are not authorized to do this.")
            }
            Self::Ses => error(status, "MessageRejected", "The message was rejected."),
            Self::S3 => s3::error(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"),
        }
    }

    fn conflict(self, operation: &str, body: &[u8]) -> Answer {
        let reason = "Transaction is ongoing for the item";
        match self {
            Self::Ses => error(StatusCode::CONFLICT, "ConflictException", reason),
            Self::S3 => s3::error(
                StatusCode::CONFLICT,
                "OperationAborted",
                "A conflicting conditional operation is currently in progress against this resource.",
            ),
            Self::DynamoDb if operation.starts_with("Transact") => cancelled(body, reason),
            Self::SecretsManager => {
                error(StatusCode::BAD_REQUEST, "InvalidRequestException", reason)
            }
            Self::EventBridge => {
                error(StatusCode::BAD_REQUEST, "ConcurrentModificationException", reason)
            }
            Self::DynamoDb => {
                error(StatusCode::BAD_REQUEST, "TransactionConflictException", reason)
            }
        }
    }
}

/// The access key that a request is signed with, in its header or in its URL.
fn caller(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let signed = header.and_then(|header| header.split_once("Credential="));
    let credential = signed.map(|(_, credential)| credential.to_owned());
    let credential = credential.or_else(|| s3::credential(uri))?;
    credential.split_once('/').map(|(access_key, _)| access_key.to_owned())
}

/// A transaction cancelled by a conflict on every item.
fn cancelled(body: &[u8], reason: &str) -> Answer {
    let kind = "TransactionCanceledException";
    let request: Json = serde_json::from_slice(body).unwrap_or_default();
    let items = request["TransactItems"].as_array().map_or(1, Vec::len);
    let reasons = vec![json!({ "Code": "TransactionConflict", "Message": reason }); items];
    let codes = vec!["TransactionConflict"; items].join(", ");
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    );
    let body = json!({ "__type": kind, "Message": message, "CancellationReasons": reasons });
    with_error_type(json_answer(StatusCode::BAD_REQUEST, &body), kind)
}

/// An error for all AWS JSON protocols: its type is both in a header and in the body.
pub(crate) fn error(status: StatusCode, kind: &'static str, message: &str) -> Answer {
    let body = json!({ "__type": kind, "message": message });
    with_error_type(json_answer(status, &body), kind)
}

pub(crate) fn json_answer(status: StatusCode, body: &Json) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn with_error_type(mut answer: Answer, kind: &'static str) -> Answer {
    answer.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(kind));
    answer
}
