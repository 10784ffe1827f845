//! Log in by mail: one mail with a link and a code, good in the browser that has asked for it.

mod account;
mod concealed;
mod on_pages;
mod sign_up;
mod tries;

use jiff::SignedDuration;
use journeys::{Actor, Answer, DIALECTS, Site, at_once, failure_code};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::second_factor::{Secured, proof, secure};

const ANN: &str = "ann@example.com";
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

async fn post(site: &Site, document: &str, variables: Value, more: &[(&str, &str)]) -> Answer {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let headers = [&[("content-type", "application/json")], more].concat();
    site.send(axum::http::Method::POST, "/graphql", &headers, body).await
}

/// `sendLoginEmail` for that address, in a browser that has the id of an earlier request or not: the id of the request.
async fn ask_again(site: &Site, email: &str, earlier: Option<&str>) -> String {
    let document = "mutation($e: String!, $i: String) {
        it: sendLoginEmail(email: $e, loginId: $i) { success errors loginId } }";
    let answer = post(site, document, json!({ "e": email, "i": earlier }), &[]).await.json();
    let it = &answer["data"]["it"];
    assert_eq!(it["success"], true, "{answer}");
    it["loginId"].as_str().unwrap().to_owned()
}

async fn ask(site: &Site, email: &str) -> String {
    ask_again(site, email, None).await
}

/// `loginByEmail`, and what it answers.
async fn try_code(site: &Site, id: &str, code: &str, headers: &[(&str, &str)]) -> Answer {
    let document = "mutation($i: String!, $c: String!) {
        it: loginByEmail(loginId: $i, code: $c) {
            success errors token refreshToken unarchiving user { username verified firstName } } }";
    post(site, document, json!({ "i": id, "c": code }), headers).await
}

async fn log_in(site: &Site, id: &str, code: &str) -> Value {
    try_code(site, id, code, &[]).await.json()["data"]["it"].clone()
}

/// The code of the failure of a log-in.
async fn refusal(site: &Site, id: &str, code: &str) -> String {
    let answer = log_in(site, id, code).await;
    assert_eq!(
        (&answer["success"], &answer["token"], &answer["user"]),
        (&json!(false), &Value::Null, &Value::Null),
        "{answer}"
    );
    failure_code(&answer).to_owned()
}

/// A user of that name, by a log-in that succeeds.
async fn logged_in(site: &Site, name: &str, id: &str, code: &str) -> Actor {
    let answer = log_in(site, id, code).await;
    assert_eq!(answer["success"], true, "{answer}");
    Actor { name: name.to_owned(), ..Actor::default() }.with_tokens(&answer)
}

/// Another code than that one.
fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

/// C18: one mail has both, and either logs in, in each dialect: as the first factor, which claims no more than that.
#[tokio::test]
async fn one_mail_has_a_link_and_a_code_and_either_logs_in() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    for dialect in DIALECTS {
        for is_code in [true, false] {
            let before = site.mails_to(ANN).await.len();
            let id = dialect.request_log_in_mail(&site, ANN).await.unwrap();
            assert_eq!(site.mails_to(ANN).await.len(), before + 1, "{dialect:?}");
            let typed = if is_code { site.code(ANN).await } else { site.link_token(ANN).await };
            let opened = dialect.log_in_by_mail(&site, &id, &typed).await.unwrap();
            assert_eq!(dialect.who(&site, &opened).await.as_deref(), Ok("ann"));
            let (amr, acr, at) = proof(&opened.access);
            assert_eq!((amr, acr), (json!(["email"]), json!("aal1")), "{dialect:?}");
            assert_eq!(at, site.now().as_second());
            let again = dialect.log_in_by_mail(&site, &id, &typed).await.unwrap_err();
            let used = if is_code { "invalid_otp" } else { "invalid_token" };
            assert!(again == used || again == "token_not_valid", "{dialect:?} {again}");
            let next = dialect.refresh(&site, &opened).await.unwrap();
            assert_eq!(proof(&next.access).0, json!(["email"]));
        }
    }
}

/// C18: of many log-ins at once with the same code, one opens a session.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_comes_many_times_at_once_opens_one_session() {
    let site = Arc::new(Site::start().await);
    let ann = site.signed_in("ann").await;
    let before = site.sessions(&ann).await.len();
    let id = ask(&site, ANN).await;
    let (code, link) = (site.code(ANN).await, site.link_token(ANN).await);
    let answers = at_once(16, |number| {
        let (site, id) = (site.clone(), id.clone());
        let typed = if number % 2 == 0 { code.clone() } else { link.clone() };
        async move { log_in(&site, &id, &typed).await }
    });
    let opened = answers.await.iter().filter(|answer| answer["success"] == true).count();
    assert_eq!((opened, site.sessions(&ann).await.len()), (1, before + 1));
}

