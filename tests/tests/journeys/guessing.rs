//! How often a password can be guessed, and by whom.

use accounts::Accounts;
use accounts::error::AuthError;
use accounts::model::{Client, PlainPassword};
use accounts::operations::{Credentials, LoggedIn, NewPassword};
use axum::http::Method;
use jiff::SignedDuration;
use journeys::{Actor, Calls, DIALECTS, PASSWORD, Site, at_once};
use serde_json::{Value, json};

const QUARTER: SignedDuration = SignedDuration::from_mins(15);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const HERE: &str = "192.0.2.1";
const THERE: &str = "198.51.100.7";

async fn site() -> Site {
    Site::with(&[("THROTTLE", "on")]).await
}

/// A site with ann, who is not logged in.
async fn with_ann() -> (Site, Actor) {
    let site = site().await;
    let ann = site.signed_in("ann").await;
    (site, ann)
}

fn client(ip: &str) -> Client {
    Client { ip: Some(ip.to_owned()), ..Client::default() }
}

async fn try_with(
    accounts: &Accounts,
    client: Client,
    name: &str,
    password: &str,
) -> Result<LoggedIn, AuthError> {
    let name = Credentials::Username(name.to_owned());
    accounts.log_in(name, PlainPassword::new(password), &client).await
}

/// The code of what an attempt comes to.
async fn guess(site: &Site, ip: &str, name: &str, password: &str) -> &'static str {
    let answer = try_with(&site.accounts, client(ip), name, password).await;
    answer.map_or_else(|error| error.code(), |_| "ok")
}

/// What so many wrong passwords in a row come to.
async fn guesses(site: &Site, ip: &str, name: &str, count: usize) -> Vec<&'static str> {
    let mut codes = Vec::new();
    for _ in 0..count {
        codes.push(guess(site, ip, name, "not it").await);
    }
    codes
}

fn after(wrong: usize, throttled: usize) -> Vec<&'static str> {
    [vec!["invalid_credentials"; wrong], vec!["throttled"; throttled]].concat()
}

fn address(number: usize) -> String {
    format!("203.0.{}.{}", number / 250, number % 250)
}

#[tokio::test]
pub(crate) async fn the_sixth_guess_from_a_network_waits_a_quarter_of_an_hour_and_so_does_the_right_password()
 {
    let (site, _) = with_ann().await;
    assert_eq!(guesses(&site, HERE, "ann", 7).await, after(5, 2));
    assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "throttled");
    assert_eq!(guess(&site, THERE, "ann", PASSWORD).await, "ok");
    site.advance(QUARTER);
    assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "ok");
}

#[tokio::test]
async fn an_unknown_name_is_locked_when_and_as_a_known_one_is() {
    let (site, _) = with_ann().await;
    for name in ["ann", "nobody", "no name that can be"] {
        assert_eq!(guesses(&site, HERE, name, 7).await, after(5, 2), "{name}");
    }
    let told = async |name: &str| {
        let wait = SignedDuration::from_secs(7);
        site.advance(wait);
        let path = "/users/login/";
        let fields = json!({ "username": name, "password": "not it" });
        let mut answers = Vec::new();
        for _ in 0..12 {
            let answer = site.post_json(path, None, &fields).await;
            answers.push((answer.status, answer.text, answer.headers.get("retry-after").cloned()));
        }
        answers
    };
    site.advance(DAY);
    assert_eq!(told("ann").await, told("nobody").await);
}

#[tokio::test]
async fn of_many_guesses_at_once_no_more_are_judged_than_one_network_may_make() {
    let (site, _) = with_ann().await;
    let jobs = at_once(50, |number| {
        let accounts = if number % 2 == 0 { &site.accounts } else { &site.elsewhere }.clone();
        async move {
            let answer = try_with(&accounts, client(HERE), "ann", "not it").await;
            answer.map_or_else(|error| error.code(), |_| "ok")
        }
    });
    let codes = jobs.await;
    let of = |code: &str| codes.iter().filter(|it| **it == code).count();
    assert_eq!((of("invalid_credentials"), of("throttled")), (5, 45), "{codes:?}");
    assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "throttled");
    assert_eq!(guess(&site, THERE, "ann", PASSWORD).await, "ok");
}

