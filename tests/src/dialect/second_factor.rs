//! Log-ins with a second factor.

use serde_json::json;

use super::answer::{data, enveloped, rest};
use super::{Dialect, DialectResult, TokenPair};
use crate::{Answer, Site};

impl Dialect {
    /// The first step of the log-in of a user who has a second factor: the challenge. The answer has no token.
    pub async fn first_step(self, site: &Site, name: &str, email: &str, password: &str) -> String {
        self.challenge(&self.post_log_in(site, name, email, password).await)
    }

    /// The first step of the log-in of a user who must add a second factor: the challenge. The answer has no token.
    pub async fn setup_step(self, site: &Site, name: &str, email: &str, password: &str) -> String {
        let answer = self.post_log_in(site, name, email, password).await;
        self.challenge_of(&answer, "second_factor_setup_required")
    }

    /// A new authenticator app in a log-in that waits for it: the text of its QR code, and the setup token. Hasura borrows
    /// the operation of GraphQL.
    pub async fn begin_app(self, site: &Site, challenge: &str) -> DialectResult<(String, String)> {
        let variables = json!({ "challenge": challenge });
        let begun = match self {
            Self::Django | Self::Hasura => {
                let document = "mutation($challenge: String!) {
                    it: beginApp(challenge: $challenge) { success errors uri setup } }";
                enveloped(&site.graphql(document, variables).await)?
            }
            Self::Plain => {
                let document = "mutation($challenge: String!) {
                    it: beginApp(challenge: $challenge) { uri setup } }";
                data(&site.graphql(document, variables).await)?
            }
            Self::Rest => {
                rest(&site.post_json("/api/accounts/app/begin/", None, &variables).await, 200)?
            }
        };
        let text = |name| begun[name].as_str().expect("a text").to_owned();
        Ok((text("uri"), text("setup")))
    }

    /// Adds the app: the tokens of the session, and the number of recovery codes.
    pub async fn add_app(
        self,
        site: &Site,
        challenge: &str,
        setup: &str,
        code: &str,
    ) -> DialectResult<(TokenPair, usize)> {
        let variables = json!({ "challenge": challenge, "setup": setup, "code": code });
        let arguments = "challenge: $challenge, setup: $setup, code: $code";
        let document = |more: &str| {
            format!(
                "mutation($challenge: String!, $setup: String!, $code: String!) {{
                    it: addApp({arguments}) {{ {more} recoveryCodes token refreshToken }} }}"
            )
        };
        let (added, codes) = match self {
            Self::Django | Self::Hasura => {
                let document = document("success errors");
                (enveloped(&site.graphql(&document, variables).await)?, "recoveryCodes")
            }
            Self::Plain => (data(&site.graphql(&document(""), variables).await)?, "recoveryCodes"),
            Self::Rest => {
                let answer = site.post_json("/api/accounts/app/add/", None, &variables).await;
                (rest(&answer, 200)?, "recovery_codes")
            }
        };
        let codes = added[codes].as_array().map_or(0, Vec::len);
        let held = if self == Self::Hasura { Self::Django } else { self }.held(&added);
        Ok((held, codes))
    }

    pub(super) fn challenge(self, answer: &Answer) -> String {
        self.challenge_of(answer, "second_factor_required")
    }

    pub(super) fn challenge_of(self, answer: &Answer, code: &str) -> String {
        let refused = Err(code.to_owned());
        assert_eq!(self.opened(answer), refused, "{self:?} {}", answer.text);
        let json = answer.json();
        let error = match self {
            Self::Django => &json["data"]["it"]["errors"]["nonFieldErrors"][0],
            Self::Hasura | Self::Plain => &json["errors"][0]["extensions"],
            Self::Rest => &json,
        };
        let challenge = error["challenge"].as_str().expect("a challenge").to_owned();
        // A JWT has a header that begins with this.
        assert_eq!(answer.text.matches("eyJ").count(), challenge.matches("eyJ").count());
        challenge
    }

    /// The second step.
    pub async fn complete(
        self,
        site: &Site,
        challenge: &str,
        code: &str,
    ) -> DialectResult<TokenPair> {
        let variables = json!({ "challenge": challenge, "code": code });
        let answer = match self {
            Self::Django => {
                let document = "mutation($challenge: String!, $code: String!) {
                    it: completeLogin(challenge: $challenge, code: $code) {
                        success errors token refreshToken payload } }";
                site.graphql(document, variables).await
            }
            Self::Plain => {
                let document = "mutation($challenge: String!, $code: String!) {
                    it: completeLogin(challenge: $challenge, code: $code) {
                        token refreshToken payload } }";
                site.graphql(document, variables).await
            }
            Self::Hasura => {
                let document = "mutation($challenge: String, $code: String) {
                    it: user_complete_login(arg: {challenge: $challenge, code: $code}) {
                        access refresh } }";
                site.graphql(document, variables).await
            }
            Self::Rest => {
                site.post_json("/api/accounts/login/second-factor/", None, &variables).await
            }
        };
        self.opened(&answer)
    }
}
