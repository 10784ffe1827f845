//! Retries a write that meets another transaction, like any transient error: the conflict does not mean that the
//! write's condition failed. The SDK by itself does not retry it.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_smithy_runtime_api::client::interceptors::context::{Error, InterceptorContext};
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

#[derive(Debug)]
pub(super) struct RetryConflicts;

impl ClassifyRetry for RetryConflicts {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err);
        let code = error.and_then(|error| error.as_operation_error()).and_then(code);
        if code == Some("TransactionConflictException") {
            RetryAction::transient_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "conflicts with transactions"
    }
}

/// The error code of DynamoDB, for the writes of one item that the store makes.
fn code(error: &Error) -> Option<&str> {
    None.or_else(|| error.downcast_ref::<UpdateItemError>().map(ProvideErrorMetadata::code))
        .or_else(|| error.downcast_ref::<DeleteItemError>().map(ProvideErrorMetadata::code))
        .or_else(|| error.downcast_ref::<PutItemError>().map(ProvideErrorMetadata::code))
        .flatten()
}