#[tokio::test]
async fn of_many_guesses_at_once_from_everywhere_no_more_are_judged_than_an_account_allows() {
    let (site, _) = with_ann().await;
    let jobs = at_once(50, |number| {
        let accounts = if number % 2 == 0 { &site.accounts } else { &site.elsewhere }.clone();
        async move {
            let answer = try_with(&accounts, client(&address(number)), "ann", "not it").await;
            answer.map_or_else(|error| error.code(), |_| "ok")
        }
    });
    let codes = jobs.await;
    let of = |code: &str| codes.iter().filter(|it| **it == code).count();
    assert_eq!((of("invalid_credentials"), of("throttled")), (10, 40), "{codes:?}");
}

#[tokio::test]
async fn the_right_password_among_many_at_once_opens_nothing_once_the_others_have_reached_the_limit()
 {
    let (site, ann) = with_ann().await;
    // All of them have looked at the limits, and none has an answer yet.
    site.meet("GetItem", 6);
    let jobs = at_once(6, |number| {
        let accounts = site.accounts.clone();
        async move {
            let right = number == 0;
            let password = if right { PASSWORD } else { "not it" };
            let answer = try_with(&accounts, client(HERE), "ann", password).await;
            (right, answer.map_or_else(|error| error.code(), |_| "ok"))
        }
    });
    let answers = jobs.await;
    let wrong = answers.iter().filter(|(right, code)| !right && *code == "invalid_credentials");
    let (wrong, right) = (wrong.count(), answers.iter().find(|(right, _)| *right).unwrap().1);
    assert!(wrong == 5 && ["ok", "throttled"].contains(&right), "{answers:?}");
    let sessions = site.store.sessions(ann.user_id()).await.unwrap();
    let before = 2;
    assert_eq!(sessions.len() - before, usize::from(right == "ok"), "no session without an answer");
}

#[tokio::test]
async fn a_log_in_without_failures_writes_nothing_but_its_session_and_a_locked_one_writes_nothing()
{
    let (site, _) = with_ann().await;
    // The first one from here is mailed.
    assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "ok");
    site.calls.take();
    let before = site.dump().await.len();
    assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "ok");
    assert_eq!(site.calls.take(), Calls { round_trips: 3, calls: 5 });
    assert_eq!(site.dump().await.len(), before + 1);
    guesses(&site, HERE, "ann", 5).await;
    let (before, hashes) = (site.dump().await, site.accounts.password_hashes());
    site.calls.take();
    for _ in 0..3 {
        assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "throttled");
    }
    assert_eq!(site.calls.take(), Calls { round_trips: 3, calls: 3 });
    assert_eq!(site.dump().await, before, "the lock is not longer by that");
    assert_eq!(site.accounts.password_hashes(), hashes);
}

#[tokio::test]
async fn from_the_tenth_failure_on_an_account_waits_twice_as_long_each_time() {
    let (site, _) = with_ann().await;
    for number in 0..10 {
        assert_eq!(guess(&site, &address(number), "ann", "not it").await, "invalid_credentials");
    }
    for number in 10..14 {
        let wait = 1_u32 << (number - 10);
        assert_eq!(guess(&site, &address(number), "ann", "not it").await, "throttled");
        let answer = try_with(&site.accounts, client(THERE), "ann", PASSWORD).await;
        let told = matches!(answer, Err(AuthError::Throttled { retry_after, .. }) if retry_after.get() == wait);
        assert!(told, "{wait}: {answer:?}");
        site.advance(SignedDuration::from_secs(wait.into()));
        let late = guess(&site, &address(number), "ann", "not it").await;
        assert_eq!(late, "invalid_credentials");
    }
}

#[tokio::test]
async fn a_right_password_forgets_what_its_user_has_mistyped() {
    let (site, _) = with_ann().await;
    for _ in 0..3 {
        assert_eq!(guesses(&site, HERE, "ann", 4).await, after(4, 0));
        assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "ok");
    }
}

