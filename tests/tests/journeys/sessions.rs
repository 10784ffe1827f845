use accounts::model::{Client, PlainPassword};
use accounts::operations::Credentials;
use axum::http::Method;
use embedded::{Fault, Times};
use jiff::SignedDuration;
use journeys::{Actor, Calls, PASSWORD, Site, failure, failure_code};
use serde_json::{Value, json};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

async fn with_ann() -> (Site, Actor) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    (site, ann)
}

/// The name of `me` for those headers.
async fn me_with(site: &Site, headers: &[(&str, &str)]) -> Value {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    let body = json!({ "query": "{ me { username } }" }).to_string();
    let answer = site.send(Method::POST, "/graphql", &all, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["errors"], Value::Null, "{}", answer.text);
    answer.json()["data"]["me"]["username"].clone()
}

fn assert_refused(answer: &Value, code: &str, message: &str) {
    assert_eq!(answer["success"], false, "{answer}");
    assert_eq!(answer["errors"], failure(code, message), "{answer}");
    let others = ["token", "refreshToken", "payload", "user", "revoked"];
    assert!(others.iter().all(|field| answer[field].is_null()), "{answer}");
}

/// Every token that differs from that one in one of some characters spread over it.
fn tampered(token: &str) -> impl Iterator<Item = String> {
    (0..token.len()).step_by(7).map(|at| {
        let mut tampered = token.to_owned();
        let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        tampered.replace_range(at..=at, other);
        tampered
    })
}

#[tokio::test]
async fn a_user_logs_in_by_name_or_address_in_any_case() {
    let (site, _) = with_ann().await;
    for who in [
        json!({ "username": "ann" }),
        json!({ "username": " ANN " }),
        json!({ "email": "ann@example.com" }),
        json!({ "email": "Ann@Example.COM", "username": null }),
    ] {
        let mut variables = who.clone();
        variables["password"] = PASSWORD.into();
        let answer = site.token_auth(variables).await;
        let user = json!({ "username": "ann", "email": "ann@example.com", "verified": true });
        assert_eq!(answer["success"], true, "{who} {answer}");
        assert_eq!(answer["user"], user);
        assert_eq!(answer["unarchiving"], false);
    }
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_are_answered_alike_and_cost_the_same() {
    let (site, _) = with_ann().await;
    site.calls.take();
    let mut costs = Vec::new();
    for (name, password) in
        [("nobody", PASSWORD), ("ann", "kdjf84jfKKe"), ("ann", ""), ("ann", "kdjf84jfKKd ")]
    {
        let variables = json!({ "username": name, "password": password });
        let answer = site.token_auth(variables).await;
        assert_refused(&answer, "invalid_credentials", "Please, enter valid credentials.");
        assert_eq!(answer["unarchiving"], false);
        costs.push(site.calls.take());
    }
    assert_eq!(costs, [Calls { round_trips: 2, calls: 2 }; 4]);
}

#[tokio::test]
async fn a_log_in_refuses_an_impossible_name_like_any_other() {
    let (site, _) = with_ann().await;
    for who in [
        json!({ "username": "" }),
        json!({ "username": "ann@example.com" }),
        json!({ "username": "a b" }),
        json!({ "username": "ann\0" }),
        json!({ "email": "ann" }),
        json!({ "email": "" }),
    ] {
        let mut variables = who.clone();
        variables["password"] = PASSWORD.into();
        let answer = site.token_auth(variables).await;
        assert_refused(&answer, "invalid_credentials", "Please, enter valid credentials.");
    }
}

#[tokio::test]
async fn a_log_in_reveals_an_unverified_account_only_after_the_right_password() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    let right = json!({ "username": "ann", "password": PASSWORD });
    let answer = site.token_auth(right).await;
    assert_refused(&answer, "not_verified", "Please verify your account.");
    let wrong = json!({ "username": "ann", "password": "kdjf84jfKKe" });
    assert_eq!(failure_code(&site.token_auth(wrong).await), "invalid_credentials");
}

#[tokio::test]
async fn a_password_that_is_longer_than_any_is_not_even_looked_up() {
    let (site, _) = with_ann().await;
    site.calls.take();
    let password = PlainPassword::new("x".repeat(10 << 20));
    let credentials = Credentials::Username("ann".to_owned());
    let outcome = site.accounts.log_in(credentials, password, &Client::default()).await;
    assert_eq!(outcome.map(|_| ()).unwrap_err().code(), "invalid_credentials");
    let variables = json!({ "username": "ann", "password": "é".repeat(257) });
    assert_eq!(failure_code(&site.token_auth(variables).await), "invalid_credentials");
    assert_eq!(site.calls.take(), Calls::default());
}

#[tokio::test]
async fn a_log_in_needs_exactly_one_of_name_and_address() {
    let (site, _) = with_ann().await;
    for who in [json!({}), json!({ "username": "ann", "email": "ann@example.com" })] {
        let mut variables = who;
        variables["password"] = PASSWORD.into();
        let document = "mutation($email: String, $username: String, $password: String!) {
            tokenAuth(email: $email, username: $username, password: $password) { success } }";
        let answer = site.graphql(document, variables).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["data"], json!({ "tokenAuth": null }));
        let text = "Must login with password and one of the following fields \
                    ['email', 'username'].";
        assert_eq!(answer.json()["errors"][0]["message"], text);
    }
}

