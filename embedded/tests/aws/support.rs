//! A small template of the tests' own, and real SDK clients for an embedded AWS.

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded::{Aws, Options, REGION};
use std::collections::HashMap;

pub(crate) const TEMPLATE: &str = r#"
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: { Type: String, Default: test }
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    Properties:
      BillingMode: PAY_PER_REQUEST
      KeySchema:
        - { AttributeName: pk, KeyType: HASH }
        - { AttributeName: sk, KeyType: RANGE }
      AttributeDefinitions:
        - { AttributeName: pk, AttributeType: S }
        - { AttributeName: sk, AttributeType: S }
        - { AttributeName: shelf, AttributeType: S }
        - { AttributeName: since, AttributeType: N }
      GlobalSecondaryIndexes:
        - IndexName: shelves
          KeySchema:
            - { AttributeName: shelf, KeyType: HASH }
            - { AttributeName: since, KeyType: RANGE }
          Projection: { ProjectionType: KEYS_ONLY }
      StreamSpecification: { StreamViewType: NEW_IMAGE }
      TimeToLiveSpecification: { AttributeName: expires_at, Enabled: true }
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true }
      SSESpecification: { SSEEnabled: true, KMSMasterKeyId: !GetAtt Key.Arn }
      Tags:
        - { Key: stage, Value: !Sub "latchkey-${Stage}" }
  Pictures:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
  Mailer:
    Type: AWS::Serverless::Function
    Properties:
      Handler: bootstrap
      Environment: { Variables: { TABLE: !Ref Table } }
      Policies:
        - Version: "2012-10-17"
          Statement:
            - { Effect: Allow, Action: dynamodb:PutItem, Resource: !GetAtt Table.Arn }
            - Effect: Allow
              Action: [dynamodb:Query]
              Resource: [!Sub "${Table.Arn}/index/*"]
      Events:
        Tick: { Type: Schedule, Properties: { Schedule: rate(1 hour) } }
        Due:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Table.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 4
            MaximumRetryAttempts: 2
            BisectBatchOnFunctionError: true
            FunctionResponseTypes: [ReportBatchItemFailures]
            FilterCriteria:
              Filters:
                - Pattern: '{"eventName":["INSERT","MODIFY"],"dynamodb":{"NewImage":{"kind":{"S":["mail"]},"state":{"S":["due"]}}}}'
Outputs:
  Name: { Value: !Join ["-", [!Ref Table, !Ref Stage]] }
"#;

pub(crate) async fn start() -> Aws {
    Aws::start(Options::new(TEMPLATE)).await.unwrap()
}

pub(crate) fn dynamodb(aws: &Aws) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .endpoint_url(aws.endpoint_url())
        .region(aws_sdk_dynamodb::config::Region::new(REGION))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

pub(crate) fn ses(aws: &Aws) -> aws_sdk_sesv2::Client {
    let config = aws_sdk_sesv2::Config::builder()
        .behavior_version(aws_sdk_sesv2::config::BehaviorVersion::latest())
        .endpoint_url(aws.endpoint_url())
        .region(aws_sdk_sesv2::config::Region::new(REGION))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(aws_sdk_sesv2::config::retry::RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_sesv2::Client::from_conf(config)
}

pub(crate) fn secrets(aws: &Aws) -> aws_sdk_secretsmanager::Client {
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(aws_sdk_secretsmanager::config::BehaviorVersion::latest())
        .endpoint_url(aws.endpoint_url())
        .region(aws_sdk_secretsmanager::config::Region::new(REGION))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(aws_sdk_secretsmanager::config::retry::RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_secretsmanager::Client::from_conf(config)
}

pub(crate) fn s3(aws: &Aws) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
        .endpoint_url(aws.endpoint_url())
        .force_path_style(true)
        .region(aws_sdk_s3::config::Region::new(REGION))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// An item of those attributes, with the key `pk`, `sk` = `pk`.
pub(crate) fn item(
    pk: &str,
    attributes: &[(&str, AttributeValue)],
) -> HashMap<String, AttributeValue> {
    let key = [("pk", text(pk)), ("sk", text(pk))];
    key.iter().chain(attributes).map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

pub(crate) fn key(pk: &str) -> HashMap<String, AttributeValue> {
    item(pk, &[])
}

/// The body of a plain HTTP answer, and its status, as for a browser or a test script.
pub(crate) async fn http(aws: &Aws, method: &str, path: &str) -> (u16, serde_json::Value) {
    let (status, _, body) = raw_http(aws, method, path).await;
    (status, serde_json::from_str(&body).unwrap_or_default())
}

/// The same, with the head of the answer, and the body as it is.
pub(crate) async fn raw_http(aws: &Aws, method: &str, path: &str) -> (u16, String, String) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = aws.endpoint_url().trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: aws\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}
