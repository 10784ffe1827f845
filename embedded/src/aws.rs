use crate::dynamodb::DynamoDb;
use crate::gateway::Gateway;
use crate::s3::S3;
use crate::server::Server;
use crate::{
    Clock, EventBus, Faults, Feedback, Hosts, Mailbox, Permissions, Secret, StartError,
    SystemClock, Tally, Upkeep, in_process, records, server, table,
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use dynoxide::Database;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// The time in which the stopped store must close its connections.
const GRACE: Duration = Duration::from_secs(2);

/// The options of a start. `Options { port: 4566, ..Options::new(TEMPLATE) }`
#[derive(Clone)]
pub struct Options {
    /// The address to listen on. Default: 127.0.0.1.
    pub host: IpAddr,
    /// The host names that requests there may have. Default: any.
    pub hosts: Hosts,
    /// The port to listen on; 0, the default, for any that is free.
    pub port: u16,
    /// The folder of the data. `None`, the default, keeps the data in memory.
    pub data_dir: Option<PathBuf>,
    /// The text of `template.yaml`.
    pub template: String,
    /// The name of the template's only table. Default: `latchkey`.
    pub table_name: String,
    /// The name of the template's only bucket. Default: `latchkey-pictures`.
    pub bucket_name: String,
    /// The name of the secret. Default: `latchkey-auth-secret`.
    pub secret_name: String,
    /// The value of the secret. `None`, the default, means no secret.
    pub secret: Option<String>,
    /// The clock of the stream, of TTL, of mails and of presigned URLs. In memory only; default: the system's clock.
    pub clock: Option<Arc<dyn Clock>>,
}

impl Options {
    /// In memory, on any free port of the loopback interface.
    pub fn new(template: impl Into<String>) -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            hosts: Hosts::any(),
            port: 0,
            data_dir: None,
            template: template.into(),
            table_name: "latchkey".to_owned(),
            bucket_name: "latchkey-pictures".to_owned(),
            secret_name: "latchkey-auth-secret".to_owned(),
            secret: None,
            clock: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, data_dir, table_name, bucket_name, .. } = self;
        f.debug_struct("Options")
            .field("host", host)
            .field("port", port)
            .field("data_dir", data_dir)
            .field("table_name", table_name)
            .field("bucket_name", bucket_name)
            .finish_non_exhaustive()
    }
}

/// A running AWS. After a drop, it stops in a moment; [`stop`](Self::stop) waits for the end.
pub struct Aws {
    endpoint_url: String,
    table_name: String,
    bucket_name: String,
    database: Database,
    database_file: Option<PathBuf>,
    mailbox: Mailbox,
    faults: Faults,
    feedback: Feedback,
    event_bus: EventBus,
    tally: Tally,
    secret: Secret,
    permissions: Permissions,
    clock: Arc<dyn Clock>,
    server: Server,
    stop_gateway: watch::Sender<bool>,
    gateway: JoinHandle<()>,
    stop_dynamodb: oneshot::Sender<()>,
    dynamodb: JoinHandle<Result<(), String>>,
    /// The lock of the data folder, while it is in use.
    data_lock: Option<File>,
}

