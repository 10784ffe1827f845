//! The call of Secrets Manager: what it repeats, and what it does not.

#![allow(clippy::unwrap_used, reason = "tests")]

use accounts::aws::embedded;
use accounts::config::Settings;
use accounts::secrets;
use embedded::{Aws, Fault, Options, Times};
use secrecy::ExposeSecret;

const SECRET: &str = "a secret for tests that has 32 bytes or more";
const OPERATION: &str = "secretsmanager:GetSecretValue";

async fn aws() -> Aws {
    let template = include_str!("../../template.yaml");
    let options = Options { secret: Some(SECRET.to_owned()), ..Options::new(template) };
    Aws::start(options).await.unwrap()
}

/// The secret or the error, and the number of calls.
async fn read(aws: &Aws) -> (Result<String, String>, usize) {
    let arn = aws.secret().arn();
    let settings = Settings::new(move |name| (name == "AUTH_SECRET_ARN").then(|| arn.clone()));
    aws.tally().start();
    let read = secrets::read(settings.auth_secret_arn(), embedded(aws.endpoint_url())).await;
    let calls = aws.tally().take().len();
    aws.tally().stop();
    let read = read.map(|secret| secret.unwrap().1.expose_secret().to_owned());
    (read.map_err(|error| error.to_string()), calls)
}

#[tokio::test]
async fn a_call_that_fails_for_a_moment_is_repeated() {
    let aws = aws().await;
    assert_eq!(read(&aws).await, (Ok(SECRET.to_owned()), 1));
    for fault in [Fault::Throttled, Fault::InternalError, Fault::Dropped] {
        let name = format!("{fault:?}");
        aws.faults().fail(OPERATION, Times::N(2), fault);
        assert_eq!(read(&aws).await, (Ok(SECRET.to_owned()), 3), "{name}");
    }
    aws.stop().await;
}

#[tokio::test]
async fn a_call_is_made_three_times_at_most() {
    let aws = aws().await;
    aws.faults().fail(OPERATION, Times::Always, Fault::Throttled);
    let (answer, calls) = read(&aws).await;
    let expected =
        "AUTH_SECRET_ARN: the secret cannot be read: ThrottlingException: Rate exceeded.";
    assert_eq!((answer.unwrap_err().as_str(), calls), (expected, 3));
    aws.stop().await;
}

#[tokio::test]
async fn a_refused_call_is_not_repeated() {
    let aws = aws().await;
    aws.faults().fail(OPERATION, Times::Always, Fault::Rejected);
    let (answer, calls) = read(&aws).await;
    let expected = "AUTH_SECRET_ARN: the secret cannot be read: AccessDeniedException: You are not authorized to do this.";
    assert_eq!((answer.unwrap_err().as_str(), calls), (expected, 1));
    aws.stop().await;
}
