//! Where the commands find a server that uses the data folder.
//!
//! The server locks the folder, so a command cannot open it beside the server. The server writes the address of its AWS
//! into the folder, with a proof that only it knows. After a crash, the file stays, and another program may listen on the
//! port, even another Latchkey. So a command believes the file only if the AWS at that address knows the proof, too.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use accounts::config::Settings;
use accounts::secrets;
use aws_config::SdkConfig;
use embedded::Aws;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::settings::new_secret;

/// The file in the data folder.
const FILE: &str = "server.json";
/// The name of the proof among the secrets of the server's AWS.
const PROOF: &str = "latchkey-data-folder";

/// A server that uses the data folder.
#[derive(Debug)]
pub(crate) struct RunningServer {
    /// Its AWS.
    pub(crate) sdk: SdkConfig,
    /// Its table.
    pub(crate) table: String,
    /// Its bucket of pictures.
    pub(crate) bucket: String,
    /// The secret that its keys are derived from.
    pub(crate) secret: SecretString,
}

/// Writes where the AWS of this server is.
pub(crate) fn announce(folder: &Path, aws: &Aws) -> io::Result<()> {
    let proof = new_secret();
    let server = json!({
        "aws": aws.endpoint_url(),
        "table": aws.table_name(),
        "bucket": aws.bucket_name(),
        "secret": aws.secret().arn(),
        "proof": { "arn": aws.secret().add(PROOF, &proof), "value": proof },
    });
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(folder.join(FILE))?.write_all(server.to_string().as_bytes())
}

/// Removes the file, because the server stops.
pub(crate) fn withdraw(folder: &Path) {
    let _ = fs::remove_file(folder.join(FILE));
}

/// The server that uses the folder, if it answers.
pub(crate) async fn find(folder: &Path) -> Option<RunningServer> {
    let server: Value = serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let sdk = accounts::aws::embedded(server["aws"].as_str()?);
    let proof = read(&sdk, text(&server["proof"]["arn"])?).await?;
    if server["proof"]["value"].as_str() != Some(proof.expose_secret()) {
        return None;
    }
    let secret = read(&sdk, text(&server["secret"])?).await?;
    Some(RunningServer {
        sdk,
        table: text(&server["table"])?,
        bucket: text(&server["bucket"])?,
        secret,
    })
}

/// The secret of that ARN.
async fn read(sdk: &SdkConfig, arn: String) -> Option<SecretString> {
    let settings = Settings::new(move |name| (name == "AUTH_SECRET_ARN").then(|| arn.clone()));
    let read = secrets::read(settings.auth_secret_arn(), sdk.clone()).await.ok()??;
    Some(read.1)
}
