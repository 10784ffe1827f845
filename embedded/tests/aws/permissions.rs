//! The permissions of the template's functions, through the real SDK.

use crate::support::{dynamodb, item, key, start, text};
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use embedded::{Action, Aws};

/// A client with the credentials of the template's function.
fn as_mailer(aws: &Aws) -> Client {
    let credentials = Credentials::new("Mailer", "test", None, None, "test");
    let config = dynamodb(aws).config().to_builder().credentials_provider(credentials);
    Client::from_conf(config.build())
}

fn action(name: &str, resource: &str) -> Action {
    let name = format!("dynamodb:{name}");
    Action { name, resource: resource.to_owned(), leading_key: None }
}

async fn put(client: &Client, aws: &Aws) -> Option<String> {
    let put = client.put_item().table_name(aws.table_name()).set_item(Some(item("a", &[])));
    put.send().await.err().map(|error| error.message().unwrap_or_default().to_owned())
}

async fn list(aws: &Aws, index: &str) -> bool {
    let query = as_mailer(aws).query().table_name(aws.table_name()).index_name(index);
    let query = query.key_condition_expression("shelf = :s");
    query.expression_attribute_values(":s", text("s")).send().await.is_ok()
}

/// Puts one item and deletes another.
async fn transact(aws: &Aws) -> bool {
    let table = aws.table_name();
    let put = Put::builder().table_name(table).set_item(Some(item("a", &[]))).build().unwrap();
    let delete = Delete::builder().table_name(table).set_key(Some(key("b"))).build().unwrap();
    as_mailer(aws)
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().put(put).build())
        .transact_items(TransactWriteItem::builder().delete(delete).build())
        .send()
        .await
        .is_ok()
}

#[tokio::test]
async fn a_function_may_do_what_its_policies_allow_and_no_more() {
    let aws = start().await;
    assert_eq!(put(&as_mailer(&aws), &aws).await, None);
    let get = as_mailer(&aws).get_item().table_name(aws.table_name()).set_key(Some(key("a")));
    let denied = get.send().await.unwrap_err();
    assert_eq!(denied.code(), Some("AccessDeniedException"));
    let reason = "The template's policies do not allow dynamodb:GetItem on ${Table.Arn}.";
    assert_eq!(denied.message(), Some(reason));
    let denied = aws.permissions().denied();
    assert_eq!(denied, [("Mailer".to_owned(), action("GetItem", "${Table.Arn}"))]);
}

#[tokio::test]
async fn an_index_needs_a_permission_of_its_own() {
    let aws = start().await;
    assert!(list(&aws, "shelves").await);
    let query = as_mailer(&aws).query().table_name(aws.table_name());
    let query = query.key_condition_expression("pk = :s");
    assert!(query.expression_attribute_values(":s", text("s")).send().await.is_err());
}

#[tokio::test]
async fn a_transaction_needs_the_permissions_of_its_parts() {
    let aws = start().await;
    assert!(!transact(&aws).await);
    let all = dynamodb(&aws).scan().table_name(aws.table_name()).send().await.unwrap();
    assert_eq!(all.count(), 0);
}

#[tokio::test]
async fn a_client_that_is_no_function_has_all_permissions() {
    let aws = start().await;
    assert_eq!(put(&dynamodb(&aws), &aws).await, None);
    assert!(dynamodb(&aws).list_tables().send().await.is_ok());
}

#[tokio::test]
async fn unused_permissions_of_a_function_are_listed() {
    let aws = start().await;
    let on_index = action("Query", "${Table.Arn}/index/*");
    let all = [action("PutItem", "${Table.Arn}"), on_index.clone()];
    assert_eq!(aws.permissions().unused("Mailer"), all);
    put(&dynamodb(&aws), &aws).await;
    assert_eq!(aws.permissions().unused("Mailer"), all);
    put(&as_mailer(&aws), &aws).await;
    assert_eq!(aws.permissions().unused("Mailer"), [on_index]);
}
