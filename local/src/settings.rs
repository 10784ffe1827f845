//! The settings of `local` only, and its defaults for the others.

use std::fs;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use accounts::config::{ConfigError, Settings};
use accounts::random::Random;
use embedded::{Hosts, StreamError};
use tokio::net::TcpListener;

/// The `DATA_DIR` that keeps the data in memory.
const IN_MEMORY: &str = ":memory:";

/// Where the product listens and keeps its data.
#[derive(Debug)]
pub struct LocalSettings {
    /// `HOST`.
    pub host: IpAddr,
    /// `PORT`; 0 is any that is free.
    pub port: u16,
    /// `AWS_PORT`; 0 is any that is free.
    pub aws_port: u16,
    /// `DATA_DIR`; `None` keeps nothing.
    pub data_dir: Option<PathBuf>,
    /// The settings of the functions.
    pub functions: Settings,
}

/// Why the product did not start. One line, which names the setting to change.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A malformed setting.
    #[error("{0} is set to {1:?}, which is not {2}")]
    Setting(&'static str, String, &'static str),
    /// A malformed setting of the functions.
    #[error(transparent)]
    Functions(#[from] ConfigError),
    /// A link path of the mails collides with a path of `cargo run` itself.
    #[error(
        "a link path is set to {0:?}, whose first part `cargo run` uses itself: set {1} to another one"
    )]
    PathTaken(String, &'static str),
    /// There is no secret to derive a key from.
    #[error(
        "there is no secret: set AUTH_SECRET to that of the deployment, or DATA_DIR to a folder that `cargo run` has used"
    )]
    NoSecret,
    /// Another process listens on the port already.
    #[error("port {port} is taken: set {setting} to another one")]
    PortTaken {
        /// The port.
        port: u16,
        /// The setting of the port.
        setting: &'static str,
    },
    /// The process may not listen on the address.
    #[error("cannot listen on {address}: {source}: set HOST or {setting}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The setting of the port.
        setting: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The listener does not return its address.
    #[error("the listener has no address: {0}")]
    Listener(std::io::Error),
    /// The process cannot catch the signals that stop it.
    #[error("cannot catch the signals INT and TERM: {0}")]
    Signals(std::io::Error),
    /// The data folder cannot be written to.
    #[error("cannot write to the data folder {}: {source}: set DATA_DIR", path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The embedded AWS did not start.
    #[error("{0}")]
    Aws(embedded::StartError),
    /// The webhook cannot be used.
    #[error("{0}")]
    Webhook(&'static str),
    /// The template's stream mapping is not one that the embedded stream knows.
    #[error("template.yaml: {0}")]
    Stream(#[from] StreamError),
}

impl LocalSettings {
    /// From the environment.
    ///
    /// # Errors
    /// For a malformed value.
    pub fn from_environment() -> Result<Self, StartError> {
        Self::new(Settings::from_environment())
    }

    /// From settings looked up elsewhere.
    ///
    /// # Errors
    /// For a malformed value.
    pub fn new(functions: Settings) -> Result<Self, StartError> {
        let functions = functions.or(|name| match name {
            // The embedded DynamoDB logs a warning for each failed condition, and the embedded S3 for each missing
            // object. Both are normal here.
            "LOG_LEVEL" => Some("info,dynoxide=error,s3s=off".to_owned()),
            "PICTURES_BUCKET" => Some("latchkey-pictures".to_owned()),
            _ => None,
        });
        let data_dir = functions.given("DATA_DIR").unwrap_or_else(|| ".latchkey".to_owned());
        Ok(Self {
            host: read(&functions, "HOST", "127.0.0.1", "an IP address")?,
            port: read(&functions, "PORT", "3000", "a port")?,
            aws_port: read(&functions, "AWS_PORT", "4566", "a port")?,
            data_dir: (data_dir != IN_MEMORY).then(|| data_dir.into()),
            functions,
        })
    }

    /// Makes the data folder, and checks whether it is writable.
    pub(crate) fn prepare_data_dir(&self) -> Result<(), StartError> {
        let Some(path) = &self.data_dir else { return Ok(()) };
        let probe = path.join(".writable");
        fs::create_dir_all(path)
            .and_then(|()| fs::write(&probe, ""))
            .and_then(|()| fs::remove_file(&probe))
            .map_err(|source| StartError::DataDir { path: path.clone(), source })
    }

    /// The JSON for Hasura's `HASURA_GRAPHQL_JWT_SECRET`, under these settings. It creates no secret, because Hasura
    /// needs the secret of an existing deployment.
    ///
    /// # Errors
    /// For a malformed setting, and if it needs a secret that neither a setting nor the data folder has.
    pub fn hasura_jwt_secret(self) -> Result<serde_json::Value, StartError> {
        let secret = self.data_dir.as_deref().and_then(|path| read_secret(path).ok());
        let base_url = url(SocketAddr::new(self.host, self.port));
        let settings = self.functions.or(move |name| match name {
            "AUTH_SECRET" => secret.clone(),
            "BASE_URL" => Some(base_url.clone()),
            _ => None,
        });
        let is_missing = settings.given("AUTH_SECRET").is_none();
        settings.hasura_jwt_secret().map_err(|error| match error.setting() {
            "AUTH_SECRET" if is_missing => StartError::NoSecret,
            _ => error.into(),
        })
    }

    /// The settings of the functions, with defaults for a laptop: a secret in the data folder, links to this machine,
    /// and introspection.
    pub(crate) fn settings(self, address: SocketAddr) -> Result<Settings, StartError> {
        let secret = match &self.data_dir {
            Some(path) => kept_secret(path)
                .map_err(|source| StartError::DataDir { path: path.clone(), source })?,
            None => new_secret(),
        };
        Ok(self.with_secret(address, secret))
    }

    /// The same, with that secret if the environment has none.
    pub(crate) fn with_secret(self, address: SocketAddr, secret: String) -> Settings {
        let base_url = url(address);
        self.functions.or(move |name| match name {
            "AUTH_SECRET" => Some(secret.clone()),
            "BASE_URL" => Some(base_url.clone()),
            "CONFIGURATION_SET" => Some("latchkey".to_owned()),
            "EMAIL_FROM" => Some("accounts@latchkey.example".to_owned()),
            "INTROSPECTION" => Some("true".to_owned()),
            _ => None,
        })
    }
}

/// The address as a person would type it.
pub(crate) fn url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() || address.ip().is_loopback() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// The host names that requests may have. With `HOST`, any name, because other machines can reach the server then.
pub(crate) fn hosts(settings: &Settings) -> Hosts {
    if settings.given("HOST").is_some() {
        return Hosts::any();
    }
    // The host is in the form that browsers send, also for a name beyond ASCII. The start refuses a value that is no
    // URL.
    Hosts::of_this_machine(settings.base_url().ok().map(|url| url.host().to_owned()))
}

/// First parts of paths that `cargo run` answers itself.
const OWN_PATHS: [&str; 6] = ["_aws", "_local", "favicon.ico", "graphiql", "graphql", "mailbox"];

/// Refuses a link path that starts with a path of `cargo run` itself, because the link would open the wrong page.
pub(crate) fn check_link_paths(settings: &Settings) -> Result<(), StartError> {
    if !settings.pages()? {
        return Ok(());
    }
    let paths = settings.link_paths()?;
    for (path, setting) in [
        (&paths.activation, "ACTIVATION_PATH_ON_EMAIL"),
        (&paths.secondary_email, "ACTIVATION_SECONDARY_EMAIL_PATH_ON_EMAIL"),
        (&paths.email_change, "EMAIL_CHANGE_PATH_ON_EMAIL"),
        (&paths.email_change_cancel, "EMAIL_CHANGE_CANCEL_PATH_ON_EMAIL"),
        (&paths.email_restore, "EMAIL_RESTORE_PATH_ON_EMAIL"),
        (&paths.password_reset, "PASSWORD_RESET_PATH_ON_EMAIL"),
        (&paths.password_set, "PASSWORD_SET_PATH_ON_EMAIL"),
    ] {
        let first = path.split('/').next().unwrap_or_default();
        if OWN_PATHS.contains(&first) {
            return Err(StartError::PathTaken(path.clone(), setting));
        }
    }
    Ok(())
}

fn read<T: std::str::FromStr>(
    settings: &Settings,
    name: &'static str,
    default: &str,
    kind: &'static str,
) -> Result<T, StartError> {
    let given = settings.given(name).unwrap_or_else(|| default.to_owned());
    given.parse().map_err(|_| StartError::Setting(name, given, kind))
}

/// Listens, or says which setting to change.
pub(crate) async fn listen(
    host: IpAddr,
    port: u16,
    setting: &'static str,
) -> Result<TcpListener, StartError> {
    let address = SocketAddr::new(host, port);
    TcpListener::bind(address).await.map_err(|source| {
        if source.kind() == std::io::ErrorKind::AddrInUse {
            StartError::PortTaken { port, setting }
        } else {
            StartError::Listen { address, setting, source }
        }
    })
}

/// Names the setting that moves the embedded AWS to another port.
pub(crate) fn of_aws(error: embedded::StartError) -> StartError {
    if let embedded::StartError::PortTaken { port } = error {
        StartError::PortTaken { port, setting: "AWS_PORT" }
    } else {
        StartError::Aws(error)
    }
}

/// The file of the secret in the data folder.
const SECRET_FILE: &str = "auth-secret";

fn read_secret(data_dir: &Path) -> std::io::Result<String> {
    fs::read_to_string(data_dir.join(SECRET_FILE))
}

/// The secret in the data folder, made at the first start, readable by its owner only.
fn kept_secret(data_dir: &Path) -> std::io::Result<String> {
    let path = data_dir.join(SECRET_FILE);
    match read_secret(data_dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secret = new_secret();
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(&path)?.write_all(secret.as_bytes())?;
            Ok(secret)
        }
        kept => kept,
    }
}

pub(crate) fn new_secret() -> String {
    let digits = Random::System.bytes::<32>().map(|byte| format!("{byte:02x}"));
    digits.concat()
}
