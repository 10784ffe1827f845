//! Clients that share a network with an attacker go on with a proof of work.

use accounts::AuthError;
use accounts::crypto::work::solve;
use accounts::model::{Client, PlainPassword};
use accounts::operations::Credentials;
use axum::http::Method;
use jiff::SignedDuration;
use journeys::{PASSWORD, Site, at_once};
use serde_json::{Value, json};

const HERE: &str = "192.0.2.1";
const THERE: &str = "198.51.100.7";

/// What a try comes to: the code, and the challenge.
type Answer = (&'static str, Option<String>);

async fn log_in(site: &Site, ip: &str, name: &str, password: &str, work: Option<&str>) -> Answer {
    let (ip, work) = (Some(ip.to_owned()), work.map(str::to_owned));
    let client = Client { ip, work, ..Client::default() };
    let name = Credentials::Username(name.to_owned());
    match site.accounts.log_in(name, PlainPassword::new(password), &client).await {
        Ok(_) => ("ok", None),
        Err(AuthError::Throttled { challenge, .. }) => ("throttled", challenge),
        Err(error) => (error.code(), None),
    }
}

/// A site with ann, whose network is locked by the guesses of another client in it.
async fn locked() -> Site {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    site.signed_in("ann").await;
    for number in 0..15 {
        let answer = log_in(&site, HERE, &format!("user{number}"), "not it", None).await;
        assert_eq!(answer, ("invalid_credentials", None), "{number}");
    }
    site
}

#[tokio::test]
async fn with_work_a_user_goes_on_whose_network_another_one_has_locked() {
    let site = locked().await;
    let (code, challenge) = log_in(&site, HERE, "ann", PASSWORD, None).await;
    assert_eq!(code, "throttled");
    let work = solve(&challenge.unwrap()).unwrap();
    assert_eq!(log_in(&site, HERE, "ann", PASSWORD, Some(&work)).await, ("ok", None));
    // The lock stays for all attempts without work.
    assert_eq!(log_in(&site, HERE, "ann", PASSWORD, None).await.0, "throttled");
}

#[tokio::test]
async fn a_proof_counts_once_for_its_network_and_in_its_time() {
    let site = locked().await;
    let challenge = async || log_in(&site, HERE, "ann", PASSWORD, None).await.1.unwrap();
    let work = solve(&challenge().await).unwrap();
    assert_eq!(log_in(&site, HERE, "ann", "not it", Some(&work)).await.0, "invalid_credentials");
    let (code, next) = log_in(&site, HERE, "ann", PASSWORD, Some(&work)).await;
    assert_eq!(code, "throttled");
    // The answer to a spent proof has a new challenge.
    let work = solve(&next.unwrap()).unwrap();
    site.advance(SignedDuration::from_mins(10));
    assert_eq!(log_in(&site, HERE, "ann", PASSWORD, Some(&work)).await.0, "throttled");
    let work = solve(&challenge().await).unwrap();
    for number in 0..15 {
        log_in(&site, THERE, &format!("user{number}"), "not it", None).await;
    }
    assert_eq!(log_in(&site, THERE, "ann", PASSWORD, Some(&work)).await.0, "throttled");
    assert_eq!(log_in(&site, HERE, "ann", PASSWORD, Some("not a proof")).await.0, "throttled");
    assert_eq!(log_in(&site, HERE, "ann", PASSWORD, Some(&work)).await, ("ok", None));
}

#[tokio::test]
async fn of_many_attempts_at_once_with_one_proof_one_goes_on() {
    let site = locked().await;
    let (_, challenge) = log_in(&site, HERE, "ann", PASSWORD, None).await;
    let work = solve(&challenge.unwrap()).unwrap();
    let answers = at_once(20, |number| {
        let accounts = if number % 2 == 0 { &site.accounts } else { &site.elsewhere }.clone();
        let (ip, work) = (Some(HERE.to_owned()), Some(work.clone()));
        let client = Client { ip, work, ..Client::default() };
        async move {
            let name = Credentials::Username("ann".to_owned());
            accounts.log_in(name, PlainPassword::new("not it"), &client).await.unwrap_err().code()
        }
    });
    let answers = answers.await;
    let went_on = answers.iter().filter(|code| **code == "invalid_credentials").count();
    assert_eq!(went_on, 1, "{answers:?}");
}

/// Work replaces no other limit: not that of an account, and not that of a network's failures.
#[tokio::test]
async fn work_gets_no_more_guesses_than_the_other_limits_allow() {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    site.signed_in("ann").await;
    for round in 0..2 {
        for number in 0..14 * 5 - round * 42 {
            let name = format!("user{}", number % 14);
            let answer = log_in(&site, HERE, &name, "not it", None).await;
            assert_eq!(answer, ("invalid_credentials", None), "{number}");
        }
        site.advance(SignedDuration::from_mins(15));
    }
    let mut codes = Vec::new();
    for number in 0..9 {
        let (code, challenge) =
            log_in(&site, HERE, &format!("other{number}"), "not it", None).await;
        codes.push(code);
        if let Some(challenge) = challenge {
            let work = solve(&challenge).unwrap();
            let answer =
                log_in(&site, HERE, &format!("other{number}"), "not it", Some(&work)).await;
            assert_eq!(answer.0, "invalid_credentials");
        }
    }
    // The ninety-ninth failure is at the fifteenth account. The hundredth is the last one, with work, too.
    assert_eq!(codes, [vec!["invalid_credentials"], vec!["throttled"; 8]].concat());
    assert_eq!(log_in(&site, HERE, "ann", PASSWORD, None).await, ("throttled", None));
    site.advance(SignedDuration::from_hours(24));
    assert_eq!(log_in(&site, HERE, "ann", PASSWORD, None).await, ("ok", None));
}

#[tokio::test]
async fn an_account_that_is_locked_takes_no_work() {
    let site = locked().await;
    for _ in 0..5 {
        let (_, challenge) = log_in(&site, HERE, "ann", "not it", None).await;
        let work = solve(&challenge.unwrap()).unwrap();
        log_in(&site, HERE, "ann", "not it", Some(&work)).await;
    }
    let (_, challenge) = log_in(&site, HERE, "bob", "not it", None).await;
    let work = solve(&challenge.unwrap()).unwrap();
    site.calls.take();
    assert_eq!(log_in(&site, HERE, "ann", PASSWORD, Some(&work)).await, ("throttled", None));
    // The proof is not spent by that.
    assert_eq!(site.calls.take().calls, 1);
    assert_eq!(log_in(&site, HERE, "bob", "not it", Some(&work)).await.0, "invalid_credentials");
}

#[tokio::test]
async fn without_the_setting_there_is_no_challenge_and_a_proof_has_no_effect() {
    let site = locked().await;
    let (_, challenge) = log_in(&site, HERE, "ann", PASSWORD, None).await;
    let work = solve(&challenge.unwrap()).unwrap();
    let site = site.restarted_with(&[("THROTTLE", "on"), ("PROOF_OF_WORK", "off")]);
    for work in [None, Some(work.as_str())] {
        assert_eq!(log_in(&site, HERE, "ann", PASSWORD, work).await, ("throttled", None));
    }
}

/// In each dialect: the challenge is beside `retryAfter`, and the proof is in a header.
#[tokio::test]
async fn each_dialect_has_the_challenge_and_takes_the_proof() {
    let password = format!("password: \"{PASSWORD}\"");
    let by_graphql = |query: String| json!({ "query": query }).to_string();
    let log_ins = [
        (
            "/graphql",
            by_graphql(format!(
                "mutation {{ tokenAuth(username: \"ann\", {password}) {{ success errors }} }}"
            )),
            "/data/tokenAuth/errors/nonFieldErrors/0",
        ),
        (
            "/graphql",
            by_graphql(format!(
                "{{ user_login(arg: {{username: \"ann\", {password}}}) {{ access }} }}"
            )),
            "/errors/0/extensions",
        ),
        ("/users/login/", json!({ "username": "ann", "password": PASSWORD }).to_string(), ""),
        (
            "/api/accounts/login/",
            json!({ "email": "ann@example.com", "password": PASSWORD }).to_string(),
            "",
        ),
    ];
    for (path, body, place) in log_ins {
        let site = locked().await.restarted_with(&[("THROTTLE", "on"), ("TRUSTED_PROXIES", "1")]);
        let from = ("x-forwarded-for", HERE);
        let json_type = ("content-type", "application/json");
        let answer = site.send(Method::POST, path, &[json_type, from], body.clone()).await;
        let answer: Value = serde_json::from_str(&answer.text).unwrap();
        let fault = answer.pointer(place).unwrap_or_else(|| panic!("{path}: {answer}"));
        assert!(fault["retryAfter"].is_u64(), "{answer}");
        let work = solve(fault["challenge"].as_str().unwrap()).unwrap();
        let header = ("x-proof-of-work", work.as_str());
        let answer = site.send(Method::POST, path, &[json_type, from, header], body).await;
        assert!(!answer.text.contains("throttled"), "{path}: {}", answer.text);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
}

/// The forms of the account pages, and each of their fields, without a word in the form about it.
#[tokio::test]
async fn a_form_goes_on_with_work_up_to_the_limit_of_a_day() {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let form_type = [("content-type", "application/x-www-form-urlencoded")];
    let ip = [192, 0, 2, 1];
    let post =
        async |body: String| site.send_from(ip, "/password-reset?lang=de", &form_type, body).await;
    let form = "email=a%26b%40example.com&more=%22%3Cb%3E";
    for number in 0..20 {
        assert_eq!(post(format!("email=user{number}@example.com")).await.status, 303);
    }
    let page = post(form.to_owned()).await;
    assert_eq!(page.status, 429, "{}", page.text);
    assert!(page.headers.contains_key("retry-after"));
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert!(page.text.contains("<html lang=\"de\""), "{}", page.text);
    assert!(page.text.contains("action=\"?lang=de\""), "{}", page.text);
    assert!(page.text.contains("data-by-itself"), "{}", page.text);
    for escaped in ["value=\"a&amp;b@example.com\"", "value=\"&quot;&lt;b&gt;\""] {
        assert!(page.text.contains(escaped), "{}", page.text);
    }
    let challenge = |page: &str| {
        let (_, rest) = page.split_once("data-challenge=\"").expect("a challenge");
        rest.split('"').next().unwrap().to_owned()
    };
    let work = solve(&challenge(&page.text)).unwrap();
    let with_work = format!("email=ann@example.com&work={work}");
    assert_eq!(post(with_work.clone()).await.status, 303);
    // A second time, the reader has to press a button.
    let page = post(with_work).await;
    assert_eq!(page.status, 429);
    assert!(!page.text.contains("data-by-itself") && !page.text.contains(&work), "{}", page.text);
    // The API takes it, too.
    let work = solve(&challenge(&page.text)).unwrap();
    let reset = json!({ "email": "ann@example.com" }).to_string();
    let headers = [("content-type", "application/json"), ("x-proof-of-work", work.as_str())];
    let answer = site.send_from(ip, "/api/accounts/password/reset/", &headers, reset).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn a_form_that_is_too_large_is_incomplete_and_a_get_takes_no_work() {
    let site = Site::start().await;
    let form_type = [("content-type", "application/x-www-form-urlencoded")];
    let huge = format!("email={}", "a".repeat(20_000));
    let answer = site.send_from([192, 0, 2, 1], "/password-reset", &form_type, huge).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("id=\"email-error\""), "{}", answer.text);
    let script = site.send(Method::GET, "/work.js", &[], "").await;
    assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
}