#[tokio::test]
async fn a_network_that_fails_at_many_accounts_is_out_for_a_day_and_its_neighbours_are_not() {
    let (site, _) = with_ann().await;
    for number in 0..15 {
        let name = format!("user{number}");
        assert_eq!(guess(&site, "2001:db8::1", &name, "not it").await, "invalid_credentials");
    }
    assert_eq!(guess(&site, "2001:db8::2", "ann", PASSWORD).await, "throttled");
    assert_eq!(guess(&site, "2001:db8:0:1::1", "ann", PASSWORD).await, "ok");
    site.advance(DAY);
    assert_eq!(guess(&site, "2001:db8::2", "ann", PASSWORD).await, "ok");
}

#[tokio::test]
async fn an_attacker_with_an_account_cannot_forget_failures_at_others() {
    let (site, _) = with_ann().await;
    site.advance(SignedDuration::from_hours(1));
    let mallory = site.signed_in("mallory").await;
    for number in 0..13 {
        guess(&site, HERE, &format!("user{number}"), "not it").await;
        guess(&site, HERE, &mallory.name, "not it").await;
        assert_eq!(guess(&site, HERE, &mallory.name, PASSWORD).await, "ok", "{number}");
    }
    for name in ["user13", "user14"] {
        assert_eq!(guess(&site, HERE, name, "not it").await, "invalid_credentials");
    }
    assert_eq!(guess(&site, HERE, &mallory.name, PASSWORD).await, "throttled");
}

#[tokio::test]
async fn a_hundred_failures_from_a_network_lock_it_out_for_four_hours() {
    let (site, _) = with_ann().await;
    let mut judged = 0;
    for minutes in 0..40 {
        for name in 0..3 {
            let codes = guesses(&site, HERE, &format!("user{name}"), 5).await;
            judged += codes.iter().filter(|code| **code == "invalid_credentials").count();
        }
        if judged == 100 {
            break;
        }
        assert!(judged < 100 && minutes < 39, "{judged}");
        site.advance(QUARTER);
    }
    assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "throttled");
    site.advance(SignedDuration::from_hours(4));
    assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "ok");
}

#[tokio::test]
async fn a_lock_touches_no_session_no_refresh_and_no_reset_and_a_reset_lifts_it() {
    let (site, ann) = with_ann().await;
    for number in 0..20 {
        guess(&site, &address(number), "ann", "not it").await;
    }
    assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "throttled");
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
    let ann = site.refreshed(&ann).await;
    assert_eq!(site.send_password_reset(&ann.email()).await["success"], true);
    site.advance(SignedDuration::from_mins(2));
    site.clean_up().await;
    let token = site.link_token(&ann.email()).await;
    let new = "zmxn73hhQQp";
    assert_eq!(site.reset_password(&token, new, new).await["success"], true);
    assert_eq!(guess(&site, HERE, "ann", new).await, "ok");
}

/// A user who has mistyped the password five times resets it, and logs in.
#[tokio::test]
async fn a_reset_unlocks_the_account_for_the_network_that_it_comes_from() {
    let (site, ann) = with_ann().await;
    // Fewer than ten in all: those would lock the account for every network, and be mailed.
    assert_eq!(guesses(&site, THERE, "ann", 4).await, after(4, 0));
    assert_eq!(guesses(&site, HERE, "ann", 5).await, after(5, 0));
    assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "throttled");
    assert_eq!(site.send_password_reset(&ann.email()).await["success"], true);
    // A second mail to an address waits for a minute.
    site.advance(SignedDuration::from_mins(2));
    site.clean_up().await;
    let token = site.link_token(&ann.email()).await;
    let new = NewPassword::from(PlainPassword::new("zmxn73hhQQp".to_owned()));
    let (link, here) = (token.as_str().into(), client(HERE));
    site.accounts.reset_password(link, new, None, &here).await.unwrap();
    assert_eq!(guess(&site, HERE, "ann", "zmxn73hhQQp").await, "ok");
    // No other network has more guesses by that.
    assert_eq!(guesses(&site, THERE, "ann", 2).await, after(1, 1));
}

