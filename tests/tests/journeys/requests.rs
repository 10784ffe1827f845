//! What one network, and all networks together, may cost the site: accounts, mails, codes that are tried.

use accounts::Accounts;
use accounts::error::AuthError;
use accounts::model::{Client, PlainPassword};
use accounts::operations::{Credentials, FirstPassword, Registration};
use jiff::SignedDuration;
use journeys::log::metrics;
use journeys::{Actor, Answer, Calls, PASSWORD, Site, at_once};
use serde_json::{Value, json};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const CEILING: &[(&str, &str)] = &[("THROTTLE", "on"), ("NEW_ADDRESS_MAILS_PER_HOUR", "20")];
const CONCEALING: &[(&str, &str)] =
    &[("THROTTLE", "on"), ("NEW_ADDRESS_MAILS_PER_HOUR", "20"), ("CONCEAL_ACCOUNTS", "true")];
const HERE: &str = "192.0.2.1";
const THERE: &str = "198.51.100.7";
const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const TEXT: &str = "Too many requests. Please try again later.";

fn client(ip: &str) -> Client {
    Client { ip: Some(ip.to_owned()), ..Client::default() }
}

/// `ok`, or the code of an error; with its seconds, if it is to wait.
fn result<T>(answer: Result<T, AuthError>) -> String {
    match answer {
        Ok(_) => "ok".to_owned(),
        Err(AuthError::Throttled { retry_after, limited, .. }) => {
            format!("{retry_after} {limited}")
        }
        Err(error) => error.code().to_owned(),
    }
}

fn waits(seconds: u32) -> String {
    format!("{seconds} {TEXT}")
}

async fn sign_up(accounts: &Accounts, ip: &str, name: &str) -> String {
    let password = FirstPassword::Given(PlainPassword::new(PASSWORD));
    let email = format!("{name}@example.com");
    let registration = Registration::new(email, Some(name.to_owned()), password);
    result(Box::pin(accounts.register(registration, &client(ip))).await)
}

/// So many requests that cost little, none of which is refused.
async fn requests(site: &Site, ip: &str, count: usize) {
    for number in 0..count {
        let email = format!("nobody{number}@example.com");
        let answer = site.accounts.send_password_reset(&email, &client(ip)).await;
        assert_eq!(result(answer), "ok", "{number}");
    }
}

/// Every operation that counts, and what it comes to from that network.
async fn each(site: &Site, ann: &Actor, link: &str, ip: &str, round: usize) -> Vec<String> {
    let (accounts, from) = (&site.accounts, client(ip));
    let caller = site.caller(ann).await;
    let second = format!("second{round}@example.com");
    let password = PlainPassword::new(PASSWORD);
    vec![
        sign_up(accounts, ip, &format!("user{round}")).await,
        result(accounts.resend_activation("nobody@example.com", &from).await),
        result(accounts.send_code("nobody@example.com", &from).await),
        result(accounts.verify_account_by_code("nobody@example.com", "123456", &from).await),
        result(accounts.send_again(link, &from).await),
        result(accounts.send_password_reset("nobody@example.com", &from).await),
        result(accounts.send_log_in("nobody@example.com", None, &from).await),
        result(accounts.send_secondary_email_activation(&caller, &second, password, &from).await),
        result(
            accounts.change_email(&caller, &format!("new{round}@example.com"), None, &from).await,
        ),
    ]
}

async fn with_ann() -> (Site, Actor, String) {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let ann = site.sign_up("ann").await;
    let link = site.link_token(&ann.email()).await;
    assert_eq!(site.verify_account(&link).await["success"], true);
    let ann = site.log_in(&ann).await;
    (site, ann, link)
}

#[tokio::test]
pub(crate) async fn all_requests_of_a_network_that_make_accounts_send_mail_or_try_codes_count_together()
 {
    let (site, ann, link) = with_ann().await;
    let done = ["ok", "ok", "ok", "invalid_otp", "ok", "ok", "ok", "ok", "ok"];
    for round in 0..2 {
        assert_eq!(each(&site, &ann, &link, HERE, round).await, done);
    }
    requests(&site, HERE, 2).await;
    let hashes = site.accounts.password_hashes();
    assert_eq!(each(&site, &ann, &link, HERE, 2).await, [(); 9].map(|()| waits(3_600)));
    assert_eq!(site.accounts.password_hashes(), hashes);
    let [name, password] = ["ann", PASSWORD].map(str::to_owned);
    let name = Credentials::Username(name);
    let log_in = site.accounts.log_in(name, PlainPassword::new(password), &client(HERE)).await;
    assert_eq!(result(log_in), "ok", "log-ins have limits of their own");
    requests(&site, THERE, 1).await;
    site.advance(HOUR);
    let ann = site.log_in(&ann).await;
    assert_eq!(each(&site, &ann, &link, HERE, 3).await, done);
}

