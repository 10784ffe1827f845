//! The operations of the dialect `hasura`, through each of its APIs.

use axum::http::Method;
use serde_json::{Value, json};

use crate::{Actor, Answer, Site};

/// An API that has the operations of the dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HasuraApi {
    /// A field of the schema.
    GraphQl,
    /// A path of the REST API.
    Rest,
    /// `POST /hasura/actions`.
    Action,
}

impl HasuraApi {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::GraphQl, Self::Rest, Self::Action];
}

/// An operation, as clients know it.
#[derive(Clone, Copy, Debug)]
pub struct HasuraOperation {
    /// The name of the field and of the action.
    pub name: &'static str,
    /// `query` or `mutation`.
    pub kind: &'static str,
    /// Its input type, and the selected fields of its answer.
    pub shape: (&'static str, &'static str),
    /// Its inputs.
    pub inputs: &'static [&'static str],
    /// Its method and path under REST, and the status of an answer.
    pub rest: Option<(&'static str, &'static str, u16)>,
}

/// All of them.
pub const HASURA: [HasuraOperation; 12] = [
    HasuraOperation {
        name: "user_register",
        kind: "mutation",
        shape: ("UserRegisterInput!", "id username email tokens"),
        inputs: &["email", "username", "password"],
        rest: Some(("POST", "/users/user/register/", 201)),
    },
    HasuraOperation {
        name: "user_login",
        kind: "query",
        shape: ("UserLoginInput!", "access refresh"),
        inputs: &["username", "password"],
        rest: Some(("POST", "/users/login/", 200)),
    },
    HasuraOperation {
        name: "user_complete_login",
        kind: "mutation",
        shape: ("UserCompleteLoginInput!", "access refresh"),
        inputs: &["challenge", "code"],
        rest: Some(("POST", "/users/login/second-factor/", 200)),
    },
    HasuraOperation {
        name: "user_send_login_email",
        kind: "mutation",
        shape: ("UserSendLoginEmailInput!", "login_id"),
        inputs: &["email"],
        rest: Some(("POST", "/users/login/email/", 200)),
    },
    HasuraOperation {
        name: "user_login_by_email",
        kind: "mutation",
        shape: ("UserLoginByEmailInput!", "access refresh"),
        inputs: &["login_id", "code"],
        rest: Some(("POST", "/users/login/email/confirm/", 200)),
    },
    HasuraOperation {
        name: "user_show_login_code",
        kind: "mutation",
        shape: ("UserShowLoginCodeInput!", "code asked_at ip_address"),
        inputs: &["token"],
        rest: Some(("POST", "/users/login/email/code/", 200)),
    },
    HasuraOperation {
        name: "user_refresh",
        kind: "query",
        shape: ("UserRefreshInput!", "access refresh"),
        inputs: &["refresh"],
        rest: Some(("POST", "/users/token/refresh/", 200)),
    },
    HasuraOperation {
        name: "user_change_password",
        kind: "mutation",
        shape: ("UserChangePasswordInput!", "status code message"),
        inputs: &["old_password", "new_password"],
        rest: Some(("PUT", "/users/user/change_password/", 200)),
    },
    HasuraOperation {
        name: "user_password_reset",
        kind: "mutation",
        shape: ("UserPasswordResetInput!", "status"),
        inputs: &["email"],
        rest: Some(("POST", "/users/reset_password/", 200)),
    },
    HasuraOperation {
        name: "user_password_reset_validate",
        kind: "query",
        shape: ("UserPasswordResetValidateInput!", "status"),
        inputs: &["email", "token"],
        rest: Some(("POST", "/users/reset_password/validate_token/", 200)),
    },
    HasuraOperation {
        name: "user_password_reset_confirm",
        kind: "mutation",
        shape: ("UserPasswordResetConfirmInput!", "status"),
        inputs: &["email", "token", "password"],
        rest: Some(("POST", "/users/reset_password/confirm/", 200)),
    },
    HasuraOperation {
        name: "hotdog",
        kind: "mutation",
        shape: ("HotdogInput!", "is_hotdog"),
        inputs: &["food"],
        rest: None,
    },
];

