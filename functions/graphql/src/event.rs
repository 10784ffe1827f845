//! The events of the function: requests of an HTTP API with payload format 2.0, or of a function URL, which have one
//! shape. Any other event is an error that names its kind.

use std::convert::Infallible;

use axum::Router;
use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Error, Service};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// Answers what Lambda brings, for as long as the execution environment lives.
///
/// # Errors
/// When Lambda's own API does not answer.
pub async fn run(app: Router) -> Result<(), Error> {
    let adapter = Adapter::from(app);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| {
        let mut adapter = adapter.clone();
        async move {
            let LambdaEvent { payload: Event(request), context } = event;
            let request = request.inspect_err(|error| {
                tracing::error!(%error, request_id = context.request_id, "an event is not answered");
            })?;
            let answer = adapter.call(LambdaEvent::new(request, context)).await;
            Ok::<_, Error>(answer.unwrap_or_else(|never: Infallible| match never {}))
        }
    }))
    .await
}

/// An event that is a request, or is not.
#[derive(Debug)]
pub struct Event(pub Result<LambdaRequest, NotTaken>);

/// The event is no request that the function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the event is {0}: this function takes requests of an HTTP API with payload format 2.0 and of a function URL \
     (docs/operate.md)"
)]
pub struct NotTaken(&'static str);

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = Box::<RawValue>::deserialize(deserializer)?;
        let request = serde_json::from_str(event.get()).map(LambdaRequest::ApiGatewayV2);
        Ok(Self(request.map_err(|_| NotTaken(shape(event.get())))))
    }
}

/// The service that sends events of that shape.
fn shape(event: &str) -> &'static str {
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let context = &event["requestContext"];
    if context["elb"].is_object() {
        "a request of a load balancer (ALB)"
    } else if context["connectionId"].is_string() {
        "a message of a WebSocket API"
    } else if event["httpMethod"].is_string() {
        "a request of a REST API, or of an HTTP API with payload format 1.0"
    } else if event["Records"].is_array() {
        "a batch of records"
    } else {
        "no request"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(event: &Value) -> Result<LambdaRequest, String> {
        let Event(request) = serde_json::from_str(&event.to_string()).unwrap();
        request.map_err(|error| error.to_string())
    }

    #[test]
    fn an_event_of_another_shape_is_refused_by_its_name() {
        let elb = json!({ "elb": { "targetGroupArn": "arn:aws:elasticloadbalancing:…" } });
        for (event, shape) in [
            (
                json!({ "requestContext": elb, "httpMethod": "GET", "path": "/health", "headers": {} }),
                "a request of a load balancer (ALB)",
            ),
            (
                json!({ "resource": "/{proxy+}", "httpMethod": "GET", "path": "/health", "headers": {},
                    "requestContext": { "stage": "prod", "httpMethod": "GET", "requestId": "a" } }),
                "a request of a REST API, or of an HTTP API with payload format 1.0",
            ),
            (
                json!({ "version": "1.0", "resource": "$default", "httpMethod": "GET", "path": "/health",
                    "requestContext": { "stage": "$default", "requestId": "a" } }),
                "a request of a REST API, or of an HTTP API with payload format 1.0",
            ),
            (
                json!({ "requestContext": { "connectionId": "a=", "eventType": "CONNECT" } }),
                "a message of a WebSocket API",
            ),
            (json!({ "Records": [] }), "a batch of records"),
            (json!({ "source": "aws.events" }), "no request"),
        ] {
            let error = read(&event).unwrap_err();
            assert!(error.starts_with(&format!("the event is {shape}: ")), "{error}");
        }
    }

    #[test]
    fn an_http_api_and_a_function_url_are_taken() {
        let of_a_url = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/health", "rawQueryString": "",
            "headers": { "host": "a1b2c3.lambda-url.eu-central-1.on.aws" }, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "anonymous", "apiId": "a1b2c3", "stage": "$default", "routeKey": "$default",
                "domainName": "a1b2c3.lambda-url.eu-central-1.on.aws", "domainPrefix": "a1b2c3",
                "requestId": "a", "time": "01/Mar/2026:12:00:00 +0000", "timeEpoch": 1_772_366_400_000_i64,
                "http": { "method": "GET", "path": "/health", "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.7", "userAgent": "curl" },
            },
        });
        assert!(read(&of_a_url).is_ok());
        let of_an_api = include_str!("../../../events/health.json");
        assert!(read(&serde_json::from_str(of_an_api).unwrap()).is_ok());
    }
}
