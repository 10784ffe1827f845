//! The whole product in one process: the functions as Lambda would call them, DynamoDB, S3 and SES
//! embedded, on a laptop and in tests.

mod assets;
pub mod breached;
pub mod command;
mod graphiql;
mod home;
mod mailbox;
mod own_host;
mod page;
mod running;
mod settings;
mod webhook;
mod whole_body;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use account_event::{EventBus, Events, Publisher};
use accounts::Accounts;
use accounts::breached::BreachedPasswords;
use accounts::clock::Clock;
use accounts::config::{ConfigError, Settings};
use accounts::mail::{Outbox, Sender};
use accounts::operations::Cleanup;
use accounts::pictures::Pictures;
use accounts::random::Random;
use accounts::store::Store;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::middleware::{from_fn, from_fn_with_state};
use embedded::{Aws, EventSourceMapping, Limits, Options, Stream, StreamError, Upkeep};
use graphql::{Front, FrontSettings, Origins};
use hyper::body::Incoming;
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::ServiceExt;
use webhook::Webhook;

#[cfg(test)]
#[allow(dead_code, reason = "other crates use the rest")]
#[path = "../../tests/properties/mod.rs"]
mod properties;

pub use settings::{LocalSettings, StartError};

/// The table, the stream's mapping and their numbers, defined once.
pub const TEMPLATE: &str = include_str!("../../template.yaml");

/// The event bus.
const EVENT_BUS: &str = "latchkey";
/// How often the stream is looked at.
const STREAM_EVERY: Duration = Duration::from_millis(200);
/// How often SES is polled for events of mails.
const FEEDBACK_EVERY: Duration = Duration::from_secs(1);
/// How often the clean-up runs. In Lambda, the schedule of the template decides.
const CLEAN_UP_EVERY: Duration = Duration::from_mins(1);
/// How often items past their time and old records of the stream are deleted.
const UPKEEP_EVERY: Duration = Duration::from_hours(1);
/// How long a run of the clean-up may take.
const CLEAN_UP_TIME: SignedDuration = SignedDuration::from_secs(60);

