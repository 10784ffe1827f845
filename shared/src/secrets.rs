//! Where the secret is kept that all keys are derived from: the only code that names the SDK of Secrets
//! Manager.

use aws_sdk_secretsmanager::Client;
use aws_types::SdkConfig;
use secrecy::SecretString;

use crate::aws::why;

/// The secret cannot be had, so the function must not start. One line, without the secret.
#[derive(Debug, thiserror::Error)]
#[error("AUTH_SECRET_ARN: the secret cannot be read: {0}")]
pub struct Unreadable(String);

/// What the secret of that name says, if one is named. One call; whoever starts later reads what it is then.
///
/// # Errors
/// When Secrets Manager does not give the secret, after the SDK's own retries.
pub async fn read(arn: Option<String>, sdk: SdkConfig) -> Result<Option<SecretString>, Unreadable> {
    let Some(arn) = arn else { return Ok(None) };
    let answer = Client::new(&sdk).get_secret_value().secret_id(arn).send().await;
    let answer = answer.map_err(|error| Unreadable(why(&error)))?;
    let secret = answer.secret_string.ok_or_else(|| Unreadable("it is not a text".to_owned()))?;
    Ok(Some(secret.into()))
}
