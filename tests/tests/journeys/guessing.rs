//! How often a password can be guessed, and by whom.

mod answers;
mod devices;
mod in_a_row;
mod sessions;

use accounts::Accounts;
use accounts::error::AuthError;
use accounts::model::{Client, PlainPassword};
use accounts::operations::{Credentials, LoggedIn, NewPassword};
use jiff::SignedDuration;
use journeys::{Actor, Calls, PASSWORD, Site, at_once};
use serde_json::json;

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
    let result = async |name: &str| {
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
    assert_eq!(result("ann").await, result("nobody").await);
}

#[tokio::test]
async fn parallel_guesses_from_one_network_check_no_more_passwords_than_its_limit() {
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
async fn parallel_guesses_from_many_networks_check_no_more_passwords_than_the_limit_of_the_account()
{
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
    assert_eq!(site.calls.take(), Calls { round_trips: 3, calls: 6 });
    // The session, and the event in the audit trail.
    assert_eq!(site.dump().await.len(), before + 2);
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
        let result = matches!(answer, Err(AuthError::Throttled { retry_after, .. }) if retry_after.get() == wait);
        assert!(result, "{wait}: {answer:?}");
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
async fn the_counts_of_guesses_reveal_neither_the_name_nor_the_network() {
    let (site, _) = with_ann().await;
    guesses(&site, HERE, "nobody", 3).await;
    let kept = site.dump().await;
    let kept = kept.concat();
    assert!(!kept.contains("nobody") && !kept.contains(HERE));
}
