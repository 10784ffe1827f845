//! A user of the site, through the API.

use accounts::model::Client;
use accounts::operations::{FirstPassword, Registration};
use embedded::Message;
use serde_json::{Value, json};

use crate::Site;

/// The password of all users, unless a test uses another one.
pub const PASSWORD: &str = "kdjf84jfKKd";

/// One failure, as the envelope lists it.
pub fn error(code: &str, message: &str) -> Value {
    json!({ "message": message, "code": code })
}

/// The envelope's errors of a failure that belongs to no field.
pub fn failure(code: &str, message: &str) -> Value {
    json!({ "nonFieldErrors": [error(code, message)] })
}

/// The code of a failure that belongs to no field.
pub fn failure_code(answer: &Value) -> &str {
    answer["errors"]["nonFieldErrors"][0]["code"].as_str().unwrap_or_default()
}

/// The token of the link in that mail.
pub fn link_token(mail: &Message) -> String {
    let mut lines = mail.text.as_deref().unwrap_or_default().lines();
    let link = lines.find(|line| line.starts_with("http")).expect("a link in the mail");
    link.rsplit('/').next().unwrap_or_default().to_owned()
}

/// A user with an account.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    /// Their name.
    pub name: String,
    /// Their present access token.
    pub access: String,
    /// Their present refresh token.
    pub refresh: String,
}

impl Actor {
    /// Their address.
    pub fn email(&self) -> String {
        format!("{}@example.com", self.name)
    }

    /// Their `Authorization` header.
    pub fn authorization(&self) -> String {
        format!("JWT {}", self.access)
    }

    fn holding(&self, tokens: &Value) -> Self {
        let text = |name: &str| tokens[name].as_str().unwrap_or_default().to_owned();
        Self { name: self.name.clone(), access: text("token"), refresh: text("refreshToken") }
    }
}

impl Site {
    /// Registers a user by name, who has not verified yet.
    pub async fn sign_up(&self, name: &str) -> Actor {
        let actor = Actor { name: name.to_owned(), ..Actor::default() };
        let answer = self.register(&actor.email(), name, PASSWORD, PASSWORD).await;
        assert_eq!(answer["success"], true, "{answer}");
        actor.holding(&answer)
    }

    /// Registers a user, who verifies by the mailed link and logs in.
    pub async fn signed_in(&self, name: &str) -> Actor {
        let actor = self.sign_up(name).await;
        let token = self.link_token(&actor.email()).await;
        let answer = self.verify_account(&token).await;
        assert_eq!(answer["success"], true, "{answer}");
        self.log_in(&actor).await
    }

    /// Logs a user in again, by name.
    pub async fn log_in(&self, actor: &Actor) -> Actor {
        let answer = self.token_auth(json!({ "username": actor.name, "password": PASSWORD })).await;
        assert_eq!(answer["success"], true, "{answer}");
        actor.holding(&answer)
    }

    /// Exchanges a user's refresh token.
    pub async fn refreshed(&self, actor: &Actor) -> Actor {
        let answer = self.refresh_token(&actor.refresh).await;
        assert_eq!(answer["success"], true, "{answer}");
        actor.holding(&answer)
    }

    /// `register`, and what it answers.
    pub async fn register(&self, email: &str, name: &str, first: &str, second: &str) -> Value {
        let document = "mutation($e: String!, $u: String!, $p: String!, $q: String!) {
            register(email: $e, username: $u, password1: $p, password2: $q) {
                success errors token refreshToken } }";
        let variables = json!({ "e": email, "u": name, "p": first, "q": second });
        self.graphql(document, variables).await.json()["data"]["register"].clone()
    }

    /// Registers a user by name, without a password.
    pub async fn sign_up_without_password(&self, name: &str) -> Actor {
        let actor = Actor { name: name.to_owned(), ..Actor::default() };
        let name = Some(name.to_owned());
        let registration = Registration::new(actor.email(), name, FirstPassword::Absent);
        let done = Box::pin(self.accounts.register(registration, &Client::default())).await;
        let tokens = done.expect("a registration").tokens.expect("tokens");
        Actor { access: tokens.access, refresh: tokens.refresh, ..actor }
    }

    /// `verifyAccount`, and what it answers.
    pub async fn verify_account(&self, token: &str) -> Value {
        let document = "mutation($t: String!) { verifyAccount(token: $t) { success errors } }";
        self.graphql(document, json!({ "t": token })).await.json()["data"]["verifyAccount"].clone()
    }

    /// `tokenAuth`, and what it answers. Variables: `email` or `username`, and `password`.
    pub async fn token_auth(&self, variables: Value) -> Value {
        let document = "mutation($email: String, $username: String, $password: String!) {
            tokenAuth(email: $email, username: $username, password: $password) {
                success errors token refreshToken unarchiving user { username email verified } } }";
        self.graphql(document, variables).await.json()["data"]["tokenAuth"].clone()
    }

    /// `refreshToken`, and what it answers.
    pub async fn refresh_token(&self, token: &str) -> Value {
        let document = "mutation($t: String!) { refreshToken(refreshToken: $t) {
            success errors token refreshToken payload } }";
        self.graphql(document, json!({ "t": token })).await.json()["data"]["refreshToken"].clone()
    }

    /// `revokeToken`, and what it answers.
    pub async fn revoke_token(&self, token: &str) -> Value {
        let document =
            "mutation($t: String!) { revokeToken(refreshToken: $t) { success errors revoked } }";
        self.graphql(document, json!({ "t": token })).await.json()["data"]["revokeToken"].clone()
    }

    /// `verifyToken`, and what it answers.
    pub async fn verify_token(&self, token: &str) -> Value {
        let document =
            "mutation($t: String!) { verifyToken(token: $t) { success errors payload } }";
        self.graphql(document, json!({ "t": token })).await.json()["data"]["verifyToken"].clone()
    }

    /// The name of `me`; `None` for an anonymous caller.
    pub async fn me(&self, actor: &Actor) -> Option<String> {
        let header = actor.authorization();
        let answer = self.graphql_as(Some(&header), "{ me { username } }", Value::Null).await;
        Some(answer.json()["data"]["me"]["username"].as_str()?.to_owned())
    }

    /// The token of the link in the newest mail to that address.
    pub async fn link_token(&self, address: &str) -> String {
        link_token(&self.newest_mail_to(address).await)
    }

    /// The code in the newest mail to that address.
    pub async fn code(&self, address: &str) -> String {
        let mail = self.newest_mail_to(address).await;
        let is_code =
            |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
        mail.text.unwrap_or_default().lines().find(is_code).expect("a code in the mail").to_owned()
    }

    async fn newest_mail_to(&self, address: &str) -> Message {
        self.mails_to(address).await.pop().expect("a mail to that address")
    }
}
