use axum::http::{Method, Request};
use jiff::SignedDuration;
use journeys::log::{leak, lines_of};
use journeys::{Answer, DIALECTS, Dialect, DialectResult, PASSWORD, Site};
use lambda_http::Context;
use serde_json::{Value, json};

use crate::metrics::values;

/// The lines in which operations end.
fn ends(answer: &Answer) -> Vec<Value> {
    let mut lines = lines_of(answer.request_id());
    lines.retain(|line| line["message"] == "done" && line["level"] == "INFO");
    lines
}

#[tokio::test]
async fn each_operation_of_a_document_ends_in_one_line() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let document = "mutation($p: String!) {
        tokenAuth(username: \"ann\", password: $p) { success }
        other: tokenAuth(username: \"ann\", password: \"another one\") { success }
        user_password_reset(arg: {email: \"ann@example.com\"}) { status }
        refreshAccessToken(refreshToken: \"none\") { token } }";
    let answer = site.graphql(document, json!({ "p": PASSWORD })).await;
    let result: Vec<_> = ends(&answer)
        .iter()
        .map(|line| {
            json!([line["operation"], line["dialect"], line["outcome"], line["duration_ms"]])
        })
        .collect();
    let expected = [
        json!(["log_in", "django", "ok", 0]),
        json!(["log_in", "django", "invalid_credentials", 0]),
        json!(["send_password_reset", "hasura", "ok", 0]),
        json!(["refresh", "plain", "invalid_token", 0]),
    ];
    assert_eq!(result, expected);
    let id = ann.user_id().to_string();
    assert!(ends(&answer)[..3].iter().all(|line| line["user"] == id.as_str()));
}

#[tokio::test]
async fn a_line_says_which_dialect_was_spoken() {
    let site = Site::start().await;
    let json_type = [("content-type", "application/json")];
    let body = json!({ "email": "a@b.example", "username": "a", "password": "b" }).to_string();
    for (path, dialect) in [("/api/accounts/login/", "rest"), ("/users/login/", "hasura")] {
        let answer = site.send(Method::POST, path, &json_type, body.clone()).await;
        let ends = ends(&answer);
        assert_eq!(ends.len(), 1, "{path}");
        assert_eq!([&ends[0]["operation"], &ends[0]["dialect"]], ["log_in", dialect]);
    }
    let answer = site.send(Method::POST, "/activate/nonsense", &[], "").await;
    assert_eq!(ends(&answer)[0]["dialect"], "page");
}

#[tokio::test]
async fn who_calls_is_an_operation_only_if_it_is_asked_for_by_itself() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let answer = site.ask(&ann, "{ me { username } }", Value::Null).await;
    assert_eq!(ends(&answer).iter().map(|line| &line["operation"]).collect::<Vec<_>>(), ["me"]);
    let answer = site.ask(&ann, "{ sessions { id } }", Value::Null).await;
    let operations: Vec<_> = ends(&answer);
    assert_eq!(operations.iter().map(|line| &line["operation"]).collect::<Vec<_>>(), ["sessions"]);
}

#[tokio::test]
async fn an_anonymous_caller_is_one_in_the_log_however_that_is_answered() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let ended = site.log_in(&ann).await;
    site.log_out(&ended).await;
    for authorization in [None, Some("JWT nonsense".to_owned()), Some(ended.authorization())] {
        let header = authorization.as_deref();
        for document in ["{ me { username } }", "{ whoami { username } }"] {
            let answer = site.graphql_as(header, document, Value::Null).await;
            let ends = ends(&answer);
            let result = ends.iter().find(|line| line["operation"] == "me").unwrap();
            assert_eq!(result["outcome"], "unauthenticated", "{header:?} {document}");
        }
        let header: Vec<_> = header.iter().map(|header| ("authorization", *header)).collect();
        let answer = site.send(Method::GET, "/api/accounts/me/", &header, "").await;
        let ends = ends(&answer);
        let code = if header.is_empty() { "unauthenticated" } else { "invalid_token" };
        assert_eq!([&ends[0]["operation"], &ends[0]["outcome"]], ["me", code]);
    }
    // A cookie or header that is good leaves no trace of one that is not.
    let answer = site.ask(&ann, "{ me { username } }", Value::Null).await;
    assert_eq!(ends(&answer)[0]["outcome"], "ok");
    assert_eq!(ends(&answer)[0]["reason"], Value::Null);
}

pub(crate) const CONCEALING: &[(&str, &str)] = &[("CONCEAL_ACCOUNTS", "true")];

/// Posts JSON to a path of REST.
async fn rest(site: &Site, path: &str, body: Value) -> Answer {
    let headers = [("content-type", "application/json")];
    site.send(Method::POST, path, &headers, body.to_string()).await
}

/// A log-in through each API.
async fn log_ins(site: &Site, name: &str, password: &str) -> Vec<Answer> {
    let email = format!("{name}@example.com");
    let token_auth = "mutation($n: String!, $p: String!) {
        tokenAuth(username: $n, password: $p) { success errors } }";
    let plain = token_auth.replace("success errors", "token");
    let user_login = "query($n: String!, $p: String!) {
        user_login(arg: {username: $n, password: $p}) { access } }";
    let variables = json!({ "n": name, "p": password });
    vec![
        site.graphql(token_auth, variables.clone()).await,
        site.graphql(&plain, variables.clone()).await,
        site.graphql(user_login, variables).await,
        rest(site, "/users/login/", json!({ "username": name, "password": password })).await,
        rest(site, "/api/accounts/login/", json!({ "email": email, "password": password })).await,
    ]
}

