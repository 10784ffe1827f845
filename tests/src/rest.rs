//! Requests to the REST API, and what people do with it.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Answer, PASSWORD, Site};

/// The tokens that an answer gives.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// For the `Authorization` header.
    pub access: String,
    /// For the next pair.
    pub refresh: String,
}

impl Tokens {
    /// The `Authorization` header.
    pub fn header(&self) -> String {
        format!("Bearer {}", self.access)
    }
}

impl Answer {
    /// The `code` of a failure, with the status that it came with.
    pub fn refusal(&self) -> (u16, String) {
        let body = self.json();
        assert!(body["detail"].is_string(), "{}", self.text);
        (self.status.as_u16(), body["code"].as_str().unwrap_or_default().to_owned())
    }

    /// The tokens in it.
    pub fn tokens(&self) -> Tokens {
        let body = self.json();
        let text = |name: &str| {
            let token = body[name].as_str();
            token.unwrap_or_else(|| panic!("{name}: {}", self.text)).to_owned()
        };
        Tokens { access: text("access"), refresh: text("refresh") }
    }
}

impl Site {
    /// Posts JSON to `/api/accounts/…`, without a token.
    pub async fn rest(&self, path: &str, body: Value) -> Answer {
        self.rest_as(Method::POST, None, path, body).await
    }

    /// Sends JSON to `/api/accounts/…`; `authorization` is the header.
    pub async fn rest_as(
        &self,
        method: Method,
        authorization: Option<&str>,
        path: &str,
        body: Value,
    ) -> Answer {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(authorization.map(|value| ("authorization", value)));
        let body = if method == Method::GET { String::new() } else { body.to_string() };
        self.send(method, &format!("/api/accounts/{path}"), &headers, body).await
    }

    /// Signs a user up by name, who proves the address by the mailed code and logs in.
    pub async fn rest_signed_in(&self, name: &str) -> Tokens {
        let email = format!("{name}@example.com");
        let answer = self.rest("signup/", json!({ "email": email, "password": PASSWORD })).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let otp = self.code(&email).await;
        let answer = self.rest("verify-email/", json!({ "email": email, "otp": otp })).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        self.rest("login/", json!({ "email": email, "password": PASSWORD })).await.tokens()
    }
}
