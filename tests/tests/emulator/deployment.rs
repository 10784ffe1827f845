//! The functions beside an AWS of a test's own.

use std::convert::Infallible;

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use aws_sdk_dynamodb::Client;
use embedded::{Aws, EventBus, EventSourceMapping, Message, Options, Stream};
use journeys::SECRET;
use journeys::emulator::{Emulator, Environment, Function};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::events::event;

/// Every function waits for its first event before it starts.
pub(crate) struct Deployment {
    pub(crate) aws: Aws,
    pub(crate) dynamodb: Client,
    pub(crate) graphql: Function,
    pub(crate) email_event: Function,
    pub(crate) account_event: Function,
    pub(crate) token_cleanup: Function,
}

/// An AWS that has the secret.
pub(crate) async fn aws() -> Aws {
    let secret = Some(SECRET.to_owned());
    Aws::start(Options { secret, ..Options::new(local::TEMPLATE) }).await.unwrap()
}

/// An answer of `graphql`: a status and a body.
pub(crate) struct Answer {
    pub(crate) status: u64,
    pub(crate) body: Value,
}

impl Answer {
    /// The answer of a mutation or query of that name.
    pub(crate) fn data(&self, field: &str) -> &Value {
        assert_eq!(self.status, 200, "{}", self.body);
        &self.body["data"][field]
    }
}

impl Deployment {
    pub(crate) async fn start() -> Self {
        let emulator = Emulator::from_environment().unwrap_or_else(|missing| panic!("{missing}"));
        let aws = aws().await;
        let environment = |function| {
            Environment::of(function, aws.table_name()).with("AWS_ENDPOINT_URL", aws.endpoint_url())
        };
        Self {
            graphql: emulator.start("graphql", &environment("GraphqlFunction")).await,
            email_event: emulator.start("email-event", &environment("EmailEventFunction")).await,
            account_event: emulator
                .start(
                    "account-event",
                    &environment("AccountEventFunction")
                        .with("EVENT_BUS", EventBus::arn("latchkey")),
                )
                .await,
            token_cleanup: emulator
                .start("token-cleanup", &environment("TokenCleanupFunction"))
                .await,
            dynamodb: Client::new(&accounts::aws::embedded(aws.endpoint_url())),
            aws,
        }
    }

    /// Another execution environment of `graphql`, as Lambda starts it when it is needed.
    pub(crate) async fn another_graphql(&self) -> Function {
        let emulator = Emulator::from_environment().unwrap_or_else(|missing| panic!("{missing}"));
        let environment = Environment::of("GraphqlFunction", self.aws.table_name());
        let environment = environment.with("AWS_ENDPOINT_URL", self.aws.endpoint_url());
        emulator.start("graphql", &environment).await
    }

    /// Sends `graphql` an event, its placeholders filled in.
    pub(crate) async fn api(&self, name: &str, placeholders: &[(&str, &str)]) -> Answer {
        let answer = self.graphql.invoke(event(name, placeholders)).await;
        let status = answer["statusCode"].as_u64().unwrap_or_else(|| panic!("{name}: {answer}"));
        assert_eq!(answer["isBase64Encoded"], false, "{name}: {answer}");
        let body = answer["body"].as_str().unwrap_or_default();
        Answer { status, body: serde_json::from_str(body).unwrap() }
    }

    /// The records that the template's filter lets through to `email-event`, from the first on, as
    /// Lambda would send them.
    pub(crate) async fn mail_records(&self) -> Vec<Value> {
        let mapping = EventSourceMapping::from_template(local::TEMPLATE, "EmailEventFunction");
        let mut stream = Stream::new(&self.aws, mapping.unwrap()).unwrap();
        let records = &Mutex::new(Vec::new());
        let keep = |event: Event| async move {
            let json = |record| serde_json::to_value(record).unwrap();
            records.lock().await.extend(event.records.into_iter().map(json));
            Ok::<_, Infallible>(DynamoDbEventResponse::default())
        };
        stream.deliver(&keep).await;
        std::mem::take(&mut *records.lock().await)
    }

    /// The mails that SES took.
    pub(crate) fn mails(&self) -> Vec<Message> {
        self.aws.mailbox().messages()
    }
}