#[tokio::test]
async fn why_a_log_in_fails_is_in_the_log_and_not_in_the_answer() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let bob = site.signed_in("bob").await;
    site.store.set_active(bob.user_id(), false).await.unwrap();
    site.sign_up("new").await;
    site.add_user("none", |user| user.is_verified = true).await;
    let site = site.restarted_with(CONCEALING);
    let mut expected: Option<Vec<String>> = None;
    for (name, password, reason) in [
        ("nobody", PASSWORD, "unknown_user"),
        ("nob ody", PASSWORD, "unknown_user"),
        ("none", PASSWORD, "no_password"),
        ("ann", "another one", "wrong_password"),
        ("bob", "another one", "wrong_password"),
        ("bob", PASSWORD, "inactive"),
        ("new", PASSWORD, "not_verified"),
        ("ann", &"x".repeat(5_000), "password_too_long"),
    ] {
        let answers = log_ins(&site, name, password).await;
        for answer in &answers {
            let ends = ends(answer);
            let line = [&ends[0]["operation"], &ends[0]["outcome"], &ends[0]["reason"]];
            assert_eq!(line, ["log_in", "invalid_credentials", reason], "{name} {}", answer.text);
        }
        let texts: Vec<_> = answers.into_iter().map(|answer| answer.text).collect();
        assert_eq!(expected.get_or_insert_with(|| texts.clone()), &texts, "{name}");
    }
}

#[tokio::test]
async fn why_no_mail_is_sent_and_no_code_taken_is_in_the_log() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let bob = site.sign_up("bob").await;
    let code = site.code(&bob.email()).await;
    let cat = site.sign_up("cat").await;
    let cats = site.code(&cat.email()).await;
    site.store.set_active(cat.user_id(), false).await.unwrap();
    let site = site.restarted_with(CONCEALING);
    let wrong = if code == "123456" { "123457" } else { "123456" };
    let (send, verify) = ("/api/accounts/send-otp/", "/api/accounts/verify-email/");
    let reset = "/users/reset_password/";
    for (path, name, otp, reason) in [
        (send, "nobody", None, Some("unknown_user")),
        (send, "cat", None, Some("inactive")),
        (send, "ann", None, Some("already_verified")),
        (send, "bob", None, None),
        (reset, "nobody", None, Some("unknown_user")),
        (reset, "cat", None, Some("inactive")),
        (reset, "bob", None, None),
        (verify, "nobody", Some(wrong), Some("no_code")),
        (verify, "bob", Some(wrong), Some("wrong_code")),
        (verify, "bob", Some("12"), Some("no_digits")),
        (verify, "cat", Some(&*cats), Some("inactive")),
        (verify, "bob", Some(&*code), None),
    ] {
        let mut body = json!({ "email": format!("{name}@example.com") });
        if let Some(otp) = otp {
            body["otp"] = otp.into();
        }
        let answer = rest(&site, path, body).await;
        let ends = ends(&answer);
        assert_eq!(ends[0]["reason"].as_str(), reason, "{path} {name}: {}", answer.text);
    }
    // That the address has an account is only known when the mail is due.
    let document = "mutation($p: String!) { register(email: \"ann@example.com\",
        username: \"annie\", password1: $p, password2: $p) { success } }";
    let answer = site.graphql(document, json!({ "p": PASSWORD })).await;
    assert_eq!(answer.json()["data"]["register"]["success"], true);
    let result = &ends(&answer)[0];
    assert_eq!((result["outcome"].as_str(), result["reason"].as_str()), (Some("ok"), None));
    site.deliver_mail().await;
    let lines = journeys::log::lines_of(answer.request_id());
    let delivered = lines.iter().find(|line| line["operation"] == "deliver").unwrap();
    assert_eq!([&delivered["outcome"], &delivered["kind"]], ["sent", "already_registered"]);
}

