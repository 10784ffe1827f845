//! A site to test: the functions as Lambda calls them, on embedded parts, with a clock that tests move
//! and randomness that repeats.

#![allow(clippy::expect_used, clippy::panic, reason = "a fixture that fails has to fail its test")]

mod actor;
mod as_user;
pub mod browser;
mod calls;
pub mod costs;
mod dialect;
pub mod emulator;
pub mod fixtures;
pub mod forge;
mod hasura;
mod http;
pub mod instructions;
pub mod log;
mod pictures;
mod race;
mod rest;
pub mod scale;
mod staff;
mod stream;
mod table;
pub mod template;
mod users;
mod visit;

use std::sync::Arc;

use account_event::{Events, Publisher};
use accounts::Accounts;
use accounts::clock::{Clock, ManualClock};
use accounts::config::Settings;
use accounts::mail::{Outbox, Sender};
use accounts::operations::{Cleanup, Counts};
use accounts::pictures::Pictures;
use accounts::random::Random;
use accounts::store::Store;
use accounts::telemetry::{Context, in_context};
use aws_sdk_dynamodb::config::retry::RetryPartition;
use axum::Router;
use embedded::{Aws, Delivery, EventBus, EventSourceMapping, Message, Options, Stream};
use graphql::{Front, FrontSettings};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::Mutex;

pub use actor::{Actor, PASSWORD, error, failure, failure_code, link_token};
pub use calls::{CallLog, Calls};
pub use dialect::{DIALECTS, Dialect, DialectResult, TokenPair};
use log::LogWatch;

pub use hasura::{HASURA, HasuraApi, HasuraOperation, Outcome, hasura};
pub use http::Answer;
pub use pictures::{Shown, show};
pub use race::at_once;
pub use rest::Tokens;
pub use staff::{EVENT, LISTS, STATE};
pub use table::{Item, n, s};
pub use users::written;
pub use visit::{FORM, Visit};

/// When every test starts.
pub const START: &str = "2026-03-01T12:00:00Z";
/// The secret from which the keys of every test are derived.
pub const SECRET: &str = "a secret for tests that has more than 32 bytes";
/// Where the pictures of every test are.
pub const BUCKET: &str = "latchkey-pictures";
/// Where links of every test point.
pub const BASE_URL: &str = "https://accounts.example";

/// A site of a test's own. Nothing of it outlives the test.
#[derive(Debug)]
pub struct Site {
    /// The embedded AWS: its faults, its mailbox, its data.
    pub aws: Aws,
    /// The core, for checks that no API offers.
    pub accounts: Accounts,
    /// The core in another process of the same function.
    pub elsewhere: Accounts,
    /// The table, through the store.
    pub store: Store,
    /// The calls of the functions to DynamoDB.
    pub calls: CallLog,
    /// A client of DynamoDB, for calls that only tests make.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// A client of S3, for calls that only tests make.
    pub s3: aws_sdk_s3::Client,
    outbox: Outbox,
    cleanup: Cleanup,
    router: Router,
    stream: Mutex<Stream>,
    publisher: Publisher,
    event_stream: Mutex<Stream>,
    clock: ManualClock,
    table_clock: Arc<embedded::ManualClock>,
    random: Random,
    _log: LogWatch,
}

impl Site {
    /// A site with the default settings.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A site with those settings, over the default ones.
    pub async fn with(settings: &'static [(&'static str, &'static str)]) -> Self {
        let start: Timestamp = START.parse().expect("a timestamp");
        let table_clock = Arc::new(embedded::ManualClock::new(start.as_second().unsigned_abs()));
        let options = Options { clock: Some(table_clock.clone()), ..Options::new(local::TEMPLATE) };
        let aws = Aws::start(options).await.expect("the embedded AWS starts");
        Self::on(aws, settings, ManualClock::at(start), table_clock, Random::seeded(1))
    }

    /// The site after a deployment with those settings, over the default ones: the same data, the
    /// same clock, the same mailbox.
    #[must_use]
    pub fn restarted_with(self, settings: &'static [(&'static str, &'static str)]) -> Self {
        Self::on(self.aws, settings, self.clock, self.table_clock, self.random)
    }

