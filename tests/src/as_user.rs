//! Requests of a user with a session, and checks of a user's tokens.

use accounts::AuthError;
use accounts::model::{Client, UserId};
use accounts::operations::Caller;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::{Actor, Answer, Site, forge, s};

impl Site {
    /// Posts a document as that user.
    pub async fn ask(&self, actor: &Actor, document: &str, variables: Value) -> Answer {
        self.graphql_as(Some(&actor.authorization()), document, variables).await
    }

    /// `sessions`, all fields.
    pub async fn sessions(&self, actor: &Actor) -> Vec<Value> {
        let document = "{ sessions { id createdAt lastUsedAt ipAddress userAgent current } }";
        let answer = self.ask(actor, document, Value::Null).await.json();
        answer["data"]["sessions"].as_array().cloned().unwrap_or_else(|| panic!("{answer}"))
    }

    /// `endSession`, and what it answers.
    pub async fn end_session(&self, actor: &Actor, id: &str) -> Value {
        let document = "mutation($id: ID!) { endSession(id: $id) { success errors } }";
        let answer = self.ask(actor, document, json!({ "id": id })).await;
        answer.json()["data"]["endSession"].clone()
    }

    /// `endOtherSessions`, and what it answers.
    pub async fn end_other_sessions(&self, actor: &Actor) -> Value {
        let answer =
            self.ask(actor, "mutation { endOtherSessions { success errors } }", Value::Null);
        answer.await.json()["data"]["endOtherSessions"].clone()
    }

    /// `logout`, and what it answers.
    pub async fn log_out(&self, actor: &Actor) -> Value {
        let answer = self.ask(actor, "mutation { logout { success errors } }", Value::Null).await;
        answer.json()["data"]["logout"].clone()
    }

    /// `passwordChange`, and what it answers.
    pub async fn change_password(
        &self,
        actor: &Actor,
        old: &str,
        first: &str,
        second: &str,
    ) -> Value {
        let document = "mutation($o: String!, $p: String!, $q: String!) {
            passwordChange(oldPassword: $o, newPassword1: $p, newPassword2: $q) {
                success errors token refreshToken } }";
        let variables = json!({ "o": old, "p": first, "q": second });
        self.ask(actor, document, variables).await.json()["data"]["passwordChange"].clone()
    }

    /// `sendPasswordResetEmail`, and what it answers.
    pub async fn send_password_reset(&self, email: &str) -> Value {
        let document =
            "mutation($e: String!) { sendPasswordResetEmail(email: $e) { success errors } }";
        let answer = self.graphql(document, json!({ "e": email })).await;
        answer.json()["data"]["sendPasswordResetEmail"].clone()
    }

    /// The token of a new password reset link.
    pub async fn reset_link(&self, actor: &Actor) -> String {
        // Earlier mails go first, so that they are not sent together with the reset mail.
        self.deliver_mail().await;
        let answer = self.send_password_reset(&actor.email()).await;
        assert_eq!(answer["success"], true, "{answer}");
        self.link_token(&actor.email()).await
    }

    /// Asks for another first address, as that user.
    pub async fn change_email(&self, actor: &Actor, email: &str) -> Result<(), AuthError> {
        self.accounts.change_email(&self.caller(actor).await, email, None, &Client::default()).await
    }

    /// The token of a link that makes an address the user's first one.
    pub async fn email_change_link(&self, actor: &Actor, email: &str) -> String {
        self.change_email(actor, email).await.expect("a mail that is due");
        self.link_token(email).await
    }

    /// `passwordReset`, and what it answers.
    pub async fn reset_password(&self, token: &str, first: &str, second: &str) -> Value {
        let document = "mutation($t: String!, $p: String!, $q: String!) {
            passwordReset(token: $t, newPassword1: $p, newPassword2: $q) { success errors } }";
        let variables = json!({ "t": token, "p": first, "q": second });
        self.graphql(document, variables).await.json()["data"]["passwordReset"].clone()
    }

    /// `passwordSet`, and what it answers.
    pub async fn set_password(&self, token: &str, first: &str, second: &str) -> Value {
        let document = "mutation($t: String!, $p: String!, $q: String!) {
            passwordSet(token: $t, newPassword1: $p, newPassword2: $q) { success errors } }";
        let variables = json!({ "t": token, "p": first, "q": second });
        self.graphql(document, variables).await.json()["data"]["passwordSet"].clone()
    }

    /// Whether the user can log in with that password.
    pub async fn is_password(&self, actor: &Actor, password: &str) -> bool {
        let answer = self.token_auth(json!({ "username": actor.name, "password": password })).await;
        answer["success"] == true
    }

    /// The user as a caller of the core.
    pub async fn caller(&self, actor: &Actor) -> Caller {
        self.accounts.authenticate(&actor.access).await.expect("a session that stands")
    }

    /// Asserts that neither token of the user works.
    pub async fn assert_over(&self, actor: &Actor) {
        assert_eq!(self.me(actor).await, None, "{}", actor.name);
        assert_eq!(self.verify_token(&actor.access).await["success"], false, "{}", actor.name);
        assert_eq!(self.refresh_token(&actor.refresh).await["success"], false, "{}", actor.name);
    }

    /// Asserts that both tokens of the user work, and returns the next ones.
    pub async fn assert_goes_on(&self, actor: &Actor) -> Actor {
        assert_eq!(self.me(actor).await.as_ref(), Some(&actor.name));
        let next = self.refreshed(actor).await;
        assert_eq!(self.me(&next).await.as_ref(), Some(&next.name));
        next
    }

    /// Writes an attribute of the user item, as another release or a migration would.
    pub async fn set_on_user(&self, actor: &Actor, name: &str, value: AttributeValue) {
        let request = self.dynamodb.update_item().table_name(self.aws.table_name());
        let key = format!("USER#{}", actor.user_id());
        let request = request.key("pk", s(key)).key("sk", s("USER"));
        let request = request.update_expression("SET #name = :value");
        let request = request.expression_attribute_names("#name", name);
        request.expression_attribute_values(":value", value).send().await.expect("an update");
    }

    /// The user's password hash in the table.
    pub async fn hash_of(&self, actor: &Actor) -> String {
        let item = self.item(&format!("USER#{}", actor.user_id()), "USER").await;
        item["password"].as_s().cloned().expect("a hash")
    }
}

impl Actor {
    /// The user's id, from the access token.
    pub fn user_id(&self) -> UserId {
        self.claim("sub").parse().expect("a user id")
    }

    /// The id of the user's session.
    pub fn session_id(&self) -> String {
        self.claim("sid")
    }

    /// The same user, with the tokens of that answer.
    #[must_use]
    pub fn with_tokens(&self, answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().expect("a token").to_owned();
        Self { name: self.name.clone(), access: text("token"), refresh: text("refreshToken") }
    }

    fn claim(&self, name: &str) -> String {
        forge::payload(&self.access)[name].as_str().expect("a claim").to_owned()
    }
}