#[tokio::test]
async fn why_a_link_and_a_refresh_token_are_not_honoured_is_in_the_log() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let (first, second) = (site.reset_link(&ann).await, site.reset_link(&ann).await);
    let reset = "mutation($t: String!, $p: String!) { passwordReset(token: $t,
        newPassword1: $p, newPassword2: $p) { success } }";
    let refresh = "mutation($t: String!) { refreshToken(refreshToken: $t) { success } }";
    let result = async |document: &str, variables: Value| {
        let answer = site.graphql(document, variables).await;
        ends(&answer)[0]["reason"].as_str().map(str::to_owned)
    };
    let with = |token: &str| json!({ "t": token, "p": "another jf84jfKKd" });
    assert_eq!(result(refresh, with("none")).await.as_deref(), Some("no_token"));
    assert_eq!(result(reset, with(&first)).await, None);
    assert_eq!(result(reset, with(&second)).await.as_deref(), Some("used_before"));
    assert_eq!(result(refresh, with(&ann.refresh)).await.as_deref(), Some("session_ended"));
    site.store.set_active(ann.user_id(), false).await.unwrap();
    assert_eq!(result(reset, with(&second)).await.as_deref(), Some("inactive"));
    assert_eq!(result(refresh, with(&ann.refresh)).await.as_deref(), Some("inactive"));
}

#[tokio::test]
async fn lambdas_name_of_a_request_is_the_logs_and_the_answers() {
    let site = Site::start().await;
    let id = "6c1d9b0e-7d7a-4c3e-9a54-0a1b2c3d4e5f";
    let mut context = Context::default();
    context.request_id = id.to_owned();
    context.xray_trace_id = Some("Root=1-5759e988-bd862e3fe1be46a994272793".to_owned());
    let request = Request::get("/graphql?query={whoami{id}}").header("x-request-id", "forged");
    let mut request = request.body("".into()).unwrap();
    request.extensions_mut().insert(context.clone());
    let answer = site.respond(request).await;
    assert_eq!(answer.request_id(), id);
    let ends = ends(&answer);
    assert_eq!(ends[0]["operation"], "me");
    assert_eq!(ends[0]["trace_id"].as_str(), context.xray_trace_id.as_deref());
}

/// A log-in that fails, as API Gateway hands it to the function.
fn failed_log_in(ip: &str, id: &str) -> Request<axum::body::Body> {
    let event = include_str!("../../../events/token-auth.json");
    let mut event: Value = serde_json::from_str(event).unwrap();
    event["requestContext"]["http"]["sourceIp"] = ip.into();
    event["requestContext"]["requestId"] = id.into();
    event["headers"]["x-forwarded-for"] = "192.0.2.1".into();
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    request.map(|body| body.to_vec().into())
}

#[tokio::test]
async fn where_a_failed_log_in_comes_from_is_logged_as_far_as_the_site_says() {
    for (given, ip, logged) in [
        (None, "203.0.113.77", Some("203.0.113.0/24")),
        (Some("prefix"), "2001:db8:1:2:3:4:5:6", Some("2001:db8:1:2::/64")),
        (Some("full"), "203.0.113.77", Some("203.0.113.77")),
        (Some("off"), "203.0.113.77", None),
    ] {
        let settings: Vec<_> = given.into_iter().map(|value| ("LOG_IP", value)).collect();
        let site = Site::with(settings.leak()).await;
        let answer = site
            .respond(failed_log_in(ip, &format!("UKgPhjqSli{}=", given.unwrap_or_default())))
            .await;
        let ends = ends(&answer);
        assert_eq!([&ends[0]["operation"], &ends[0]["outcome"]], ["log_in", "invalid_credentials"]);
        assert_eq!(ends[0]["ip"].as_str(), logged);
    }
}

#[tokio::test]
async fn a_line_has_the_name_that_the_access_log_has_for_the_request() {
    let site = Site::start().await;
    let answer = site.respond(failed_log_in("203.0.113.77", "UKgPhjqSliAEM09=")).await;
    assert_eq!(ends(&answer)[0]["api_request_id"], "UKgPhjqSliAEM09=");
    let format = "\"api_request_id\":\"$context.requestId\"";
    assert!(local::TEMPLATE.contains(format), "the access log names it so, too");
}

#[tokio::test]
async fn every_answer_names_its_request_and_no_two_have_one_name() {
    let site = Site::start().await;
    let (health, nothing) = (
        site.send(Method::GET, "/health", &[], "").await,
        site.send(Method::GET, "/nothing", &[], "").await,
    );
    assert_ne!(health.request_id(), nothing.request_id());
}