/// The running product.
#[derive(Debug)]
pub struct Local {
    aws: Aws,
    address: SocketAddr,
    url: String,
    data_dir: Option<PathBuf>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Local {
    /// Starts all parts; when it returns, all of them are up.
    ///
    /// # Errors
    /// For a taken port, a data folder that cannot be used, or a bad setting: one clear line.
    pub async fn start(local: LocalSettings) -> Result<Self, StartError> {
        let listener = settings::listen(local.host, local.port, "PORT").await?;
        let address = listener.local_addr().map_err(StartError::Listener)?;
        local.prepare_data_dir()?;
        let data_dir = local.data_dir.clone();
        let options = Options {
            host: local.host,
            port: local.aws_port,
            data_dir: local.data_dir.clone(),
            table_name: local.functions.table()?,
            bucket_name: local.functions.pictures_bucket()?.unwrap_or_default(),
            ..Options::new(TEMPLATE)
        };
        let settings = local.settings(address)?;
        settings.warn_of_hasura()?;
        settings::check_link_paths(&settings)?;
        let hosts = settings::hosts(&settings);
        let secret = settings.given("AUTH_SECRET");
        let options = Options { secret, hosts: hosts.clone(), ..options };
        let aws = Aws::start(options).await.map_err(settings::of_aws)?;
        if let Some(path) = &data_dir {
            running::announce(path, &aws)
                .map_err(|source| StartError::DataDir { path: path.clone(), source })?;
        }
        let parts = Parts::connect(&settings, &aws)?;
        let url = settings::url(address);
        let router = parts.router(&settings, &url, &aws)?;
        let router = router.layer(from_fn_with_state(hosts, own_host::require));
        let (stop, stopped) = watch::channel(false);
        let mut tasks = parts.publish_events(&aws, stopped.clone())?;
        tasks.extend([
            tokio::spawn(serve(listener, router, stopped.clone())),
            parts.follow_stream(&aws, stopped.clone())?,
            tokio::spawn(parts.handle_feedback(&aws, stopped.clone())),
            tokio::spawn(run_upkeep(aws.upkeep(), stopped.clone())),
            tokio::spawn(parts.run_clean_up(stopped)),
        ]);
        Ok(Self { aws, address, url, data_dir, stop, tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a browser on this machine finds it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The embedded AWS.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Lets running requests finish, then stops all parts. The data is on disk when it returns.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for task in self.tasks {
            if tokio::time::timeout(Duration::from_secs(5), task).await.is_err() {
                tracing::warn!("a part did not stop in time");
            }
        }
        self.data_dir.as_deref().inspect(|path| running::withdraw(path));
        self.aws.stop().await;
    }
}

/// The parts of the functions.
#[derive(Debug)]
struct Parts {
    accounts: Accounts,
    outbox: Outbox,
    cleanup: Cleanup,
    events: Events,
    publisher: Publisher,
    webhook: Option<Webhook>,
}

impl Parts {
    fn connect(settings: &Settings, aws: &Aws) -> Result<Self, StartError> {
        let sdk = accounts::aws::embedded_by(aws.endpoint_url(), aws.http_client());
        let (clock, random) = (Clock::System, Random::System);
        let store = Store::connect(&sdk, settings.table()?, random.clone(), clock.clone());
        let store = store.with_audit_lifetime(settings.audit_lifetime()?);
        let store = store.with_revocations(settings.revocations()?);
        let store = store.with_shards(settings.index_shards()?);
        let pictures = Pictures::connect(&sdk, settings.pictures_bucket()?);
        let (site, mut policy) = (settings.mails()?, settings.policy()?);
        if policy.breached_passwords.is_none() {
            policy.breached_passwords = breached::sample().map(BreachedPasswords::of).ok();
        }
        let (sender, templates) = (Sender::connect(&sdk, &site), settings.mail_templates()?);
        let (tokens, proofs) = (settings.tokens()?, settings.proofs()?);
        let events = Events::new(settings.events()?, store.clone());
        let (s, p, c, r) = (store.clone(), proofs.clone(), clock.clone(), random.clone());
        Ok(Self {
            outbox: Outbox::new(s, p, sender, templates, site, c, r),
            publisher: Publisher::new(events.clone(), EventBus::connect(&sdk, EVENT_BUS)),
            events,
            webhook: Webhook::from_settings(settings)?,
            cleanup: Cleanup::new(store.clone(), pictures.clone(), clock.clone()),
            accounts: Accounts::new(store, pictures, tokens, proofs, policy, clock, random),
        })
    }

    /// The API and its pages, and what only a laptop has beside them.
    fn router(&self, settings: &Settings, url: &str, aws: &Aws) -> Result<Router, ConfigError> {
        let origins = Origins::for_this_machine(settings)?;
        let front = Front::new(FrontSettings { origins, ..FrontSettings::new(settings)? })?;
        let api = graphql::app(self.accounts.clone(), front).layer(from_fn(graphiql::or_the_api));
        Ok(home::router(settings, url, aws.endpoint_url())?
            .merge(assets::router())
            .merge(mailbox::router(aws.mailbox().clone()))
            .merge(mailbox::events(aws.event_bus().clone()))
            .merge(api)
            .layer(from_fn(whole_body::read)))
    }

    fn follow_stream(
        &self,
        aws: &Aws,
        stopped: watch::Receiver<bool>,
    ) -> Result<JoinHandle<()>, StreamError> {
        let mapping = EventSourceMapping::from_template(TEMPLATE, "EmailEventFunction")?;
        let stream = Stream::new(aws, mapping)?;
        let outbox = self.outbox.clone();
        Ok(tokio::spawn(async move {
            let handler = |event| {
                let outbox = outbox.clone();
                async move { Ok::<_, ConfigError>(email_event::handle(&outbox, event).await) }
            };
            stream.run(handler, STREAM_EVERY, until_stopped(stopped)).await;
        }))
    }

    /// Publishes the events of accounts, and posts them to the webhook. Each has a reader of its own, so a failure
    /// delays no mail.
    fn publish_events(
        &self,
        aws: &Aws,
        stopped: watch::Receiver<bool>,
    ) -> Result<Vec<JoinHandle<()>>, StreamError> {
        let mapping = EventSourceMapping::from_template(TEMPLATE, "AccountEventFunction")?;
        let (stream, publisher) = (Stream::new(aws, mapping.clone())?, self.publisher.clone());
        let to_bus = stopped.clone();
        let mut tasks = vec![tokio::spawn(async move {
            let handler = |event| {
                let publisher = publisher.clone();
                async move { Ok::<_, ConfigError>(publisher.answer(event).await) }
            };
            stream.run(handler, STREAM_EVERY, until_stopped(to_bus)).await;
        })];
        if let Some(webhook) = self.webhook.clone() {
            let (stream, events) = (Stream::new(aws, mapping)?, self.events.clone());
            tasks.push(tokio::spawn(async move {
                let handler = |event| {
                    let (events, webhook) = (events.clone(), webhook.clone());
                    async move {
                        let answer = account_event::handle(&events, &webhook, event);
                        Ok::<_, ConfigError>(Box::pin(answer).await)
                    }
                };
                stream.run(handler, STREAM_EVERY, until_stopped(stopped)).await;
            }));
        }
        Ok(tasks)
    }

    /// Passes the events of SES about mails to `email-event`, as the template's rule does.
    fn handle_feedback(
        &self,
        aws: &Aws,
        stopped: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + use<> {
        let (outbox, feedback) = (self.outbox.clone(), aws.feedback().clone());
        async move {
            let mut ticks = tokio::time::interval(FEEDBACK_EVERY);
            loop {
                tokio::select! {
                    _ = ticks.tick() => {}
                    () = until_stopped(stopped.clone()) => return,
                }
                for event in feedback.take() {
                    if let Err(error) = email_event::answer(&outbox, event).await {
                        tracing::error!(%error, "what SES said was not noted");
                    }
                }
            }
        }
    }

    fn run_clean_up(self, stopped: watch::Receiver<bool>) -> impl Future<Output = ()> + use<> {
        let cleanup = self.cleanup;
        async move {
            let mut ticks = tokio::time::interval(CLEAN_UP_EVERY);
            loop {
                tokio::select! {
                    _ = ticks.tick() => {}
                    () = until_stopped(stopped.clone()) => return,
                }
                let deadline = Clock::System.now() + CLEAN_UP_TIME;
                if let Err(error) = token_cleanup::handle(&cleanup, deadline).await {
                    let error = accounts::error::Report(&error);
                    tracing::error!(%error, "the clean-up failed");
                }
            }
        }
    }
}

/// Deletes items past their `expires_at` and old records of the stream, as DynamoDB does: late, and by itself.
async fn run_upkeep(upkeep: Upkeep, stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(UPKEEP_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = until_stopped(stopped.clone()) => return,
        }
        match upkeep.run().await {
            Ok(deleted) => tracing::debug!(?deleted, "expired items and old records deleted"),
            Err(error) => tracing::warn!(%error, "expired items and old records cannot be deleted"),
        }
    }
}

async fn serve(listener: TcpListener, router: Router, stopped: watch::Receiver<bool>) {
    let handler = move |request: hyper::Request<Incoming>, peer: SocketAddr| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    };
    embedded::serve(listener, Limits::default(), stopped, handler).await;
}

/// Waits until it is time to stop.
async fn until_stopped(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