#[tokio::test]
async fn a_request_with_an_address_that_is_none_does_not_count() {
    let (site, ann, _) = with_ann().await;
    let (caller, from) = (site.caller(&ann).await, client(HERE));
    for _ in 0..25 {
        let password = PlainPassword::new(PASSWORD);
        let second =
            site.accounts.send_secondary_email_activation(&caller, "no address", password, &from);
        assert_eq!(result(second.await), "invalid");
        let change = site.accounts.change_email(&caller, "no address", None, &from);
        assert_eq!(result(change.await), "invalid");
    }
    requests(&site, HERE, 20).await;
    let next = site.accounts.send_password_reset("a@b.example", &from).await;
    assert_eq!(result(next), waits(3_600));
}

#[tokio::test]
async fn a_network_has_a_hundred_such_requests_a_day_and_is_64_bits_wide() {
    let (site, ..) = with_ann().await;
    for _ in 0..5 {
        requests(&site, "2001:db8::1", 20).await;
        site.advance(HOUR);
    }
    let reset = async |ip| {
        result(site.accounts.send_password_reset("nobody@example.com", &client(ip)).await)
    };
    assert_eq!(reset("2001:db8::2").await, waits(23 * 3_600));
    assert_eq!(reset("2001:db8:0:1::1").await, "ok");
    site.advance(HOUR * 23);
    assert_eq!(reset("2001:db8::2").await, "ok");
}

#[tokio::test]
async fn of_many_sign_ups_at_once_no_more_are_hashed_mailed_or_named_than_a_network_may_make() {
    let site = Site::with(&[("THROTTLE", "on"), ("CONCEAL_ACCOUNTS", "true")]).await;
    let jobs = at_once(50, |number| {
        let accounts = if number % 2 == 0 { &site.accounts } else { &site.elsewhere }.clone();
        async move { sign_up(&accounts, HERE, &format!("user{number}")).await }
    });
    let answers = jobs.await;
    let done = answers.iter().filter(|answer| *answer == "ok").count();
    assert_eq!(done, 20, "{answers:?}");
    assert_eq!(site.accounts.password_hashes() + site.elsewhere.password_hashes(), 20);
    assert_eq!((site.items("USERNAME#").await.len(), site.items("MAIL#").await.len()), (20, 20));
}

#[tokio::test]
async fn a_request_that_has_to_wait_costs_one_read_and_does_not_wait_longer_for_that() {
    let (site, ..) = with_ann().await;
    requests(&site, HERE, 20).await;
    let (before, hashes) = (site.dump().await, site.accounts.password_hashes());
    site.calls.take();
    for wait in 0..3 {
        assert_eq!(sign_up(&site.accounts, HERE, "bob").await, waits(3_600 - wait));
        site.advance(SignedDuration::from_secs(1));
    }
    assert_eq!(site.calls.take(), Calls { round_trips: 3, calls: 3 });
    assert_eq!((site.dump().await, site.accounts.password_hashes()), (before, hashes));
    let kept = site.dump().await.concat();
    assert!(!kept.contains(HERE), "only digests of networks are stored");
}

#[tokio::test]
async fn where_accounts_are_concealed_a_known_address_counts_as_an_unknown_one_does() {
    for name in ["ann", "nobody"] {
        let site = Site::with(&[("THROTTLE", "on"), ("CONCEAL_ACCOUNTS", "true")]).await;
        site.signed_in("ann").await;
        let mut answers = Vec::new();
        for number in 0..21 {
            let password = FirstPassword::Given(PlainPassword::new(PASSWORD));
            let (email, name) = (format!("{name}@example.com"), format!("name{number}"));
            let registration = Registration::new(email, Some(name), password);
            answers.push(result(site.accounts.register(registration, &client(HERE)).await));
        }
        let expected = [vec!["ok".to_owned(); 20], vec![waits(3_600)]].concat();
        assert_eq!(answers, expected, "{name}");
    }
}

