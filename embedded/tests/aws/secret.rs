//! Secrets Manager, through the real SDK.

use crate::support::{TEMPLATE, secrets};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use embedded::{Aws, Fault, Options, Times};

async fn value(aws: &Aws, id: &str) -> Result<Option<String>, GetSecretValueError> {
    let answer = secrets(aws).get_secret_value().secret_id(id).send().await;
    let answer = answer.map_err(aws_sdk_secretsmanager::error::SdkError::into_service_error);
    answer.map(|found| found.secret_string)
}

async fn start() -> Aws {
    let secret = Some("a secret".to_owned());
    Aws::start(Options { secret, ..Options::new(TEMPLATE) }).await.unwrap()
}

#[tokio::test]
async fn the_secret_is_found_by_its_name_and_by_its_arn() {
    let aws = start().await;
    for id in [aws.secret().name().to_owned(), aws.secret().arn()] {
        assert_eq!(value(&aws, &id).await.unwrap().as_deref(), Some("a secret"));
    }
}

#[tokio::test]
async fn a_later_read_returns_the_new_value() {
    let aws = start().await;
    aws.secret().set(Some("another"));
    let read = value(&aws, aws.secret().name()).await.unwrap();
    assert_eq!(read.as_deref(), Some("another"));
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_not_found() {
    let aws = start().await;
    let is_missing = |read| matches!(read, Err(GetSecretValueError::ResourceNotFoundException(_)));
    assert!(is_missing(value(&aws, "another").await));
    aws.secret().set(None);
    assert!(is_missing(value(&aws, aws.secret().name()).await));
}

#[tokio::test]
async fn it_can_fail_like_every_service() {
    let aws = start().await;
    aws.faults().fail("secretsmanager:GetSecretValue", Times::N(1), Fault::InternalError);
    let failed = value(&aws, aws.secret().name()).await;
    assert!(matches!(failed, Err(GetSecretValueError::InternalServiceError(_))), "{failed:?}");
    assert!(value(&aws, aws.secret().name()).await.is_ok());
}
