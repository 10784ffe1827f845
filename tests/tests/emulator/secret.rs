//! The secret, which a function reads when it starts.

use embedded::{Fault, Gate, Times};
use journeys::costs::Tls;
use journeys::emulator::{Emulator, Environment, Starting};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::deployment::{Deployment, aws};
use crate::events::event;

const ROTATED: &str = "another secret for tests of as many bytes";

fn emulator() -> Emulator {
    Emulator::from_environment().unwrap_or_else(|missing| panic!("{missing}"))
}

/// The log of such a function at its start, without a runtime: it ends by itself.
async fn start(function: &str, environment: Environment) -> Starting {
    emulator().start_alone(function, &environment).await
}

/// The one line of a log that says why.
fn reason(starting: &Starting) -> String {
    let lines: Vec<Value> =
        starting.log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut errors = lines.iter().filter(|line| line["level"] == "ERROR");
    let error = errors.next().unwrap_or_else(|| panic!("no error in {}", starting.log));
    assert!(errors.next().is_none(), "{}", starting.log);
    assert_eq!(error["message"], "the function cannot start", "{error}");
    error["error"].as_str().unwrap().to_owned()
}

const FUNCTIONS: [(&str, &str); 2] =
    [("graphql", "GraphqlFunction"), ("email-event", "EmailEventFunction")];

#[tokio::test(flavor = "multi_thread")]
async fn a_function_does_not_start_without_its_secret_and_says_why() {
    let aws = aws().await;
    aws.secret().set(None);
    for (function, id) in FUNCTIONS {
        let environment =
            Environment::of(id, aws.table_name()).with("AWS_ENDPOINT_URL", aws.endpoint_url());
        let starting = start(function, environment).await;
        assert!(!starting.is_success, "{function}");
        let expected = "AUTH_SECRET_ARN: the secret cannot be read: ResourceNotFoundException: \
                        Secrets Manager can't find the specified secret.";
        assert_eq!(reason(&starting), expected, "{function}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_does_not_start_with_a_secret_that_is_short() {
    let aws = aws().await;
    aws.secret().set(Some("hunter2"));
    for (function, id) in FUNCTIONS {
        let environment =
            Environment::of(id, aws.table_name()).with("AWS_ENDPOINT_URL", aws.endpoint_url());
        let starting = start(function, environment).await;
        let expected = "AUTH_SECRET must have 32 bytes or more in each of its secrets";
        assert_eq!(reason(&starting), expected, "{function}");
        assert!(!starting.log.contains("hunter2"), "{function}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_starts_later_reads_what_the_secret_is_then() {
    let deployment = Deployment::start().await;
    let keys = |answer: &Value| -> Value {
        let body = answer["body"].as_str().unwrap_or_default();
        serde_json::from_str::<Value>(body).unwrap()["keys"].clone()
    };
    let before = keys(&deployment.graphql.invoke(public_keys()).await);
    deployment.aws.secret().set(Some(&format!("{ROTATED},{}", journeys::SECRET)));
    assert_eq!(keys(&deployment.graphql.invoke(public_keys()).await), before);
    let later = deployment.another_graphql().await;
    let after = keys(&later.invoke(public_keys()).await);
    assert_eq!((before.as_array().unwrap().len(), after.as_array().unwrap().len()), (1, 2));
    assert_eq!(after[1], before[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_reads_its_secret_once() {
    let deployment = Deployment::start().await;
    deployment.aws.tally().start();
    deployment.api("health", &[]).await;
    deployment.api("health", &[]).await;
    let calls = deployment.aws.tally().take();
    let reads = calls.iter().filter(|call| call.operation == "GetSecretValue");
    assert_eq!(reads.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_opens_the_way_to_its_table_before_it_has_its_secret_and_waits_for_none() {
    let deployment = Deployment::start().await;
    let (table, secret) = (Gate::new(), Gate::new());
    deployment.aws.faults().fail("GetItem", Times::N(1), Fault::Held(table.clone()));
    deployment.aws.faults().fail("GetSecretValue", Times::N(1), Fault::Held(secret.clone()));
    let answer = async {
        table.arrived(1).await;
        secret.arrived(1).await;
        secret.open();
    };
    let (answer, ()) = tokio::join!(deployment.api("health", &[]), answer);
    assert_eq!(answer.status, 200);
    table.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_starts_although_its_table_does_not_answer() {
    let deployment = Deployment::start().await;
    deployment.aws.faults().fail("dynamodb:*", Times::Always, Fault::Rejected);
    assert_eq!(deployment.api("health", &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_trusts_only_the_authorities_of_aws_and_those_that_the_deployer_names() {
    let aws = aws().await;
    let tls = Tls::in_front_of(&aws, &Handle::current()).await.unwrap();
    let environment = Environment::of("GraphqlFunction", aws.table_name());
    let environment = environment.with("AWS_ENDPOINT_URL", tls.endpoint_url());
    let said = reason(&start("graphql", environment.clone()).await);
    assert!(said.starts_with("AUTH_SECRET_ARN: the secret cannot be read: "), "{said}");
    assert!(said.contains("UnknownIssuer"), "{said}");

    let roots = tls.roots().display().to_string();
    let function = emulator().start("graphql", &environment.with("AWS_CA_BUNDLE", roots)).await;
    assert_eq!(function.invoke(event("health", &[])).await["statusCode"], 200);
}

/// The event of a request for the public keys.
fn public_keys() -> String {
    event("health", &[]).replace("/health", "/.well-known/jwks.json")
}
