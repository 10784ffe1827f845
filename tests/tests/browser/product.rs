//! The whole product in this process, as `cargo run` starts it, and its API.

use std::time::{Duration, Instant};

use accounts::Accounts;
use accounts::clock::Clock;
use accounts::config::Settings;
use accounts::model::{Email, Mail, PlainPassword, Purpose, User, Username};
use accounts::operations::staff::Superuser;
use accounts::pictures::Pictures;
use accounts::random::Random;
use accounts::store::Store;
use axum::body::Body;
use axum::http::Request;
use embedded::dynoxide::ImportOptions;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use journeys::{PASSWORD, SECRET, forge};
use local::{Local, LocalSettings};
use serde_json::{Value, json};

use crate::browser::Browser;

/// Longer than a mail takes that arrives at all.
const LONG: Duration = Duration::from_mins(1);

/// The product, with nothing in it.
#[derive(Debug)]
pub(crate) struct Product {
    local: Local,
}

impl Product {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &'static [(&'static str, &'static str)]) -> Self {
        let settings = Settings::new(move |name| {
            let given = settings.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            given.or_else(|| default(name)).map(str::to_owned)
        });
        let settings = LocalSettings::new(settings).expect("settings");
        Self { local: Local::start(settings).await.expect("the product starts") }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.local.url())
    }

    /// Signs Ann up.
    pub(crate) async fn sign_up(&self) {
        let document = format!(
            "mutation {{ it: register(email: \"ann@example.com\", username: \"ann\", \
             password1: \"{PASSWORD}\", password2: \"{PASSWORD}\") {{ success errors }} }}"
        );
        let answer = self.graphql(&document).await;
        assert_eq!(answer["success"], true, "{answer}");
    }

    /// Signs Ann up without a password.
    pub(crate) async fn sign_up_without_password(&self) {
        let document = "mutation { it: register(email: \"ann@example.com\", username: \"ann\") \
                        { success errors } }";
        let answer = self.graphql(document).await;
        assert_eq!(answer["success"], true, "{answer}");
    }

    /// Whether Ann can log in with that password.
    pub(crate) async fn is_let_in(&self, password: &str) -> bool {
        let document = format!(
            "mutation {{ it: tokenAuth(username: \"ann\", password: \"{password}\") \
             {{ success errors }} }}"
        );
        self.graphql(&document).await["success"] == true
    }

    /// Ann's access token, after a log-in.
    pub(crate) async fn log_in(&self, password: &str) -> String {
        let document = format!(
            "mutation {{ it: tokenAuth(username: \"ann\", password: \"{password}\") \
             {{ success token }} }}"
        );
        let answer = self.graphql(&document).await;
        answer["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Whether that access token identifies Ann.
    pub(crate) async fn is_me(&self, token: &str) -> bool {
        self.graphql_as(Some(token), "{ it: me { username } }").await["username"] == "ann"
    }

    /// A superuser with a proven address, as the command line creates one.
    pub(crate) async fn create_superuser(&self, name: &str, password: &str) {
        let aws = self.local.aws();
        let sdk = accounts::aws::embedded(aws.endpoint_url());
        let (random, clock) = (Random::System, Clock::System);
        let store = Store::connect(&sdk, aws.table_name(), random.clone(), clock.clone());
        let base_url = self.local.url().to_owned();
        let settings = Settings::new(move |name| match name {
            "BASE_URL" => Some(base_url.clone()),
            _ => default(name).map(str::to_owned),
        });
        let pictures = Pictures::connect(&sdk, None);
        let (tokens, proofs) = (settings.tokens(), settings.proofs());
        let (tokens, proofs) = (tokens.expect("settings"), proofs.expect("settings"));
        let policy = settings.policy().expect("settings");
        let accounts = Accounts::new(store, pictures, tokens, proofs, policy, clock, random);
        let email = format!("{name}@example.com");
        let names = (name, email.as_str());
        let created = accounts.create_superuser(names, PlainPassword::new(password), "test").await;
        assert!(matches!(created, Ok(Superuser::Created(_))), "{created:?}");
    }

    /// Adds so many users: their items at once.
    pub(crate) fn add_users(&self, count: usize) {
        let (aws, now) = (self.local.aws(), Clock::System.now());
        let users = (0..count).map(|at| {
            let name = Username::parse(&format!("user{at:04}")).expect("a name");
            let email = Email::parse(&format!("user{at:04}@example.com")).expect("an address");
            User::new(Random::System.id(now).into(), &name, &email, None, now)
        });
        let items = users.flat_map(|user| journeys::written(&user)).collect();
        let imported =
            aws.database().import_items(aws.table_name(), items, ImportOptions::default());
        imported.expect("items are imported");
    }

    async fn graphql(&self, document: &str) -> Value {
        self.graphql_as(None, document).await
    }

    async fn graphql_as(&self, token: Option<&str>, document: &str) -> Value {
        let request =
            Request::post(self.url("/graphql")).header("content-type", "application/json");
        let request = match token {
            Some(token) => request.header("authorization", format!("JWT {token}")),
            None => request,
        };
        let request = request.body(Body::from(json!({ "query": document }).to_string()));
        let client = Client::builder(TokioExecutor::new()).build_http();
        let answer = client.request(request.expect("a request")).await.expect("an answer");
        let body = answer.into_body().collect().await.expect("the whole answer").to_bytes();
        serde_json::from_slice::<Value>(&body).expect("JSON")["data"]["it"].clone()
    }

    /// Asks for a mail that resets a password.
    pub(crate) async fn ask_for_reset(&self, email: &str) {
        let document = format!(
            "mutation {{ it: sendPasswordResetEmail(email: \"{email}\") {{ success errors }} }}"
        );
        let answer = self.graphql(&document).await;
        assert_eq!(answer["success"], true, "{answer}");
    }

    /// Follows a link as a mail scanner does.
    pub(crate) async fn scan(&self, link: &str) {
        for method in ["GET", "HEAD", "GET"] {
            let request = Request::builder().method(method).uri(link).body(Body::empty());
            let client = Client::builder(TokioExecutor::new()).build_http();
            let answer = client.request(request.expect("a request")).await.expect("an answer");
            assert_eq!(answer.status(), 200, "{method}");
        }
    }

    /// The link in the newest of so many mails, once it is in the mailbox, which the person looks at until
    /// it is.
    pub(crate) async fn mailed_link(&self, browser: &Browser, mails: usize) -> String {
        let start = Instant::now();
        while start.elapsed() < LONG {
            browser.open(&self.url("/mailbox")).await;
            let found = browser.run(
                "const mails = document.querySelectorAll('article');
                 return [mails.length, mails.length ? mails[0].querySelector('pre a').href : '']",
            );
            let found = found.await;
            if found[0] == mails {
                return found[1].as_str().expect("a link").to_owned();
            }
        }
        panic!("the mailbox does not get {mails} mails");
    }

    /// The link of that mail as it would be if its time were over: in the same words, of the same key.
    pub(crate) async fn expired(&self, link: &str, purpose: Purpose) -> String {
        let (path, token) = link.rsplit_once('/').expect("a link");
        let id = forge::payload(token)["jti"].as_str().expect("a name").parse().expect("an id");
        let aws = self.local.aws();
        let sdk = accounts::aws::embedded(aws.endpoint_url());
        let store = Store::connect(&sdk, aws.table_name(), Random::System, Clock::System);
        let mail = store.mail(id).await.expect("the table answers").expect("the mail");
        let over = Mail { stale_at: mail.created_at.as_second() - 1, ..mail };
        let base_url = self.local.url().to_owned();
        let settings = Settings::new(move |name| match name {
            "BASE_URL" => Some(base_url.clone()),
            _ => default(name).map(str::to_owned),
        });
        format!("{path}/{}", settings.proofs().expect("settings").link(&over, purpose))
    }
}

fn default(name: &str) -> Option<&'static str> {
    match name {
        "AUTH_SECRET" => Some(SECRET),
        "PORT" | "AWS_PORT" => Some("0"),
        "DATA_DIR" => Some(":memory:"),
        "THROTTLE" => Some("off"),
        "SITE_NAME" => Some("Example"),
        _ => None,
    }
}
