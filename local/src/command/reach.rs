//! The way to the users: a table in AWS, the server that uses the data folder, or the folder itself.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use accounts::Accounts;
use accounts::breached::BreachedPasswords;
use accounts::clock::Clock;
use accounts::config::Settings;
use accounts::crypto::{Signing, Tokens};
use accounts::pictures::Pictures;
use accounts::random::Random;
use accounts::secrets;
use accounts::store::{Meter, Store};
use accounts::telemetry::Format;
use aws_config::{BehaviorVersion, SdkConfig};
use embedded::{Aws, Hosts, Options};
use secrecy::ExposeSecret;

use super::Failure;
use super::arguments::Place;
use crate::settings::of_aws;
use crate::{LocalSettings, TEMPLATE, breached, running};

/// How long to wait for a data folder that another process uses. If that is a command, it ends within seconds. If it is
/// a server, it answers soon after its start.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often to look.
const EVERY: Duration = Duration::from_millis(200);

/// The users, and where they are.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) accounts: Accounts,
    /// Who sends the mails that a command causes.
    pub(super) sender: MailSender,
    /// Whether pictures can be deleted.
    pub(super) has_bucket: bool,
    /// What the transactions of the command consume.
    pub(super) meter: Meter,
    /// The table in AWS; empty for a data folder. The folder of an import remembers it.
    pub(super) place: String,
    /// The data folder, if the command holds it.
    folder: Option<Aws>,
}

/// Who sends the mails that a command causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MailSender {
    /// The server that runs.
    Server,
    /// The server, when it runs next.
    NextServer,
    /// The function `email-event`.
    Function,
}

impl Connection {
    /// Connects to the users. Creates a missing data folder only with `may_create`.
    pub(super) async fn connect(place: &Place, may_create: bool) -> Result<Self, Failure> {
        let settings = settings(place);
        accounts::telemetry::start_as(&settings, Format::Text(Clock::System), std::io::stderr)?;
        if place.table.is_some() {
            return Box::pin(Self::in_aws(settings)).await;
        }
        if place.endpoint_url.is_some() {
            return Err(Failure::Usage("--endpoint-url needs --table".to_owned()));
        }
        Box::pin(Self::in_folder(LocalSettings::new(settings)?, may_create)).await
    }

    async fn in_aws(settings: Settings) -> Result<Self, Failure> {
        let client = accounts::aws::operator_client(&settings)?;
        let mut sdk = aws_config::defaults(BehaviorVersion::latest())
            .http_client(client)
            .retry_config(accounts::aws::retries())
            .timeout_config(accounts::aws::timeouts());
        if let Some(endpoint) = settings.aws_endpoint() {
            sdk = sdk.endpoint_url(endpoint);
        }
        let sdk = sdk.load().await;
        if sdk.region().is_none() {
            let problem = "no Region: set AWS_REGION, or AWS_PROFILE to a profile that has one";
            return Err(Failure::Usage(problem.to_owned()));
        }
        let read = secrets::read(settings.auth_secret_arn(), sdk.clone()).await?;
        let settings = settings.with_secret(read);
        if settings.given("AUTH_SECRET").is_none() {
            let problem = "no secret: set AUTH_SECRET_ARN or AUTH_SECRET to that of the deployment";
            return Err(Failure::Usage(problem.to_owned()));
        }
        // Only tokens contain this URL, and no command makes a token.
        let settings =
            settings.or(|name| (name == "BASE_URL").then(|| "https://latchkey.invalid".to_owned()));
        Self::new(&sdk, &settings, MailSender::Function, None)
    }

    async fn in_folder(local: LocalSettings, may_create: bool) -> Result<Self, Failure> {
        let Some(folder) = local.data_dir.clone() else {
            let problem = "DATA_DIR is :memory:, which only the server itself can use. Start it on a \
                           folder, or name its table with --table and --endpoint-url.";
            return Err(Failure::Failed(problem.to_owned()));
        };
        if !may_create && !folder.join("dynamodb.sqlite").exists() {
            return Err(Failure::Failed(format!(
                "there are no users in the data folder {}: set DATA_DIR to the folder of the server, \
                 or use --table for a table in AWS",
                folder.display()
            )));
        }
        let connection =
            tokio::time::timeout(PATIENCE, Self::server_or_folder(local, &folder)).await;
        connection.unwrap_or_else(|_| {
            Err(Failure::Failed(format!(
                "another process uses the data folder {}, and does not answer",
                folder.display()
            )))
        })
    }