impl Aws {
    /// Opens the store, creates the table and the bucket if they do not exist, and listens. Needs a Tokio runtime with
    /// I/O and time.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Options { host, port, data_dir, template, table_name, bucket_name, .. } = options;
        let Options { secret_name, secret, clock, hosts, .. } = options;
        let store = Storage::open(data_dir.as_deref(), clock.as_ref())?;
        let Storage { database, database_file, mailbox, s3, lock } = store;
        table::ensure(&database, &template, &table_name)?;
        s3.ensure_bucket(&template, &bucket_name)?;
        let listener = listen(SocketAddr::new(host, port)).await?;
        let behind = listen(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0)).await?;
        let endpoint_url = format!("http://{}", reachable(address_of(&listener)?));
        let permissions = Permissions::from_template(&template).map_err(StartError::Template)?;
        let gateway = Arc::new(Gateway {
            dynamodb: DynamoDb::at(address_of(&behind)?, database.clone()),
            mailbox: mailbox.clone(),
            s3,
            faults: Faults::default(),
            feedback: Feedback::default(),
            event_bus: EventBus::default(),
            tally: Tally::default(),
            secret: Secret::new(secret_name, secret),
            permissions,
            clock: clock.unwrap_or_else(SystemClock::arc),
        });
        let (stop_dynamodb, dynamodb_stops) = oneshot::channel::<()>();
        let dynamodb = dynoxide::server::serve_with_shutdown(behind, database.clone(), async {
            let _ = dynamodb_stops.await;
        });
        let (stop_gateway, stop) = watch::channel(false);
        let server = Server { gateway: Arc::clone(&gateway), hosts: Hosts::any(), stop };
        Ok(Self {
            endpoint_url,
            table_name,
            bucket_name,
            database,
            database_file,
            mailbox,
            faults: gateway.faults.clone(),
            feedback: gateway.feedback.clone(),
            event_bus: gateway.event_bus.clone(),
            tally: gateway.tally.clone(),
            secret: gateway.secret.clone(),
            permissions: gateway.permissions.clone(),
            clock: Arc::clone(&gateway.clock),
            stop_gateway,
            gateway: tokio::spawn(server::serve(listener, Server { hosts, ..server.clone() })),
            server,
            stop_dynamodb,
            dynamodb: tokio::spawn(dynamodb),
            data_lock: lock,
        })
    }

    /// The URL of all services for an SDK client: `http://127.0.0.1:4566`.
    pub fn endpoint_url(&self) -> &str {
        &self.endpoint_url
    }

    /// The HTTP client for an SDK in this process. It calls the endpoint without a connection.
    pub fn http_client(&self) -> SharedHttpClient {
        in_process::client(Arc::clone(&self.server.gateway))
    }

    /// The server of the endpoint, for connections that the caller accepts, under any host name.
    pub fn server(&self) -> Server {
        self.server.clone()
    }

    /// The table's name.
    pub fn table_name(&self) -> &str {
        &self.table_name
    }

    /// The bucket's name.
    pub fn bucket_name(&self) -> &str {
        &self.bucket_name
    }

    /// The database itself. Its calls have no faults, and the tally does not count them.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The mails that SES accepted.
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// The events of SES about the mails that it accepted.
    pub fn feedback(&self) -> &Feedback {
        &self.feedback
    }

    /// The events that the event buses accepted.
    pub fn event_bus(&self) -> &EventBus {
        &self.event_bus
    }

    /// Makes calls fail.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Counts calls and what they consume.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The secret.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The permissions of the functions, and their actions so far.
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Deletes the expired items, as TTL does within days, and returns their number. The stream has a record of each.
    pub async fn sweep_ttl(&self) -> dynoxide::Result<usize> {
        let database = self.database.clone();
        spawn_blocking(move || database.sweep_ttl()).await.unwrap_or_else(|stopped| {
            Err(dynoxide::DynoxideError::InternalServerError(stopped.to_string()))
        })
    }

    /// The deletions that `DynamoDB` makes by itself. Holds the database open.
    pub fn upkeep(&self) -> Upkeep {
        let (database, clock) = (self.database.clone(), Arc::clone(&self.clock));
        Upkeep { database, file: self.database_file.clone(), clock }
    }

    /// Accepts no more calls, waits some seconds at most for the running calls, and closes the database file. A clone
    /// of the [`Database`], for example in a stream, keeps the file open.
    pub async fn stop(self) {
        let Self { stop_gateway, gateway, stop_dynamodb, dynamodb, database, data_lock, .. } = self;
        let _ = stop_gateway.send(true);
        let _ = gateway.await;
        let _ = stop_dynamodb.send(());
        let _ = timeout(GRACE, dynamodb).await;
        // Closing moves the write-ahead log into the file.
        let _ = spawn_blocking(move || drop(database)).await;
        drop(data_lock);
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws")
            .field("endpoint_url", &self.endpoint_url)
            .field("table_name", &self.table_name)
            .field("bucket_name", &self.bucket_name)
            .finish_non_exhaustive()
    }
}

/// The stored data, in a folder or in memory.
struct Storage {
    database: Database,
    database_file: Option<PathBuf>,
    mailbox: Mailbox,
    s3: S3,
    lock: Option<File>,
}

impl Storage {
    fn open(folder: Option<&Path>, clock: Option<&Arc<dyn Clock>>) -> Result<Self, StartError> {
        match (folder, clock) {
            (Some(_), Some(_)) => Err(StartError::ClockNeedsMemory),
            (Some(folder), None) => Self::in_folder(folder),
            (None, Some(clock)) => Self::in_memory(Database::memory_with_clock(Arc::clone(clock))),
            (None, None) => Self::in_memory(Database::memory()),
        }
    }

    fn in_memory(database: dynoxide::Result<Database>) -> Result<Self, StartError> {
        let database = database.map_err(|error| StartError::Database(error.to_string()))?;
        let s3 = S3::temporary().map_err(|source| {
            let path = std::env::temp_dir();
            StartError::DataDir { path, source }
        })?;
        let mailbox = Mailbox::in_memory();
        Ok(Self { database, database_file: None, mailbox, s3, lock: None })
    }

    fn in_folder(folder: &Path) -> Result<Self, StartError> {
        let unwritable = |source| StartError::DataDir { path: folder.to_owned(), source };
        create_private(folder).map_err(unwritable)?;
        let lock = writable(&folder.join("lock")).map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StartError::DataDirInUse { path: folder.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
        let file = folder.join("dynamodb.sqlite");
        writable(&file).map_err(unwritable)?;
        let Some(path) = file.to_str() else {
            let not_text = io::Error::new(io::ErrorKind::InvalidFilename, "its name is not text");
            return Err(unwritable(not_text));
        };
        let database =
            Database::new(path).map_err(|error| StartError::Database(error.to_string()))?;
        records::index(&file).map_err(|error| StartError::Database(error.to_string()))?;
        let mailbox = Mailbox::open(folder.join("mailbox.jsonl")).map_err(unwritable)?;
        let objects = folder.join("s3");
        let s3 = create_private(&objects).and_then(|()| S3::in_folder(&objects));
        let s3 = s3.map_err(unwritable)?;
        Ok(Self { database, database_file: Some(file), mailbox, s3, lock: Some(lock) })
    }
}

/// Creates the folder if it does not exist. Only its owner can read it, because it has accounts and mails.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens or creates a file, to check that this is possible.
fn writable(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            StartError::PortTaken { port: address.port() }
        } else {
            StartError::Listen { address, source }
        }
    })
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    let unknown = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
    listener.local_addr().map_err(|source| StartError::Listen { address: unknown, source })
}

/// The address for clients on this machine of a server that listens at `address`, which may mean all interfaces.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    address
}