/// The operation of that name.
pub fn hasura(name: &str) -> HasuraOperation {
    *HASURA.iter().find(|operation| operation.name == name).expect("an operation")
}

/// The result of an operation, the same for each API.
#[derive(Debug)]
pub struct Outcome {
    /// The HTTP status, or under GraphQL the status in the error.
    pub status: u16,
    /// The answer, or the error.
    pub body: Value,
}

impl Site {
    /// Calls an operation without a token.
    pub async fn hasura(&self, api: HasuraApi, name: &str, arg: Value) -> Outcome {
        self.hasura_as(None, api, name, arg).await
    }

    /// Asks for an operation; `access` is the caller's token.
    pub async fn hasura_as(
        &self,
        access: Option<&str>,
        api: HasuraApi,
        name: &str,
        arg: Value,
    ) -> Outcome {
        let operation = hasura(name);
        let bearer = access.map(|access| format!("Bearer {access}"));
        let bearer = bearer.as_deref();
        match api {
            HasuraApi::GraphQl => {
                let HasuraOperation { kind, shape: (input, output), .. } = operation;
                let document = format!("{kind}($a: {input}) {{ {name}(arg: $a) {{ {output} }} }}");
                let answer = self.graphql_as(bearer, &document, json!({ "a": arg })).await;
                outcome_of_graphql(name, &answer)
            }
            HasuraApi::Rest => {
                let (method, path, done) = operation.rest.expect("a path");
                let answer = self.send_json(method, path, bearer, &arg).await;
                if answer.status.is_success() {
                    assert_eq!(answer.status.as_u16(), done, "{name}");
                }
                Outcome { status: answer.status.as_u16(), body: answer.json() }
            }
            HasuraApi::Action => {
                let payload = json!({
                    "action": { "name": name },
                    "input": { "arg": arg },
                    "session_variables": { "x-hasura-role": "anonymous" },
                    "request_query": format!("{} {{ {name}(arg: {{}}) }}", operation.kind),
                });
                let answer = self.send_json("POST", "/hasura/actions", bearer, &payload).await;
                Outcome { status: answer.status.as_u16(), body: answer.json() }
            }
        }
    }

    /// Sends JSON.
    pub async fn send_json(
        &self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        body: &Value,
    ) -> Answer {
        let method: Method = method.parse().expect("a method");
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.map(|bearer| ("authorization", bearer)));
        self.send(method, path, &headers, body.to_string()).await
    }

    /// Registers a user by name through that API, verifies the address by the mailed link, and logs in.
    pub async fn hasura_signed_in(&self, api: HasuraApi, name: &str, password: &str) -> Actor {
        let actor = Actor { name: name.to_owned(), ..Actor::default() };
        let arg = json!({ "email": actor.email(), "username": name, "password": password });
        let done = self.hasura(api, "user_register", arg).await;
        assert!(done.status < 300, "{done:?}");
        let verified = self.verify_account(&self.link_token(&actor.email()).await).await;
        assert_eq!(verified["success"], true, "{verified}");
        self.hasura_log_in(api, &actor, password).await
    }

    /// Logs a user in through that API.
    pub async fn hasura_log_in(&self, api: HasuraApi, actor: &Actor, password: &str) -> Actor {
        let arg = json!({ "username": actor.name, "password": password });
        let done = self.hasura(api, "user_login", arg).await;
        assert_eq!(done.status, 200, "{done:?}");
        let text = |name: &str| done.body[name].as_str().expect("a token").to_owned();
        Actor { name: actor.name.clone(), access: text("access"), refresh: text("refresh") }
    }
}

fn outcome_of_graphql(name: &str, answer: &Answer) -> Outcome {
    let json = answer.json();
    if answer.status != 200 {
        return Outcome { status: answer.status.as_u16(), body: json["errors"][0].clone() };
    }
    let error = &json["errors"][0];
    if error.is_null() {
        return Outcome { status: 200, body: json["data"][name].clone() };
    }
    assert_eq!(json["data"], json!({ name: null }), "{json}");
    let status = error["extensions"]["status"].as_u64().expect("a status");
    Outcome { status: u16::try_from(status).expect("a status"), body: error.clone() }
}