/// C18: a code that a victim reads out to another site is worthless there: it belongs to the browser that has asked.
#[tokio::test]
async fn a_code_and_a_link_are_worthless_with_the_id_of_another_request() {
    let site = Site::start().await;
    let (_, _) = (site.signed_in("ann").await, site.signed_in("eve").await);
    let anns = ask(&site, ANN).await;
    let (code, link) = (site.code(ANN).await, site.link_token(ANN).await);
    let others = [ask(&site, ANN).await, ask(&site, "eve@example.com").await];
    for other in &others {
        assert_eq!(refusal(&site, other, &code).await, "invalid_otp");
        assert_eq!(refusal(&site, other, &link).await, "invalid_token");
    }
    for rubbish in ["", "rubbish", &link, &anns[1..]] {
        assert_eq!(refusal(&site, rubbish, &code).await, "invalid_token", "{rubbish}");
    }
    logged_in(&site, "ann", &anns, &code).await;
}

/// C18: ten minutes, and not a second more. A further mail makes no code live longer.
#[tokio::test]
async fn a_code_and_a_link_are_good_for_ten_minutes() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let id = ask(&site, ANN).await;
    let (code, link) = (site.code(ANN).await, site.link_token(ANN).await);
    site.advance(MINUTE * 5);
    let again = ask_again(&site, ANN, Some(&id)).await;
    assert_eq!(site.code(ANN).await, code, "the same request goes on");
    site.advance(MINUTE * 5 - SignedDuration::from_secs(1));
    let other = ask(&site, ANN).await;
    assert_eq!(refusal(&site, &id, &another(&code)).await, "invalid_otp");
    site.advance(SignedDuration::from_secs(1));
    for id in [&id, &again] {
        assert_eq!(refusal(&site, id, &code).await, "expired_token");
    }
    assert_eq!(refusal(&site, &other, &link).await, "expired_token");
}

/// C18: a user who asks twice types the code of either mail; after some minutes, of the later one.
#[tokio::test]
async fn a_further_mail_of_the_same_browser_has_the_same_code_for_some_minutes() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let first = ask(&site, ANN).await;
    let code = site.code(ANN).await;
    site.advance(MINUTE);
    let second = ask_again(&site, ANN, Some(&first)).await;
    assert_eq!(site.code(ANN).await, code);
    site.advance(MINUTE * 5);
    let third = ask_again(&site, ANN, Some(&second)).await;
    let later = site.code(ANN).await;
    assert_ne!(later, code);
    assert_eq!(refusal(&site, &third, &code).await, "invalid_otp");
    logged_in(&site, "ann", &third, &later).await;
    logged_in(&site, "ann", &second, &code).await;
}

/// C1, C2: a log-in by mail is a first factor. The second step is that of the password, and each request gives one
/// challenge.
#[tokio::test]
async fn a_user_with_a_second_factor_gets_no_session_by_mail_alone() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let Secured { recovery_codes, .. } = secure(&site, &ann).await;
    let sessions = site.all_items().await.iter().filter(|item| is_session(item)).count();
    for (number, dialect) in DIALECTS.into_iter().enumerate() {
        let id = dialect.request_log_in_mail(&site, ANN).await.unwrap();
        let typed = if number % 2 == 0 { site.code(ANN).await } else { site.link_token(ANN).await };
        let challenge = dialect.first_step_by_mail(&site, &id, &typed).await;
        let again = dialect.log_in_by_mail(&site, &id, &typed).await.unwrap_err();
        assert!(["invalid_otp", "invalid_token", "token_not_valid"].contains(&again.as_str()));
        assert_eq!(
            site.all_items().await.iter().filter(|item| is_session(item)).count(),
            sessions + number
        );
        let opened = dialect.complete(&site, &challenge, &recovery_codes[number]).await.unwrap();
        let (amr, acr, _) = proof(&opened.access);
        assert_eq!((amr, acr), (json!(["email", "otp", "mfa"]), json!("aal2")), "{dialect:?}");
    }
}

fn is_session(item: &journeys::Item) -> bool {
    item["sk"].as_s().is_ok_and(|sk| sk.starts_with("SESSION#"))
}

/// C19: the link was opened in another browser: it has the code for the browser that has asked, and the time and the
/// address of the request. To look changes nothing.
#[tokio::test]
async fn a_link_that_is_opened_elsewhere_has_the_code_for_the_browser_that_has_asked() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let id = ask(&site, ANN).await;
    let (code, token) = (site.code(ANN).await, site.link_token(ANN).await);
    let asked_at = site.now().to_string();
    site.advance(MINUTE);
    let document = "mutation($t: String!) {
        it: showLoginCode(token: $t) { success errors code askedAt ipAddress } }";
    let show = async |token: &str| {
        post(&site, document, json!({ "t": token }), &[]).await.json()["data"]["it"].clone()
    };
    let items = site.all_items().await;
    for _ in 0..2 {
        let shown = show(&token).await;
        let moment: jiff::Timestamp = shown["askedAt"].as_str().unwrap().parse().unwrap();
        assert_eq!((&shown["code"], moment.to_string()), (&json!(code), asked_at.clone()));
    }
    assert_eq!(site.all_items().await, items);
    let fields = json!({ "token": token });
    let answer = site.post_json("/api/accounts/login/email/code/", None, &fields).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["code"]),
        (200, &json!(code)),
        "{}",
        answer.text
    );
    logged_in(&site, "ann", &id, &code).await;
    assert_eq!(failure_code(&show(&token).await), "invalid_token");
    let reset = site.reset_link(&Actor { name: "ann".to_owned(), ..Actor::default() }).await;
    assert_eq!(failure_code(&show(&reset).await), "invalid_token");
}
