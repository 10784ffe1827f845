//! Where the secret is kept that keys are derived from, and an RSA key beside it: the only code that names the SDK of Secrets
//! Manager.

use aws_sdk_secretsmanager::Client;
use aws_types::SdkConfig;
use secrecy::SecretString;

use crate::aws::why;
use crate::config::SecretArn;

/// The secret could not be read, so the function must not start. One line, without the secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}: the secret cannot be read: {1}")]
pub struct Unreadable(&'static str, String);

/// The value of the secret of that name, if the setting names one. One call. A process that starts later reads the
/// value of that time.
///
/// # Errors
/// When Secrets Manager does not return the secret, after the SDK's own retries.
pub async fn read(
    named: Option<SecretArn>,
    sdk: SdkConfig,
) -> Result<Option<(SecretArn, SecretString)>, Unreadable> {
    let Some(named) = named else { return Ok(None) };
    let unreadable = |why| Unreadable(named.named_by, why);
    let answer = Client::new(&sdk).get_secret_value().secret_id(&named.arn).send().await;
    let answer = answer.map_err(|error| unreadable(why(&error)))?;
    let secret = answer.secret_string.ok_or_else(|| unreadable("it is not a text".to_owned()))?;
    Ok(Some((named, secret.into())))
}