#[tokio::test]
async fn an_access_token_is_taken_from_header_or_cookie() {
    let (site, ann) = with_ann().await;
    let site = site.restarted_with(&[("TOKENS_IN_COOKIES", "true")]);
    let token = &ann.access;
    for scheme in ["JWT", "jwt", "Bearer", "bearer", "BEARER"] {
        let header = format!("{scheme} {token}");
        assert_eq!(me_with(&site, &[("authorization", &header)]).await, "ann", "{scheme}");
    }
    let cookie = format!("theme=dark; JWT={token}");
    assert_eq!(me_with(&site, &[("cookie", &cookie)]).await, "ann");
    // The library does not know this scheme, and uses the cookie; it would trust the other scheme.
    let unknown = [("authorization", "Bearer garbage"), ("cookie", &cookie)];
    assert_eq!(me_with(&site, &unknown).await, "ann");
    let believed = [("authorization", "JWT garbage"), ("cookie", &cookie)];
    assert_eq!(me_with(&site, &believed).await, Value::Null);
}

#[tokio::test]
async fn a_caller_without_a_valid_access_token_is_anonymous() {
    let (site, ann) = with_ann().await;
    let link = site.link_token(&ann.email()).await;
    let site = site.restarted_with(&[("TOKENS_IN_COOKIES", "true")]);
    let (access, refresh) = (&ann.access, &ann.refresh);
    let unsigned = format!("{}.", access.rsplit_once('.').unwrap().0);
    for header in [
        String::new(),
        "JWT".to_owned(),
        "JWT garbage".to_owned(),
        access.clone(),
        format!("Basic {access}"),
        format!("JWT {access} x"),
        format!("JWT {refresh}"),
        format!("JWT {link}"),
        format!("JWT {unsigned}"),
        "JWT eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.eyJ1c2VybmFtZSI6ImFubiJ9.".to_owned(),
    ] {
        assert_eq!(me_with(&site, &[("authorization", &header)]).await, Value::Null, "{header}");
    }
    for cookie in [format!("jwt={access}"), format!("JWT={refresh}"), "JWT".to_owned()] {
        assert_eq!(me_with(&site, &[("cookie", &cookie)]).await, Value::Null, "{cookie}");
    }
}

#[tokio::test]
async fn a_token_with_one_character_changed_is_refused() {
    let (site, ann) = with_ann().await;
    for access in tampered(&ann.access) {
        assert_eq!(failure_code(&site.verify_token(&access).await), "invalid_token", "{access}");
        assert_eq!(site.me(&Actor { access, ..ann.clone() }).await, None);
    }
    for refresh in tampered(&ann.refresh) {
        assert_eq!(failure_code(&site.refresh_token(&refresh).await), "invalid_token");
        assert_eq!(failure_code(&site.revoke_token(&refresh).await), "invalid_token");
    }
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
}

#[tokio::test]
async fn looking_into_an_access_token_tells_name_and_times() {
    let (site, ann) = with_ann().await;
    let now = site.now().as_second();
    let answer = site.verify_token(&ann.access).await;
    let payload = json!({ "username": "ann", "exp": now + 900, "origIat": now });
    assert_eq!(answer, json!({ "success": true, "errors": null, "payload": payload }));
    for other in ["", "garbage", &ann.refresh] {
        assert_refused(&site.verify_token(other).await, "invalid_token", "Invalid token.");
    }
}

#[tokio::test]
async fn an_access_token_is_good_for_fifteen_minutes() {
    let (site, ann) = with_ann().await;
    site.advance(SignedDuration::from_mins(15) - SECOND);
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
    site.advance(SECOND);
    assert_eq!(site.me(&ann).await, None);
    assert_refused(&site.verify_token(&ann.access).await, "expired_token", "Expired token.");
}

#[tokio::test]
async fn a_log_out_ends_both_tokens_of_its_session_and_no_other() {
    let (site, ann) = with_ann().await;
    let elsewhere = site.log_in(&ann).await;
    let done = json!({ "success": true, "errors": null, "revoked": site.now().as_second() });
    assert_eq!(site.revoke_token(&ann.refresh).await, done);
    assert_eq!(site.me(&ann).await, None);
    assert_refused(&site.refresh_token(&ann.refresh).await, "invalid_token", "Invalid token.");
    assert_refused(&site.revoke_token(&ann.refresh).await, "invalid_token", "Invalid token.");
    assert_refused(&site.verify_token(&ann.access).await, "invalid_token", "Invalid token.");
    assert_eq!(site.me(&elsewhere).await.as_deref(), Some("ann"));
    for other in ["", "garbage", &elsewhere.access] {
        assert_refused(&site.revoke_token(other).await, "invalid_token", "Invalid token.");
    }
}

async fn live(site: &Site, ann: &Actor) -> usize {
    site.sessions(ann).await.len()
}

#[tokio::test]
pub(super) async fn a_user_has_fifty_sessions_at_most_and_the_oldest_ends_when_one_more_logs_in() {
    let (site, ann) = with_ann().await;
    let mut opened = Vec::new();
    while live(&site, &ann).await < 49 {
        site.advance(SignedDuration::from_millis(1));
        opened.push(site.log_in(&ann).await);
    }
    let bob = site.signed_in("bob").await;
    // Eight at once may miss each other.
    let (ann, last) = (opened.pop().unwrap(), site.log_in(&ann).await);
    assert_eq!(live(&site, &ann).await, 50);
    futures::future::join_all((0..8).map(|_| site.log_in(&ann))).await;
    site.log_in(&ann).await;
    assert_eq!(live(&site, &ann).await, 50);
    site.assert_over(&opened[0]).await;
    for newest in [&ann, &last, &bob] {
        assert_eq!(site.me(newest).await.as_ref(), Some(&newest.name));
    }
}

#[tokio::test]
async fn a_log_in_succeeds_where_the_oldest_sessions_cannot_be_looked_for() {
    let (site, ann) = with_ann().await;
    site.aws.faults().fail("Query", Times::Always, Fault::InternalError);
    let new = site.log_in(&ann).await;
    assert_eq!(site.me(&new).await.as_deref(), Some("ann"));
}