#[tokio::test]
async fn every_dialect_says_how_long_to_wait() {
    for dialect in DIALECTS {
        let (site, ann) = with_ann().await;
        for _ in 0..10 {
            let _ = dialect.log_in(&site, &ann.name, &ann.email(), "not it").await;
        }
        let answer = dialect.log_in(&site, &ann.name, &ann.email(), PASSWORD).await;
        assert_eq!(answer, Err("throttled".to_owned()), "{dialect:?}");
    }
    let (site, ann) = with_ann().await;
    let message = "Too many attempts. Please try again later, or reset your password.";
    for _ in 0..10 {
        guess(&site, THERE, "ann", "not it").await;
        let fields = json!({ "email": ann.email(), "password": "not it" });
        site.post_json("/api/accounts/login/", None, &fields).await;
    }
    for number in 0..20 {
        guess(&site, &address(number), "ann", "not it").await;
    }
    let told = site.token_auth(json!({ "username": "ann", "password": PASSWORD })).await;
    let error = json!({ "message": message, "code": "throttled", "retryAfter": 1 });
    assert_eq!(told["errors"]["nonFieldErrors"][0], error);
    let document = "query { user_login(arg: {username: \"ann\", password: \"x\"}) { access } }";
    let told = site.graphql(document, Value::Null).await.json();
    let error = json!({ "code": "throttled", "status": 429, "retryAfter": 1 });
    assert_eq!(told["errors"][0]["extensions"], error);
    let fields = json!({ "username": "ann", "password": "x" });
    let told = site.post_json("/users/login/", None, &fields).await;
    assert_eq!((told.status.as_u16(), &told.headers["retry-after"]), (429, &"1".parse().unwrap()));
    let body = json!({ "detail": message, "code": "throttled", "retryAfter": 1 });
    assert_eq!(told.json(), body);
    let fields = json!({ "email": ann.email(), "password": "x" });
    let told = site.post_json("/api/accounts/login/", None, &fields).await;
    assert_eq!((told.status.as_u16(), &told.headers["retry-after"]), (429, &"1".parse().unwrap()));
    assert_eq!(told.json(), body);
}

#[tokio::test]
async fn each_field_of_a_document_that_logs_in_counts() {
    let (site, _) = with_ann().await;
    let fields = (0..5).map(|number| {
        format!("a{number}: tokenAuth(username: \"ann\", password: \"no{number}\") {{ errors }} ")
    });
    let document = format!("mutation {{ {} }}", fields.collect::<String>());
    let mut codes = Vec::new();
    for _ in 0..3 {
        let data = site.graphql(&document, Value::Null).await.json()["data"].clone();
        let all = data.as_object().unwrap().values();
        codes.extend(all.map(|it| it["errors"]["nonFieldErrors"][0]["code"].clone()));
    }
    let wrong = codes.iter().filter(|code| **code == "invalid_credentials").count();
    assert_eq!(wrong, 10, "{codes:?}");
}

#[tokio::test]
async fn nothing_in_the_table_tells_who_was_guessed_or_from_where() {
    let (site, _) = with_ann().await;
    guesses(&site, HERE, "nobody", 3).await;
    let kept = site.dump().await;
    let kept = kept.concat();
    assert!(!kept.contains("nobody") && !kept.contains(HERE));
}

/// The token that a log-in gives to a new device.
async fn device_token(site: &Site, name: &str) -> String {
    let opened = try_with(&site.accounts, client(HERE), name, PASSWORD).await;
    opened.unwrap().device
}

/// What the right password comes to, from an unused address, on a device with that token.
async fn with_token(site: &Site, name: &str, token: &str) -> &'static str {
    let client = Client { device: Some(token.to_owned()), ..client("192.0.2.200") };
    let answer = try_with(&site.accounts, client, name, PASSWORD).await;
    answer.map_or_else(|error| error.code(), |_| "ok")
}

/// Strangers try wrong passwords for an account from everywhere, until it is locked.
async fn attack(site: &Site, name: &str) {
    for number in 0..200 {
        guess(site, &address(number), name, "not it").await;
    }
    assert_eq!(guess(site, THERE, name, PASSWORD).await, "throttled");
}