    /// The running server, or else the folder, as soon as it is free.
    async fn server_or_folder(local: LocalSettings, folder: &Path) -> Result<Self, Failure> {
        let address = SocketAddr::new(local.host, local.port);
        loop {
            if let Some(server) = running::find(folder).await {
                let running::RunningServer { sdk, table, bucket, secret } = server;
                // These settings of the server replace those of this environment.
                let of_server = Settings::new(move |name| match name {
                    "AUTH_SECRET" => Some(secret.expose_secret().to_owned()),
                    "TABLE_NAME" => Some(table.clone()),
                    "PICTURES_BUCKET" => Some(bucket.clone()),
                    _ => None,
                });
                let given = local.with_secret(address, String::new());
                let settings = of_server.or(move |name| given.given(name));
                return Self::new(&sdk, &settings, MailSender::Server, None);
            }
            let options = Options {
                // A web page in a browser of this machine must not reach this AWS under the host name of the page.
                hosts: Hosts::of_this_machine(None),
                data_dir: Some(folder.to_owned()),
                table_name: local.functions.table()?,
                bucket_name: local.functions.pictures_bucket()?.unwrap_or_default(),
                ..Options::new(TEMPLATE)
            };
            match Aws::start(options).await {
                Ok(aws) => {
                    let sdk = accounts::aws::embedded_by(aws.endpoint_url(), aws.http_client());
                    let settings = local.settings(address)?;
                    return Self::new(&sdk, &settings, MailSender::NextServer, Some(aws));
                }
                Err(embedded::StartError::DataDirInUse { .. }) => tokio::time::sleep(EVERY).await,
                Err(error) => return Err(of_aws(error).into()),
            }
        }
    }

    fn new(
        sdk: &SdkConfig,
        settings: &Settings,
        sender: MailSender,
        folder: Option<Aws>,
    ) -> Result<Self, Failure> {
        let (clock, random) = (Clock::System, Random::System);
        let store = Store::connect(sdk, settings.table()?, random.clone(), clock.clone());
        let meter = Meter::default();
        let store = store.with_audit_lifetime(settings.audit_lifetime()?).metered(meter.clone());
        let store = store.with_revocations(settings.revocations_of_command()?);
        let store = store.with_shards(settings.index_shards()?);
        let bucket = settings.pictures_bucket()?;
        let has_bucket = bucket.is_some();
        let pictures = Pictures::connect(sdk, bucket);
        let mut policy = settings.policy()?;
        if sender != MailSender::Function && policy.breached_passwords.is_none() {
            policy.breached_passwords = breached::sample().map(BreachedPasswords::of).ok();
        }
        // No command signs a token, so the key for RS256 is not needed. Cursors depend on the secret only.
        let tokens = Tokens::new(&settings.secret()?, &Signing::Hs256, settings.issuer()?);
        let tokens = tokens.map_err(|error| Failure::Failed(error.to_string()))?;
        let proofs = settings.proofs()?;
        let accounts = Accounts::new(store, pictures, tokens, proofs, policy, clock, random);
        let place = if sender == MailSender::Function { settings.table()? } else { String::new() };
        Ok(Self { accounts, sender, has_bucket, meter, place, folder })
    }

    /// Closes the data folder, if the command holds it.
    pub(super) async fn close(self) {
        if let Some(aws) = self.folder {
            aws.stop().await;
        }
    }
}

/// The settings of the environment and of the command line. Standard output is for the result alone.
fn settings(place: &Place) -> Settings {
    let environment = Settings::from_environment();
    let (table, endpoint) = (place.table.clone(), place.endpoint_url.clone());
    Settings::new(move |name| match name {
        "METRICS" => Some("off".to_owned()),
        "TABLE_NAME" if table.is_some() => table.clone(),
        "AWS_ENDPOINT_URL" if endpoint.is_some() => endpoint.clone(),
        "LOG_LEVEL" => environment.given(name).or_else(|| Some("off".to_owned())),
        _ => environment.given(name),
    })
}
