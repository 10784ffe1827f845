//! Where the secret is kept that all keys are derived from: the only code that names the SDK of Secrets
//! Manager.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;

use crate::aws::why;
use crate::config::Settings;

/// The secret cannot be had, so the function must not start. One line, without the secret.
#[derive(Debug, thiserror::Error)]
#[error("AUTH_SECRET_ARN: the secret cannot be read: {0}")]
pub struct Unreadable(String);

/// The settings, with the secret that `AUTH_SECRET_ARN` names as their `AUTH_SECRET`. They stay as they are
/// if they have an `AUTH_SECRET`, or name none. One call; whoever starts later reads what the secret is then.
///
/// # Errors
/// When Secrets Manager does not give the secret, after the SDK's own retries.
pub async fn read(settings: Settings, sdk: &SdkConfig) -> Result<Settings, Unreadable> {
    let Some(arn) = settings.auth_secret_arn() else { return Ok(settings) };
    let answer = Client::new(sdk).get_secret_value().secret_id(arn).send().await;
    let answer = answer.map_err(|error| Unreadable(why(&error)))?;
    let secret = answer.secret_string.ok_or_else(|| Unreadable("it is not a text".to_owned()))?;
    Ok(settings.or(move |name| (name == "AUTH_SECRET").then(|| secret.clone())))
}