#[tokio::test]
async fn strangers_do_not_lock_out_a_user_on_a_known_device() {
    let (site, _) = with_ann().await;
    let token = device_token(&site, "ann").await;
    attack(&site, "ann").await;
    assert_eq!(with_token(&site, "ann", &token).await, "ok");
    // Not even from a network that is out.
    for number in 0..15 {
        guess(&site, "192.0.2.200", &format!("user{number}"), "not it").await;
    }
    assert_eq!(guess(&site, "192.0.2.200", "ann", PASSWORD).await, "throttled");
    assert_eq!(with_token(&site, "ann", &token).await, "ok");
}

#[tokio::test]
async fn a_device_token_is_of_no_use_for_another_user_once_all_sessions_have_ended_or_when_it_is_forged()
 {
    let (site, ann) = with_ann().await;
    site.advance(SignedDuration::from_hours(1));
    site.signed_in("mallory").await;
    let [own, foreign] = [device_token(&site, "ann").await, device_token(&site, "mallory").await];
    attack(&site, "ann").await;
    let mut forged = own.clone();
    forged.replace_range(forged.len() - 6.., "AAAAAA");
    for useless in ["", "rubbish", &forged, &foreign, &ann.access] {
        assert_eq!(with_token(&site, "ann", useless).await, "throttled", "{useless}");
    }
    assert_eq!(with_token(&site, "ann", &own).await, "ok");
    site.store.end_all_sessions(ann.user_id()).await.unwrap();
    assert_eq!(with_token(&site, "ann", &own).await, "throttled");
}

#[tokio::test]
async fn a_device_that_has_failed_too_often_is_a_stranger() {
    let (site, _) = with_ann().await;
    let token = device_token(&site, "ann").await;
    let wrong = async || {
        let client = Client { device: Some(token.clone()), ..client(HERE) };
        try_with(&site.accounts, client, "ann", "not it").await.unwrap_err().code()
    };
    for _ in 0..10 {
        assert_eq!(wrong().await, "invalid_credentials");
    }
    assert_eq!(with_token(&site, "ann", &token).await, "ok", "as a stranger");
    attack(&site, "ann").await;
    assert_eq!(with_token(&site, "ann", &token).await, "throttled");
}

#[tokio::test]
async fn a_mark_comes_in_a_header_of_each_dialect_and_in_a_cookie_where_tokens_do() {
    let (site, ann) = with_ann().await;
    let json_type = ("content-type", "application/json");
    let by_graphql = |document: String| json!({ "query": document }).to_string();
    let password = format!("password: \"{PASSWORD}\"");
    let log_ins = [
        (
            "/graphql",
            by_graphql(format!(
                "mutation {{ tokenAuth(username: \"ann\", {password}) {{ success errors }} }}"
            )),
        ),
        (
            "/graphql",
            by_graphql(format!(
                "{{ user_login(arg: {{username: \"ann\", {password}}}) {{ access }} }}"
            )),
        ),
        ("/users/login/", json!({ "username": "ann", "password": PASSWORD }).to_string()),
        ("/api/accounts/login/", json!({ "email": ann.email(), "password": PASSWORD }).to_string()),
    ];
    let mut tokens = Vec::new();
    for (path, body) in &log_ins {
        let answer = site.send(Method::POST, path, &[json_type], body.clone()).await;
        tokens.push(answer.headers["x-device"].to_str().unwrap().to_owned());
    }
    attack(&site, "ann").await;
    // An account has a count for each of its names.
    for number in 0..100 {
        let email = Credentials::Email(ann.email());
        let client = client(&address(number));
        let wrong = PlainPassword::new("not it".to_owned());
        site.accounts.log_in(email, wrong, &client).await.unwrap_err();
    }
    for ((path, body), token) in log_ins.iter().zip(&tokens) {
        let device = ("x-device", token.as_str());
        let answer = site.send(Method::POST, path, &[json_type], body.clone()).await;
        assert!(answer.text.contains("throttled"), "{path}: {}", answer.text);
        assert!(!answer.headers.contains_key("x-device"));
        let answer = site.send(Method::POST, path, &[json_type, device], body.clone()).await;
        assert!(!answer.text.contains("throttled"), "{path}: {}", answer.text);
    }
    let site = site.restarted_with(&[("THROTTLE", "on"), ("TOKENS_IN_COOKIES", "true")]);
    let own = ("sec-fetch-site", "same-origin");
    let (path, body) = &log_ins[0];
    let device = ("x-device", tokens[0].as_str());
    let answer = site.send(Method::POST, path, &[json_type, own, device], body.clone()).await;
    let cookies = answer.headers.get_all("set-cookie").iter();
    let cookies: Vec<_> = cookies.map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
    let cookie = cookies.iter().find(|cookie| cookie.starts_with("JWT-device=")).unwrap();
    assert!(cookie.ends_with("Max-Age=15552000; HttpOnly; Secure; SameSite=Lax"), "{cookie}");
    let cookie = ("cookie", cookie.split(';').next().unwrap());
    let answer = site.send(Method::POST, path, &[json_type, own, cookie], body.clone()).await;
    assert!(answer.text.contains("\"success\":true"), "{}", answer.text);
}