#[tokio::test]
async fn every_dialect_and_every_page_says_how_long_to_wait() {
    let (site, ann, _) = with_ann().await;
    let site = site.restarted_with(&[("THROTTLE", "on"), ("PROOF_OF_WORK", "off")]);
    requests(&site, HERE, 20).await;
    let ip = [192, 0, 2, 1];
    let graphql = async |document: &str| {
        let body = json!({ "query": document }).to_string();
        let token = ann.authorization();
        let headers = [JSON, ("authorization", token.as_str())];
        site.send_from(ip, "/graphql", &headers, body).await.json()
    };
    let error = json!({ "message": TEXT, "code": "throttled", "retryAfter": 3_600 });
    for field in [
        "register(email: \"b@example.com\", username: \"bob\", password1: \"kdjf84jfKKd\", password2: \"kdjf84jfKKd\")",
        "resendActivationEmail(email: \"b@example.com\")",
        "sendPasswordResetEmail(email: \"b@example.com\")",
        "sendSecondaryEmailActivation(email: \"b@example.com\", password: \"kdjf84jfKKd\")",
    ] {
        let result = graphql(&format!("mutation {{ it: {field} {{ errors }} }}")).await;
        assert_eq!(result["data"]["it"]["errors"]["nonFieldErrors"], json!([error]), "{field}");
    }
    let login = "username: \"bob\", email: \"b@example.com\", password: \"kdjf84jfKKd\"";
    for (document, status) in [
        (format!("mutation {{ createUser(input: {{{login}}}) {{ user {{ id }} }} }}"), None),
        ("mutation { updateUser(input: {email: \"b@example.com\"}) { user { id } } }".into(), None),
        (format!("mutation {{ user_register(arg: {{{login}}}) {{ id }} }}"), Some(429)),
        (
            "mutation { user_password_reset(arg: {email: \"b@example.com\"}) { status } }".into(),
            Some(429),
        ),
    ] {
        let result = graphql(&document).await;
        let found = &result["errors"][0]["extensions"];
        let found = [&found["code"], &found["retryAfter"], &found["status"]];
        assert_eq!(found, [&json!("throttled"), &json!(3_600), &json!(status)], "{result}");
    }
    let body = json!({ "detail": TEXT, "code": "throttled", "retryAfter": 3_600 });
    let asked = |answer: &Answer| {
        let wait = answer.headers.get("retry-after").and_then(|wait| wait.to_str().ok());
        (answer.status.as_u16(), wait.map(str::to_owned))
    };
    let later = (429, Some("3600".to_owned()));
    let user = json!({ "email": "b@example.com", "username": "bob", "password": PASSWORD });
    let code = json!({ "email": "b@example.com", "otp": "123456" });
    for (path, fields) in [
        ("/api/accounts/signup/", &user),
        ("/api/accounts/send-otp/", &user),
        ("/api/accounts/verify-email/", &code),
        ("/api/accounts/password/reset/", &user),
        ("/users/user/register/", &user),
        ("/users/reset_password/", &user),
    ] {
        let result = site.send_from(ip, path, &[JSON], fields.to_string()).await;
        assert_eq!((asked(&result), result.json()), (later.clone(), body.clone()), "{path}");
    }
    for (path, fields) in [
        ("/password-reset", "email=b@example.com"),
        ("/activation-mail", "email=b@example.com"),
        ("/activate", "email=b@example.com&code=123456"),
    ] {
        let result = site.send_from(ip, path, &[FORM], fields).await;
        assert_eq!(asked(&result), later, "{path}");
        assert!(result.text.contains("Please wait a while"), "{path}: {}", result.text);
    }
}

