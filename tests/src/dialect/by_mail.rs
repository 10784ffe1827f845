//! Log-ins by mail.

use serde_json::json;

use super::answer::{data, enveloped, rest};
use super::{Dialect, DialectResult, TokenPair};
use crate::{Answer, Site};

impl Dialect {
    /// Request a log-in mail. Returns the id of the request.
    pub async fn request_log_in_mail(self, site: &Site, email: &str) -> DialectResult<String> {
        let answer = match self {
            Self::Django => {
                let document = "mutation($e: String!) {
                    it: sendLoginEmail(email: $e) { success errors loginId } }";
                enveloped(&site.graphql(document, json!({ "e": email })).await)?
            }
            Self::Plain => {
                let document =
                    "mutation($e: String!) { it: sendLoginEmail(email: $e) { loginId } }";
                data(&site.graphql(document, json!({ "e": email })).await)?
            }
            Self::Hasura => {
                let document = "mutation($e: String) {
                    it: user_send_login_email(arg: {email: $e}) { login_id } }";
                data(&site.graphql(document, json!({ "e": email })).await)?
            }
            Self::Rest => {
                let fields = json!({ "email": email });
                rest(&site.post_json("/api/accounts/login/email/", None, &fields).await, 200)?
            }
        };
        let name = match self {
            Self::Django | Self::Plain => "loginId",
            Self::Hasura | Self::Rest => "login_id",
        };
        Ok(answer[name].as_str().expect("an id").to_owned())
    }

    /// Log in by the code or the link of the mail.
    pub async fn log_in_by_mail(
        self,
        site: &Site,
        id: &str,
        code: &str,
    ) -> DialectResult<TokenPair> {
        self.opened(&self.post_log_in_by_mail(site, id, code).await)
    }

    /// The same, as a user who has a second factor: the challenge.
    pub async fn first_step_by_mail(self, site: &Site, id: &str, code: &str) -> String {
        self.challenge(&self.post_log_in_by_mail(site, id, code).await)
    }

    /// The same, as a user who must add a second factor: the challenge.
    pub async fn setup_step_by_mail(self, site: &Site, id: &str, code: &str) -> String {
        let answer = self.post_log_in_by_mail(site, id, code).await;
        self.challenge_of(&answer, "second_factor_setup_required")
    }

    async fn post_log_in_by_mail(self, site: &Site, id: &str, code: &str) -> Answer {
        let variables = json!({ "i": id, "c": code });
        match self {
            Self::Django => {
                let document = "mutation($i: String!, $c: String!) {
                    it: loginByEmail(loginId: $i, code: $c) {
                        success errors token refreshToken payload } }";
                site.graphql(document, variables).await
            }
            Self::Plain => {
                let document = "mutation($i: String!, $c: String!) {
                    it: loginByEmail(loginId: $i, code: $c) { token refreshToken payload } }";
                site.graphql(document, variables).await
            }
            Self::Hasura => {
                let document = "mutation($i: String, $c: String) {
                    it: user_login_by_email(arg: {login_id: $i, code: $c}) { access refresh } }";
                site.graphql(document, variables).await
            }
            Self::Rest => {
                let fields = json!({ "login_id": id, "code": code });
                site.post_json("/api/accounts/login/email/confirm/", None, &fields).await
            }
        }
    }
}