/// What an operation with that password comes to, in a session.
async fn confirm(site: &Site, actor: &Actor, password: &str) -> String {
    let archive =
        format!("mutation {{ archiveAccount(password: \"{password}\") {{ success errors }} }}");
    let answer =
        site.ask(actor, &archive, Value::Null).await.json()["data"]["archiveAccount"].clone();
    let errors = answer["errors"].as_object().cloned().unwrap_or_default();
    let code = errors.values().next().map(|error| error[0]["code"].as_str().unwrap().to_owned());
    code.unwrap_or_else(|| "ok".to_owned())
}

#[tokio::test]
async fn a_session_in_which_the_password_is_guessed_is_asked_no_more_and_others_are() {
    let (site, thief) = with_ann().await;
    let ann = site.log_in(&thief).await;
    attack(&site, "ann").await;
    for _ in 0..5 {
        assert_eq!(confirm(&site, &thief, "not it").await, "invalid_password");
    }
    let hashes = site.accounts.password_hashes();
    assert_eq!(confirm(&site, &thief, "not it").await, "throttled");
    assert_eq!(confirm(&site, &thief, PASSWORD).await, "throttled");
    assert_eq!(site.accounts.password_hashes(), hashes);
    assert_eq!(site.me(&thief).await.as_deref(), Some("ann"));
    assert_eq!(confirm(&site, &ann, PASSWORD).await, "ok");
}

#[tokio::test]
async fn of_many_passwords_at_once_in_a_session_no_more_are_judged_than_it_may_try() {
    let (site, ann) = with_ann().await;
    let caller = site.accounts.authenticate(&ann.access).await.unwrap();
    let jobs = at_once(30, |number| {
        let accounts = if number % 2 == 0 { &site.accounts } else { &site.elsewhere }.clone();
        let caller = caller.clone();
        async move {
            let answer = accounts.archive_account(&caller, PlainPassword::new("not it")).await;
            answer.map_or_else(|error| error.code(), |()| "ok")
        }
    });
    let codes = jobs.await;
    let of = |code: &str| codes.iter().filter(|it| **it == code).count();
    assert_eq!((of("invalid_password"), of("throttled")), (5, 25), "{codes:?}");
}