#[tokio::test]
async fn hasura_with_its_secret_is_no_network_here_either() {
    const SECRET: &str = "a secret of an action";
    let site = Site::with(&[("THROTTLE", "on"), ("HASURA_ACTION_SECRET", SECRET)]).await;
    let payload = json!({ "action": { "name": "user_password_reset" },
        "input": { "arg": { "email": "nobody@example.com" } } });
    let headers = [JSON, ("x-action-secret", SECRET)];
    for _ in 0..21 {
        let ip = [203, 0, 113, 9];
        let answer = site.send_from(ip, "/hasura/actions", &headers, payload.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

/// How much of a metric there is, or how much of it by that rule.
fn measured(name: &str, rule: Option<&str>) -> i64 {
    let lines = metrics().into_iter();
    let lines = lines.filter(|line| rule.is_none_or(|rule| line["Rule"] == rule));
    lines.filter_map(|line| line[name].as_i64()).sum()
}

fn network(number: usize) -> String {
    format!("203.0.113.{number}")
}

/// A site that may mail to twenty new addresses an hour, with ann, who has an account, and bob, who has not proven
/// that his address is his.
async fn with_ceiling(settings: &'static [(&'static str, &'static str)]) -> (Site, Actor) {
    let site = Site::with(settings).await;
    let ann = site.signed_in("ann").await;
    site.sign_up("bob").await;
    site.deliver_mail().await;
    site.advance(HOUR * 2 + SignedDuration::from_mins(10));
    site.aws.mailbox().clear();
    (site, ann)
}

#[tokio::test]
async fn a_wave_of_invented_addresses_gets_no_more_mails_than_the_site_may_send_and_users_get_theirs()
 {
    let (site, ann) = with_ceiling(CEILING).await;
    let before = measured("NewAddressMails", None);
    let mut answers = Vec::new();
    for number in 0..60 {
        let name = format!("wave{number}");
        answers.push(sign_up(&site.accounts, &network(number % 6), &name).await);
    }
    assert_eq!(answers, [vec!["ok".to_owned(); 20], vec![waits(3_000); 40]].concat());
    assert_eq!(measured("NewAddressMails", None) - before, 20);
    assert_eq!(measured("Throttled", Some("new_addresses")), 40);
    let caller = site.caller(&site.log_in(&ann).await).await;
    let from = client(THERE);
    for email in ["ann@example.com", "bob@example.com", "nobody@example.com"] {
        let resent = result(site.accounts.resend_activation(email, &from).await);
        assert_eq!(resent, waits(3_000), "{email}");
    }
    let changed = site.accounts.change_email(&caller, "new@example.com", None, &from).await;
    assert_eq!(result(changed), waits(3_000));
    for email in ["ann@example.com", "bob@example.com", "nobody@example.com"] {
        let reset = result(site.accounts.send_password_reset(email, &from).await);
        assert_eq!(reset, "ok", "{email}");
    }
    site.deliver_mail().await;
    let mails = site.aws.mailbox().messages();
    let to = |address: &str| mails.iter().filter(|mail| mail.to == [address]).count();
    assert_eq!((mails.len(), to("ann@example.com"), to("bob@example.com")), (21, 1, 0));
    site.advance(SignedDuration::from_secs(3_000));
    assert_eq!(sign_up(&site.accounts, THERE, "carol").await, "ok");
}

#[tokio::test]
async fn of_many_sign_ups_at_once_from_everywhere_no_more_are_mailed_than_the_site_may_send() {
    let (site, _) = with_ceiling(CONCEALING).await;
    let jobs = at_once(40, |number| {
        let accounts = if number % 2 == 0 { &site.accounts } else { &site.elsewhere }.clone();
        async move { sign_up(&accounts, &network(number), &format!("wave{number}")).await }
    });
    let answers = jobs.await;
    let done = answers.iter().filter(|answer| *answer == "ok").count();
    assert_eq!(done, 20, "{answers:?}");
    // The owner of a known address learns no more than a stranger.
    let answers = ["ann", "new"].map(async |name| {
        let email = format!("{name}@example.com");
        let password = FirstPassword::Given(PlainPassword::new(PASSWORD));
        let registration = Registration::new(email, Some(format!("{name}2")), password);
        result(site.accounts.register(registration, &client(THERE)).await)
    });
    for answer in answers {
        assert_eq!(answer.await, waits(3_000));
    }
}

#[tokio::test]
async fn a_site_without_a_ceiling_asks_for_no_count_of_new_addresses() {
    let site = Site::with(&[("THROTTLE", "on"), ("NEW_ADDRESS_MAILS_PER_HOUR", "0")]).await;
    assert_eq!(sign_up(&site.accounts, HERE, "ann").await, "ok");
    assert_eq!(site.items("NEW_ADDRESSES#").await, Vec::<String>::new());
    let answer = site.graphql("{ me { username } }", Value::Null).await;
    assert_eq!(answer.json()["data"]["me"], Value::Null);
}