    fn on(
        aws: Aws,
        settings: &'static [(&'static str, &'static str)],
        clock: ManualClock,
        table_clock: Arc<embedded::ManualClock>,
        random: Random,
    ) -> Self {
        let settings = Settings::new(move |name| {
            let given = settings.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            given.or_else(|| default(name)).map(str::to_owned)
        });
        let sdk = accounts::aws::embedded(aws.endpoint_url());
        // Each function has credentials of its own, so that it has only the permissions of the template.
        let as_function = |id| accounts::aws::embedded_as(aws.endpoint_url(), id);
        let [graphql, email_event, token_cleanup, account_event] = [
            "GraphqlFunction",
            "EmailEventFunction",
            "TokenCleanupFunction",
            "AccountEventFunction",
        ]
        .map(as_function);
        let calls = CallLog::default();
        // Clients of one partition share their tokens for retries; tests must not.
        let partition = RetryPartition::new(aws.endpoint_url().to_owned());
        let time = Clock::Manual(clock.clone());
        let store = |sdk| {
            let counted = accounts::store::configuration(sdk)
                .interceptor(calls.clone())
                .retry_partition(partition.clone());
            let client = aws_sdk_dynamodb::Client::from_conf(counted.build());
            let store = Store::new(client, aws.table_name(), random.clone(), time.clone());
            store.with_shards(settings.index_shards().expect("settings"))
        };
        let s3 = accounts::pictures::configuration(&graphql).retry_partition(partition.clone());
        let site = settings.mails().expect("settings");
        let sender = Sender::connect(&email_event, &site);
        let templates = settings.mail_templates().expect("settings");
        let policy = settings.policy().expect("settings");
        let tokens = settings.tokens().expect("settings");
        let proofs = settings.proofs().expect("settings");
        let bucket = settings.pictures_bucket().expect("settings");
        let pictures = Pictures::new(s3, bucket.clone());
        let s3 = accounts::pictures::configuration(&token_cleanup);
        let s3 = s3.retry_partition(partition.clone());
        let swept_pictures = Pictures::new(s3, bucket);
        let (s, p, c, r) = (store(&email_event), proofs.clone(), time.clone(), random.clone());
        let outbox = Outbox::new(s, p, sender, templates, site, c, r);
        let cleanup = Cleanup::new(store(&token_cleanup), swept_pictures, time.clone());
        let (s, r) = (store(&graphql), random.clone());
        let process = |store| {
            let (pictures, tokens, proofs) = (pictures.clone(), tokens.clone(), proofs.clone());
            Accounts::new(store, pictures, tokens, proofs, policy.clone(), time.clone(), r.clone())
        };
        let ends = settings.revocations().expect("settings");
        let [s, other] = [s, store(&graphql)].map(|store| store.with_revocations(ends));
        let (accounts, elsewhere) = (process(s), process(other));
        let front = Front::new(FrontSettings::new(&settings).expect("settings")).expect("settings");
        let router = graphql::app(accounts.clone(), front);
        let stream = |function| {
            let mapping = EventSourceMapping::from_template(local::TEMPLATE, function);
            let stream = Stream::new(&aws, mapping.expect("the template's mapping"));
            Mutex::new(stream.expect("the table's stream"))
        };
        let (mail_stream, event_stream) =
            (stream("EmailEventFunction"), stream("AccountEventFunction"));
        let options = settings.events().expect("settings");
        let bus = account_event::EventBus::connect(&account_event, EventBus::arn("latchkey"));
        let publisher = Publisher::new(Events::new(options, store(&account_event)), bus);
        Self {
            _log: LogWatch::start(aws.mailbox().clone()),
            accounts,
            elsewhere,
            store: store(&sdk),
            calls: calls.clone(),
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
            s3: aws_sdk_s3::Client::from_conf(accounts::pictures::configuration(&sdk).build()),
            outbox,
            cleanup,
            router,
            stream: mail_stream,
            publisher,
            event_stream,
            clock,
            table_clock,
            random,
            aws,
        }
    }

    /// The present moment of the test.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass, for the functions and for DynamoDB alike.
    pub fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
        self.table_clock.set(self.clock.now().as_second().unsigned_abs());
    }

    /// Sends the mails that are due: one pass over the stream, as Lambda makes it.
    pub async fn deliver_mail(&self) -> Delivery {
        let handler = |event| async move {
            let batch = email_event::handle(&self.outbox, event);
            Ok::<_, std::convert::Infallible>(in_context(invocation(), batch).await)
        };
        self.stream.lock().await.deliver(&handler).await
    }

    /// Publishes the events of accounts: one pass over the stream, as Lambda makes it.
    pub async fn publish_events(&self) -> Delivery {
        let handler = |event| async move {
            let batch = self.publisher.answer(event);
            Ok::<_, std::convert::Infallible>(in_context(invocation(), batch).await)
        };
        self.event_stream.lock().await.deliver(&handler).await
    }

    /// Publishes the events of all changes so far. Returns all events on the bus, oldest first.
    pub async fn published(&self) -> Vec<Value> {
        self.publish_events().await;
        let events = self.aws.event_bus().events().into_iter();
        events.map(|mut event| event["detail"].take()).collect()
    }

    /// Passes the events of SES about its mails to `email-event`.
    pub async fn deliver_feedback(&self) {
        for event in self.aws.feedback().take() {
            let answer = in_context(invocation(), email_event::answer(&self.outbox, event));
            answer.await.expect("the table answers");
        }
    }

    /// The mails to an address, newest last, after all that are due were sent.
    pub async fn mails_to(&self, address: &str) -> Vec<Message> {
        self.deliver_mail().await;
        let mails = self.aws.mailbox().messages().into_iter();
        mails.filter(|mail| mail.to.iter().any(|to| to == address)).collect()
    }

    /// The sender of mails, for calls that no stream makes.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// One run of the clean-up, with more time than it needs.
    pub async fn clean_up(&self) -> Counts {
        let deadline = self.now() + SignedDuration::from_hours(1);
        let run = token_cleanup::handle(&self.cleanup, deadline);
        in_context(invocation(), run).await.expect("the table answers")
    }

    /// The clean-up, to be called with a deadline of the test's own.
    pub fn cleanup(&self) -> &Cleanup {
        &self.cleanup
    }
}

/// The context that Lambda gives a function with a call.
fn invocation() -> Context {
    let request_id = Random::System.id(Clock::System.now()).to_string();
    let trace_id = Some("Root=1-67891233-abcdef012345678912345678".to_owned());
    Context { request_id, trace_id, ..Context::default() }
}

fn default(name: &str) -> Option<&'static str> {
    match name {
        "AUTH_SECRET" => Some(SECRET),
        "BASE_URL" => Some(BASE_URL),
        "EMAIL_FROM" => Some("accounts@latchkey.example"),
        "SITE_NAME" => Some("Example"),
        "INTROSPECTION" => Some("true"),
        "PICTURES_BUCKET" => Some(BUCKET),
        "THROTTLE" => Some("off"),
        _ => None,
    }
}