#[tokio::test]
async fn a_hundred_wrong_passwords_in_a_row_disable_a_password_and_its_user_is_told() {
    let (site, ann) = with_ann().await;
    let token = device_token(&site, "ann").await;
    let mut told = Vec::new();
    for number in 1..=100 {
        let wait = SignedDuration::from_mins(16);
        site.advance(wait);
        assert_eq!(guess(&site, &address(number), "ann", "not it").await, "invalid_credentials");
        if [9, 10, 49, 50, 99, 100].contains(&number) {
            site.clean_up().await;
            let mails = site.mails_to(&ann.email()).await;
            let subjects = mails.iter().filter(|mail| mail.subject.contains("password"));
            told.push((number, subjects.map(|mail| mail.subject.clone()).collect::<Vec<_>>()));
        }
    }
    let warned = |times| vec!["Many wrong passwords for your account on Example".to_owned(); times];
    let disabled = [warned(2), vec!["Your password on Example is disabled".to_owned()]].concat();
    let expected = vec![
        (9, warned(0)),
        (10, warned(1)),
        (49, warned(1)),
        (50, warned(2)),
        (99, warned(2)),
        (100, disabled),
    ];
    assert_eq!(told, expected);
    // The account is locked by that. After the lock, the right password is answered as a wrong one.
    assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "throttled");
    site.advance(SignedDuration::from_hours(31 * 24));
    assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "invalid_credentials");
    assert_eq!(guess(&site, HERE, "ann", "not it").await, "invalid_credentials");
    // A device that the account knows logs in, and makes the password good again.
    assert_eq!(with_token(&site, "ann", &token).await, "ok");
    assert_eq!(guess(&site, THERE, "ann", PASSWORD).await, "ok");
}

#[tokio::test]
async fn a_reset_makes_another_password_good_for_one_that_is_disabled() {
    let (site, ann) = with_ann().await;
    for number in 1..=100 {
        site.advance(SignedDuration::from_mins(16));
        guess(&site, &address(number), "ann", "not it").await;
    }
    site.clean_up().await;
    site.mails_to(&ann.email()).await;
    site.send_password_reset(&ann.email()).await;
    let token = site.link_token(&ann.email()).await;
    let new = "zmxn73hhQQp";
    assert_eq!(site.reset_password(&token, new, new).await["success"], true);
    assert_eq!(guess(&site, THERE, "ann", new).await, "ok");
}

#[tokio::test]
async fn hasura_with_its_secret_is_no_network() {
    let secret = "a secret of an action";
    let site =
        Site::with(&[("THROTTLE", "on"), ("HASURA_ACTION_SECRET", "a secret of an action")]).await;
    site.signed_in("ann").await;
    let log_in = async |name: &str, password: &str, shown: &str| {
        let payload = json!({ "action": { "name": "user_login" },
            "input": { "arg": { "username": name, "password": password } } });
        let mut request = axum::http::Request::post("/hasura/actions")
            .header("content-type", "application/json")
            .header("x-action-secret", shown)
            .body(payload.to_string().into())
            .unwrap();
        let address: std::net::SocketAddr = ([203, 0, 113, 9], 443).into();
        request.extensions_mut().insert(axum::extract::ConnectInfo(address));
        site.respond(request).await
    };
    for number in 0..20 {
        let answer = log_in(&format!("user{number}"), "not it", secret).await;
        assert_eq!(answer.json()["extensions"]["code"], "invalid_credentials", "{number}");
    }
    assert_eq!(log_in("ann", PASSWORD, secret).await.status, 200);
    for _ in 0..10 {
        log_in("ann", "not it", secret).await;
    }
    let answer = log_in("ann", PASSWORD, secret).await;
    let extensions = json!({ "code": "throttled", "status": 429, "retryAfter": 1 });
    assert_eq!(answer.json()["extensions"], extensions);
}

#[tokio::test]
async fn throttled_attempts_are_measured_by_their_rule() {
    let (site, _) = with_ann().await;
    guesses(&site, HERE, "ann", 5).await;
    let log_in = json!({ "query": "mutation { tokenAuth(username: \"ann\", password: \"x\") { success } }" });
    let json_type = ("content-type", "application/json");
    let mut request = axum::http::Request::post("/graphql")
        .header(json_type.0, json_type.1)
        .body(log_in.to_string().into())
        .unwrap();
    let address: std::net::SocketAddr = ([192, 0, 2, 1], 443).into();
    request.extensions_mut().insert(axum::extract::ConnectInfo(address));
    let answer = site.respond(request).await;
    let lines = journeys::log::lines_of(answer.request_id());
    let done = lines.iter().find(|line| line["operation"] == "log_in").unwrap();
    assert_eq!(
        (&done["outcome"], &done["reason"]),
        (&json!("throttled"), &json!("account_and_ip"))
    );
}