#[tokio::test]
async fn a_request_is_followed_to_its_mail() {
    let site = Site::start().await;
    let document = "mutation($p: String!) { register(email: \"ann@example.com\",
        username: \"ann\", password1: $p, password2: $p) { success } }";
    let answer = site.graphql(document, json!({ "p": PASSWORD })).await;
    site.advance(SignedDuration::from_millis(1_500));
    site.deliver_mail().await;
    let ends = ends(&answer);
    let operations: Vec<_> = ends.iter().map(|line| &line["operation"]).collect();
    assert_eq!(operations, ["register", "deliver"]);
    let mail = &ends[1];
    assert_eq!([&mail["kind"], &mail["outcome"]], ["activation", "sent"]);
    assert_eq!(mail["user"], ends[0]["user"]);
    assert_ne!(mail["invocation"], mail["request_id"]);
    assert!(mail["trace_id"].is_string() && mail["invocation"].is_string(), "{mail}");
    assert_eq!(values("SignUps"), [json!([1, []])]);
    assert_eq!(values("Mails"), [json!([1, ["activation", "sent"]])]);
    assert_eq!(values("MailDelay"), [json!([1_500, ["activation"]])]);
}

#[tokio::test]
async fn an_event_of_ses_is_logged_with_the_request_id_of_its_mail() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let id = "6c1d9b0e-7d7a-4c3e-9a54-00000000b0ce";
    let event = json!({ "detail": {
        "mail": { "tags": { "ses:configuration-set": ["latchkey"], "request_id": [id] } },
        "bounce": {
            "bounceType": "Permanent",
            "bouncedRecipients": [{ "emailAddress": ann.email() }],
        },
    } });
    email_event::answer(site.outbox(), event).await.unwrap();
    let end = lines_of(id).into_iter().find(|line| line["message"] == "done").unwrap();
    assert_eq!([&end["operation"], &end["outcome"]], ["note_status", "noted"]);
    assert_eq!([&end["status"], &end["user"]], ["bounced", ann.user_id().to_string().as_str()]);
}

#[tokio::test]
async fn what_a_log_may_not_say_is_found() {
    for (line, what) in [
        ("{\"user\":\"ann@example.com\"}", "an address"),
        ("a.b+c@d.example", "an address"),
        ("https://a.example/activate/abc", "a link"),
        ("Bearer eyJhbGciOi", "a token"),
        ("$argon2id$v=19$", "a hash"),
        ("kdjf84jfKKd", "a password"),
    ] {
        assert_eq!(leak(line), Some(what), "{line}");
    }
    for line in ["letters, numbers, and @/./+/-/_ characters", "/activate/{token}", "ok"] {
        assert_eq!(leak(line), None, "{line}");
    }
}

#[tokio::test]
#[should_panic(expected = "an address is logged")]
async fn a_line_with_an_address_fails_the_test_that_wrote_it() {
    let _site = Site::start().await;
    tracing::debug!(email = "ann@example.com", "somebody");
}

#[tokio::test]
async fn libraries_log_nothing_below_info_at_any_level() {
    let site = Site::start().await;
    tracing::debug!(target: "aws_smithy_runtime::client", "PutItem ann@example.com");
    tracing::trace!(target: "hyper::proto", "ann@example.com");
    tracing::trace!(target: "accounts::store", "ann@example.com");
    tracing::info!(target: "aws_config", "a line that is");
    site.sign_up("ann").await;
}

/// Each dialect's own way through an account, with a failure at each step.
async fn tour(site: &Site, dialect: Dialect) -> DialectResult<()> {
    let name = format!("{dialect:?}").to_lowercase();
    let email = format!("{name}@example.com");
    let wrong = "another jf84jfKKd";
    assert!(dialect.sign_up(site, &name, "nonsense", "1").await.is_err());
    dialect.sign_up(site, &name, &email, PASSWORD).await?;
    assert!(dialect.log_in(site, &name, &email, PASSWORD).await.is_err());
    dialect.verify(site, &email).await?;
    assert!(dialect.log_in(site, &name, &email, wrong).await.is_err());
    let held = dialect.log_in(site, &name, &email, PASSWORD).await?;
    let held = dialect.refresh(site, &held).await?;
    dialect.who(site, &held).await?;
    dialect.log_out(site, &held).await?;
    assert!(dialect.refresh(site, &held).await.is_err());
    dialect.reset(site, &email, wrong).await
}

#[tokio::test]
async fn no_dialect_leaves_anything_secret_in_the_log() {
    let site = Site::start().await;
    for dialect in DIALECTS {
        tour(&site, dialect).await.unwrap();
    }
    site.deliver_mail().await;
    site.clean_up().await;
}
